"""PC206: what still reads a part of a blueprint by the name that it had before.

Port changes mirrors and aggregations by itself when it renames, so the next plan would set them back to what Port then
refuses; a calculation's jq stays as it is, and is null from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from portcfg.kinds import KINDS
from portcfg.kinds.base import members_of
from portcfg.kinds.blueprint_aside import SECTIONS
from portcfg.kinds.blueprint_reads import direct_names, reads
from portcfg.kinds.blueprint_renames import PROPERTIES, RELATIONS
from portcfg.kinds.risk_base import Part, Reader
from portcfg.model import Document, Path, Ref, Rename, Resource
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# What of a reader holds the names of what it reads.
TEXTS: Mapping[str, str] = {"mirror": "path", "calculation": "calculation", "ownership": "path"}


def check(portal: Portal) -> Iterator[Found]:
    """Mirrors, calculations, aggregations and ownership that read a renamed part by its old name."""
    blueprints = {document.ref: document for document in portal.of_kind("blueprint")}
    state = {ref: Resource(ref, document.body, document.file) for ref, document in blueprints.items()}
    renamed = {(ref, each.old): each for ref in state for each in _gone(state[ref])}
    for ref, document in blueprints.items() if renamed else ():
        for part, reader in reads(state[ref], state):
            if part in renamed and not _told_otherwise(ref, document, part, reader, renamed[part]):
                yield _found(document, part, reader, renamed[part])


def _gone(blueprint: Resource) -> Iterator[Rename]:
    """The renames whose old names nothing else in the blueprint has now."""
    sections = (PROPERTIES, RELATIONS, *SECTIONS.values())
    for rename in KINDS[blueprint.ref.kind].renaming.asked(blueprint.body):
        if not any(rename.old in members_of(blueprint.body, section) for section in sections):
            yield rename


def _told_otherwise(ref: Ref, document: Document, part: Part, reader: Reader, rename: Rename) -> bool:
    """Whether it is no mistake, or PC204 finds it."""
    text = _text(document, reader)
    if reader.what == "calculation":
        # Only text that names it for certain; and one that reads both names is made for the time in between.
        names = direct_names(text)
        return rename.old not in names or rename.new in names
    return reader.what == "mirror" and part[0] == ref and text.split(".")[0] == rename.old


def _path(document: Document, reader: Reader) -> Path:
    name = reader.where.removeprefix(f"{document.body.get('identifier')}.")
    member = (*SECTIONS[reader.what], name) if reader.what in SECTIONS else (reader.what,)
    return (*member, TEXTS[reader.what]) if reader.what in TEXTS else member


def _text(document: Document, reader: Reader) -> str:
    path = _path(document, reader)
    return str(members_of(document.body, path[:-1]).get(str(path[-1])))


def _found(document: Document, part: Part, reader: Reader, rename: Rename) -> Found:
    message = f"the {reader.what} reads {rename.old!r} of {part[0]}, which is renamed to {rename.new!r}"
    words, text = _text(document, reader).split("."), ""
    if reader.what in TEXTS and reader.what != "calculation" and words.count(rename.old) == 1:
        text = ".".join(rename.new if word == rename.old else word for word in words)
    hint = f"write `path: {text}`" if text else f"write {rename.new!r} for {rename.old!r}"
    return Found(document, _path(document, reader), message, hint)


RULE = Rule("PC206", check)
