"""PC503: a property that is read, of a blueprint that mappings fill, and that none of them writes."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.lineage.known import mapped
from portcfg.rules.lineages import Part
from portcfg.rules.nearest import listed
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

NAMED = 2
# What a sync reads itself must be written by its own mapping: PC315.
SYNCS = frozenset({"report", "retention", "prune"})


def check(portal: Portal) -> Iterator[Found]:
    """A name that is required is told by PC321, one that a mapping misspells by PC320.

    Relations are left out: they are often set by people, or by whoever else fills their target. So are
    timers: people and actions set them.
    """
    names = _names(portal)
    for identifier, shape in mapped(portal).items():
        required = (shape.document.body.get("schema") or {}).get("required") or []
        if not names.get(identifier, set()) <= {*shape.fields, *shape.relations}:
            continue
        for each in shape.fields.values():
            if each.format == "timer":
                continue
            part = portal.lineage[identifier].get(each.name)
            if part and each.section == "property" and each.name not in required and not part.writers:
                readers = [str(link) for link in part.readers if link.what not in SYNCS]
                if readers:
                    yield Found(shape.document, each.path, _message(part, list(dict.fromkeys(readers))), _hint(portal))


def _names(portal: Portal) -> dict[str, set[str]]:
    """What mappings write into each blueprint, whether it has that or not."""
    found: dict[str, set[str]] = {}
    for each in portal.written:
        if each.name:
            found.setdefault(each.blueprint, set()).add(each.name)
    return found


def _message(part: Part, readers: list[str]) -> str:
    return f"no mapping writes {part.name!r} of {part.blueprint!r}, read by {listed(readers, NAMED)}"


def _hint(portal: Portal) -> str:
    return f"write it in a mapping; or say who writes it, in {portal.project.file} under external.writers"


RULE = Rule("PC503", check, "warning")
