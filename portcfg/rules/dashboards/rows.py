"""PC401: a row that names an unknown widget or one twice, or whose widths don't fill it."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds.widgets import GRID, compile_row
from portcfg.model import Document
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# Port draws nothing narrower (widgets.md).
NARROWEST = 3


def check(portal: Portal) -> Iterator[Found]:
    """Rows are the short form's own: Port's form has its layout in a dashboard-widget."""
    for document in portal.of_kind("dashboard"):
        if isinstance(document.body["widgets"], dict):
            yield from _rows(document)
        elif "rows" in document.body:
            hint = "a list of widgets is Port's own form, which has its layout in a dashboard-widget"
            yield Found(document, ("rows",), "rows need widgets by key", hint)


def _rows(document: Document) -> Iterator[Found]:
    widgets = document.body["widgets"]
    placed: set[str] = set()
    for index, row in enumerate(document.body.get("rows") or []):
        columns = compile_row(row)["columns"]
        for key in (column["id"] for column in columns):
            if key not in widgets:
                known = f"the widgets are: {', '.join(widgets) or 'none'}"
                yield Found(document, ("rows", index), f"the row names {key!r}, which is no widget", known)
            elif key in placed:
                message = f"the widget {key!r} stands in two places"
                yield Found(document, ("rows", index), message, "Port keeps one of each")
            placed.add(key)
        sizes = [column["size"] for column in columns]
        if sum(sizes) != GRID or min(sizes) < NARROWEST:
            message = f"the row's widths are {sizes}; they must sum to {GRID}, each at least {NARROWEST}"
            yield Found(document, ("rows", index), message, "leave sizes out to share the row evenly")


RULE = Rule("PC401", check)
