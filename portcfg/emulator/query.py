"""Port's entity queries: `{combinator, rules}`, checked and turned into predicates."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from portcfg.emulator.query_shapes import DATE_OPERATORS, ORDER_OPERATORS
from portcfg.emulator.time_ranges import parse_date, value_range
from portcfg.model import Body


class Row(Protocol):
    """What a rule can ask of an entity."""

    @property
    def key(self) -> tuple[str, str]:
        """(blueprint, identifier)."""

    def value(self, name: str) -> Any:
        """A property, relation or `$meta` by name; None if unset or unknown."""

    def schema(self) -> Mapping[str, Body]:
        """The blueprint's own properties."""


Predicate = Callable[[Row], bool]
# (direction, blueprint, identifiers, required) -> the (blueprint, identifier) of all related entities
Related = Callable[[str, str, list[str], bool], set[tuple[str, str]]]


@dataclass(frozen=True)
class Scope:
    """What rules need beside the row: the time, and a way to follow relations."""

    now: float
    related: Related

    @property
    def moment(self) -> datetime:
        """Now, as a datetime."""
        return datetime.fromtimestamp(self.now, UTC)


def predicate(query: Any, scope: Scope) -> Predicate:
    """The test that a checked query makes; no rules match everything. A bare list of rules is a number chart's."""
    if not query:
        return lambda row: True
    rules = query if isinstance(query, list) else query["rules"]
    tests = [_rule(rule, scope) for rule in rules]
    if not tests:
        return lambda row: True
    combine = any if isinstance(query, dict) and query["combinator"] == "or" else all
    return lambda row: combine(test(row) for test in tests)


def narrowed_to(query: Any, name: str) -> list[str] | None:
    """The values that a query's top-level `and` rules leave for `name`, or None if they leave it open."""
    if not isinstance(query, dict) or query.get("combinator") != "and":
        return None
    found: list[str] | None = None
    for rule in query["rules"]:
        if rule.get("property") == name and rule.get("operator") in ("=", "in"):
            values = _listed(rule["value"])
            found = values if found is None else [value for value in found if value in values]
    return found


def _rule(rule: Body, scope: Scope) -> Predicate:
    if "combinator" in rule:
        return predicate(rule, scope)
    if rule["operator"] == "relatedTo":
        return _related_rule(rule, scope)
    if "propertySchema" in rule:
        return _schema_rule(rule)
    name = _name(rule)
    test = _test(rule, scope)
    return lambda row: test(row.value(name))


def _name(rule: Body) -> str:
    if "relation" in rule:
        target = rule.get("targetProperty", "$identifier")
        return str(rule["relation"]) if target == "$identifier" else f"{rule['relation']}.{target}"
    if "scorecard" in rule:
        return f"scorecard.{rule['scorecard']}"
    name = rule["property"]
    if isinstance(name, dict):
        return ".".join(map(_hop, name["path"])) if "path" in name else str(name["property"])
    return str(name)


def _hop(step: Any) -> str:
    return str(step["relation"] if isinstance(step, dict) else step)


def _related_rule(rule: Body, scope: Scope) -> Predicate:
    wanted = scope.related(
        rule.get("direction", ""), rule["blueprint"], _listed(rule["value"]), bool(rule.get("required"))
    )
    return lambda row: row.key in wanted


def _schema_rule(rule: Body) -> Predicate:
    shape = rule["propertySchema"]
    test = COMPARISONS[rule["operator"]]

    def matches(row: Row) -> bool:
        names = [name for name, schema in row.schema().items() if shape.items() <= schema.items()]
        return any(test(row.value(name), rule.get("value")) for name in names)

    return matches


def _test(rule: Body, scope: Scope) -> Callable[[Any], bool]:
    sign, value = rule["operator"], rule.get("value")
    if sign in DATE_OPERATORS and isinstance(value, dict) and ("preset" in value or "from" in value):
        start, end = value_range(value, scope.moment)
        return lambda actual: _within(actual, start, end) is (sign != "notBetween")
    if sign in ("isExpired", "isNotExpired"):
        return lambda actual: _expired(actual, scope.moment) is (sign == "isExpired")
    if sign in ORDER_OPERATORS:
        return _ordering(ORDER_SIGNS[sign], value)
    test = COMPARISONS[sign]
    return lambda actual: test(actual, value)


def _within(actual: Any, start: datetime, end: datetime) -> bool:
    moment = parse_date(actual)
    return moment is not None and start <= moment <= end


def _expired(actual: Any, now: datetime) -> bool:
    moment = parse_date(actual)
    return moment is not None and moment < now


def _ordering(compare: Callable[[Any, Any], bool], value: Any) -> Callable[[Any], bool]:
    limit = parse_date(value) or value

    def test(actual: Any) -> bool:
        left = parse_date(actual) if isinstance(limit, datetime) else actual
        comparable = isinstance(left, datetime) or (isinstance(left, int | float) and isinstance(limit, int | float))
        return comparable and compare(left, limit)

    return test


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _equal(actual: Any, value: Any) -> bool:
    if isinstance(actual, list) and not isinstance(value, list):
        return value in actual
    # In JSON true is not 1.
    return bool(actual == value) and isinstance(actual, bool) is isinstance(value, bool)


def _contains(actual: Any, value: Any) -> bool:
    if isinstance(actual, str):
        return isinstance(value, str) and value in actual
    return isinstance(actual, list) and value in actual


def _among(actual: Any, value: Any) -> bool:
    return any(_equal(item, option) for item in _listed(actual) for option in _listed(value))


def _empty(actual: Any) -> bool:
    return actual is None or actual in ("", [], {})


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda actual, value: isinstance(actual, str) and isinstance(value, str) and test(actual, value)


ORDER_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_begins, _ends = _text(str.startswith), _text(str.endswith)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": _equal,
    "!=": lambda actual, value: not _equal(actual, value),
    "contains": _contains,
    "doesNotContains": lambda actual, value: not _contains(actual, value),
    "containsAny": _among,
    "matchAny": _among,
    "in": _among,
    "notIn": lambda actual, value: not _among(actual, value),
    "beginsWith": _begins,
    "doesNotBeginsWith": lambda actual, value: not _begins(actual, value),
    "endsWith": _ends,
    "doesNotEndsWith": lambda actual, value: not _ends(actual, value),
    "isEmpty": lambda actual, value: _empty(actual),
    "isNotEmpty": lambda actual, value: not _empty(actual),
}
