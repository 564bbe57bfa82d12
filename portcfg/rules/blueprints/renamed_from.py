"""PC205: a `renamed_from` that can't be carried out, of a part or of a whole resource."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds import KINDS
from portcfg.kinds.base import members_of
from portcfg.model import Document, Path, Ref
from portcfg.rules.fields import SECTIONS
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# What Port keeps under one set of names.
NAMESPACE: tuple[Path, ...] = tuple(SECTIONS.values())


def check(portal: Portal) -> Iterator[Found]:
    """Only one can get the values, or the entities, of what was there before."""
    names = {document.ref for document in portal.everything}
    first: dict[Ref, Ref] = {}
    for document in portal.documents:
        if KINDS[document.kind].renaming.asked(document.body):
            yield from _parts(document)
        if finding := _whole(document, names, first):
            yield Found(document, ("renamed_from",), *finding)


def _parts(document: Document) -> Iterator[Found]:
    first: dict[tuple[bool, str], str] = {}
    body = document.body
    for rename in KINDS[document.kind].renaming.asked(body):
        path = (*rename.section, rename.new, "renamed_from")
        sections = NAMESPACE if rename.section in NAMESPACE else (rename.section,)
        other = first.setdefault((rename.section in NAMESPACE, rename.old), rename.new)
        if rename.old == rename.new:
            yield Found(document, path, f"{rename.new!r} is renamed from its own name", "remove renamed_from")
        elif any(rename.old in members_of(body, section) for section in sections):
            message = f"{rename.new!r} is renamed from {rename.old!r}, which the blueprint still has"
            yield Found(document, path, message, "remove one of the two")
        elif other != rename.new:
            message = f"{other!r} and {rename.new!r} are both renamed from {rename.old!r}"
            yield Found(document, path, message, "only one can get its values")


def _whole(document: Document, names: set[Ref], first: dict[Ref, Ref]) -> tuple[str, str] | None:
    kind, ref = KINDS[document.kind], document.ref
    if not (was := kind.renaming.was(document.body)):
        return None
    old = Ref(kind.name, was)
    if kind.system(ref.identifier) or kind.system(was):
        return f"{ref} is renamed from {was!r}, and Port's own can't be renamed", "remove renamed_from"
    if old in names:
        return f"{ref} is renamed from {was!r}, which the specs still have", "remove one of the two"
    if (other := first.setdefault(old, ref)) != ref:
        return f"{other} and {ref} are both renamed from {was!r}", "only one can get its entities"
    return None


RULE = Rule("PC205", check)
