"""What Port checks in an entity: the body's shape, and its values against the blueprint's schema."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError, best_match

from portcfg.emulator.body_checks import ENTITY_ID_LENGTH, PATTERNS, ajv_message, is_entity_identifier, validator
from portcfg.emulator.query_shapes import check_query
from portcfg.emulator.time_ranges import parse_date
from portcfg.emulator.wire_errors import WireError, invalid, mismatch
from portcfg.model import Body

PATCH_KEYS = frozenset(["identifier", "title", "icon", "team", "properties", "relations"])
# A search that stands for an identifier takes fewer operators than other searches.
SEARCH_OPERATORS = frozenset(["=", "in", "contains", "containsAny"])
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d(:?\d\d)?)")
# The keywords of a property that only a JSON-schema validator needs to look at.
CONSTRAINTS = frozenset(
    [
        "enum",
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minItems",
        "maxItems",
        "uniqueItems",
        "properties",
        "patternProperties",
        "additionalProperties",
        "items",
        "required",
    ]
)


def is_query(value: Any) -> bool:
    """Whether an identifier, team or relation is given as a search for it."""
    return isinstance(value, dict)


def check_shape(body: Any, where: str = "body", *, patch: bool = False) -> Body:
    """Raise the 422 for a body that no blueprint could take; returns the body.

    `team: null` is refused on create but clears on PATCH; null titles and icons pass on every route.
    """
    if not isinstance(body, dict):
        raise invalid(f"{where} must be object")
    extra = sorted(set(body) - PATCH_KEYS)
    if patch and extra:
        raise invalid(f'{where} must NOT have additional properties, additional property: "{extra[0]}"')
    if "identifier" in body:
        _check_identifier(body["identifier"], f"{where}/identifier")
    for key in ("title", "icon"):
        if not isinstance(body.get(key), str | None):
            raise invalid(f"{where}/{key} must be string")
    if "team" in body and not (patch and body["team"] is None):
        _check_team(body["team"], f"{where}/team")
    for key in ("properties", "relations"):
        if not isinstance(body.get(key, {}), dict):
            raise invalid(f"{where}/{key} must be object")
    for name, value in body.get("relations", {}).items():
        _check_relation_value(value, f"{where}/relations/{name}")
    return body


def _check_search(query: Body, where: str) -> None:
    check_query(query, where)
    for index, rule in enumerate(query["rules"]):
        if "combinator" in rule:
            _check_search(rule, f"{where}/rules/{index}")
        elif rule["operator"] not in SEARCH_OPERATORS:
            raise invalid(f"{where}/rules/{index}/operator must be equal to one of the allowed values")


def _check_identifier(value: Any, where: str) -> None:
    if is_query(value):
        _check_search(value, where)
    elif not isinstance(value, str):
        raise invalid(f"{where} must be string")
    elif not is_entity_identifier(value):
        raise invalid(f'{where} must match pattern "{PATTERNS["entity-identifier"]}"')
    elif len(value) > ENTITY_ID_LENGTH:
        raise invalid(f"{where} must NOT have more than {ENTITY_ID_LENGTH} characters")


def _check_team(value: Any, where: str) -> None:
    if is_query(value):
        _check_search(value, where)
    elif not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
        raise invalid(f"{where} must be string,array")


def _check_relation_value(value: Any, where: str) -> None:
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, str):
                raise invalid(f"{where} must be array of string")
            _check_identifier(item, where)
    elif value is not None:
        _check_identifier(value, where)


def check_values(blueprint: Body, properties: Body) -> None:
    """Raise the 422 for an unknown property or one whose value its schema refuses; null clears and always passes."""
    schemas = blueprint["schema"]["properties"]
    for name, value in properties.items():
        schema = schemas.get(name)
        if schema is None:
            raise mismatch(f'The "{blueprint["identifier"]}" Blueprint does not have property with name "{name}"')
        if value is not None:
            _check_value(name, value, schema)


def _check_value(name: str, value: Any, schema: Body) -> None:
    kind = schema["type"]
    if not IS_TYPE[kind](value):
        raise mismatch(f'"{name}" must be {kind}')
    wanted = schema.get("format")
    if wanted in IS_FORMAT and not IS_FORMAT[wanted](value):
        raise mismatch(f'"{name}" must match format "{wanted}"')
    if CONSTRAINTS.isdisjoint(schema):
        return
    error = best_match(_validator(json.dumps(_constraints(schema))).iter_errors(value))
    if error is not None:
        raise mismatch(f'"{name}" {ajv_message(error)}')


def _constraints(schema: Body) -> Body:
    found = {key: value for key, value in schema.items() if key in CONSTRAINTS}
    if isinstance(found.get("items"), dict):
        found["items"] = {key: value for key, value in found["items"].items() if key in CONSTRAINTS | {"type"}}
    return found


@lru_cache(maxsize=4096)
def _validator(constraints: str) -> Draft7Validator:
    # Cached by the schema's text, because blueprints are parsed anew for every request.
    schema = json.loads(constraints)
    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        raise invalid(f"the property's schema is not valid: {error.message}") from None
    return validator(schema)


def check_required(blueprint: Body, properties: Body, relations: Body) -> None:
    """Raise the 422 for a required property or relation without a value."""
    for name in blueprint["schema"].get("required", []):
        if properties.get(name) is None:
            raise WireError(422, "missing_property", f'"{name}" is required')
    for name, relation in blueprint["relations"].items():
        if relation.get("required") and not relations.get(name):
            raise WireError(422, "required_relation", f'Relation "{name}" is required')


def _is_address(version: int) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        try:
            return ipaddress.ip_address(value).version == version
        except ValueError:
            return False

    return test


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date_time(value: Any) -> bool:
    return bool(DATE_TIME.fullmatch(value)) and parse_date(value) is not None


IS_TYPE: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}
IS_FORMAT: dict[str, Callable[[Any], bool]] = {
    "date-time": _is_date_time,
    "timer": _is_date_time,
    "url": lambda value: bool(URL.fullmatch(value)),
    "email": lambda value: bool(EMAIL.fullmatch(value)),
    "idn-email": lambda value: bool(EMAIL.fullmatch(value)),
    "user": lambda value: bool(EMAIL.fullmatch(value)),
    "ipv4": _is_address(4),
    "ipv6": _is_address(6),
    "labeled-url": lambda value: isinstance(value.get("url"), str),
}
