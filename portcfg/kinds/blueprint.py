"""Blueprints: the quirks of Port's data model resource (facts: port-api.md §2.1 and §6.5-16)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.kinds.base import STAMPS, Kind, load_schema, unmanaged, without_empty
from portcfg.kinds.blueprint_moves import RENAMING
from portcfg.kinds.blueprint_reads import calculation_names
from portcfg.kinds.blueprint_renames import KEY, OWN_KEYS, without_renames
from portcfg.kinds.matching import sent
from portcfg.model import Body, Path, Project, Ref

SECTIONS = frozenset(
    {"title", "icon", "description", "schema", "relations", "mirrorProperties", "calculationProperties"}
)
MAPS = ("relations", "mirrorProperties", "calculationProperties", "aggregationProperties")
# The keys that portcfg compares, in a property and in a member of MAPS; others that Port may know are carried through.
_SCHEMA = load_schema("blueprint")
PROPERTY_KEYS = frozenset(_SCHEMA["$defs"]["property"]["properties"]) - {"$include"} - OWN_KEYS
MEMBER_KEYS = {
    section: frozenset(_SCHEMA["properties"][section]["additionalProperties"]["properties"]) - {KEY} for section in MAPS
}
SPEC_KEYS = frozenset(_SCHEMA["properties"]) - STAMPS - OWN_KEYS
# What syncs keep in Port, from the first one on: no spec has it, dashboards may show it.
SYNC_DAYS, SYNC_RUNS = "portcfg_sync_day", "portcfg_sync_run"
SYNC_RECORDS = frozenset({SYNC_DAYS, SYNC_RUNS})
OWNERSHIP_TITLE = "Owning teams"
AUTHENTICATION: Body = {"authorizationScope": ["openid"]}


def _ref(identifier: str) -> Ref:
    return Ref("blueprint", identifier)


def is_system(identifier: str) -> bool:
    """Port's own blueprints start with `_`: never created or deleted, and managed by merge."""
    return identifier.startswith("_")


def comparable(body: Body) -> Body:
    """Port's defaults filled in, sets sorted, empty sections dropped."""
    shaped = without_empty({key: value for key, value in body.items() if key not in STAMPS})
    shaped["schema"] = _schema(body.get("schema") or {})
    shaped |= {section: _members(body, section) for section in MAPS if section in SECTIONS or section in body}
    if shaped.get("ownership", {}).get("title") == OWNERSHIP_TITLE:
        shaped["ownership"] = {key: value for key, value in shaped["ownership"].items() if key != "title"}
    return shaped


def _schema(schema: Mapping[str, Any]) -> Body:
    properties = {name: _property(value) for name, value in (schema.get("properties") or {}).items()}
    required = sorted(schema.get("required") or [])
    return {"properties": properties, **({"required": required} if required else {})}


def _property(value: Mapping[str, Any]) -> Body:
    shaped = without_empty({key: part for key, part in value.items() if key in PROPERTY_KEYS})
    if isinstance(shaped.get("specAuthentication"), dict):
        shaped["specAuthentication"] = {**AUTHENTICATION, **shaped["specAuthentication"]}
    # An empty default is a default.
    return shaped if value.get("default") is None else {**shaped, "default": value["default"]}


MEMBER_DEFAULTS: Mapping[str, Body] = {
    "relations": {"required": False, "many": False},
    "aggregationProperties": {"type": "number"},
}


def _members(body: Body, section: str) -> Body:
    defaults, known = MEMBER_DEFAULTS.get(section, {}), MEMBER_KEYS[section]
    members: Body = {}
    for name, member in (body.get(section) or {}).items():
        shaped = defaults | without_empty({key: part for key, part in member.items() if key in known})
        if not shaped.get("query", {}).get("rules"):
            shaped.pop("query", None)
        if isinstance(shaped.get("calculation"), str):
            shaped["calculation"] = shaped["calculation"].strip()
        members[name] = shaped
    return members


def matched(desired: Body, live: Body) -> tuple[Body, Body]:
    """(desired, live): of Port's own blueprints, what Port requires stays required beside what the spec does."""
    required = (desired.get("schema") or {}).get("required")
    if not (required and is_system(desired["identifier"])):
        return desired, live
    theirs = (live.get("schema") or {}).get("required") or []
    return {**desired, "schema": {**desired["schema"], "required": sorted({*required, *theirs})}}, live


def references(body: Body) -> Iterator[tuple[Path, Ref]]:
    """The blueprints that relations and aggregations aim at."""
    for section in ("relations", "aggregationProperties"):
        for name, part in (body.get(section) or {}).items():
            if isinstance(part, dict) and isinstance(part.get("target"), str):
                yield (section, name, "target"), _ref(part["target"])


def without(body: Body, target: Ref) -> Body:
    """`body` less the relations to `target`, and the mirrors, aggregations and ownership that need them."""
    relations = body.get("relations") or {}
    gone = {name for name, relation in relations.items() if relation.get("target") == target.identifier}
    shaped = {key: value for key, value in body.items() if key != "ownership" or _first(value) not in gone}
    for section in ("relations", "mirrorProperties", "aggregationProperties"):
        if shaped.get(section):
            shaped[section] = {
                name: part
                for name, part in shaped[section].items()
                if part.get("target") != target.identifier and _first(part) not in gone
            }
    return copy.deepcopy(shaped)


def _first(part: Body | None) -> str:
    """The relation with which the path of a mirror or of an ownership begins."""
    return str((part or {}).get("path", "")).split(".")[0]


def carried(desired: Body, live: Body) -> Body:
    """What to PUT: the spec's body, over what Port holds and the spec doesn't manage.

    A PUT replaces the blueprint, so keys unknown to portcfg, in a property too, would be lost (port-api.md §2.1).
    """
    body = {**unmanaged(live, SECTIONS), **copy.deepcopy(desired)}
    _carry(body["schema"]["properties"], live.get("schema", {}).get("properties"), PROPERTY_KEYS)
    for section in MAPS:
        _carry(body.get(section), live.get(section), MEMBER_KEYS[section])
    return sent(body)


def _carry(members: Body | None, live: Body | None, known: frozenset[str]) -> None:
    for name, member in (members or {}).items():
        for key, value in (live or {}).get(name, {}).items():
            if key not in known:
                member.setdefault(key, value)


def stages(desired: Body, live: Body | None) -> list[Body]:
    """Bare, then with relations and calculations, then whole: each may need the one before on another blueprint.

    What Port has already first gets what others may need of it, and loses nothing before the last stage.
    """
    if is_system(desired["identifier"]):
        return [{key: desired[key] for key in ("schema", "relations") if key in desired}, desired]
    if live is not None:
        schema = {**live["schema"], "properties": {**live["schema"]["properties"], **desired["schema"]["properties"]}}
        relations = {**(live.get("relations") or {}), **(desired.get("relations") or {})}
        return [{**unmanaged(live, ()), "schema": schema, "relations": relations}, desired]
    bare: Body = {key: value for key, value in desired.items() if key not in (*MAPS, "ownership", "teamInheritance")}
    related: Body = {**bare, **{key: desired[key] for key in ("relations",) if key in desired}}
    related |= {"calculationProperties": found} if (found := _early(desired)) else {}
    return [bare, related, desired]


def nearer(desired: Body, live: Body) -> Iterator[Body]:
    """What Port holds, with one member, or the ownership, as the spec has it."""
    whole, target = unmanaged(live, ()), carried(desired, live)
    before, after = comparable(whole), comparable(target)
    for section in () if is_system(desired["identifier"]) else MAPS:
        old, new = before.get(section) or {}, after.get(section) or {}
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                members = {key: member for key, member in (whole.get(section) or {}).items() if key != name}
                yield {**whole, section: members | ({name: target[section][name]} if name in new else {})}
    if before.get("ownership") != after.get("ownership") and "ownership" in target:
        yield {**whole, "ownership": target["ownership"]}


def _early(desired: Body) -> Body:
    """The calculations that need no mirror and no aggregation, also not by way of another one."""
    late = {*(desired.get("mirrorProperties") or {}), *(desired.get("aggregationProperties") or {})}
    waiting = dict(desired.get("calculationProperties") or {})
    while needy := {name for name, part in waiting.items() if calculation_names(part["calculation"]) & late}:
        late |= needy
        waiting = {name: part for name, part in waiting.items() if name not in needy}
    return waiting


def decompile(body: Body, _: Project) -> Body:
    """The spec of a live blueprint: what its schema knows, less empty sections and Port's defaults."""
    spec = without_empty({key: value for key, value in body.items() if key in SPEC_KEYS})
    shaped = comparable(body)
    required = (body.get("schema") or {}).get("required")
    spec["schema"] = {**shaped["schema"], **({"required": required} if required else {})}
    for section in MAPS:
        if section in spec:
            spec[section] = {name: _lean(section, member) for name, member in shaped[section].items()}
    if "ownership" in spec:
        spec["ownership"] = shaped["ownership"]
    return spec


def _lean(section: str, member: Body) -> Body:
    defaults = MEMBER_DEFAULTS.get(section, {})
    return {key: value for key, value in member.items() if key not in defaults or value != defaults[key]}


def recognises(body: Body) -> bool:
    """Whether some JSON object is a blueprint."""
    return isinstance(body.get("identifier"), str) and isinstance(body.get("schema"), dict)


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
    sections=SECTIONS,
    comparable=comparable,
    # A catalog page for every blueprint would be a page that no spec describes.
    create_params={"create_catalog_page": "false"},
    list_params={"exclude_calculated_properties": "true"},
    system=is_system,
    references=references,
    without=without,
    compile=without_renames,
    renaming=RENAMING,
    decompile=decompile,
    recognises=recognises,
    matched=matched,
    carried=carried,
    stages=stages,
    nearer=nearer,
    # Answers a migration to follow (port-api.md §2.1, deletion).
    emptied="all-entities?delete_blueprint=true",
    parts=parts,
)
