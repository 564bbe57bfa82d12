"""Which days of a mapping's streams are read for good, and so which are to be read. Pure: the clock comes in.

A day is `settled` when it was read at least `settle_days` after its end, and `open` when it was read before that: it
may still change. A stream that was refused (not in the plan) is waited for on none of the days until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from portcfg.sync.windows import DAY_MS, DayRange, utc_day

OPEN, SETTLED, REFUSED = "open", "settled", "not in plan"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DayRecord:
    """What is known of one day: its rows, their digest, and when they were read (epoch seconds)."""

    day: date
    rows: int
    digest: str
    state: str
    read_at: float


@dataclass(frozen=True)
class StreamDays:
    """The records of one stream; `refused_until` is the last day that it was asked for in vain, if it ever was."""

    days: Mapping[date, DayRecord] = field(default_factory=dict)
    refused_until: date | None = None

    def is_due(self, day: date) -> bool:
        """Whether the day is still to be read."""
        if self.refused_until and day <= self.refused_until:
            return False
        return day not in self.days or self.days[day].state != SETTLED


Known = Mapping[str, StreamDays]


@dataclass(frozen=True)
class Coverage:
    """One stream as `sync status` shows it. Days and `read_at` are ISO text, '' where there is none; `gaps` are days
    without a record between the mapping's first and last one; `rows` are those of `last_day`."""

    stream: str
    first_day: str
    settled_until: str
    open_days: tuple[str, ...]
    gaps: tuple[str, ...]
    last_day: str
    rows: int | None
    read_at: str
    refused_until: str


@dataclass(frozen=True)
class MappingCoverage:
    """A mapping's streams, and what is wrong with them: gaps, or nothing read for too long."""

    mapping: str
    streams: tuple[Coverage, ...]
    problems: tuple[str, ...]


def state_of(day: date, now: float, settle_days: int) -> str:
    """What a day is that is read at `now` (epoch seconds)."""
    return SETTLED if utc_day(now) > day + timedelta(days=settle_days) else OPEN


def due_days(known: Known, last: date, settle_days: int) -> list[date]:
    """The days up to `last` (yesterday) that a run has to read: the youngest `settle_days`, and every one since the
    first that is known on which some stream isn't settled. None where nothing is known yet."""
    first = _first(known)
    if first is None:
        return []
    recent = min(last, last + ONE_DAY - timedelta(days=settle_days))
    return [
        day
        for day in _days(min(first, recent), last)
        if day >= recent or (day >= first and any(stream.is_due(day) for stream in known.values()))
    ]


def gap_days(known: Known, last: date) -> list[date]:
    """The days before `last` that some stream has no record of, since the first that any of them has."""
    first = _first(known)
    days = _days(first, last - ONE_DAY) if first else ()
    return [d for d in days if any(d not in stream.days and stream.is_due(d) for stream in known.values())]


def every_day(span: DayRange) -> list[date]:
    """The days of the range."""
    return list(_days(span.first, span.last))


def missing_days(known: Known, span: DayRange) -> list[date]:
    """The days of the range that some stream isn't settled on."""
    return [day for day in _days(span.first, span.last) if any(stream.is_due(day) for stream in known.values())]


def parts(days: Sequence[date], size: int) -> list[DayRange]:
    """Ranges of at most `size` days that hold all the days given (sorted); what none of them needs is left out."""
    found: list[DayRange] = []
    for day in days:
        if found and (day - found[-1].first).days < size:
            found[-1] = DayRange(found[-1].first, day)
        else:
            found.append(DayRange(day, day))
    return found


def in_a_row(days: Sequence[str]) -> list[list[str]]:
    """Sorted days in ISO text, those that follow each other together."""
    found: list[list[str]] = []
    for day in days:
        if found and date.fromisoformat(day) - date.fromisoformat(found[-1][-1]) == ONE_DAY:
            found[-1].append(day)
        else:
            found.append([day])
    return found


def coverage(mapping: str, known: Known, now: float, max_age_days: int) -> MappingCoverage:
    """How far a mapping's streams are read at `now` (epoch seconds), and what is wrong with it."""
    first, last = _first(known), max(_all_days(known), default=None)
    streams = tuple(_covered(name, stream, first, last) for name, stream in known.items())
    problems = [f"{len(item.gaps)} day(s) of {item.stream} are missing" for item in streams if item.gaps]
    newest = max((record.read_at for stream in known.values() for record in stream.days.values()), default=None)
    if known and newest is None:
        problems.append("no day is recorded")
    elif newest is not None and now - newest > max_age_days * DAY_MS / 1000:
        problems.append(f"nothing new was read for more than {max_age_days} day(s)")
    return MappingCoverage(mapping, streams, tuple(problems))


def _covered(name: str, stream: StreamDays, first: date | None, last: date | None) -> Coverage:
    days = sorted(stream.days)
    gaps = [day for day in _days(first, last) if day not in stream.days and stream.is_due(day)] if first else []
    newest = stream.days[days[-1]] if days else None
    return Coverage(
        stream=name,
        first_day=_text(days[0] if days else None),
        settled_until=_text(_settled_until(stream, days)),
        open_days=tuple(_text(day) for day in days if stream.days[day].state == OPEN),
        gaps=tuple(map(_text, gaps)),
        last_day=_text(newest.day if newest else None),
        rows=newest.rows if newest else None,
        read_at=_instant(max((record.read_at for record in stream.days.values()), default=None)),
        refused_until=_text(stream.refused_until),
    )


def _settled_until(stream: StreamDays, days: Sequence[date]) -> date | None:
    """The day before the first of which something is still to come."""
    until = None
    for day in _days(days[0], days[-1]) if days else ():
        if stream.is_due(day):
            break
        until = day
    return until


def _first(known: Known) -> date | None:
    return min(_all_days(known), default=None)


def _all_days(known: Known) -> Iterable[date]:
    return (day for stream in known.values() for day in stream.days)


def _days(first: date, last: date | None) -> Iterator[date]:
    for number in range((last - first).days + 1 if last else 0):
        yield first + timedelta(days=number)


def _instant(epoch_seconds: float | None) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="seconds") if epoch_seconds else ""


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""
