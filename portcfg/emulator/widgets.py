"""Checks of a page's widgets: each widget's own schema, its dataset, the grid, and ids that occur once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.emulator.body_checks import require
from portcfg.emulator.calls import random_id
from portcfg.emulator.query_shapes import check_query, check_rules
from portcfg.emulator.widget_shapes import LEAVES, LINE, WIDGETS
from portcfg.emulator.wire_errors import invalid
from portcfg.model import Body

ROW_SIZE = 12
MIN_COLUMN = 3
MIN_HEIGHT = 400


def check_widgets(widgets: Any, where: str = "body/widgets") -> None:
    """Raise the 422 for the first widget that Port refuses; gives an id to every widget that has none."""
    if not isinstance(widgets, list):
        raise invalid(f"{where} must be array")
    for index, widget in enumerate(widgets):
        check_widget(widget, f"{where}/{index}")
    seen: set[str] = set()
    for widget in walk(widgets):
        if widget["id"] in seen:
            raise invalid(f'{where}: the widget id "{widget["id"]}" occurs more than once')
        seen.add(widget["id"])


def check_widget(widget: Any, where: str) -> None:
    """Raise the 422 for a widget, or for one inside it, that Port refuses."""
    if not isinstance(widget, dict):
        raise invalid(f"{where} must be object")
    if "type" not in widget:
        raise invalid(f"{where} must have required property 'type'")
    check = WIDGETS.get(widget["type"]) if isinstance(widget["type"], str) else None
    if check is None:
        raise invalid(f"{where}/type must be equal to one of the allowed values")
    require(check, widget, where)
    widget.setdefault("id", random_id())
    _check_datasets(widget, where)
    for place, children in _children(widget):
        for index, child in enumerate(children):
            check_widget(child, f"{where}/{place}/{index}")
    if widget["type"] == "dashboard-widget":
        _check_grid(widget, where)


def _children(widget: Body) -> Iterator[tuple[str, list[Body]]]:
    if widget["type"] == "dashboard-widget":
        yield "widgets", widget["widgets"]
    if widget["type"] == "grouper":
        for index, group in enumerate(widget["groups"]):
            yield f"groups/{index}/widgets", group["widgets"]


def walk(widgets: list[Body]) -> Iterator[Body]:
    """Every widget, the ones inside others included."""
    for widget in widgets:
        yield widget
        for _, children in _children(widget):
            yield from walk(children)


def siblings(widgets: list[Body], identifier: str) -> list[Body] | None:
    """The list that holds the widget of this id, or None."""
    if any(widget["id"] == identifier for widget in widgets):
        return widgets
    for widget in widgets:
        for _, children in _children(widget):
            found = siblings(children, identifier)
            if found is not None:
                return found
    return None


def _check_datasets(widget: Body, where: str) -> None:
    holders = [(widget, where)]
    if widget["type"] == "multi-line-chart":
        holders += [(line, f"{where}/lines/{index}") for index, line in enumerate(widget["lines"])]
    for holder, place in holders:
        dataset = holder.get("dataset")
        if "dataset" not in LEAVES.get(widget["type"], LINE)["properties"] and holder is widget:
            continue
        # A bare list of rules is the older form, of number charts only.
        if isinstance(dataset, list) and widget["type"] == "entities-number-chart":
            check_rules(dataset, f"{place}/dataset")
        elif dataset is not None:
            check_query(dataset, f"{place}/dataset")


def _check_grid(widget: Body, where: str) -> None:
    placed: list[str] = []
    for index, row in enumerate(widget["layout"]):
        place = f"{where}/layout/{index}"
        sizes = [column["size"] for column in row["columns"]]
        if any(size != int(size) or not MIN_COLUMN <= size <= ROW_SIZE for size in sizes):
            raise invalid(f"{place}/columns: a size must be an integer from {MIN_COLUMN} to {ROW_SIZE}")
        if sum(sizes) != ROW_SIZE:
            raise invalid(f"{place}/columns: sizes must add up to {ROW_SIZE}, not {sum(sizes)}")
        if row["height"] < MIN_HEIGHT:
            raise invalid(f"{place}/height must be >= {MIN_HEIGHT}")
        placed += [column["id"] for column in row["columns"]]
    if sorted(placed) != sorted(child["id"] for child in widget["widgets"]):
        raise invalid(f"{where}/layout: there must be one column for each widget, with the widget's id")
