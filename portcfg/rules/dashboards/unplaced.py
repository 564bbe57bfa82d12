"""PC402: a widget that stands in no row."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds.widgets import compile_row
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Nobody would see it. Without `rows`, each widget is a row of its own."""
    for document in portal.of_kind("dashboard"):
        widgets, rows = document.body["widgets"], document.body.get("rows")
        if isinstance(widgets, dict) and rows is not None:
            placed = {column["id"] for row in rows for column in compile_row(row)["columns"]}
            for key in (key for key in widgets if key not in placed):
                message = f"the widget {key!r} stands in no row"
                yield Found(document, ("widgets", key), message, "add it to rows, or remove it")


RULE = Rule("PC402", check)
