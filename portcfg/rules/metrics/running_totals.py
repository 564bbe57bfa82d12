"""PC607: a sum or an average of a running total."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.metrics.figures import figures
from portcfg.rules.metrics.words import RUNNING, words
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Each value has those before it in it."""
    for read, field in figures(portal, "sum", "average", "median"):
        if words(field.name, field.body.get("title")) & RUNNING:
            message = (
                f"{field.name!r} is a running total, and its {read.series.function} counts early values again and again"
            )
            yield read.found(message, "take the maximum, or for lines the last one")


RULE = Rule("PC607", check, "info")
