"""Whole UTC days: the range of a run, and its slices for APIs that cap the length of a request.

Both ends of a window are inclusive, so the end is the last millisecond of a day: events at midnight belong to one
window only. Ends are frozen for the run, because offset paging over a list that grows repeats and loses rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from portcfg.errors import UsageError

DAY_MS = 86_400_000
DEFAULT_DAYS = 30
# facts: cursor-api.md §9.13, late data: costs come up to a day late, daily rows up to some days.
SETTLE_DAYS = 3
EARLIEST = date(1970, 1, 1)


@dataclass(frozen=True)
class WindowSpec:
    """`window:` of a stream.

    `days` is the longest range the API answers, margins included; `day` is the jq that gives
    a shaped row's UTC day, as text that begins with `YYYY-MM-DD`.

    `later_days` are the days after the end in which newer versions of rows may come that are of the days; None: up to
    now, however long that is.
    """

    days: int = DEFAULT_DAYS
    margin_days: int = 0
    day: str = ""
    later_days: int | None = 0


@dataclass(frozen=True)
class DayRange:
    """Whole UTC days, both inclusive."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first < EARLIEST:
            raise UsageError(f"the range begins on {self.first}; {EARLIEST} is the first day that can be asked for")
        if self.last < self.first:
            raise UsageError(f"the range ends ({self.last}) before it begins ({self.first})")

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Window:
    """What `$window` is: `first_day`..`last_day` are the days asked for, the rest bounds the request (with margin)."""

    first_day: str
    last_day: str
    days: int
    start_date: str
    end_date: str
    start_iso: str
    end_iso: str
    start_ms: int
    end_ms: int

    def as_json(self) -> dict[str, Any]:
        """The object that jq sees."""
        return asdict(self)


def utc_day(epoch_seconds: float) -> date:
    """The UTC day of an instant."""
    return datetime.fromtimestamp(epoch_seconds, UTC).date()


def day_range(now: float, first: date | None, last: date | None, days: int | None, default_days: int) -> DayRange:
    """The days of a run: `first` to `last`, or the `days` days that end with `last`; by default they end yesterday.

    `now` is in epoch seconds. Raises UsageError for what can't be meant, and for a day that isn't over: its figures
    would look like those of a whole one.
    """
    if first and days is not None:
        raise UsageError(
            "a first day and a number of days both say where the range begins", "give --since or --days, not both"
        )
    if days is not None and days < 1:
        raise UsageError(f"a range of {days} days is none")
    whole = utc_day(now) - timedelta(days=1)
    _check_over(first, whole)
    _check_over(last, whole)
    end = last or whole
    return DayRange(first or _back(end, default_days if days is None else days), end)


def _check_over(day: date | None, whole: date) -> None:
    if day and day > whole:
        what = "isn't over" if day == whole + timedelta(days=1) else "has not begun"
        raise UsageError(f"{day} {what} (UTC); the last whole day is {whole}")


def _back(end: date, days: int) -> date:
    try:
        return end - timedelta(days=days - 1)
    except OverflowError:
        raise UsageError(f"{days:,} days before {end} there were none to ask for") from None


def slices(span: DayRange, spec: WindowSpec, now: float) -> Iterator[Window]:
    """The windows that cover the range once, each with its margin at most `spec.days` long.

    Where rows come again later, each window is one for all days of the range: a row of any of them may be in any.
    """
    step = spec.days - 2 * spec.margin_days
    if step < 1:
        raise UsageError(f"a window of {spec.days} days has no room for a margin of {spec.margin_days} on both sides")
    if spec.later_days != 0:
        yield from _reaching(span, spec, now)
        return
    first = span.first
    while first <= span.last:
        last = min(first + timedelta(days=step - 1), span.last)
        yield window(DayRange(first, last), spec.margin_days, now)
        first = last + timedelta(days=1)


def _reaching(span: DayRange, spec: WindowSpec, now: float) -> Iterator[Window]:
    """Requests side by side from the margin before the range to the last day that counts, at most today's."""
    margin = timedelta(days=spec.margin_days)
    today = utc_day(now)
    end = today if spec.later_days is None else min(today, span.last + margin + timedelta(days=spec.later_days))
    first = max(span.first - margin, EARLIEST)
    while first <= end:
        last = min(first + timedelta(days=spec.days - 1), end)
        asked = window(DayRange(first, last), 0, now)
        yield replace(asked, first_day=span.first.isoformat(), last_day=span.last.isoformat(), days=span.days)
        first = last + timedelta(days=1)


def window(days: DayRange, margin_days: int, now: float) -> Window:
    """One window. Its end is never after `now`, so that what is still growing is read as of one instant."""
    margin = timedelta(days=margin_days)
    start_ms = _midnight_ms(days.first - margin)
    end_ms = min(_midnight_ms(days.last + margin) + DAY_MS - 1, int(now * 1000))
    return Window(
        first_day=days.first.isoformat(),
        last_day=days.last.isoformat(),
        days=days.days,
        start_date=_iso(start_ms)[:10],
        end_date=_iso(end_ms)[:10],
        start_iso=_iso(start_ms),
        end_iso=_iso(end_ms),
        start_ms=start_ms,
        end_ms=end_ms,
    )


def _midnight_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _iso(epoch_ms: int) -> str:
    instant = datetime.fromtimestamp(epoch_ms // 1000, UTC)
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1000:03d}Z"
