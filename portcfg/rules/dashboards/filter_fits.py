"""PC411: a filter that no value of its property can pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.rules.dashboards.time_axis import is_axis, is_date
from portcfg.rules.dashboards.uses import TYPE_WORDS, Read, named, reads
from portcfg.rules.fields import Field
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.queries import rules_mistakes
from portcfg.rules.rule import Found, Rule

ORDER = (">", ">=", "<", "<=")
PARTS = ("beginsWith", "doesNotBeginsWith", "endsWith", "doesNotEndsWith")
HOLDS = ("contains", "doesNotContains")
EQUAL = ("=", "!=", "in", "notIn", "containsAny")
# What Python makes of a value in a spec -> the type of a property.
TYPES = {bool: "boolean", int: "number", float: "number", str: "string"}


def check(portal: Portal) -> Iterator[Found]:
    """Operators by type, values by type and enum. What is the signed-in user's own can't be known."""
    for read in reads(portal, "filter"):
        rule, field = read.use.rule or {}, read.field
        if field and field.type and field.section != "relation" and not is_axis(read) and not _is_refused(read):
            found = _operator(rule, read, field) or _value(rule, field)
            if found:
                yield read.found(*found)


def _is_refused(read: Read) -> bool:
    """Whether PC410 tells it, which leaves a table's own filters to Port."""
    return "filterSettings" not in read.use.path and any(rules_mistakes([read.use.rule], ()))


def _operator(rule: dict[str, Any], read: Read, field: Field) -> tuple[str, str] | None:
    sign = rule.get("operator")
    message = f"{sign!r} doesn't go with a property that isn't %s: {named(read)}"
    is_span = sign in ("between", "notBetween") or (sign == "=" and isinstance(rule.get("value"), dict))
    if is_span and "context" not in (rule.get("value") or {}) and not is_date(field):
        return message % "a date", "filter by a date-time property, $createdAt or $updatedAt"
    if sign in ORDER and not is_date(field) and field.type != "number":
        return message % "a number or a date", "compare with `=` or `in`"
    if sign in PARTS and field.type != "string":
        return message % "text", "compare with `=`"
    if sign in HOLDS and field.type not in ("string", "array"):
        return message % "text or a list", "compare with `=`"
    return None


def _value(rule: dict[str, Any], field: Field) -> tuple[str, str] | None:
    sign, value = rule.get("operator"), rule.get("value")
    values = [each for each in (value if isinstance(value, list) else [value]) if type(each) in TYPES]
    if sign not in EQUAL or not values or (isinstance(value, str) and "{{" in value):
        return None
    allowed = field.body.get("enum")
    if isinstance(allowed, list) and field.type != "array":
        strange = [each for each in values if each not in allowed]
        if strange:
            hint = meant(str(strange[0]), map(str, allowed), "values")
            return f"{field.name!r} is never {strange[0]!r}: its enum doesn't have that", hint
    if field.type in TYPES.values():
        strange = [each for each in values if TYPES[type(each)] != field.type]
        if strange:
            what, that = TYPE_WORDS[field.type], TYPE_WORDS[TYPES[type(strange[0])]]
            message = f"{field.name!r} is never {strange[0]!r}: it is {what}, and that is {that}"
            return message, "write the value as the property has it, text in quotes"
    return None


RULE = Rule("PC411", check, "warning")
