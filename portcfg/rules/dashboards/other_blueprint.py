"""PC412: a widget whose filter names another blueprint than the widget does, or that names none."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.uses import LINES, NUMBER, SLICES, TABLE
from portcfg.rules.portal import Portal
from portcfg.rules.queries import rules_of
from portcfg.rules.rule import Found, Rule
from portcfg.rules.shown import Series, Widget
from portcfg.rules.unchecked import mapping_at


def check(portal: Portal) -> Iterator[Found]:
    """No entity is of two blueprints; settings of a table for another one than it shows are settings of nothing."""
    for widget in portal.widgets:
        for series in widget.series:
            yield from _two(widget, series)
        if widget.type in (NUMBER, TABLE, *SLICES, *LINES) and not widget.series and not widget.body.get("lines"):
            message = "the widget doesn't say whose entities it shows"
            yield Found(widget.document, widget.path, message, "add `blueprint`")


def _two(widget: Widget, series: Series) -> Iterator[Found]:
    dataset = series.body.get("dataset")
    if isinstance(dataset, dict) and dataset.get("combinator") == "or":
        return
    prefix = ("rules",) if isinstance(dataset, dict) else ()
    for below, rule in rules_of(dataset):
        at_top = len(below) == len(prefix) + 1
        named = rule.get("value") if rule.get("property") == "$blueprint" and rule.get("operator") == "=" else None
        if at_top and isinstance(named, str) and "{{" not in named + series.blueprint and named != series.blueprint:
            message = f"the widget shows {series.blueprint!r}, and its dataset only {named!r}"
            path = (*series.path, "dataset", *below, "value")
            yield Found(widget.document, path, message, "name the same blueprint in both; the chart is empty")
    for name in mapping_at(series.body, "blueprintConfig"):
        if widget.body.get("displayMode") == "widget" and "$" not in name and name != series.blueprint:
            message = f"the table shows {series.blueprint!r}, and these are the columns of {name!r}"
            path = (*series.path, "blueprintConfig", name)
            yield Found(widget.document, path, message, "its settings stand under the blueprint that it shows")


RULE = Rule("PC412", check, "warning")
