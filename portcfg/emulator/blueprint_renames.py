"""Rename routes of blueprints: entities keep their values, and what names the member elsewhere follows.

Calculations don't follow: their jq is text. Nor do widgets and mappings. A calculation that names the old name is null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from portcfg.emulator.blueprint_rules import property_names
from portcfg.emulator.blueprint_shapes import RENAMES
from portcfg.emulator.blueprints import find
from portcfg.emulator.body_checks import require
from portcfg.emulator.calls import Answer, Call
from portcfg.emulator.port_store import copy_of
from portcfg.emulator.system_blueprints import check_members, is_system
from portcfg.emulator.wire_errors import not_found, taken
from portcfg.model import Body


@dataclass(frozen=True)
class Rename:
    """One member's new name, and the blueprints (copies) as they were before it."""

    blueprint: str
    old: str
    new: str
    blueprints: dict[str, Body]

    def name(self, blueprint: str | None, name: str) -> str:
        """What `name` is called in `blueprint` afterwards."""
        return self.new if (blueprint, name) == (self.blueprint, self.old) else name

    def steps(self, start: str, path: list[str]) -> Iterator[tuple[str | None, str]]:
        """(blueprint, name) of each name in a path of relations; a broken path goes on in no blueprint."""
        current: str | None = start
        for name in path:
            yield current, name
            relations = self.blueprints.get(current or "", {}).get("relations", {})
            current = relations.get(name, {}).get("target")

    def path(self, start: str, path: list[str]) -> list[str]:
        """A path of relations, which may end in a property, with the new name where it names the member."""
        return [self.name(blueprint, name) for blueprint, name in self.steps(start, path)]


def rename_property(call: Call) -> Answer:
    """PATCH .../properties/{member}/rename `{newPropertyName}`: values, `required`, mirrors and aggregations follow."""
    rename = _renaming(call, "newPropertyName")
    blueprint = copy_of(rename.blueprints[rename.blueprint])
    schema = blueprint["schema"]
    schema["properties"] = _renamed(rename, schema["properties"], "Property", property_names(blueprint))
    schema["required"] = [rename.name(rename.blueprint, name) for name in schema.get("required", [])]
    call.store.move_values(rename.blueprint, "properties", rename.old, rename.new)
    return _saved(call, rename, blueprint, _follow_property)


def rename_mirror(call: Call) -> Answer:
    """PATCH .../mirror/{member}/rename `{newMirrorName}`: what mirrors or aggregates the mirror follows."""
    rename = _renaming(call, "newMirrorName")
    blueprint = copy_of(rename.blueprints[rename.blueprint])
    names = property_names(blueprint)
    blueprint["mirrorProperties"] = _renamed(rename, blueprint["mirrorProperties"], "Mirror property", names)
    return _saved(call, rename, blueprint, _follow_property)


def rename_relation(call: Call) -> Answer:
    """PATCH .../relations/{member}/rename `{newRelationIdentifier}`: values and all paths through it follow."""
    rename = _renaming(call, "newRelationIdentifier")
    blueprint = copy_of(rename.blueprints[rename.blueprint])
    blueprint["relations"] = _renamed(rename, blueprint["relations"], "Relation", set(blueprint["relations"]))
    call.store.move_values(rename.blueprint, "relations", rename.old, rename.new)
    return _saved(call, rename, blueprint, _follow_relation)


def _renaming(call: Call, key: str) -> Rename:
    body = call.json_object()
    require(RENAMES[key], body)
    identifier = find(call.store, call.params["blueprint"])["identifier"]
    blueprints = {blueprint["identifier"]: blueprint for blueprint in call.store.documents("blueprint")}
    return Rename(identifier, call.params["member"], body[key], blueprints)


def _renamed(rename: Rename, members: Body, title: str, names: set[str]) -> Body:
    if rename.old not in members:
        raise not_found(title, rename.old)
    if rename.new in names:
        raise taken(title, rename.new)
    return {rename.new if name == rename.old else name: member for name, member in members.items()}


def _saved(call: Call, rename: Rename, renamed: Body, follow: Callable[[Rename, Body], None]) -> Answer:
    for identifier, before in rename.blueprints.items():
        after = renamed if identifier == rename.blueprint else copy_of(before)
        follow(rename, after)
        if after == before:
            continue
        after.update(call.updated())
        if is_system(identifier):
            check_members(identifier, after)
        call.store.save_document("blueprint", identifier, after)
        call.note("UPDATE", "blueprint", blueprint=identifier)
    return 200, {"ok": True, "blueprint": renamed}


def _follow_property(rename: Rename, blueprint: Body) -> None:
    for mirror in blueprint["mirrorProperties"].values():
        mirror["path"] = ".".join(rename.path(blueprint["identifier"], mirror["path"].split(".")))
    for aggregation in blueprint["aggregationProperties"].values():
        spec, target = aggregation["calculationSpec"], aggregation["target"]
        for key in ("property", "measureTimeBy"):
            if key in spec:
                spec[key] = rename.name(target, spec[key])
        _follow_query(rename, target, aggregation.get("query"))


def _follow_relation(rename: Rename, blueprint: Body) -> None:
    identifier = blueprint["identifier"]
    for mirror in blueprint["mirrorProperties"].values():
        *relations, last = mirror["path"].split(".")
        mirror["path"] = ".".join([*rename.path(identifier, relations), last])
    for aggregation in blueprint["aggregationProperties"].values():
        for wanted in aggregation.get("pathFilter") or ():
            wanted["path"] = rename.path(wanted.get("fromBlueprint", aggregation["target"]), wanted["path"])
        _follow_query(rename, aggregation["target"], aggregation.get("query"))
    ownership = blueprint.get("ownership") or {}
    if "path" in ownership:
        ownership["path"] = ".".join(rename.path(identifier, ownership["path"].split(".")))


def _follow_query(rename: Rename, target: str, query: Body | None) -> None:
    for rule in (query or {}).get("rules", ()):
        if "combinator" in rule:
            _follow_query(rename, target, rule)
        elif isinstance(rule.get("property"), str):
            rule["property"] = rename.name(target, rule["property"])
