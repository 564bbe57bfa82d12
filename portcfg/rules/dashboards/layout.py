"""PC414: a layout of Port's own form that Port refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from portcfg.kinds.widgets import GRID, ROW_HEIGHT
from portcfg.model import Body, Path
from portcfg.rules.dashboards.nested import every_widget
from portcfg.rules.dashboards.rows import NARROWEST
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.unchecked import list_at

Mistake = tuple[Path, str, str]


def check(portal: Portal) -> Iterator[Found]:
    """Widths, heights, and one place for each widget (port-api.md §4.3). What isn't of the right form is PC423."""
    for document in portal.of_kind("dashboard"):
        for path, widget in every_widget(document.body.get("widgets")):
            if widget.get("type") == "dashboard-widget":
                for place, message, hint in _layout(widget, path):
                    yield Found(document, place, message, hint)


def _layout(widget: Body, path: Path) -> Iterator[Mistake]:
    rows = [row for row in list_at(widget, "layout") if isinstance(row, dict)]
    ids = [str(each["id"]) for each in list_at(widget, "widgets") if isinstance(each, dict) and each.get("id")]
    placed: Counter[str] = Counter()
    for index, row in enumerate(rows):
        place = (*path, "layout", index)
        columns = [column for column in list_at(row, "columns") if isinstance(column, dict)]
        yield from _sizes(row, columns, place)
        for number, column in enumerate(columns):
            name = str(column.get("id"))
            placed[name] += 1
            where = (*place, "columns", number, "id")
            if name not in ids:
                yield where, f"the layout names {name!r}, which is no widget here", meant(name, ids, "widgets")
            elif placed[name] > 1:
                yield where, f"the widget {name!r} has two places", "Port takes one for each"
    for index, each in enumerate(list_at(widget, "widgets")):
        name = str(each.get("id", "")) if isinstance(each, dict) else ""
        if name not in placed:
            title = name or str(each.get("title") or each.get("type"))
            hint = f"add a column `{{id: {name}, size: ...}}`" if name else "give it an id, and the id a column"
            yield (*path, "widgets", index), f"the widget {title!r} has no place in the layout", hint


def _sizes(row: Body, columns: list[Body], path: Path) -> Iterator[Mistake]:
    sizes = [column.get("size") for column in columns]
    whole = [size for size in sizes if isinstance(size, int | float) and size == int(size)]
    if len(whole) < len(sizes) or sum(whole) != GRID or any(size < NARROWEST for size in whole):
        message = f"the row's widths are {sizes}; they must sum to {GRID}, each at least {NARROWEST}"
        yield (*path, "columns"), message, "whole numbers; four columns of 3, three of 4, two of 6, or one of 12"
    height = row.get("height")
    if isinstance(height, int | float) and height < ROW_HEIGHT:
        yield (*path, "height"), f"a row is at least {ROW_HEIGHT} high, and this is {height}", f"write {ROW_HEIGHT}"


RULE = Rule("PC414", check)
