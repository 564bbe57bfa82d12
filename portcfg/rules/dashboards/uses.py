"""What widgets read, with what the blueprints say of it. Widgets over blueprints that only Port has are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portcfg.rules.fields import Field, Shape
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found
from portcfg.rules.shown import Series, Use, Widget

LINES = ("line-chart", "multi-line-chart")
SLICES = ("entities-pie-chart", "bar-chart")
TABLE = "table-entities-explorer"
NUMBER = "entities-number-chart"
# The notation of pie and bar charts -> the section of Field that it names; scorecards aren't in specs.
PREFIXES = {
    "property": "property",
    "mirror-property": "mirror",
    "calculation-property": "calculation",
    "aggregation-property": "aggregation",
    "relation": "relation",
}
TYPE_WORDS = {
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
UNKNOWN_PREFIXES = ("scorecard", "scorecard-rule")


@dataclass(frozen=True)
class Read:
    """One name that a widget uses; `field` is None where the blueprint has nothing of that name."""

    widget: Widget
    series: Series
    shape: Shape
    use: Use
    field: Field | None

    def found(self, message: str, hint: str = "") -> Found:
        """A finding at the name."""
        return Found(self.widget.document, self.use.path, message, hint)


def reads(portal: Portal, *roles: str) -> Iterator[Read]:
    """Every use in one of the roles, over a blueprint of the specs; scorecards left out."""
    for widget, series, shape in charted(portal):
        for use in series.uses:
            if use.role in roles and use.written.partition("#")[0] not in UNKNOWN_PREFIXES:
                yield Read(widget, series, shape, use, _field(shape, use))


def charted(portal: Portal) -> Iterator[tuple[Widget, Series, Shape]]:
    """Every series of a blueprint that the specs have."""
    for widget in portal.widgets:
        for series in widget.series:
            if shape := portal.shapes.get(series.blueprint):
                yield widget, series, shape


def _field(shape: Shape, use: Use) -> Field | None:
    prefix = use.written.partition("#")[0]
    if prefix == "relation" or use.written.startswith("relations."):
        return shape.relations.get(use.name)
    for name in (use.written, use.name):
        if found := shape.fields.get(name) or shape.relations.get(name):
            return found
    return None


def named(read: Read) -> str:
    """What there is and what it is, for people: `'seen' of service is text`."""
    type_ = read.field.type if read.field else ""
    return f"{read.use.name!r} of {read.series.blueprint} is {TYPE_WORDS.get(type_, type_)}"
