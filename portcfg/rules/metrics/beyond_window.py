"""PC605: a range of time that goes further back than the mapping reads."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.intervals import RANGES
from portcfg.rules.dashboards.uses import charted
from portcfg.rules.metrics.figures import spans
from portcfg.rules.metrics.windows import window_days
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Days pile up as syncs run, but the first one reads no more than the window has."""
    days = window_days(portal)
    for widget, series, _ in charted(portal):
        read = days.get(series.blueprint, 0)
        wanted = max((RANGES.get(span, 0) for span in spans(series, widget)), default=0)
        if read and wanted > read:
            path = (*widget.path, "over") if widget.is_short else (*series.path, "timeRange")
            message = f"this shows {wanted} days, and the first sync of {series.blueprint} reads {read}"
            yield Found(widget.document, path, message, "fill the days before once: `portcfg sync --since`")


RULE = Rule("PC605", check, "info")
