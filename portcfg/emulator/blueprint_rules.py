"""What Port checks in a blueprint beyond its shape: everything it names must exist, and some things never change."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

import jq

from portcfg.emulator.query_shapes import check_query
from portcfg.emulator.wire_errors import WireError, invalid, not_found
from portcfg.model import Body

Lookup = Callable[[str], Body | None]
META = frozenset(
    f"${name}"
    for name in ("identifier", "title", "team", "icon", "blueprint", "createdAt", "updatedAt", "createdBy", "updatedBy")
)
COMPUTED = ("mirrorProperties", "calculationProperties", "aggregationProperties")
USED_PROPERTY = re.compile(r"""(?<![\w\])"])\.properties(?:\.([A-Za-z0-9_]+)|\.?\[?"([^"\\]+)"\]?)""")


@lru_cache(maxsize=4096)
def jq_program(text: str) -> Any:
    """A compiled jq program; raises ValueError if it doesn't compile."""
    return jq.compile(text)


def used_properties(program: str) -> set[str]:
    """The properties that a calculation names."""
    return {bare or quoted for bare, quoted in USED_PROPERTY.findall(program)}


def property_names(blueprint: Body) -> set[str]:
    """Everything that may be read from an entity's properties, the computed ones included."""
    names = set(blueprint["schema"]["properties"])
    return names.union(*(blueprint.get(section, {}) for section in COMPUTED))


def check_blueprint(blueprint: Body, lookup: Lookup, managed: Collection[str] = ()) -> None:
    """Raise the error for the first thing the blueprint names that isn't there.

    `managed` aggregations are Port's own; they are not checked.
    """
    _check_required(blueprint)
    _check_relations(blueprint, lookup)
    _check_calculations(blueprint)
    for name, aggregation in blueprint.get("aggregationProperties", {}).items():
        if name not in managed:
            _check_aggregation(blueprint, name, aggregation, lookup)
    for mirror in blueprint.get("mirrorProperties", {}).values():
        _check_mirror(blueprint, mirror["path"], lookup)
    _check_ownership(blueprint, lookup)


def _check_required(blueprint: Body) -> None:
    for name in blueprint["schema"].get("required", []):
        if name not in blueprint["schema"]["properties"]:
            raise invalid(f'Property with identifier "{name}" was not found')


def _check_relations(blueprint: Body, lookup: Lookup) -> None:
    for name, relation in blueprint.get("relations", {}).items():
        if relation.get("many") and relation.get("required"):
            raise invalid(f'Relation "{name}" can\'t be both `many` and `required`')
        if lookup(relation["target"]) is None:
            raise not_found("Blueprint", relation["target"])


def _check_calculations(blueprint: Body) -> None:
    known = property_names(blueprint)
    for name, calculation in blueprint.get("calculationProperties", {}).items():
        try:
            jq_program(calculation["calculation"])
        except ValueError as error:
            raise invalid(f'The calculation of "{name}" is not a valid jq expression: {error}') from None
        for used in sorted(used_properties(calculation["calculation"]) - known):
            raise invalid(f'Property with identifier "{used}" was not found')


def _check_mirror(blueprint: Body, path: str, lookup: Lookup) -> None:
    end = path_end(blueprint, path.split(".")[:-1], lookup)
    name = path.split(".")[-1]
    if end is None or (name not in META and name not in property_names(end)):
        raise invalid(f'The path "{path}" do not exists')


def path_end(blueprint: Body, relations: list[str], lookup: Lookup) -> Body | None:
    """The blueprint at the end of a path of relations, or None if the path breaks."""
    current: Body | None = blueprint
    for name in relations:
        relation = (current or {}).get("relations", {}).get(name)
        if relation is None:
            return None
        current = lookup(relation["target"])
    return current


def _check_aggregation(blueprint: Body, name: str, aggregation: Body, lookup: Lookup) -> None:
    target = lookup(aggregation["target"])
    if target is None:
        raise not_found("Blueprint", aggregation["target"])
    spec = aggregation["calculationSpec"]
    known = property_names(target) | META
    for used in (spec.get("property"), spec.get("measureTimeBy")):
        if used is not None and used not in known:
            raise no_property(aggregation["target"], used)
    if "query" in aggregation:
        check_query(aggregation["query"], f"body/aggregationProperties/{name}/query")
        _check_query_names(aggregation["query"], target, known | set(target.get("relations", {})))
    if not relation_path(blueprint, target, aggregation, lookup):
        raise invalid(
            f'Aggregation "{name}": no path of relations links "{blueprint["identifier"]}" and "{target["identifier"]}"'
        )


def no_property(blueprint: str, name: str) -> WireError:
    """422 for a property that the blueprint hasn't got."""
    return invalid(f'The "{blueprint}" Blueprint does not have property with name "{name}"')


def _check_query_names(query: Body, target: Body, known: set[str]) -> None:
    for rule in query["rules"]:
        if "combinator" in rule:
            _check_query_names(rule, target, known)
        elif isinstance(rule.get("property"), str) and rule["property"] not in known:
            raise no_property(target["identifier"], rule["property"])


def relation_path(
    blueprint: Body, target: Body, aggregation: Body, lookup: Lookup
) -> tuple[str, tuple[str, ...]] | None:
    """How to get from an entity to the ones it aggregates: ("in" or "out", relations), or None.

    "in": the target's entities lead to ours through the relations; "out": ours lead to theirs. A `pathFilter` says it,
    read from `fromBlueprint`, the target unless it is said; otherwise the shortest path is taken.
    """
    for wanted in aggregation.get("pathFilter") or ():
        origin = wanted.get("fromBlueprint", target["identifier"])
        ways = (("in", target, blueprint), ("out", blueprint, target))
        for way, start, goal in ways:
            end = path_end(start, wanted["path"], lookup) if start["identifier"] == origin else None
            if end is not None and end["identifier"] == goal["identifier"]:
                return way, tuple(wanted["path"])
        return None
    inward = _shortest(target, blueprint["identifier"], lookup)
    outward = _shortest(blueprint, target["identifier"], lookup)
    return ("in", inward) if inward else ("out", outward) if outward else None


def _shortest(start: Body, goal: str, lookup: Lookup) -> tuple[str, ...]:
    seen = {start["identifier"]}
    paths: list[tuple[Body, tuple[str, ...]]] = [(start, ())]
    while paths:
        current, path = paths.pop(0)
        for name, relation in current.get("relations", {}).items():
            if relation["target"] == goal:
                return (*path, name)
            following = lookup(relation["target"])
            if following is not None and relation["target"] not in seen:
                seen.add(relation["target"])
                paths.append((following, (*path, name)))
    return ()


def _check_ownership(blueprint: Body, lookup: Lookup) -> None:
    ownership = blueprint.get("ownership", {})
    if ownership.get("type") != "Inherited":
        return
    owner = path_end(blueprint, ownership["path"].split("."), lookup)
    if owner is None or "ownership" not in owner:
        raise WireError(
            422,
            "invalid_inherited_ownership_path",
            f'The path "{ownership["path"]}" leads to no owned blueprint',
        )


def forget(blueprint: Body, lookup: Lookup) -> set[str]:
    """Drop path filters and an inherited ownership that lead nowhere. Returns the aggregations that lead nowhere."""
    forgotten = set()
    for name, aggregation in blueprint.get("aggregationProperties", {}).items():
        target = lookup(aggregation["target"])
        if target and not relation_path(blueprint, target, aggregation, lookup):
            aggregation.pop("pathFilter", None)
            forgotten.add(name)
    try:
        _check_ownership(blueprint, lookup)
    except WireError:
        del blueprint["ownership"]
    return forgotten


def check_change(before: Body, after: Body) -> None:
    """Raise the error for a property whose type or format changed: drop it and add it again, or migrate."""
    for name, old in before["schema"]["properties"].items():
        new = after["schema"]["properties"].get(name)
        if new is None:
            continue
        if new.get("type") != old.get("type"):
            raise WireError(
                422, "forbidden_type_change", f'The type of property "{name}" can\'t be changed', {"property": name}
            )
        if new.get("format") != old.get("format"):
            raise WireError(
                422, "forbidden_format_change", f'The format of property "{name}" can\'t be changed', {"property": name}
            )
