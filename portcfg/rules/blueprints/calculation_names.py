"""PC210: a calculation reads what the entity doesn't have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portcfg.rules.blueprints.calculations import Calculation, calculations
from portcfg.rules.blueprints.ways import names_of
from portcfg.rules.fields import renamed
from portcfg.rules.inside import place_inside
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port refuses properties that don't exist (port-api.md §2.1); anything else is null for every entity."""
    for each in calculations(portal):
        for section, name in each.reads:
            if finding := _wrong(each, section, name):
                at = _at(each.body["calculation"], name)
                inside = place_inside(each.document, each.path, each.body["calculation"], at, portal.texts)
                yield Found(each.document, each.path, *finding, inside)


def _wrong(each: Calculation, section: str, name: str) -> tuple[str, str] | None:
    shape = each.shape
    known = {*names_of(shape), *shape.relations}
    if not section:
        if name in known and name not in ENTITY:
            part = "relations" if name in shape.relations else "properties"
            return f"the calculation {each.name!r} reads .{name} of the entity itself", f"write .{part}.{name}"
        return None
    has = set(names_of(shape)) if section == "properties" else set(shape.relations)
    if name in has or not shape.is_whole or name in renamed(shape):
        return None
    message = f"the calculation {each.name!r} reads .{section}.{name}, which {each.document.ref.identifier} lacks"
    if name in known:
        other = "relations" if section == "properties" else "properties"
        return message, f"write .{other}.{name}"
    return message, meant(name, sorted(has), section)


# What an entity has beside its properties and relations (port-api.md §3.1).
ENTITY = frozenset(
    [
        "identifier",
        "title",
        "icon",
        "blueprint",
        "team",
        "createdAt",
        "createdBy",
        "updatedAt",
        "updatedBy",
        "scorecards",
    ]
)


def _at(text: str, name: str) -> int:
    found = re.search(rf"(?<=\.){re.escape(name)}(?!\w)|\"{re.escape(name)}\"", text)
    return found.start() if found else 0


RULE = Rule("PC210", check)
