"""PC405: a table's column, order or grouping by what the blueprint doesn't have."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.names import mistake
from portcfg.rules.dashboards.uses import reads
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port leaves such a column out."""
    for read in reads(portal, "column", "sort", "group"):
        # What is like nothing may be a scorecard, which specs don't have.
        if found := mistake(read, guessed=True):
            yield read.found(*found)


RULE = Rule("PC405", check, "warning")
