"""PC408: time that is measured by what is no date."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.computed import is_undrawn
from portcfg.rules.dashboards.names import is_strange
from portcfg.rules.dashboards.uses import Read, named, reads
from portcfg.rules.fields import Field
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """`measureTimeBy`, and what `over` narrows by; both stand at `by` in the short form."""
    for read in reads(portal, "time", "filter"):
        if is_axis(read) and (message := _mistake(read)):
            dates = [name for name, each in read.shape.fields.items() if each.is_date]
            yield read.found(message, f"the dates are: {', '.join(dates)}")


def _mistake(read: Read) -> str:
    if not read.field:
        return f"time goes by dates, and {read.use.name!r} is no field of Port's own" if is_strange(read) else ""
    if is_date(read.field) or is_undrawn(read):
        return ""
    if read.field.type == "string":
        return f"time can't go by {read.use.name!r}, which is text without the format date-time"
    return f"time goes by dates, and {named(read)}"


def is_axis(read: Read) -> bool:
    """Whether the name is one that time is measured by."""
    return read.use.role == "time" or (read.widget.is_short and read.use.path[-1] == "by")


def is_date(field: Field) -> bool:
    """Whether it may be a moment; a timer is one, and who knows what isn't known."""
    return field.is_date or not field.type or (field.type == "string" and field.format == "timer")


RULE = Rule("PC408", check, "warning")
