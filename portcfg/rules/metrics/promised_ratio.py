"""PC608: a title that promises a ratio over figures that are none."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.uses import LINES, NUMBER
from portcfg.rules.fields import Shape
from portcfg.rules.metrics.figures import is_ratio
from portcfg.rules.metrics.words import RATIOS, words
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.shown import Widget


def check(portal: Portal) -> Iterator[Found]:
    """Only where the blueprint has the very ratio, so that `commit rate` over commits is nobody's mistake."""
    for widget in portal.widgets:
        shape = portal.shapes.get(widget.series[0].blueprint) if widget.series else None
        if shape and widget.type in (NUMBER, *LINES) and widget.body.get("unit") != "%":
            ratio = _promised(widget, shape)
            names = {use.name for series in widget.series for use in series.uses if use.role == "value"}
            if ratio and names and not any(is_ratio(shape.fields[name]) for name in names if name in shape.fields):
                message = (
                    f"the title {widget.title!r} promises {ratio!r}, and the widget shows {', '.join(sorted(names))}"
                )
                hint = (
                    f"show {ratio}" if widget.type == NUMBER else f"name what it draws; a number chart can show {ratio}"
                )
                yield Found(widget.document, (*widget.path, "title"), message, hint)


def _promised(widget: Widget, shape: Shape) -> str:
    """The ratio of the blueprint whose name is in the widget's title."""
    title = words(widget.title)
    for name, field in shape.fields.items():
        if is_ratio(field) and words(name) <= title and words(name) & RATIOS:
            return name
    return ""


RULE = Rule("PC608", check, "info")
