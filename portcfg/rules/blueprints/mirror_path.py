"""PC204: a mirror whose path leads nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.ways import astray, lacks, members, names_of
from portcfg.rules.fields import follow
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """A path goes over relations, the first of which is the blueprint's own, to something at their end."""
    for document, name, mirror in members(portal, ("mirrorProperties",)):
        if finding := _wrong(portal, document.ref.identifier, mirror["path"].split(".")):
            yield Found(document, ("mirrorProperties", name, "path"), *finding)


def _wrong(portal: Portal, start: str, path: list[str]) -> tuple[str, str] | None:
    *relations, last = path
    first = portal.shapes[start].relations
    # What the blueprint's own relations were called before can't begin a path; further on, PC206 tells.
    if relations[0] not in first and portal.shapes[start].is_whole:
        message = f"the path begins with {relations[0]!r}, which is no relation"
        return message, meant(relations[0], first, "relations")
    way = follow(start, relations, portal.shapes)
    if finding := astray(portal, way):
        return finding
    if lacks(portal, way.end, last):
        message = f"the path ends at {last!r}, which {way.end} doesn't have"
        return message, meant(last, names_of(portal.shapes[way.end]), "properties")
    return None


RULE = Rule("PC204", check)
