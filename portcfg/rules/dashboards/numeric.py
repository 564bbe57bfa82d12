"""PC407: a function of numbers over what is no number."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.computed import is_undrawn
from portcfg.rules.dashboards.uses import LINES, NUMBER, named, reads
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

NUMBERS = ("", "number", "integer")


def check(portal: Portal) -> Iterator[Found]:
    """What isn't of a known type is let through; a history may be of anything."""
    for read in reads(portal, "value"):
        if read.widget.type not in (NUMBER, *LINES) or not read.series.function or read.series.counts:
            continue
        if read.field and read.field.type not in NUMBERS and not is_undrawn(read):
            numbers = [name for name, each in read.shape.fields.items() if each.type == "number"]
            hint = f"the numbers are: {', '.join(numbers[:12])}" if numbers else "use `count: entities`"
            yield read.found(f"{read.series.function} is of numbers, and {named(read)}", hint)


RULE = Rule("PC407", check, "warning")
