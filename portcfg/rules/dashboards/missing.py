"""PC404: a chart of, or a filter by, what the blueprint doesn't have."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.names import is_strange, mistake
from portcfg.rules.dashboards.time_axis import is_axis
from portcfg.rules.dashboards.uses import reads
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port takes any name, and shows nothing."""
    for read in reads(portal, "value", "time", "breakdown", "filter"):
        # What time can't go by is PC408's, with the dates that there are.
        if (found := mistake(read)) and not (is_axis(read) and is_strange(read)):
            yield read.found(*found)


RULE = Rule("PC404", check, "warning")
