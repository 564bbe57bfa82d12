"""PC603: a sum of ratios."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.metrics.figures import figures, is_ratio
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Percentages don't add up."""
    for read, field in figures(portal, "sum"):
        if is_ratio(field):
            message = f"{field.name!r} is a ratio, and a sum of ratios means nothing"
            yield read.found(message, "sum what it is divided from, or take the median")


RULE = Rule("PC603", check, "info")
