"""PC416: a line of one point, or of more than Port draws."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.uses import LINES
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# How long Port's ranges and intervals are, in days; ranges roll and end now (port-api.md §3.6).
RANGES = {
    "today": 1,
    "yesterday": 1,
    "lastDay": 1,
    "lastWeek": 7,
    "last2Weeks": 14,
    "lastMonth": 30,
    "last3Months": 90,
    "last6Months": 180,
    "last12Months": 365,
    "last2Years": 730,
    "last3Years": 1095,
}
INTERVALS = {"hour": 1 / 24, "day": 1, "isoWeek": 7, "month": 30, "quarter": 90}


def check(portal: Portal) -> Iterator[Found]:
    """An interval as long as the range has one point, and no line."""
    for widget in portal.widgets:
        if widget.type not in LINES:
            continue
        range_ = widget.body.get("timeRange")
        preset = range_.get("preset") if isinstance(range_, dict) else None
        interval = widget.body.get("timeInterval")
        if INTERVALS.get(str(interval), 0) >= RANGES.get(str(preset), 10_000):
            path = (*widget.path, "every" if widget.is_short else "timeInterval")
            if widget.is_short and "every" not in widget.spec:
                path = (*widget.path, "over")
            message = (
                f"one {_word(interval)} is no shorter than the whole range, so that there is one point and no line"
            )
            yield Found(widget.document, path, message, "take a shorter interval, or a longer range")


def _word(interval: object) -> str:
    return "week" if interval == "isoWeek" else str(interval)


RULE = Rule("PC416", check, "warning")
