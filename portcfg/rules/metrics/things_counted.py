"""PC609: records counted under a title about what each record has a number of."""

from __future__ import annotations

from collections.abc import Iterator, Set

from portcfg.rules.fields import Shape
from portcfg.rules.metrics.figures import counts, is_daily, title_of
from portcfg.rules.metrics.words import PEOPLE, RECORDS, words
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

TOTAL = frozenset({"total", "count", "number", "num"})


def check(portal: Portal) -> Iterator[Found]:
    """A record of a day in which ten commits were made is one record."""
    for count in counts(portal):
        title = words(title_of(count.widget, count.series))
        total = _total(count.shape, title) if is_daily(count.shape) and not title & RECORDS else ""
        if total:
            named = title_of(count.widget, count.series).strip()
            message = (
                f"{named!r} counts the records of {count.series.blueprint}, and each has a number of its own, {total}"
            )
            yield count.found(message, f"`sum: {total}`, or say records in the title")


def _total(shape: Shape, title: Set[str]) -> str:
    """A property such as `total_commits`, of whose thing the title is."""
    for name, field in shape.fields.items():
        parts = words(name)
        things = parts - TOTAL
        if field.type == "number" and parts & TOTAL and len(things) == 1 and things <= title and not things & PEOPLE:
            return name
    return ""


RULE = Rule("PC609", check, "info")
