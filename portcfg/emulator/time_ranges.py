"""Port's date presets and the intervals of its charts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from portcfg.emulator.wire_errors import invalid

# Presets roll: the last N days end now. Only today, tomorrow and yesterday are calendar days.
ROLLING_DAYS = {
    "Day": 1,
    "Week": 7,
    "2Weeks": 14,
    "Month": 30,
    "3Months": 90,
    "6Months": 180,
    "12Months": 365,
    "2Years": 730,
    "3Years": 1095,
}
CALENDAR_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
PRESETS = frozenset([*CALENDAR_DAYS, *(way + days for way in ("last", "next") for days in ROLLING_DAYS)])
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?)?")

Range = tuple[datetime, datetime]


def parse_date(value: Any) -> datetime | None:
    """An ISO date or date-time (UTC unless it says otherwise), or None if it isn't one."""
    if not isinstance(value, str) or not ISO_DATE.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value.upper().replace(" ", "T"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def preset_range(preset: str, now: datetime) -> Range:
    """The span of a preset; raises WireError for an unknown one."""
    if preset in CALENDAR_DAYS:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        start = midnight + timedelta(days=CALENDAR_DAYS[preset])
        return start, start + timedelta(days=1) - timedelta(milliseconds=1)
    if preset not in PRESETS:
        raise invalid("body/timeRange/preset must be equal to one of the allowed values")
    span = timedelta(days=ROLLING_DAYS[preset[4:]])
    return (now - span, now) if preset.startswith("last") else (now, now + span)


def value_range(value: dict[str, Any], now: datetime) -> Range:
    """The span of a date rule's value: `{preset}` or `{from, to}`."""
    if "preset" in value:
        return preset_range(value["preset"], now)
    start, end = parse_date(value.get("from")), parse_date(value.get("to"))
    if start is None or end is None:
        raise invalid("body/query: a date range needs `from` and `to` as date-times")
    return start, end


def interval_start(moment: datetime, interval: str, zone: tzinfo = UTC) -> datetime:
    """The start of the hour, day, isoWeek (also week), month or quarter that holds `moment`."""
    local = moment.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    if interval == "hour":
        return local
    day = local.replace(hour=0)
    if interval in ("isoWeek", "week"):
        return day - timedelta(days=day.weekday())
    if interval == "month":
        return day.replace(day=1)
    if interval == "quarter":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    return day


def intervals(span: Range, interval: str, zone: tzinfo = UTC) -> Iterator[datetime]:
    """The starts of all intervals that `span` touches."""
    steps = {"hour": timedelta(hours=1), "day": timedelta(days=1), "isoWeek": timedelta(days=7)}
    # A step into the middle of the next month or quarter, cut back to its start.
    step = steps.get(interval, timedelta(days=45 if interval == "month" else 105))
    start = interval_start(span[0], interval, zone)
    while start <= span[1]:
        yield start
        start = interval_start(start + step, interval, zone)
