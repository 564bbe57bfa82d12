"""Entities made fit for Port before Port sees them: identifiers, types, required properties."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from portcfg.sync.fragments import Entity, Fragment, Key, Refused, by_entity, merge
from portcfg.sync.quarantine import Quarantine

Rules = Mapping[str, Mapping[str, str]]
OTHER_TYPE = ("union", "count_union")
# facts: Port takes ^(?!\.{1,2}$)[\p{L}0-9@_.+:\\/=-]+$, at most 1,000 characters.
MAX_IDENTIFIER = 1000
_SAFE_ASCII = re.compile(r"[A-Za-z0-9@_.+:\\/=-]+")
# What fits a type without looking any closer; numbers may be infinite.
_PLAIN: Mapping[str, tuple[type, ...]] = {"string": (str,), "number": (int,), "boolean": (bool,), "object": (dict,)}
_CONSTRAINTS = frozenset({"enum", "format", "minLength", "maxLength", "minimum", "maximum"})
Fits = Callable[[Any], bool]
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")


def safe_identifier(raw: str) -> str:
    """`raw` in Port's alphabet: any letter, digits and `@_.+:\\/=-`; everything else becomes `_`."""
    if _SAFE_ASCII.fullmatch(raw):
        return raw
    return "".join(char if char.isalpha() or _SAFE_ASCII.fullmatch(char) else "_" for char in raw)


def with_safe_identifiers(entities: Iterable[Entity]) -> tuple[list[Entity], list[Refused]]:
    """Entities under safe identifiers. Those that would fall on one identifier are all rejected, as are unfit ones."""
    by_safe: dict[tuple[str, str], list[Entity]] = {}
    kept: list[Entity] = []
    for entity in entities:
        if entity.search:
            # Which entity it is, and so what it is called, only Port knows.
            kept.append(entity)
        else:
            by_safe.setdefault((entity.blueprint, safe_identifier(entity.identifier)), []).append(entity)
    refused: list[Refused] = []
    for (blueprint, safe), group in by_safe.items():
        reason = _identifier_problem(safe, [entity.identifier for entity in group])
        if reason:
            refused += [Refused("identifier", blueprint, each.identifier, reason, "", each) for each in group]
        else:
            kept.append(group[0] if group[0].identifier == safe else replace(group[0], identifier=safe))
    return kept, refused


def made_of(
    fragments: Iterable[Fragment],
    broken: Mapping[Key, bool],
    rules: Rules,
    quarantine: Quarantine,
    more: Iterable[Entity] = (),
    last_wins: bool = False,
) -> list[Entity]:
    """The entities that the fragments make, and `more`; those that don't fit, and the `broken` ones, are quarantined.

    Of a broken entity a row is missing. Where its rows are kept it is kept with them, to be made whole later.
    """
    whole = list(fragments)
    if broken:
        _keep_broken(whole, broken, quarantine)
        quarantine.lost.update((blueprint, safe_identifier(identifier)) for blueprint, identifier in broken)
        whole = [item for item in whole if (item.blueprint, item.identifier) not in broken]
    entities, unmerged = merge(whole, rules, last_wins)
    entities, unfit = with_safe_identifiers([*entities, *more])
    for refused in (*unmerged, *unfit):
        quarantine.reject_entity(refused)
    return entities


def _keep_broken(fragments: Iterable[Fragment], broken: Mapping[Key, bool], quarantine: Quarantine) -> None:
    parts = by_entity(item for item in fragments if (item.blueprint, item.identifier) in broken)
    for key, again in broken.items():
        if again:
            entity = Entity(*key, parts=tuple(parts.get(key, ())))
            reason = "a row that belongs to it failed; this is the rest of it"
            quarantine.keep_entity(Refused("rows", *key, reason, "", entity))


def _identifier_problem(safe: str, originals: list[str]) -> str:
    if len(originals) > 1:
        return f"{len(originals)} identifiers become `{safe}` in Port's alphabet: {', '.join(sorted(originals)[:3])}"
    if safe in (".", ".."):
        return "Port refuses the identifiers `.` and `..`"
    return f"longer than {MAX_IDENTIFIER} characters" if len(safe) > MAX_IDENTIFIER else ""


def filled(entity: Entity, values: Mapping[str, Any]) -> Entity:
    """The entity with the mapping's `fill` values where nothing was said."""
    missing = {name: value for name, value in values.items() if entity.properties.get(name) is None}
    return replace(entity, properties={**entity.properties, **missing}) if missing else entity


@dataclass(frozen=True)
class Checks:
    """A blueprint's schema, compiled: which properties are required, and for each whether a value fits it.

    Every fragment and every entity is checked, and nearly all of them fit, so that must be quick; why one doesn't is
    found out afterwards.
    """

    blueprint: Mapping[str, Any]
    required: tuple[str, ...]
    fits: Mapping[str, Fits]

    @classmethod
    def of(cls, blueprint: Mapping[str, Any]) -> Checks:
        """Those of a live blueprint."""
        schema = blueprint.get("schema") or {}
        fits = {name: _fits(item) for name, item in (schema.get("properties") or {}).items()}
        return cls(blueprint, tuple(schema.get("required") or ()), fits)

    def problem(self, entity: Entity) -> tuple[str, str] | None:
        """`schema_problem` of the entity."""
        lacks = entity.creates and any(entity.properties.get(name) is None for name in self.required)
        return schema_problem(entity, self.blueprint) if lacks or not self.values_fit(entity, ()) else None

    def values_fit(self, entity: Entity, but: Container[str]) -> bool:
        """Whether title and properties have the right types, `but` some that aren't looked at."""
        fits = self.fits
        for name, value in entity.properties.items():
            if value is not None and name not in but and name in fits and not fits[name](value):
                return False
        return entity.title is None or isinstance(entity.title, str)


def _fits(schema: Mapping[str, Any]) -> Fits:
    kind = schema.get("type")
    if kind in _PLAIN and not schema.keys() & _CONSTRAINTS:
        plain = _PLAIN[str(kind)]
        return lambda value: type(value) in plain or not value_problem(value, schema)
    if schema.keys() & _CONSTRAINTS == {"format"} and (kind, schema["format"]) == ("string", "date-time"):
        return lambda value: type(value) is str and is_date_time(value)
    return lambda value: not value_problem(value, schema)


def schema_problem(entity: Entity, blueprint: Mapping[str, Any]) -> tuple[str, str] | None:
    """The property that Port would refuse by the blueprint's schema, and why. An update may lack what is required."""
    schema = blueprint.get("schema") or {}
    properties = schema.get("properties") or {}
    for name in (schema.get("required") or []) if entity.creates else []:
        if entity.properties.get(name) is None:
            return name, f"`{name}` is required and has no value"
    for name, value in entity.properties.items():
        if value is not None and (problem := value_problem(value, properties.get(name, {}))):
            return name, f"`{name}` {problem}"
    if entity.title is not None and not isinstance(entity.title, str):
        return "title", "the title is not a string"
    return None


def doubt_of(blueprints: Mapping[str, Mapping[str, Any]], rules: Rules) -> Callable[[Fragment], bool]:
    """Says of a fragment whether its entity will likely be refused for what it says."""
    checks = {name: Checks.of(blueprint) for name, blueprint in blueprints.items()}
    # Their value in the entity is of another type than in its fragments.
    other = {name: {each for each, rule in of.items() if rule in OTHER_TYPE} for name, of in rules.items()}

    def doubt(fragment: Fragment) -> bool:
        known = checks.get(fragment.blueprint)
        return known is not None and _in_doubt(fragment, known, other.get(fragment.blueprint, ()))

    return doubt


def _in_doubt(fragment: Fragment, checks: Checks, other: Container[str]) -> bool:
    properties = fragment.properties
    lacks = fragment.creates and any(name in properties and properties[name] is None for name in checks.required)
    if lacks or not checks.values_fit(fragment, other):
        return True
    safe = safe_identifier(fragment.identifier)
    return safe != fragment.identifier or bool(_identifier_problem(safe, [safe]))


def value_problem(value: Any, schema: Mapping[str, Any]) -> str:
    """Why a value doesn't fit its property's schema, or ''. What Port alone can know is left to Port."""
    expected = str(schema.get("type"))
    if expected in _TYPES and not _TYPES[expected](value):
        return f"is {_kind(value)} where {expected} is due"
    if schema.get("enum") and value not in schema["enum"]:
        return f"is {value!r}, not one of {', '.join(map(str, schema['enum']))}"[:200]
    if expected == "string":
        return _string_problem(value, schema)
    if expected == "number":
        return _number_problem(value, schema)
    if expected == "array":
        problems = (value_problem(item, schema.get("items") or {}) for item in value)
        return next((f"has an item that {problem}" for problem in problems if problem), "")
    return ""


def _string_problem(value: str, schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time" and not is_date_time(value):
        return f"is {value[:40]!r} where an RFC 3339 date-time is due"
    if len(value) < schema.get("minLength", 0):
        return f"is shorter than {schema['minLength']} characters"
    return f"is longer than {schema['maxLength']} characters" if len(value) > schema.get("maxLength", math.inf) else ""


def _number_problem(value: float, schema: Mapping[str, Any]) -> str:
    # jq makes the largest number of what is too large for one.
    if abs(value) >= sys.float_info.max or not math.isfinite(value):
        return "is not a finite number"
    if value < schema.get("minimum", -math.inf):
        return f"is under {schema['minimum']}"
    return f"is over {schema['maximum']}" if value > schema.get("maximum", math.inf) else ""


def is_date_time(value: str) -> bool:
    """Whether Port's `format: date-time` takes it."""
    return _DATE_TIME.fullmatch(value) is not None and instant(value) is not None


def instant(value: str) -> datetime | None:
    """The moment that an RFC 3339 text means."""
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}


def _kind(value: Any) -> str:
    return next((name for name, fits in _TYPES.items() if fits(value)), "null")
