"""PC215: ownership that is inherited from nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Document
from portcfg.rules.blueprints.ways import follow
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """The path goes over relations to a blueprint that has owners; in the end they are its own (port-api.md §2.1)."""
    for document in portal.blueprints.values():
        ownership = document.body.get("ownership") or {}
        inherited, path = ownership.get("type") == "Inherited", ownership.get("path")
        if inherited and path:
            if finding := _wrong(portal, document, str(path).split(".")):
                yield Found(document, ("ownership", "path"), *finding)
        elif inherited:
            hint = "say over which relations: `path: service`"
            yield Found(document, ("ownership",), "inherited ownership without a path", hint)
        elif path is not None:
            hint = "remove the path, or write `type: Inherited`"
            yield Found(document, ("ownership", "path"), "direct ownership has no path", hint)


def _wrong(portal: Portal, document: Document, path: list[str]) -> tuple[str, str] | None:
    way = follow(portal, document.ref.identifier, path)
    if way.broken:
        message = f"the path goes over {way.broken!r}, which is no relation of {way.at}"
        return message, meant(way.broken, portal.shapes[way.at].relations, "relations")
    if not _owned(portal, way.end):
        return f"the path ends at {way.end}, which has no ownership", f"give {way.end} `ownership: {{type: Direct}}`"
    if circle := _circle(portal, document.ref.identifier):
        return f"the ownership is inherited in a circle: {' from '.join(circle)}", "one of them has to be Direct"
    return None


def _owned(portal: Portal, blueprint: str) -> bool:
    shape = portal.shapes.get(blueprint)
    return shape is None or not shape.is_whole or bool(shape.document.body.get("ownership"))


def _circle(portal: Portal, start: str) -> list[str]:
    """The blueprints that lead back to `start`, both ends included; empty if none does."""
    passed = [start]
    while (document := portal.blueprints.get(passed[-1])) is not None:
        ownership = document.body.get("ownership") or {}
        if ownership.get("type") != "Inherited" or not ownership.get("path"):
            break
        end = follow(portal, passed[-1], str(ownership["path"]).split(".")).end
        if end == start:
            return [*passed, end]
        if end in passed:
            break
        passed.append(end)
    return []


RULE = Rule("PC215", check)
