"""Blueprints: the quirks of Port's data model resource (facts: port-api.md §2.1 and §6.5-16)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.kinds.base import STAMPS, Kind, load_schema, without_empty
from portcfg.model import Body, Path, Ref

MAPS = ("relations", "mirrorProperties", "calculationProperties", "aggregationProperties")
# The keys of a property that portcfg compares; others that Port may know are carried through writes.
PROPERTY_KEYS = frozenset(load_schema("blueprint")["$defs"]["property"]["properties"]) - {"$include"}


def _ref(identifier: str) -> Ref:
    return Ref("blueprint", identifier)


def is_system(identifier: str) -> bool:
    """Port's own blueprints start with `_`: never created or deleted, and managed by merge."""
    return identifier.startswith("_")


def comparable(body: Body) -> Body:
    """Port's defaults filled in, sets sorted, empty sections dropped."""
    shaped = without_empty({key: value for key, value in body.items() if key not in STAMPS})
    shaped["schema"] = _schema(body.get("schema") or {})
    shaped["relations"] = {name: _relation(value) for name, value in (body.get("relations") or {}).items()}
    shaped["mirrorProperties"] = _parts(body.get("mirrorProperties"))
    shaped["calculationProperties"] = _parts(body.get("calculationProperties"))
    if "aggregationProperties" in body:
        shaped["aggregationProperties"] = {
            name: _aggregation(value) for name, value in (body["aggregationProperties"] or {}).items()
        }
    return shaped


def _schema(schema: Mapping[str, Any]) -> Body:
    properties = {name: _property(value) for name, value in (schema.get("properties") or {}).items()}
    return {"properties": properties, "required": sorted(schema.get("required") or [])}


def _property(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return without_empty({key: part for key, part in value.items() if key in PROPERTY_KEYS})


def _parts(section: Mapping[str, Any] | None) -> Body:
    return {name: without_empty(part) for name, part in (section or {}).items()}


def _relation(relation: Mapping[str, Any]) -> Body:
    return without_empty({"required": False, "many": False, **relation})


def _aggregation(part: Mapping[str, Any]) -> Body:
    shaped = without_empty({"type": "number", **part})
    if not (shaped.get("query") or {}).get("rules"):
        shaped.pop("query", None)
    return shaped


def references(body: Body) -> Iterator[tuple[Path, Ref]]:
    """The blueprints that relations and aggregations aim at."""
    for section in ("relations", "aggregationProperties"):
        for name, part in (body.get(section) or {}).items():
            if isinstance(part, dict) and isinstance(part.get("target"), str):
                yield (section, name, "target"), _ref(part["target"])


def without(body: Body, target: Ref) -> Body:
    """`body` less the relations to `target`, and the mirrors and aggregations that need them."""
    shaped = copy.deepcopy(body)
    relations = shaped.get("relations") or {}
    gone = {name for name, relation in relations.items() if relation.get("target") == target.identifier}
    shaped["relations"] = {name: relation for name, relation in relations.items() if name not in gone}
    if shaped.get("mirrorProperties"):
        shaped["mirrorProperties"] = {
            name: mirror
            for name, mirror in shaped["mirrorProperties"].items()
            if str(mirror.get("path", "")).split(".")[0] not in gone
        }
    if shaped.get("aggregationProperties"):
        shaped["aggregationProperties"] = {
            name: part
            for name, part in shaped["aggregationProperties"].items()
            if part.get("target") != target.identifier
        }
    return shaped


def carried(desired: Body, live: Body) -> Body:
    """What to PUT: the spec's body, over what Port holds and the spec doesn't manage.

    A PUT replaces the blueprint, so keys unknown to portcfg, in a property too, would be lost (port-api.md §2.1).
    """
    body = {key: value for key, value in live.items() if key not in STAMPS and key not in MAPS}
    if "aggregationProperties" in live:
        body["aggregationProperties"] = live["aggregationProperties"]
    body = {**body, **copy.deepcopy(desired)}
    live_properties = (live.get("schema") or {}).get("properties") or {}
    for name, value in (body.get("schema", {}).get("properties") or {}).items():
        unknown = {key: part for key, part in live_properties.get(name, {}).items() if key not in PROPERTY_KEYS}
        if isinstance(value, dict):
            body["schema"]["properties"][name] = {**unknown, **value}
    return body


def stages(body: Body) -> list[Body]:
    """Bare, then with relations and calculations, then whole: each may need the one before on another blueprint."""
    bare: Body = {key: value for key, value in body.items() if key not in (*MAPS, "ownership", "teamInheritance")}
    related: Body = {**bare, **{key: body[key] for key in ("relations", "calculationProperties") if key in body}}
    return [bare, related, body]


def parts(body: Body) -> Iterator[tuple[str, list[str]]]:
    """The keys of each section."""
    yield "properties", list((body.get("schema") or {}).get("properties") or {})
    for section in MAPS:
        yield section, list(body.get(section) or {})


BLUEPRINT = Kind(
    name="blueprint",
    folder="blueprints",
    collection="/blueprints",
    list_key="blueprints",
    level=0,
    sections=frozenset({"title", "icon", "description", "schema", "relations", "mirrorProperties"})
    | {"calculationProperties"},
    comparable=comparable,
    # A catalog page for every blueprint would be a page that no spec describes.
    create_params={"create_catalog_page": "false"},
    list_params={"exclude_calculated_properties": "true"},
    system=is_system,
    references=references,
    without=without,
    carried=carried,
    stages=stages,
    parts=parts,
)
