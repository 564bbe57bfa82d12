"""PC410: a filter that Port refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.model import Path
from portcfg.rules.portal import Portal
from portcfg.rules.queries import Mistake, query_mistakes, rules_mistakes
from portcfg.rules.rule import Found, Rule
from portcfg.rules.shown import Widget
from portcfg.rules.unchecked import list_at


def check(portal: Portal) -> Iterator[Found]:
    """Datasets of widgets and lines, filters of the short form, and those of the page."""
    for widget in portal.widgets:
        for path, message, hint in _of_widget(widget):
            yield Found(widget.document, path, message, hint)
    for document in portal.of_kind("dashboard"):
        for index, each in enumerate(document.body.get("pageFilters") or []):
            query = each.get("query") if isinstance(each, dict) else None
            place: Path = ("pageFilters", index, "query")
            # Clients send a `blueprint` beside the rules; Port takes it.
            for path, message, hint in query_mistakes(query, place, extra={"blueprint"}) if query else ():
                yield Found(document, path, message, hint)


def _of_widget(widget: Widget) -> Iterator[Mistake]:
    if widget.is_short:
        yield from rules_mistakes(widget.spec.get("filter") or [], (*widget.path, "filter"))
        return
    parts = [(line, (*widget.path, "lines", index)) for index, line in enumerate(list_at(widget.body, "lines"))]
    for part, path in [(widget.body, widget.path), *parts]:
        if isinstance(part, dict) and part.get("dataset") is not None:
            yield from _dataset(widget, part["dataset"], (*path, "dataset"))


def _dataset(widget: Widget, dataset: Any, path: Path) -> Iterator[Mistake]:
    """Number charts also take the bare list of rules, as older ones have it."""
    if isinstance(dataset, list) and widget.type == "entities-number-chart":
        return rules_mistakes(dataset, path)
    return query_mistakes(dataset, path)


RULE = Rule("PC410", check)
