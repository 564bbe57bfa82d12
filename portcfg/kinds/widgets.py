"""The short form of dashboard widgets -> Port's widget JSON (facts: port-api.md §4.4-4.6).

A short-form widget has a `type` of SHORT_TYPES; every other type is Port's own and passes through untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portcfg.model import Body

PRESETS = {
    "today": "today",
    "yesterday": "yesterday",
    "past day": "lastDay",
    "past week": "lastWeek",
    "past 2 weeks": "last2Weeks",
    "past 30 days": "lastMonth",
    "past 3 months": "last3Months",
    "past 6 months": "last6Months",
    "past 12 months": "last12Months",
}
INTERVALS = {"hour": "hour", "day": "day", "week": "isoWeek", "month": "month", "quarter": "quarter"}
FUNCTIONS = ("sum", "average", "min", "max", "median", "last")
ICONS = {"number": "Metric", "line": "LineChart", "pie": "Pie", "bar": "Bar", "table": "Table"}
COMMON = ("title", "icon", "description", "emptyStateText")
GRID = 12
ROW_HEIGHT = 400
UNITS = ("none", "$", "€", "£", "%")


def dataset(blueprint: str, widget: Mapping[str, Any]) -> Body:
    """The entities that a widget looks at: all of the blueprint, narrowed by `filter` rules and by `over`.

    Older widgets read the blueprint out of a `$blueprint` rule and newer ones out of `blueprint`, so both are given.
    """
    rules: list[Any] = [{"property": "$blueprint", "operator": "=", "value": blueprint}]
    rules.extend(widget.get("filter") or [])
    if widget["type"] != "line" and "over" in widget:
        between = {"property": widget["by"], "operator": "between", "value": {"preset": PRESETS[widget["over"]]}}
        rules.append(between)
    return {"combinator": "and", "rules": rules}


def _common(key: str, widget: Mapping[str, Any], port_type: str) -> Body:
    base: Body = {"id": key, "type": port_type}
    base |= {name: widget[name] for name in COMMON if name in widget}
    base.setdefault("title", key)
    if widget["type"] in ICONS:
        base.setdefault("icon", ICONS[widget["type"]])
    return base


def _function(widget: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The function named in a widget and its properties: `sum: total_cents`, `average: [a, b]`."""
    for func in FUNCTIONS:
        if func in widget:
            value = widget[func]
            return func, value if isinstance(value, list) else [value]
    return "count", []


def number(key: str, widget: Mapping[str, Any], _: str) -> Body:
    """`entities-number-chart`: `count: entities`, or one function of one property."""
    func, properties = _function(widget)
    body = _common(key, widget, "entities-number-chart") | {"blueprint": widget["blueprint"]}
    if properties:
        body |= {"chartType": "aggregateByProperty", "calculationBy": "property", "property": properties[0]}
    else:
        body |= {"chartType": "countEntities", "calculationBy": "entities"}
    body["func"] = "average" if "per" in widget else func
    if body["func"] == "average":
        body["averageOf"] = widget.get("per", "total")
        if "by" in widget:
            body["measureTimeBy"] = widget["by"]
    unit = str(widget.get("unit", "none"))
    body |= {"unit": unit} if unit in UNITS else {"unit": "custom", "unitCustom": unit}
    if "decimals" in widget:
        # Port writes the number of decimals as a pattern: .0, .00, ...
        body |= {"displayFormatting": "custom", "decimalPlaces": "." + "0" * widget["decimals"]}
    if "thresholds" in widget:
        body["conditionalFormatting"] = widget["thresholds"]
    return body | {"dataset": dataset(widget["blueprint"], widget)}


def line(key: str, widget: Mapping[str, Any], line_chart: str) -> Body:
    """`multi-line-chart` (or `line-chart`, as the project says): one line a property, or a count of entities."""
    func, properties = _function(widget)
    times = {
        "timeInterval": INTERVALS[widget.get("every", "day")],
        "timeRange": {"preset": PRESETS[widget.get("over", "past 30 days")]},
    }
    body = _common(key, widget, line_chart) | times
    body |= {axis: widget[axis] for axis in ("xAxisTitle", "yAxisTitle") if axis in widget}
    series: Body = {
        "blueprint": widget["blueprint"],
        "chartType": "aggregatePropertiesValues" if properties else "countEntities",
        "func": func,
        "measureTimeBy": widget["by"],
        "dataset": dataset(widget["blueprint"], widget),
    }
    if "breakdown" in widget:
        series["breakdownProperty"] = widget["breakdown"]
    if line_chart == "line-chart":
        return body | series | ({"properties": [f"properties.{name}" for name in properties]} if properties else {})
    labels = widget.get("labels") or {}
    lines = [
        {"title": labels.get(name, name), **series, "properties": [f"properties.{name}"]} for name in properties
    ] or [{"title": labels.get("count", body["title"]), **series}]
    return body | {"lines": lines}


def _by_value(port_type: str) -> Callable[[str, Mapping[str, Any], str], Body]:
    def build(key: str, widget: Mapping[str, Any], _: str) -> Body:
        notation = widget["property"] if "#" in widget["property"] else f"property#{widget['property']}"
        body = _common(key, widget, port_type) | {"blueprint": widget["blueprint"], "property": notation}
        return body | {"dataset": dataset(widget["blueprint"], widget)}

    return build


def table(key: str, widget: Mapping[str, Any], _: str) -> Body:
    """`table-entities-explorer` with the columns listed, in their order."""
    blueprint = widget["blueprint"]
    settings: Body = {
        "filterSettings": {"filterBy": {"combinator": "and", "rules": []}},
        "groupSettings": {"groupBy": widget.get("group", [])},
        "sortSettings": {"sortBy": [_sort(entry) for entry in widget.get("sort", [])]},
        "propertiesSettings": {"order": widget["columns"], "shown": widget["columns"]},
    }
    body = _common(key, widget, "table-entities-explorer")
    body |= {"displayMode": "widget", "blueprint": blueprint, "dataset": dataset(blueprint, widget)}
    return body | {"blueprintConfig": {blueprint: settings}}


def _sort(entry: str) -> Body:
    """`record_date` sorts upwards, `-record_date` downwards."""
    return {"property": entry.removeprefix("-"), "order": "desc" if entry.startswith("-") else "asc"}


def _plain(port_type: str, *keys: str) -> Callable[[str, Mapping[str, Any], str], Body]:
    def build(key: str, widget: Mapping[str, Any], _: str) -> Body:
        return _common(key, widget, port_type) | {name: widget[name] for name in keys if name in widget}

    return build


SHORT_TYPES: Mapping[str, Callable[[str, Mapping[str, Any], str], Body]] = {
    "number": number,
    "line": line,
    "pie": _by_value("entities-pie-chart"),
    "bar": _by_value("bar-chart"),
    "table": table,
    "text": _plain("markdown", "markdown"),
    "frame": _plain("iframe-widget", "url", "urlType"),
    "links": _plain("links-widget", "links"),
}


def compile_row(row: Any) -> Body:
    """A row: a list of widget keys, or `{height, widgets}`; `{key: size}` sets a width, the others share the rest."""
    height, entries = (row.get("height", ROW_HEIGHT), row["widgets"]) if isinstance(row, dict) else (ROW_HEIGHT, row)
    sized = {key: size for entry in entries if isinstance(entry, dict) for key, size in entry.items()}
    keys = [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]
    free = [key for key in keys if key not in sized]
    share, extra = divmod(GRID - sum(sized.values()), len(free)) if free else (0, 0)
    widths = {key: share + (index < extra) for index, key in enumerate(free)} | sized
    return {"height": height, "columns": [{"id": key, "size": widths[key]} for key in keys]}


def compile_widget(key: str, widget: Mapping[str, Any], line_chart: str) -> Body:
    """One widget as Port stores it; its id is its key, so that moving it doesn't make it another widget."""
    build = SHORT_TYPES.get(widget["type"])
    return (
        build(key, widget, line_chart)
        if build
        else {"id": key, **{name: value for name, value in widget.items() if name != "id"}}
    )
