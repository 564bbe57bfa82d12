"""Specs of a large portal, made for the benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from portcfg.yamlread import dump

PROPERTIES = 20


def write_blueprints(root: Path, count: int) -> None:
    """`count` blueprints of 20 properties, a calculation and a relation to the one before, a file each."""
    folder = root / "blueprints"
    folder.mkdir(parents=True)
    for index in range(count):
        properties = {f"property_{number}": {"type": "number", "title": f"P {number}"} for number in range(PROPERTIES)}
        relation = {"before": {"target": f"thing_{index - 1}", "title": "Before", "required": False, "many": False}}
        body = {
            "title": f"Thing {index}",
            "icon": "Box",
            "schema": {"properties": properties, "required": ["property_0"]},
            "calculationProperties": {
                "both": {
                    "title": "Both",
                    "type": "number",
                    "calculation": ".properties.property_0 + .properties.property_1",
                }
            },
            "relations": relation if index else {},
        }
        (folder / f"thing_{index}.yaml").write_text(dump(body), encoding="utf-8")


def write_portal(root: Path, blueprints: int, dashboards: int, title: str = "Thing") -> None:
    """Blueprints in a tree of which each has ten below it, with a mirror of the one above, every tenth in a cycle of
    two; and dashboards of four widgets over them. A file each."""
    for folder in ("blueprints", "dashboards"):
        (root / folder).mkdir(parents=True)
    for index in range(blueprints):
        _write(root / "blueprints" / f"part_{index}.yaml", _part(index, title))
    for index in range(dashboards):
        widgets = {f"w{number}": _number(f"part_{(index * 4 + number) % blueprints}") for number in range(4)}
        _write(root / "dashboards" / f"view_{index}.yaml", {"title": f"{title} view {index}", "widgets": widgets})


def _part(index: int, title: str) -> dict[str, Any]:
    relations, mirrors = {}, {}
    if index:
        relations["above"] = {"target": f"part_{(index - 1) // 10}", "required": False, "many": False}
        mirrors["size_above"] = {"title": "Size above", "path": "above.property_0"}
    if index % 20 == 11:
        relations["beside"] = {"target": f"part_{index + 1}", "required": False, "many": False}
    if index % 20 == 12:
        relations["beside"] = {"target": f"part_{index - 1}", "required": False, "many": False}
    properties = {f"property_{number}": {"type": "number", "title": f"P {number}"} for number in range(PROPERTIES)}
    return {
        "title": f"{title} {index}",
        "schema": {"properties": properties},
        "relations": relations,
        "mirrorProperties": mirrors,
    }


def _number(blueprint: str) -> dict[str, Any]:
    return {"type": "number", "title": "How many", "blueprint": blueprint, "count": "entities"}


def _write(path: Path, body: dict[str, Any]) -> None:
    path.write_text(dump(body), encoding="utf-8")


def write_project(root: Path, count: int) -> None:
    """A portal of `count` files: of ten, seven are blueprints, two dashboards, one a mapping of seven of these."""
    mappings, dashboards = count // 10, count // 5
    blueprints = count - mappings - dashboards
    write_portal(root, blueprints, dashboards)
    (root / "mappings").mkdir()
    for index in range(mappings):
        _write(root / "mappings" / f"feed_{index}.yaml", _mapping([*range(index, blueprints, mappings)]))


def _mapping(parts: list[int]) -> dict[str, Any]:
    source = {"base_url": "https://api.example.com", "auth": {"type": "bearer", "token_env": "TOKEN"}}
    return {"source": source, "resources": [_resource(part) for part in parts]}


def _resource(part: int) -> dict[str, Any]:
    properties = {f"property_{number}": f".totals.value_{number} // 0" for number in range(PROPERTIES)}
    entity: dict[str, Any] = {"identifier": f'.id + "@{part}"', "title": ".name", "blueprint": f'"part_{part}"'}
    entity |= {"properties": properties, "relations": {"above": ".parent"} if part else {}}
    return {
        "kind": f"/parts/{part}",
        "selector": {"query": '.state != "deleted"', "data_path": ".items"},
        "port": {"entity": {"mappings": entity}},
    }
