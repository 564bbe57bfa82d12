"""PC216: an aggregation whose target no relations lead to."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Body
from portcfg.rules.blueprints.ways import AGGREGATIONS, astray, members
from portcfg.rules.fields import follow
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Relations link the two in either direction; a `pathFilter` says which (port-api.md §2.1)."""
    for document, name, aggregation in members(portal, AGGREGATIONS):
        own, target = document.ref.identifier, aggregation["target"]
        filters = aggregation.get("pathFilter") or []
        if len(filters) > 1:
            message = f"the aggregation {name!r} has {len(filters)} paths, and Port takes one"
            yield Found(document, (*AGGREGATIONS, name, "pathFilter", 1), message, "make an aggregation of each")
        for index, way in enumerate(filters):
            if finding := _wrong(portal, own, target, way):
                yield Found(document, (*AGGREGATIONS, name, "pathFilter", index), *finding)
        if not filters and not (_may_reach(portal, own, target) or _may_reach(portal, target, own)):
            message = f"no relations lead from {own} to {target}, nor back"
            hint = f"add a relation to one of them; the aggregation {name!r} takes what is related"
            yield Found(document, (*AGGREGATIONS, name, "target"), message, hint)


def _wrong(portal: Portal, own: str, target: str, way: Body) -> tuple[str, str] | None:
    """What is wrong with an item of `pathFilter`. It begins at the target, unless it says `fromBlueprint`."""
    start = str(way.get("fromBlueprint") or target)
    if start not in (own, target):
        return f"the path begins at {start!r}, which is neither {own} nor {target}", "set fromBlueprint to one of them"
    found = follow(start, way.get("path") or [], portal.shapes)
    if finding := astray(portal, found):
        return finding
    goal = own if start == target else target
    if found.end not in ("", goal):
        return f"the path ends at {found.end}, not at {goal}", "let it lead from one of the two to the other"
    return None


def _may_reach(portal: Portal, start: str, goal: str) -> bool:
    """Whether relations lead there, or on into what the specs don't tell."""
    seen, ahead = {start}, [start]
    while ahead:
        shape = portal.shapes.get(ahead.pop())
        if shape is None or not shape.is_whole:
            return True
        targets = {shape.target(name) for name in shape.relations}
        if goal in targets:
            return True
        ahead.extend(targets - seen)
        seen |= targets
    return False


RULE = Rule("PC216", check)
