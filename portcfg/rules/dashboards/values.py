"""PC423: a value that Port refuses in a widget of its own form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.model import Path
from portcfg.rules.dashboards.condition import condition_mistakes
from portcfg.rules.dashboards.forms import FORMS, OF_TYPE, form_mistakes
from portcfg.rules.dashboards.intervals import RANGES
from portcfg.rules.dashboards.uses import LINES, NUMBER
from portcfg.rules.dashboards.widget_keys import FUNCTIONS, VALUES, Raw, raw_widgets
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

Mistake = tuple[Path, str, str]
YEARS = ("last2Years", "last3Years")


def check(portal: Portal) -> Iterator[Found]:
    """Kinds of values, closed lists of them, functions by what they are of, ranges of time, and thresholds."""
    for raw in raw_widgets(portal):
        for check_ in (_forms, _listed, _function, _range, _series, _thresholds):
            for path, message, hint in check_(raw):
                yield Found(raw.document, (*raw.path, *path), message, hint)
    for widget in portal.widgets:
        if widget.is_short and "thresholds" in widget.spec:
            for path, message, hint in condition_mistakes(widget.spec["thresholds"]):
                yield Found(widget.document, (*widget.path, "thresholds", *path), message, hint)


def _forms(raw: Raw) -> Iterator[Mistake]:
    forms = {**FORMS, **OF_TYPE.get(raw.type, {})}
    for key, value in raw.body.items():
        if key in forms:
            yield from form_mistakes(value, forms[key], (key,))


def _listed(raw: Raw) -> Iterator[Mistake]:
    for key, allowed in VALUES.get(raw.type, {}).items():
        value = raw.body.get(key)
        if key in raw.body and value not in allowed:
            yield (key,), f"{value!r} is no value of `{key}`", meant(str(value), allowed, "values")


def _function(raw: Raw) -> Iterator[Mistake]:
    of_type = "line-chart" if raw.type == "line" else raw.type
    for (key, value), allowed in FUNCTIONS.get(of_type, {}).items():
        func = raw.body.get("func")
        if raw.body.get(key) == value and "func" in raw.body and func not in allowed:
            yield ("func",), f"`{key}: {value}` has no function {func!r}", f"one of {', '.join(allowed)}"


def _range(raw: Raw) -> Iterator[Mistake]:
    span: Any = raw.body.get("timeRange")
    if raw.type not in LINES:
        return
    if span is None and raw.type == "line-chart" and raw.body.get("timeInterval", "quarter") != "quarter":
        yield ("timeInterval",), "without a range of time Port takes no interval but a quarter", "add `timeRange`"
    if "timeRange" not in raw.body:
        return
    preset = span.get("preset") if isinstance(span, dict) else None
    if not isinstance(span, dict) or set(span) != {"preset"}:
        yield ("timeRange",), "a range of time is `{preset: ...}`", "as in `{preset: lastMonth}`"
    elif not isinstance(preset, str) or preset not in RANGES:
        yield ("timeRange", "preset"), f"{preset!r} is no range that charts know", meant(str(preset), RANGES, "ranges")
    elif preset in YEARS and raw.body.get("timeInterval", "quarter") != "quarter":
        yield ("timeInterval",), f"Port draws {preset} by quarter only", "write `timeInterval: quarter`"


def _series(raw: Raw) -> Iterator[Mistake]:
    if raw.type not in ("line", "line-chart"):
        return
    has, properties = "properties" in raw.body, raw.body.get("properties")
    if has and raw.body.get("chartType") == "countEntities":
        yield ("properties",), "a chart that counts entities has no properties", "remove it, or aggregate them"
    elif has and not (properties and _all_text(properties)):
        yield ("properties",), "`properties` is a list of names, and not empty", "as in `[properties.total]`"
    if "breakdownProperty" in raw.body and raw.body.get("chartType") != "countEntities":
        yield ("breakdownProperty",), "Port breaks down counts of entities only", "write `chartType: countEntities`"


def _all_text(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(each, str) for each in values)


def _thresholds(raw: Raw) -> Iterator[Mistake]:
    if raw.type == NUMBER and "conditionalFormatting" in raw.body:
        for path, message, hint in condition_mistakes(raw.body["conditionalFormatting"]):
            yield ("conditionalFormatting", *path), message, hint


RULE = Rule("PC423", check)
