"""Which rules an entity query may hold: operators, and the closed list of keys of each kind of rule."""

from __future__ import annotations

from typing import Any

from portcfg.emulator.time_ranges import PRESETS, parse_date
from portcfg.emulator.wire_errors import invalid

DATE_OPERATORS = frozenset(["between", "notBetween", "="])
ORDER_OPERATORS = frozenset([">", ">=", "<", "<="])
EMPTY_OPERATORS = frozenset(["isEmpty", "isNotEmpty"])
TIMER_OPERATORS = frozenset(["isExpired", "isNotExpired"])
COMPARE_OPERATORS = frozenset(
    [
        *("=", "!=", "contains", "containsAny", "doesNotContains", "in", "notIn"),
        *("beginsWith", "doesNotBeginsWith", "endsWith", "doesNotEndsWith"),
    ]
)
SCHEMA_OPERATORS = frozenset(["=", "!=", "contains"])
PROPERTY_OPERATORS = (
    COMPARE_OPERATORS | ORDER_OPERATORS | DATE_OPERATORS | EMPTY_OPERATORS | TIMER_OPERATORS | {"matchAny"}
)
SUBJECT_KEYS = {
    "property": {"property"},
    "relation": {"relation", "targetProperty"},
    "scorecard": {"scorecard", "scorecardRule"},
    "propertySchema": {"propertySchema"},
}


def check_query(query: Any, where: str = "body/query", extra: frozenset[str] = frozenset()) -> None:
    """Raise the 422 for a query that isn't `{combinator, rules}` of known rules. `extra` keys are let through."""
    if not isinstance(query, dict):
        raise invalid(f"{where} must be object")
    for key in ("combinator", "rules"):
        if key not in query:
            raise invalid(f"{where} must have required property '{key}'")
    _refuse_unknown(set(query), {"combinator", "rules", *extra}, where)
    if query["combinator"] not in ("and", "or"):
        raise invalid(f"{where}/combinator must be equal to one of the allowed values")
    check_rules(query["rules"], f"{where}/rules")


def check_rules(rules: Any, where: str) -> None:
    """Raise the 422 for a list of rules that Port refuses."""
    if not isinstance(rules, list):
        raise invalid(f"{where} must be array")
    for index, rule in enumerate(rules):
        _check_rule(rule, f"{where}/{index}")


def _check_rule(rule: Any, where: str) -> None:
    if not isinstance(rule, dict):
        raise invalid(f"{where} must be object")
    if "combinator" in rule or "rules" in rule:
        check_query(rule, where)
        return
    if "operator" not in rule:
        raise invalid(f"{where} must have required property 'operator'")
    if not isinstance(rule["operator"], str):
        raise invalid(f"{where}/operator must be equal to one of the allowed values")
    if rule["operator"] == "relatedTo":
        _check_related(rule, where)
        return
    subject = next((key for key in SUBJECT_KEYS if key in rule), None)
    if subject is None:
        raise invalid(f"{where} must have required property 'property'")
    _check_operator(rule, subject, where)
    _check_subject(rule[subject], subject, where)


def _check_related(rule: dict[str, Any], where: str) -> None:
    for key in ("blueprint", "value"):
        if key not in rule:
            raise invalid(f"{where} must have required property '{key}'")
    _refuse_unknown(set(rule), {"operator", "blueprint", "value", "direction", "required"}, where)
    values = rule["value"] if isinstance(rule["value"], list) else [rule["value"]]
    for name, value in [("blueprint", rule["blueprint"]), *(("value", value) for value in values)]:
        if not isinstance(value, str):
            raise invalid(f"{where}/{name} must be string")
    if rule.get("direction", "upstream") not in ("upstream", "downstream"):
        raise invalid(f"{where}/direction must be equal to one of the allowed values")


def _check_operator(rule: dict[str, Any], subject: str, where: str) -> None:
    sign = rule["operator"]
    if sign not in (SCHEMA_OPERATORS if subject == "propertySchema" else PROPERTY_OPERATORS):
        raise invalid(f"{where}/operator must be equal to one of the allowed values")
    keys = SUBJECT_KEYS[subject] | {"operator"}
    if sign in EMPTY_OPERATORS | TIMER_OPERATORS:
        _refuse_unknown(set(rule), keys, where)
        return
    _refuse_unknown(set(rule), keys | {"value"}, where)
    if "value" not in rule and subject != "propertySchema":
        raise invalid(f"{where} must have required property 'value'")
    _check_value(sign, rule.get("value"), f"{where}/value")


def _check_value(sign: str, value: Any, where: str) -> None:
    context = isinstance(value, dict) and {"property", "context"} <= set(value)
    if context or sign == "matchAny":
        return
    if sign in ("between", "notBetween") or isinstance(value, dict):
        if sign not in DATE_OPERATORS or not isinstance(value, dict):
            raise invalid(f"{where} must be {'object' if sign in DATE_OPERATORS else 'string,number,boolean'}")
        _check_date_value(value, where)
    elif sign in ORDER_OPERATORS and not _is_number(value) and parse_date(value) is None:
        raise invalid(f'{where} must match format "date-time"')


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_date_value(value: dict[str, Any], where: str) -> None:
    if "preset" in value:
        if str(value["preset"]) not in PRESETS:
            raise invalid(f"{where}/preset must be equal to one of the allowed values")
        return
    for key in ("from", "to"):
        if key not in value:
            raise invalid(f"{where} must have required property '{key}'")
        if parse_date(value[key]) is None:
            raise invalid(f'{where}/{key} must match format "date-time"')


def _check_subject(name: Any, subject: str, where: str) -> None:
    kinds = {"propertySchema": (dict,), "property": (str, dict)}.get(subject, (str,))
    if not isinstance(name, kinds):
        raise invalid(f"{where}/{subject} must be string")
    if isinstance(name, dict) and subject == "property" and not {"path", "property"} & set(name):
        raise invalid(f"{where}/property must have required property 'path'")


def _refuse_unknown(keys: set[str], known: set[str], where: str) -> None:
    extra = sorted(keys - known)
    if extra:
        raise invalid(f'{where} must NOT have additional properties, additional property: "{extra[0]}"')
