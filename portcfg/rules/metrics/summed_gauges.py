"""PC606: a sum over days of what may be the same on each of them."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.fields import Field
from portcfg.rules.metrics.figures import figures, is_daily
from portcfg.rules.metrics.windows import counted_differently
from portcfg.rules.metrics.words import GAUGES, PEOPLE, words
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """By the mapping, where it counts different things; else by the name."""
    different = counted_differently(portal)
    for read, field in figures(portal, "sum"):
        by_mapping = (read.series.blueprint, field.name) in different
        if is_daily(read.shape) and (by_mapping or _by_name(field)):
            message = f"{field.name!r} is of one day, and its sum counts again what is there on several days"
            yield read.found(message, "take the average, the maximum, or for lines the last one")


def _by_name(field: Field) -> bool:
    named = words(field.name, field.body.get("title"))
    return bool(named & GAUGES) or ("active" in named and bool(named & PEOPLE))


RULE = Rule("PC606", check, "info")
