"""What a dashboard's widgets would show, asked of Port's own aggregation routes; used by the demo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabulate import tabulate

from portcfg.client import PortReader
from portcfg.model import Body
from portcfg.pipeline import Specs

BARS = "▁▂▃▄▅▆▇█"


def dashboard_numbers(specs: Specs, port: PortReader) -> str:
    """A line a widget of every dashboard in the specs: title, what it shows, values."""
    rows = [
        row
        for ref, resource in specs.compiled().items()
        if ref.kind == "dashboard"
        for widget in _leaves(resource.body["widgets"])
        for row in _shown(widget, port)
    ]
    return tabulate(rows, headers=["widget", "shows", "value"], tablefmt="simple", disable_numparse=True)


def _leaves(widgets: list[Body]) -> Iterator[Body]:
    for widget in widgets:
        if "widgets" in widget:
            yield from _leaves(widget["widgets"])
        else:
            yield widget


def _shown(widget: Body, port: PortReader) -> Iterator[tuple[str, str, str]]:
    title = str(widget.get("title", widget["id"]))
    if widget["type"] == "entities-number-chart":
        yield title, _what(widget), _number(widget, port)
    elif widget["type"] in ("multi-line-chart", "line-chart"):
        for line in widget.get("lines") or [widget]:
            yield title, _what(line), _line({**widget, **line}, port)
    elif widget["type"] == "entities-pie-chart":
        yield title, f"share of {widget['property'].partition('#')[2]}", _pie(widget, port)
    elif widget["type"] == "table-entities-explorer":
        path = f"/blueprints/{widget['blueprint']}/entities-count"
        columns = widget["blueprintConfig"][widget["blueprint"]]["propertiesSettings"]["shown"]
        yield title, f"{len(columns)} columns", f"{port.get(path)['count']:,} rows"


def _what(widget: Body) -> str:
    properties = [name.removeprefix("properties.") for name in widget.get("properties", [])]
    subject = widget.get("property") or ", ".join(properties) or "entities"
    return f"{widget['func']} of {subject}"


def _aggregate(widget: Body, port: PortReader, **extra: Any) -> Any:
    query = widget.get("dataset", {"combinator": "and", "rules": []})
    return port.query("/entities/aggregate", {"query": query, **extra})["result"]


def _number(widget: Body, port: PortReader) -> str:
    keys = ("func", "property", "averageOf", "measureTimeBy", "calculationBy")
    value = _aggregate(widget, port, **{key: widget[key] for key in keys if key in widget})
    unit = widget.get("unitCustom") if widget["unit"] == "custom" else widget["unit"]
    text = f"{value or 0:,.2f}".rstrip("0").rstrip(".")
    return text if unit in (None, "none") else f"{unit}{text}" if unit in ("$", "€", "£") else f"{text} {unit}"


def _pie(widget: Body, port: PortReader) -> str:
    counts = _aggregate(widget, port, func="countValues", property=widget["property"])
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:4]
    return ", ".join(f"{name} {count}" for name, count in largest)


def _line(line: Body, port: PortReader) -> str:
    by_value = line["chartType"] == "aggregatePropertiesValues"
    body: Body = {
        "blueprint": line["blueprint"],
        "timeRange": line["timeRange"],
        "timeInterval": line["timeInterval"],
        "query": line["dataset"],
        "measureTimeBy": line["measureTimeBy"],
        "aggregationType": line["chartType"],
        "func": line["func"],
        **({"properties": line["properties"]} if by_value else {}),
    }
    data = port.query("/entities/aggregate-over-time", body)["result"]["data"]
    values = [float(value or 0) for point in data for key, value in point.items() if key != "date"]
    if not values:
        return "nothing"
    top = max(values) or 1.0
    marks = "".join(BARS[round(value / top * (len(BARS) - 1))] for value in values)
    return f"{marks}  {min(values):,.1f} to {max(values):,.1f}, by {line['timeInterval'].removeprefix('iso').lower()}"
