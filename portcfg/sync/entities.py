"""Entities made fit for Port before Port sees them: identifiers, types, required properties."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from portcfg.sync.fragments import Entity
from portcfg.sync.report import Reject

# facts: Port takes ^(?!\.{1,2}$)[\p{L}0-9@_.+:\\/=-]+$, at most 1,000 characters.
MAX_IDENTIFIER = 1000
_SAFE_ASCII = re.compile(r"[A-Za-z0-9@_.+:\\/=-]+")
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")


def safe_identifier(raw: str) -> str:
    """`raw` in Port's alphabet: any letter, digits and `@_.+:\\/=-`; everything else becomes `_`."""
    if _SAFE_ASCII.fullmatch(raw):
        return raw
    return "".join(char if char.isalpha() or _SAFE_ASCII.fullmatch(char) else "_" for char in raw)


def with_safe_identifiers(entities: Iterable[Entity]) -> tuple[list[Entity], list[Reject]]:
    """Entities under safe identifiers. Those that would fall on one identifier are all rejected, as are unfit ones."""
    by_safe: dict[tuple[str, str], list[Entity]] = {}
    for entity in entities:
        by_safe.setdefault((entity.blueprint, safe_identifier(entity.identifier)), []).append(entity)
    kept: list[Entity] = []
    rejects: list[Reject] = []
    for (blueprint, safe), group in by_safe.items():
        reason = _identifier_problem(safe, [entity.identifier for entity in group])
        if reason:
            rejects += [Reject("identifier", blueprint, entity.identifier, reason) for entity in group]
        else:
            kept.append(group[0] if group[0].identifier == safe else replace(group[0], identifier=safe))
    return kept, rejects


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


def schema_problem(entity: Entity, blueprint: Mapping[str, Any]) -> str:
    """Why Port would refuse the entity by the blueprint's schema, or ''. An update may lack what is required."""
    schema = blueprint.get("schema") or {}
    properties = schema.get("properties") or {}
    for name in (schema.get("required") or []) if entity.creates else []:
        if entity.properties.get(name) is None:
            return f"`{name}` is required and has no value"
    for name, value in entity.properties.items():
        if value is not None and (problem := value_problem(value, properties.get(name, {}))):
            return f"`{name}` {problem}"
    if entity.title is not None and not isinstance(entity.title, str):
        return "the title is not a string"
    return ""


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
    if not math.isfinite(value):
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
