"""PC408: time that is measured by what is no date."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.computed import is_undrawn
from portcfg.rules.dashboards.uses import Read, named, once, reads
from portcfg.rules.fields import Field
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """`measureTimeBy`, and what `over` narrows by; both stand at `by` in the short form."""
    return once(_wrong(portal))


def _wrong(portal: Portal) -> Iterator[Found]:
    for read in reads(portal, "time", "filter"):
        if is_axis(read) and read.field and not is_date(read.field) and not is_undrawn(read):
            dates = [name for name, each in read.shape.fields.items() if each.is_date]
            what = "text without the format date-time" if read.field.type == "string" else ""
            message = (
                f"time can't go by {read.use.name!r}, which is {what}"
                if what
                else f"time goes by dates, and {named(read)}"
            )
            yield read.found(message, f"the dates are: {', '.join(dates)}")


def is_axis(read: Read) -> bool:
    """Whether the name is one that time is measured by."""
    return read.use.role == "time" or (read.widget.is_short and read.use.path[-1] == "by")


def is_date(field: Field) -> bool:
    """Whether it may be a moment; a timer is one, and who knows what isn't known."""
    return field.is_date or not field.type or (field.type == "string" and field.format == "timer")


RULE = Rule("PC408", check, "warning")
