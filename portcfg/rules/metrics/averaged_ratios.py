"""PC602: an average of ratios."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.metrics.figures import figures, is_ratio
from portcfg.rules.metrics.words import DISCLOSED, words
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """A widget that says so (`averaged over days`) is fine."""
    for read, field in figures(portal, "average"):
        disclosed = words(read.widget.title, read.widget.body.get("description")) & DISCLOSED
        if is_ratio(field) and not disclosed:
            message = f"{field.name!r} is a ratio, and its average gives a record of 1 the weight of a record of 1000"
            yield read.found(
                message, "divide sums (an aggregation or the mapping can), or say `averaged` in the description"
            )


RULE = Rule("PC602", check, "info")
