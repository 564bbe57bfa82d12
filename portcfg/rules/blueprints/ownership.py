"""PC215: ownership that is inherited from nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Document
from portcfg.rules.blueprints.ways import astray
from portcfg.rules.fields import follow
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
    way = follow(document.ref.identifier, path, portal.shapes)
    if finding := astray(portal, way):
        return finding
    if not _owned(portal, way.end):
        return f"the path ends at {way.end}, which has no ownership", f"give {way.end} `ownership: {{type: Direct}}`"
    return None


def _owned(portal: Portal, blueprint: str) -> bool:
    shape = portal.shapes.get(blueprint)
    return shape is None or not shape.is_whole or bool(shape.document.body.get("ownership"))


RULE = Rule("PC215", check)
