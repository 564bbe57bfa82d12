"""R008-R009: rows, widgets and ids of a dashboard fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcfg.errors import Problem
from portcfg.kinds.dashboard import GRID, compile_row
from portcfg.model import Body, Document, Path, Project


def dashboard_problems(shaped: Sequence[Document], _: Sequence[Document], __: Project) -> Iterator[Problem]:
    """R008 a row that names an unknown widget or one twice, or doesn't fill 12; R009 a widget in no row."""
    for document in shaped:
        if document.kind == "dashboard" and isinstance(document.body["widgets"], dict):
            for path, id_, message, hint in _findings(document.body):
                place = document.place(path)
                yield Problem(place.file, place.line, place.column, id_, message, hint)


def _findings(body: Body) -> Iterator[tuple[Path, str, str, str]]:
    widgets = body["widgets"]
    placed: set[str] = set()
    rows = body.get("rows")
    for index, row in enumerate(rows or []):
        columns = compile_row(row)["columns"]
        for key in (column["id"] for column in columns):
            if key not in widgets:
                known = f"the widgets are: {', '.join(widgets) or 'none'}"
                yield ("rows", index), "R008", f"the row names {key!r}, which is no widget", known
            elif key in placed:
                yield ("rows", index), "R008", f"the widget {key!r} stands in two places", "Port keeps one of each"
            placed.add(key)
        sizes = [column["size"] for column in columns]
        if sum(sizes) != GRID or min(sizes) < 3:
            message = f"the row's widths are {sizes}; they must sum to {GRID}, each at least 3"
            yield ("rows", index), "R008", message, "leave sizes out to share the row evenly"
    for key in widgets if rows is not None else ():
        if key not in placed:
            yield ("widgets", key), "R009", f"the widget {key!r} stands in no row", "add it to rows, or remove it"
