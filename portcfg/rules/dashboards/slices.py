"""PC413: a pie, bars or lines for each value of what has no few values."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.computed import is_undrawn
from portcfg.rules.dashboards.uses import LINES, SLICES, reads
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Objects can't be told apart, and moments hardly ever repeat."""
    for read in reads(portal, "value", "breakdown"):
        is_slice = read.widget.type in SLICES or (read.widget.type in LINES and read.use.role == "breakdown")
        if not is_slice or not read.field or is_undrawn(read):
            continue
        name = read.use.name
        if read.field.type == "object":
            message = f"Port can't count the values of {name!r}, which are objects"
            yield read.found(message, "break down by text, true or false, a list, or a relation")
        elif read.field.is_date:
            message = f"each value of {name!r} is a moment of its own, and would be a slice of its own"
            yield read.found(message, "draw a line chart over time, or break down by text")


RULE = Rule("PC413", check, "warning")
