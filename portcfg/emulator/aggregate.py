"""The routes behind dashboards' charts: one number, counted values, and series over time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portcfg.emulator.aggregation_values import combined, measured
from portcfg.emulator.blueprints import find
from portcfg.emulator.body_checks import TEXT, require, validator
from portcfg.emulator.calls import Answer, Call
from portcfg.emulator.entity_views import Catalog, View
from portcfg.emulator.query_shapes import check_query
from portcfg.emulator.search import across, matching
from portcfg.emulator.time_ranges import Range, interval_start, intervals, parse_date, preset_range
from portcfg.emulator.wire_errors import invalid
from portcfg.model import Body

OBJECT = {"type": "object"}
AVERAGE_OF = {"enum": ["hour", "day", "week", "month", "total"]}
COUNT_VALUES = ("property", "relation", "scorecard", "rule")
AGGREGATE = validator(
    {
        "type": "object",
        "required": ["func", "query"],
        "additionalProperties": False,
        "properties": {
            "func": {"enum": ["count", "average", "sum", "min", "max", "median", "countValues"]},
            "query": OBJECT,
            "averageOf": AVERAGE_OF,
            "calculationBy": TEXT,
            "measureTimeBy": TEXT,
            **dict.fromkeys(COUNT_VALUES, TEXT),
        },
        "allOf": [
            {
                "if": {"properties": {"func": {"enum": ["sum", "min", "max", "median"]}}},
                "then": {"required": ["property"]},
            },
            {"if": {"properties": {"func": {"const": "count"}}}, "then": {"properties": {"property": False}}},
        ],
    }
)
# What counts are divided by for an average, by interval: a fixed number, not the interval's real length.
DIVISORS = {"hour": 60, "day": 24, "isoWeek": 7, "month": 30, "quarter": 90}
LONG_PRESETS = ("last2Years", "last3Years")
OVER_TIME = validator(
    {
        "type": "object",
        "required": ["blueprint", "timeRange", "timeInterval", "query", "measureTimeBy", "aggregationType", "func"],
        "additionalProperties": False,
        "properties": {
            "blueprint": TEXT,
            "timeRange": {
                "type": "object",
                "required": ["preset"],
                "additionalProperties": False,
                "properties": {"preset": TEXT, "timeZone": TEXT},
            },
            "timeInterval": {"enum": list(DIVISORS)},
            "query": OBJECT,
            "measureTimeBy": TEXT,
            "specificTimeRange": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "aggregationType": {"enum": ["aggregatePropertiesValues", "countEntities"]},
            "func": {"enum": ["average", "sum", "min", "max", "median", "last", "count"]},
            "properties": {"type": "array", "items": TEXT, "minItems": 1},
            "breakdownProperty": TEXT,
        },
        "if": {"properties": {"aggregationType": {"const": "countEntities"}}},
        "then": {"properties": {"func": {"enum": ["count", "average"]}}},
        "else": {"required": ["properties"], "properties": {"func": {"not": {"const": "count"}}}},
    }
)


def aggregate(call: Call) -> Answer:
    """POST /v1/entities/aggregate `{func, query, ...}` -> `{ok, result}`: a number, or `{value: count}`."""
    body = call.json_object()
    require(AGGREGATE, body)
    check_query(body["query"])
    views = list(across(call, body["query"]))
    if body["func"] == "countValues":
        name = next((body[key] for key in COUNT_VALUES if key in body), None)
        if name is None:
            raise invalid("body must have required property 'property'")
        return 200, {"ok": True, "result": _counted(view.value(_bare(name)) for view in views)}
    return 200, {"ok": True, "result": measured(views, {**body, "property": _bare(body.get("property", ""))})}


def _counted(values: Iterable[Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        for item in value if isinstance(value, list) else [value]:
            key = _series(item)
            counts[key] = counts.get(key, 0) + 1
    return counts


def _series(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bare(name: str) -> str:
    """A property's key out of a widget's notation: `properties.x`, `property#x`, ..."""
    return name.rpartition("#")[2].removeprefix("properties.").removeprefix("relations.")


def over_time(call: Call) -> Answer:
    """POST /v1/entities/aggregate-over-time -> `{ok, result: {minDate, maxDate, data: [{date, <series>: number}]}}`,
    dates in epoch milliseconds at the start of each interval."""
    body = call.json_object()
    require(OVER_TIME, body)
    check_query(body["query"])
    if body["timeRange"]["preset"] in LONG_PRESETS and body["timeInterval"] != "quarter":
        raise invalid("body/timeInterval must be equal to one of the allowed values")
    span, zone = _span(call, body), _zone(body["timeRange"].get("timeZone", "UTC"))
    blueprint = find(call.store, body["blueprint"])
    buckets: dict[datetime, list[View]] = {start: [] for start in intervals(span, body["timeInterval"], zone)}
    for view in matching(Catalog(call.store, call.now), blueprint, body["query"]):
        moment = parse_date(view.value(_bare(body["measureTimeBy"])))
        if moment and span[0] <= moment <= span[1]:
            buckets[interval_start(moment, body["timeInterval"], zone)].append(view)
    data = [{"date": _milliseconds(start), **_point(views, body)} for start, views in buckets.items()]
    dates = {"minDate": _milliseconds(span[0]), "maxDate": _milliseconds(span[1])}
    return 200, {"ok": True, "result": {**dates, "data": data}}


def _span(call: Call, body: Body) -> Range:
    if body["timeRange"]["preset"] != "specific":
        return preset_range(body["timeRange"]["preset"], datetime.fromtimestamp(call.now, UTC))
    if "specificTimeRange" not in body:
        raise invalid("body must have required property 'specificTimeRange'")
    start, end = (datetime.fromtimestamp(value / 1000, UTC) for value in body["specificTimeRange"])
    return start, end


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise invalid(f'"{name}" is not a time zone') from None


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _point(views: list[View], body: Body) -> Body:
    if body["aggregationType"] == "countEntities":
        by = body.get("breakdownProperty")
        counts = _counted(view.value(_bare(by)) for view in views) if by else {"count": len(views)}
        divisor = DIVISORS[body["timeInterval"]] if body["func"] == "average" else 1
        return {name: count / divisor if divisor > 1 else count for name, count in counts.items()}
    points = {name: _value(views, _bare(name), body) for name in body["properties"]}
    # A bucket without a value has no point; the chart draws the gap.
    return {name: value for name, value in points.items() if value is not None}


def _value(views: list[View], name: str, body: Body) -> int | float | None:
    if body["func"] == "last":
        by = _bare(body["measureTimeBy"])
        views = sorted(views, key=lambda view: parse_date(view.value(by)) or datetime.min.replace(tzinfo=UTC))
        return combined("max", [view.value(name) for view in views][-1:])
    values = [view.value(name) for view in views]
    return combined(body["func"], values) if values else None
