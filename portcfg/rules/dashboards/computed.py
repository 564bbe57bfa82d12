"""PC409: a line chart of what Port works out when it is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.uses import LINES, Read, reads
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

HISTORY = "propertiesValueHistory"


def check(portal: Portal) -> Iterator[Found]:
    """Numbers, pies, bars and tables can show calculations; only lines over time can't (port-api.md §4.5)."""
    for read in reads(portal, "value", "time", "breakdown"):
        if is_undrawn(read):
            message = (
                f"Port's line charts can't use calculations, and {read.use.name!r} of {read.series.blueprint} is one"
            )
            hint = "draw what it is calculated from, show it as a number, or let the mapping write it as a property"
            yield read.found(message, hint)


def is_undrawn(read: Read) -> bool:
    """Whether a line chart would have to use a calculation. The history of one entity has stored values."""
    is_line = read.widget.type in LINES and read.series.body.get("chartType") != HISTORY
    return is_line and read.use.role != "filter" and bool(read.field and read.field.section == "calculation")


RULE = Rule("PC409", check, "warning")
