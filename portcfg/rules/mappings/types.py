"""PC323: values of a type that the property doesn't take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from portcfg.rules.inferred import Inferred
from portcfg.rules.jq_types import KINDS, Type
from portcfg.rules.mappings.configs import configs, configs_by_document, gently
from portcfg.rules.mappings.unknown_names import property_of
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# What makes one of the other.
_WAYS: Mapping[tuple[str, str], str] = {
    ("string", "number"): "`| tonumber` makes a number of text",
    ("number", "string"): "`| tostring` makes text of a number",
    ("boolean", "string"): "`| tostring` makes text of it",
    ("array", "string"): '`| join(", ")` makes text of a list, `.[0]` takes its first',
    ("object", "string"): "take one of its fields, or make text of it by `| tojson`",
    ("string", "array"): "`[...]` makes a list of it",
    ("object", "array"): "`to_entries` makes a list of it, `[...]` a list of one",
    ("array", "number"): "`| length` counts a list",
    ("string", "boolean"): '`== "true"` makes true or false of it',
    ("number", "boolean"): "`!= 0` makes true or false of it",
}
_MOMENT = "`| todate` makes a date-time of seconds, `/ 1000 | todate` of milliseconds"
# The value that a merge rule makes of a list.
_COUNTED = "count_union"
# Cases that a hint names.
_SHOWN = 3


def check(portal: Portal) -> Iterator[Found]:
    """Only where all that the expression can give is of another type; null is no value, and always taken."""
    rules = {name: config.body.get("merge") or {} for name, config in configs_by_document(portal).items()}
    told = set()
    # What samples show comes second: what is certain is told as such.
    for each in (*portal.inferred, *portal.sampled):
        written = each.written
        place = (id(written.document), written.path)
        wanted = _wanted(portal, each)
        if (rules[id(written.document)].get(written.blueprint) or {}).get(written.name) == _COUNTED:
            wanted = ("array",)
        given = each.type.without("null")
        if wanted and given.kinds and given.kinds.isdisjoint(wanted) and place not in told:
            told.add(place)
            yield _found(portal, each, wanted, given)
    yield from _filled(portal)


def _wanted(portal: Portal, each: Inferred) -> tuple[str, ...]:
    written = each.written
    if written.section == "properties":
        field = property_of(portal, written.blueprint, written.name)
        return (field.type,) if field and field.type in KINDS else ()
    if written.section in ("title", "icon") or (written.section == "identifier" and written.runs_here):
        return ("string",)
    return ("string", "array", "object") if written.section == "team" else ()


def _found(portal: Portal, each: Inferred, wanted: tuple[str, ...], given: Type) -> Found:
    written = each.written
    what = f"{written.name!r} of {written.blueprint}" if written.name else f"`{written.section}`"
    field = property_of(portal, written.blueprint, written.name)
    hint = next((_WAYS[kind, wanted[0]] for kind in sorted(given.kinds) if (kind, wanted[0]) in _WAYS), "")
    hint = _MOMENT if field and field.is_date and given.kinds == {"number"} else hint
    message = f"{what} takes {' or '.join(wanted)}, and this gives {given.named}"
    found = written.found(message, hint or "change the expression, or the property's type")
    return _doubtful(found, each.cases) if each.cases else found


def _doubtful(found: Found, cases: tuple[str, ...]) -> Found:
    """A warning: a sample is no proof, and a recorded case must not keep a plan from being made."""
    shown = ", ".join(cases[:_SHOWN]) + (f" and {len(cases) - _SHOWN} more" if len(cases) > _SHOWN else "")
    return replace(found, hint=f"{found.hint}; so it is in all samples of {shown}", severity="warning")


def _filled(portal: Portal) -> Iterator[Found]:
    """Values under `fill`."""
    for config in configs(portal):
        for blueprint, values in (config.body.get("fill") or {}).items():
            for name, value in values.items():
                field = property_of(portal, blueprint, name)
                if field and field.type in KINDS and not Type(frozenset({field.type, "null"})).holds(value):
                    path = (*config.prefix, "fill", blueprint, name)
                    message = f"{name!r} of {blueprint} takes {field.type}, not {_short(value)}"
                    yield Found(config.document, path, message, "")


def _short(value: Any) -> str:
    return repr(value)[:40]


RULE = Rule("PC323", gently(check))
