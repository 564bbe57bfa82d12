"""A portal of 40 resources before and after a change that takes over 100 writes of every sort to make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.model import Body
from portcfg.yamlread import dump

RING, GROUPS, GROUP = 8, 5, 4
# The change drops a property with values and a blueprint with entities, and means it.
MEANT = ("blueprint/gone-2", "mapping/feed-0", *(f"blueprint/ring-{number}" for number in range(RING)))
PROJECT: Body = {"version": 1, "guards": {"delete_count": 50, "delete_share": 1.0, "update_share": 1.0}}


def before() -> dict[str, str]:
    """The specs that Port has, path -> text."""
    bodies = {f"blueprints/ring-{number}": _ring(number) for number in range(RING)}
    bodies |= {f"blueprints/gone-{number}": _gone(number) for number in range(3)}
    bodies |= {f"dashboards/page-{number}": _page(number, f"ring-{number}") for number in range(4)}
    bodies |= {"dashboards/page-gone": _page(9, "gone-2")}
    bodies |= {"mappings/feed-0": _feed("ring-0"), "mappings/feed-gone": _feed("gone-2")}
    return _files(bodies)


def after() -> dict[str, str]:
    """The specs that it shall have."""
    bodies = {f"blueprints/ring-{number}": _changed_ring(number) for number in range(RING)}
    bodies |= {f"blueprints/new-{number}": _new(number) for number in range(GROUPS * GROUP)}
    bodies |= {f"dashboards/page-{number}": _page(number + 1, f"ring-{number}") for number in range(4)}
    bodies |= {f"dashboards/more-{number}": _page(number, f"new-{number}") for number in range(5)}
    bodies |= {"mappings/feed-0": _feed("ring-1"), "mappings/feed-1": _feed("new-0"), "mappings/feed-2": _feed("new-1")}
    return _files(bodies)


def unmanaged() -> Iterator[tuple[str, Body]]:
    """(path, body) of what somebody else POSTs to Port."""
    schema = {"properties": {"a": {"type": "string"}}}
    yield "/blueprints", {"identifier": "theirs", "title": "Theirs", "schema": schema}
    yield "/blueprints/theirs/entities", {"identifier": "one", "properties": {"a": "x"}}
    widget = {"id": "m", "type": "markdown", "title": "M", "markdown": "x"}
    yield "/pages", {"identifier": "their-page", "title": "Theirs", "type": "dashboard", "widgets": [widget]}


def entities() -> Iterator[tuple[str, Body]]:
    """(path, body) of the entities of `before`: with values in what is renamed, dropped and deleted."""
    for number in range(RING):
        properties = {"size": number, "level": "low", "label": f"label {number}", "note": f"note {number}"}
        yield f"/blueprints/ring-{number}/entities", {"identifier": "e", "properties": properties}
    for number in range(RING):
        related = {"next": "e"}
        yield f"/blueprints/ring-{number}/entities?upsert=true&merge=true", {"identifier": "e", "relations": related}
    yield "/blueprints/gone-2/entities", {"identifier": "e", "properties": {"size": 1}}


def _files(bodies: Mapping[str, Body]) -> dict[str, str]:
    return {"portcfg.yaml": dump(PROJECT), **{f"{path}.yaml": dump(body) for path, body in bodies.items()}}


def _ring(number: int) -> Body:
    """One of a ring of blueprints, each with a mirror over two of its neighbours."""
    return {
        "title": f"Ring {number}",
        "schema": {
            "properties": {
                "size": {"type": "number"},
                "level": {"type": "string", "enum": ["low", "high"]},
                "label": {"type": "string"},
                "note": {"type": "string"},
            },
            "required": ["level"],
        },
        "relations": {"next": {"target": f"ring-{(number + 1) % RING}"}},
        "mirrorProperties": {"near": {"path": "next.size"}, "far": {"path": "next.next.label"}},
        "calculationProperties": {"twice": {"type": "number", "calculation": ".properties.size * 2"}},
        "aggregationProperties": {"before": _count(f"ring-{(number - 1) % RING}")},
    }


def _changed_ring(number: int) -> Body:
    """The same with a property, and here and there a mirror, renamed, one dropped, one added, and more enum values."""
    body = _ring(number)
    properties = body["schema"]["properties"]
    del properties["note"]
    properties["label"] = {"type": "string", "title": "Label"}
    properties["level"]["enum"].append("higher")
    properties["extra"] = {"type": "boolean", "default": False}
    if number < 2:
        properties["name"] = {**properties.pop("label"), "renamed_from": "label"}
    body["mirrorProperties"]["far"]["path"] = f"next.next.{'name' if (number + 2) % RING < 2 else 'label'}"
    if number == 2:
        body["mirrorProperties"]["farther"] = {**body["mirrorProperties"].pop("far"), "renamed_from": "far"}
    if number == 3:
        body["relations"]["new"] = {"target": "new-0", "many": True}
    return {**body, "title": f"Changed {number}"}


def _new(number: int) -> Body:
    """One of groups that each form a cycle, tied to the ring, with everything that can only be written late."""
    first = number - number % GROUP
    peer, up = first + (number + 1) % GROUP, number % RING
    return {
        "title": f"New {number}",
        "icon": "Service",
        "schema": {"properties": {"size": {"type": "number"}, "day": {"type": "string", "format": "date-time"}}},
        "relations": {"peer": {"target": f"new-{peer}"}, "up": {"target": f"ring-{up}"}},
        "mirrorProperties": {"peer_size": {"path": "peer.size"}, "up_size": {"path": "peer.up.size"}},
        "calculationProperties": {"half": {"type": "number", "calculation": ".properties.size / 2"}},
        "aggregationProperties": {"peers": _count(f"new-{first + (number - 1) % GROUP}")},
    }


def _gone(number: int) -> Body:
    """Two that refer to each other, and one with entities that refers to them."""
    return {
        "title": f"Gone {number}",
        "schema": {"properties": {"size": {"type": "number"}}},
        "relations": {"other": {"target": f"gone-{1 - number if number < 2 else 0}"}},
    }


def _count(target: str) -> Body:
    return {"title": "Count", "target": target, "calculationSpec": {"func": "count", "calculationBy": "entities"}}


def _page(number: int, blueprint: str) -> Body:
    widgets: dict[str, Any] = {
        "how_many": {"type": "number", "blueprint": blueprint, "count": "entities"},
        "text": {"type": "text", "title": "Text", "markdown": f"number {number}"},
    }
    return {"title": f"Page {number}", "widgets": widgets}


def _feed(blueprint: str) -> Body:
    mapping = {"identifier": ".id", "blueprint": f'"{blueprint}"', "properties": {"size": ".size"}}
    resource = {"kind": "row", "selector": {"query": "true"}, "port": {"entity": {"mappings": mapping}}}
    return {"runner": "ocean", "resources": [resource]}
