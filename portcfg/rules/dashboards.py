"""PC401-PC403: rows, widgets and ids of a dashboard fit together, and each widget says one thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcfg.errors import Problem
from portcfg.kinds.widgets import FUNCTIONS, GRID, compile_row
from portcfg.model import Body, Document, Path, Project

Finding = tuple[Path, str, str, str]


def dashboard_problems(shaped: Sequence[Document], _: Sequence[Document], __: Project) -> Iterator[Problem]:
    """PC401 a row that names an unknown widget or one twice, or doesn't fill 12; PC402 a widget in no row; PC403 a widget
    whose keys contradict each other."""
    for document in shaped:
        if document.kind == "dashboard":
            for path, id_, message, hint in _findings(document.body):
                place = document.place(path)
                yield Problem(place.file, place.line, place.column, id_, message, hint)


def _findings(body: Body) -> Iterator[Finding]:
    widgets = body["widgets"]
    if isinstance(widgets, dict):
        yield from _row_findings(body, widgets)
        for key, widget in widgets.items():
            yield from _widget_findings(("widgets", key), widget)
    elif "rows" in body:
        hint = "a list of widgets is Port's own form, which has its layout in a dashboard-widget"
        yield ("rows",), "PC401", "rows need widgets by key", hint


def _widget_findings(path: Path, widget: Body) -> Iterator[Finding]:
    if widget["type"] not in ("number", "line"):
        return
    named = [name for name in (*FUNCTIONS, "count") if name in widget]
    if len(named) > 1:
        yield (*path, named[1]), "PC403", f"a widget has one function, and this has {', '.join(named)}", "make it two"
    elif "per" in widget and named not in (["average"], ["count"]):
        yield (*path, "per"), "PC403", "`per` goes with average or count", "remove it, or take the average"
    elif "breakdown" in widget and named not in ([], ["count"]):
        yield (*path, "breakdown"), "PC403", "Port breaks down counts of entities only", "use `count: entities`"
    drawn = widget.get(named[0], []) if named else []
    for label in widget.get("labels") or {}:
        if label not in ([drawn] if isinstance(drawn, str) else drawn) and (label, named) != ("count", ["count"]):
            yield (*path, "labels", label), "PC403", f"a label for {label!r}, which isn't drawn", "remove it"


def _row_findings(body: Body, widgets: Body) -> Iterator[Finding]:
    placed: set[str] = set()
    rows = body.get("rows")
    for index, row in enumerate(rows or []):
        columns = compile_row(row)["columns"]
        for key in (column["id"] for column in columns):
            if key not in widgets:
                known = f"the widgets are: {', '.join(widgets) or 'none'}"
                yield ("rows", index), "PC401", f"the row names {key!r}, which is no widget", known
            elif key in placed:
                yield ("rows", index), "PC401", f"the widget {key!r} stands in two places", "Port keeps one of each"
            placed.add(key)
        sizes = [column["size"] for column in columns]
        if sum(sizes) != GRID or min(sizes) < 3:
            message = f"the row's widths are {sizes}; they must sum to {GRID}, each at least 3"
            yield ("rows", index), "PC401", message, "leave sizes out to share the row evenly"
    for key in widgets if rows is not None else ():
        if key not in placed:
            yield ("widgets", key), "PC402", f"the widget {key!r} stands in no row", "add it to rows, or remove it"
