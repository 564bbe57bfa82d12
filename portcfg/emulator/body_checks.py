"""Checks of request bodies against JSON schemas, with messages in the wording of AJV (Port's validator)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from jsonschema import Draft7Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError, best_match

from portcfg.emulator.wire_errors import WireError, invalid

NAME = {"type": "string", "pattern": r"^[A-Za-z0-9@_=\\-]+$", "maxLength": 100}
TITLE = {"type": "string", "minLength": 1, "maxLength": 100}
TEXT = {"type": "string"}
# Letters of any script are allowed, which Python's `re` has no class for; hence formats instead of patterns.
BLUEPRINT_SIGNS = frozenset("0123456789@_.+:\\/-")
ENTITY_SIGNS = BLUEPRINT_SIGNS | frozenset("='")
ENTITY_ID_LENGTH = 1000
PATTERNS = {
    "blueprint-identifier": r"^(?!\.{1,2}$)[\p{L}0-9@_.+:\\/-]+$",
    "entity-identifier": r"^(?!\.{1,2}$)[\p{L}0-9@_.+:\\/='-]+$",
}
FORMATS = FormatChecker(formats=())


def _spelled(value: object, signs: frozenset[str]) -> bool:
    if not isinstance(value, str):
        return True
    return value not in ("", ".", "..") and all(c in signs or unicodedata.category(c)[0] == "L" for c in value)


@FORMATS.checks("blueprint-identifier")
def is_blueprint_identifier(value: object) -> bool:
    """Whether the alphabet of blueprint identifiers allows `value`."""
    return _spelled(value, BLUEPRINT_SIGNS)


@FORMATS.checks("entity-identifier")
def is_entity_identifier(value: object) -> bool:
    """Whether the alphabet of entity identifiers allows `value`."""
    return _spelled(value, ENTITY_SIGNS)


def _missing(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    instance: Any = error.instance
    absent = next(key for key in wanted if key not in instance)
    return f"must have required property '{absent}'"


def _additional(error: ValidationError) -> str:
    schema: Any = error.schema
    instance: Any = error.instance
    extra = sorted(set(instance) - set(schema.get("properties", {})))
    return f'must NOT have additional properties, additional property: "{extra[0]}"'


def _type(error: ValidationError) -> str:
    kinds: Any = error.validator_value
    return f"must be {','.join([kinds] if isinstance(kinds, str) else kinds)}"


WORDING: dict[str, Callable[[ValidationError], str]] = {
    "required": _missing,
    "additionalProperties": _additional,
    "type": _type,
    "enum": lambda e: "must be equal to one of the allowed values",
    "const": lambda e: "must be equal to constant",
    "pattern": lambda e: f'must match pattern "{e.validator_value}"',
    "format": lambda e: f'must match pattern "{PATTERNS[str(e.validator_value)]}"',
    "minLength": lambda e: f"must NOT have fewer than {e.validator_value} characters",
    "maxLength": lambda e: f"must NOT have more than {e.validator_value} characters",
    "minItems": lambda e: f"must NOT have fewer than {e.validator_value} items",
    "maxItems": lambda e: f"must NOT have more than {e.validator_value} items",
    "minProperties": lambda e: f"must NOT have fewer than {e.validator_value} properties",
    "uniqueItems": lambda e: "must NOT have duplicate items",
    "minimum": lambda e: f"must be >= {e.validator_value}",
    "maximum": lambda e: f"must be <= {e.validator_value}",
    "exclusiveMinimum": lambda e: f"must be > {e.validator_value}",
    "exclusiveMaximum": lambda e: f"must be < {e.validator_value}",
}


def ajv_message(error: ValidationError) -> str:
    """One finding of jsonschema as AJV would word it."""
    if error.validator is None:
        return "boolean schema is false"
    wording = WORDING.get(str(error.validator))
    return wording(error) if wording else f'must match "{error.validator}" schema'


# An escape, a class or an end: what tells the `$` that ends a pattern from the ones that stand for themselves.
PATTERN_PARTS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", re.DOTALL)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """An ECMAScript pattern in Python, whose own `$` would let a newline follow."""
    return re.compile(PATTERN_PARTS.sub(lambda part: r"\Z" if part[0] == "$" else part[0], pattern))


def _pattern(check: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _compiled(pattern).search(value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


Checker: Any = validators.extend(Draft7Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def validator(schema: dict[str, Any]) -> Draft7Validator:
    """A validator that knows Port's two identifier alphabets, and reads patterns as Port's does."""
    check: Draft7Validator = Checker(schema, format_checker=FORMATS)
    return check


def schema_error(check: Draft7Validator, value: Any, where: str = "body") -> WireError | None:
    """The most telling breach of the schema as a 422, or None."""
    error = best_match(check.iter_errors(value))
    if error is None:
        return None
    place = "/".join([where, *map(str, error.absolute_path)])
    return invalid(f"{place} {ajv_message(error)}")


def require(check: Draft7Validator, value: Any, where: str = "body") -> None:
    """Raise the 422 for the most telling breach of the schema."""
    error = schema_error(check, value, where)
    if error:
        raise error
