"""Figures that widgets show, and what the specs say that they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portcfg.rules.dashboards.uses import LINES, NUMBER, Read, charted, reads
from portcfg.rules.fields import Field, Shape
from portcfg.rules.metrics.words import DAILY, RATIOS, words
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found
from portcfg.rules.shown import Series, Widget


@dataclass(frozen=True)
class Count:
    """Entities that are counted, over a blueprint of the specs."""

    widget: Widget
    series: Series
    shape: Shape

    def found(self, message: str, hint: str) -> Found:
        """A finding at the count."""
        if self.widget.is_short:
            return Found(self.widget.document, (*self.widget.path, "count"), message, hint)
        key = "func" if "func" in self.series.body else "chartType"
        return Found(self.widget.document, (*self.series.path, key), message, hint)


def counts(portal: Portal) -> Iterator[Count]:
    """Numbers and lines that count entities."""
    for widget, series, shape in charted(portal):
        if widget.type in (NUMBER, *LINES) and series.counts:
            yield Count(widget, series, shape)


def figures(portal: Portal, *functions: str) -> Iterator[tuple[Read, Field]]:
    """Properties that numbers and lines take one of the functions of."""
    for read in reads(portal, "value"):
        is_figure = read.widget.type in (NUMBER, *LINES) and not read.series.counts
        if is_figure and read.field and read.series.function in functions:
            yield read, read.field


def title_of(widget: Widget, series: Series) -> str:
    """What is written over a figure."""
    line = str(series.body.get("title") or "")
    return widget.title if line == widget.title else f"{widget.title} {line}"


def is_ratio(field: Field) -> bool:
    """Whether a property is one number divided by another, by its name or title."""
    return bool(words(field.name, field.body.get("title")) & RATIOS)


def is_daily(shape: Shape) -> bool:
    """Whether each entity of a blueprint is of one day, by its name, title or description."""
    body = shape.document.body
    said = words(shape.document.ref.identifier, body.get("title"), body.get("description"))
    return bool(said & DAILY) and any(field.is_date and field.section == "property" for field in shape.fields.values())


def spans(series: Series, widget: Widget) -> Iterator[str]:
    """Port's names of the ranges of time that a figure is narrowed to."""
    ranged: Any = widget.body.get("timeRange")
    if isinstance(ranged, dict):
        yield str(ranged.get("preset"))
    for use in series.uses:
        value = (use.rule or {}).get("value")
        if use.role == "filter" and isinstance(value, dict) and "preset" in value:
            yield str(value["preset"])
