"""What Port refuses in a query of entities: operators, and what a rule must and may hold (port-api.md §3.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Any

from portcfg.model import Body, Path
from portcfg.rules.nearest import meant

Mistake = tuple[Path, str, str]

EMPTY = ("isEmpty", "isNotEmpty", "isExpired", "isNotExpired")
SPANS = ("between", "notBetween")
ORDER = (">", ">=", "<", "<=")
OPERATORS = (
    *("=", "!=", *ORDER, *SPANS, "in", "notIn", "contains", "containsAny", "doesNotContains"),
    *("beginsWith", "doesNotBeginsWith", "endsWith", "doesNotEndsWith", "matchAny", "relatedTo", *EMPTY),
)
OF_SCHEMAS = ("=", "!=", "contains")
SUBJECTS = {
    "property": {"property"},
    "relation": {"relation", "targetProperty"},
    "scorecard": {"scorecard", "scorecardRule"},
    "propertySchema": {"propertySchema"},
}
RELATED = {"operator", "blueprint", "value", "direction", "required"}
PRESETS = (
    *("today", "yesterday", "tomorrow", "lastDay", "lastWeek", "last2Weeks", "lastMonth", "last3Months", "last6Months"),
    *("last12Months", "last2Years", "last3Years", "nextDay", "nextWeek", "next2Weeks", "nextMonth", "next3Months"),
    *("next6Months", "next12Months", "next2Years", "next3Years"),
)
DATE = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?)?")
AS_IN = "as in `{property: status, operator: '=', value: open}`"


def rules_of(query: Any) -> Iterator[tuple[Path, Body]]:
    """(path, rule) of every rule of a query, however deep; a dataset may also be the bare list of its rules."""
    prefix: Path = ("rules",) if isinstance(query, dict) else ()
    rules = query.get("rules") if isinstance(query, dict) else query
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict):
            yield (*prefix, index), rule
            yield from (((*prefix, index, *below), inner) for below, inner in rules_of(rule) if "rules" in rule)


def query_mistakes(query: Any, path: Path, *, extra: Set[str] = frozenset()) -> Iterator[Mistake]:
    """(path, message, hint) of everything that Port refuses in `{combinator, rules}`, which may have `extra` keys."""
    query = _as_sent(query)
    if not isinstance(query, dict):
        yield path, "a query is `{combinator, rules}`", "write `{combinator: and, rules: [...]}`"
        return
    if query.get("combinator") not in ("and", "or"):
        place = (*path, "combinator") if "combinator" in query else path
        yield place, "a query combines its rules by `and` or `or`", "write `combinator: and`"
    if not isinstance(query.get("rules"), list):
        yield (*path, "rules") if "rules" in query else path, "a query has a list of rules", "write `rules: []` for all"
        return
    yield from _strange(query, {"combinator", "rules", *extra}, path)
    yield from rules_mistakes(query["rules"], (*path, "rules"))


def rules_mistakes(rules: list[Any], path: Path) -> Iterator[Mistake]:
    """The same of a list of rules."""
    for index, rule in enumerate(map(_as_sent, rules)):
        place = (*path, index)
        if not isinstance(rule, dict):
            yield place, "a rule is a mapping", AS_IN
        elif {"combinator", "rules"} & rule.keys():
            yield from query_mistakes(rule, place)
        else:
            yield from _rule(rule, place)


def _as_sent(value: Any) -> Any:
    """A query or a rule without keys that are null, which aren't sent; a value may be null."""
    if not isinstance(value, dict):
        return value
    return {key: part for key, part in value.items() if part is not None or key == "value"}


def _rule(rule: dict[str, Any], path: Path) -> Iterator[Mistake]:
    sign = rule.get("operator")
    subject = next((key for key in SUBJECTS if key in rule), "")
    known = OF_SCHEMAS if subject == "propertySchema" else OPERATORS
    if sign is None:
        yield path, "the rule has no operator", AS_IN
    elif not isinstance(sign, str) or sign not in known:
        yield (*path, "operator"), f"{sign!r} is no operator of Port's", meant(str(sign), known, "operators")
    elif sign == "relatedTo":
        yield from _related(rule, path)
    elif not subject:
        yield path, "the rule doesn't say what it looks at", AS_IN
    elif not _is_name(rule[subject], subject):
        yield (*path, subject), f"{rule[subject]!r} names no {subject}", AS_IN
    elif sign in EMPTY:
        yield from _strange(rule, SUBJECTS[subject] | {"operator"}, path)
    else:
        yield from _strange(rule, SUBJECTS[subject] | {"operator", "value"}, path)
        yield from _value(rule, subject, str(sign), path)


def _related(rule: dict[str, Any], path: Path) -> Iterator[Mistake]:
    for key in ("blueprint", "value"):
        if key not in rule:
            yield path, f"a rule with relatedTo needs `{key}`", "say to which entity of which blueprint"
    values = rule["value"] if isinstance(rule.get("value"), list) else [rule.get("value", "")]
    if not all(isinstance(each, str) for each in values):
        yield (*path, "value"), "relatedTo goes with the identifier of an entity", "text, or a list of texts"
    if not isinstance(rule.get("blueprint", ""), str):
        yield (*path, "blueprint"), "a blueprint is named by text", "write its identifier"
    if rule.get("direction", "upstream") not in ("upstream", "downstream"):
        yield (*path, "direction"), f"{rule['direction']!r} is no direction", "upstream or downstream"
    yield from _strange(rule, RELATED, path)


def _is_name(name: Any, subject: str) -> bool:
    """A property may also be a path to one, or the signed-in user's."""
    if subject == "propertySchema":
        return isinstance(name, dict)
    is_path = subject == "property" and isinstance(name, dict) and bool({"path", "property"} & name.keys())
    return isinstance(name, str) or is_path


def _value(rule: dict[str, Any], subject: str, sign: str, path: Path) -> Iterator[Mistake]:
    value = rule.get("value")
    if "value" not in rule:
        if subject != "propertySchema":
            yield path, f"the rule has no value for {sign!r}", "add `value`"
    elif sign == "matchAny" or (isinstance(value, dict) and {"property", "context"} <= value.keys()):
        return
    elif sign in SPANS or isinstance(value, dict):
        yield from _span(value, sign, (*path, "value"))
    elif sign in ORDER and not _is_number(value) and not _is_date(value):
        message = f"{sign!r} compares with a number or a date, and not with {value!r}"
        yield (*path, "value"), message, "a number, or a date such as 2026-03-01T00:00:00Z; compare text with `=`"


def _span(value: Any, sign: str, path: Path) -> Iterator[Mistake]:
    hint = "`{preset: lastMonth}`, or `{from: ..., to: ...}` with dates"
    if sign not in (*SPANS, "="):
        yield path, f"{sign!r} takes no mapping", "a text, a number, or true or false"
    elif not isinstance(value, dict) or not ("preset" in value or {"from", "to"} <= value.keys()):
        yield path, f"{sign!r} goes with a span of time", hint
    elif "preset" in value:
        if str(value["preset"]) not in PRESETS:
            message = f"{value['preset']!r} is no span that Port knows"
            yield (*path, "preset"), message, meant(str(value["preset"]), PRESETS, "spans")
    else:
        for key in ("from", "to"):
            if not _is_date(value[key]):
                yield (*path, key), f"{value[key]!r} is no date", "such as 2026-03-01T00:00:00Z"


def _strange(rule: dict[str, Any], known: set[str], path: Path) -> Iterator[Mistake]:
    for key in rule:
        if key not in known:
            yield (*path, key), f"a rule of this kind has no `{key}`", meant(str(key), sorted(known), "keys")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and ("{{" in value or DATE.fullmatch(value) is not None)
