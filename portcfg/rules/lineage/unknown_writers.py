"""PC505: an external writer of what no blueprint has."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from portcfg.model import Document
from portcfg.rules.lineage.known import all_is_seen
from portcfg.rules.lineages import matched, parts_of
from portcfg.rules.nearest import nearest
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """A name that is misspelt lets the warning stand that it is to answer, and one in vain hides nothing."""
    if not all_is_seen(portal):
        return
    file = Document("", {}, portal.project.file, {})
    for place, (pattern, _) in portal.project.writers.items():
        if not any(True for _ in matched(pattern, portal.shapes)):
            message = f"external.writers names {pattern!r}, which these specs don't have"
            yield Found(file, (), message, _hint(portal, pattern), place)


def _hint(portal: Portal, pattern: str) -> str:
    wanted, dot, _ = pattern.partition(".")
    names = [identifier for identifier in portal.shapes if not dot or fnmatchcase(identifier, wanted)]
    if dot and names:
        known = [f"{each}.{part}" for each in names for part, *_ in parts_of(portal.shapes[each]) if part]
        guess = nearest(pattern, known)
    else:
        guess = nearest(wanted, portal.shapes)
    what = "it takes blueprint or blueprint.property, * for any text; what is computed needs no writer"
    return f"did you mean {guess!r}?" if guess else what


RULE = Rule("PC505", check, "warning")
