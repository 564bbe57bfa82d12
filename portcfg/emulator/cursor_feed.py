"""Pages of the synthetic company's rows as ready JSON bytes.

A day is generated and serialised once and kept while the cache has room; a page finds its days by their counts, so
reading 100,000 events in pages of 1,000 generates every day once.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Generic, TypeVar

from portcfg.emulator.cursor_activity import DAY_MS, Row, midnight_ms
from portcfg.emulator.cursor_asking import day_of
from portcfg.emulator.cursor_company import Company

T = TypeVar("T")
Slice = tuple[int, Callable[[], list[bytes]]]  # how many rows, and the rows


@dataclass(frozen=True)
class Rows:
    """A day's rows, newest first: negated times (ascending, for bisecting) and the JSON of each row."""

    times: list[int]
    rows: list[bytes]

    def between(self, start: int, end: int) -> list[bytes]:
        """The rows from `start` to `end`, both included."""
        return self.rows[bisect_left(self.times, -end) : bisect_right(self.times, -start)]


@dataclass(frozen=True)
class UsageDay:
    """A day's events, its usage rows by user id, and what each e-mail was charged."""

    events: Rows
    usage: dict[str, bytes]
    charged: dict[str, Decimal]


def dumps(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _usage_day(company: Company, day: date) -> UsageDay:
    made = company.day(day)
    charged: dict[str, Decimal] = {}
    for event in made.events:
        email = event.get("userEmail", "").strip().lower()
        charged[email] = charged.get(email, Decimal(0)) + Decimal(str(event["chargedCents"]))
    events = Rows([-int(event["timestamp"]) for event in made.events], [dumps(event) for event in made.events])
    return UsageDay(events, {row["userId"]: dumps(row) for row in made.usage}, charged)


def _items(rows: tuple[Row, ...]) -> Rows:
    return Rows([-_ms(row["createdAt"]) for row in rows], [dumps(row) for row in rows])


class Feed:
    """The company's rows by day, cached up to about `cache_rows` rows of each kind."""

    def __init__(self, company: Company, cache_rows: int = 150_000) -> None:
        self.company = company
        self._counts: dict[date, int] = {}
        self._usage: _Cache[UsageDay] = _Cache(cache_rows, lambda day: _usage_day(company, day), _weight)
        self._commits: _Cache[Rows] = _Cache(cache_rows, lambda day: _items(company.commits(day)), _length)
        self._changes: _Cache[Rows] = _Cache(cache_rows, lambda day: _items(company.changes(day)), _length)

    def usage(self, day: date) -> UsageDay:
        """Events and usage rows of one day."""
        return self._usage.get(day)

    def events(self, start: int, end: int, skip: int, take: int) -> tuple[int, list[bytes]]:
        """The number of events from `start` to `end` and, newest first, `take` of them after `skip`."""
        return _page(self._event_slices(start, end), skip, take)

    def commits(self, start: int, end: int, skip: int, take: int) -> tuple[int, list[bytes]]:
        """The number of commits ingested from `start` to `end` and, newest first, `take` of them after `skip`."""
        return _page(self._item_slices(self._commits, start, end), skip, take)

    def changes(self, start: int, end: int, skip: int, take: int) -> tuple[int, list[bytes]]:
        """The number of changes ingested from `start` to `end` and, newest first, `take` of them after `skip`."""
        return _page(self._item_slices(self._changes, start, end), skip, take)

    def _days(self, start: int, end: int) -> Iterator[date]:
        """The company's days from the one of `end` down to the one of `start`."""
        first, last = max(day_of(start), self.company.start), min(day_of(end), self.company.end)
        for back in range((last - first).days + 1):
            yield last - timedelta(days=back)

    def _event_slices(self, start: int, end: int) -> Iterator[Slice]:
        for day in self._days(start, end):
            dawn = midnight_ms(day)
            if start <= dawn and dawn + DAY_MS - 1 <= end:
                yield self._count(day), partial(self._all_events, day)
            else:
                yield _slice(self.usage(day).events.between(start, end))

    def _item_slices(self, cache: _Cache[Rows], start: int, end: int) -> Iterator[Slice]:
        for day in self._days(start, end):
            yield _slice(cache.get(day).between(start, end))

    def _all_events(self, day: date) -> list[bytes]:
        return self.usage(day).events.rows

    def _count(self, day: date) -> int:
        if day not in self._counts:
            self._counts[day] = self.company.count_events(day)
        return self._counts[day]


def _slice(rows: list[bytes]) -> Slice:
    return len(rows), lambda: rows


def _page(slices: Iterator[Slice], skip: int, take: int) -> tuple[int, list[bytes]]:
    total = 0
    rows: list[bytes] = []
    for count, load in slices:
        first, last = max(skip - total, 0), min(skip + take - total, count)
        if first < last:
            rows += load()[first:last]
        total += count
    return total, rows


def _weight(day: UsageDay) -> int:
    return len(day.events.rows)


def _length(rows: Rows) -> int:
    return len(rows.rows)


class _Cache(Generic[T]):
    """Days by date, the longest unused dropped when there are more than `limit` rows (but never the last one)."""

    def __init__(self, limit: int, load: Callable[[date], T], weigh: Callable[[T], int]) -> None:
        self._limit, self._load, self._weigh = limit, load, weigh
        self._kept: OrderedDict[date, T] = OrderedDict()
        self._held = 0

    def get(self, day: date) -> T:
        if day in self._kept:
            self._kept.move_to_end(day)
            return self._kept[day]
        value = self._kept[day] = self._load(day)
        self._held += self._weigh(value)
        while self._held > self._limit and len(self._kept) > 1:
            self._held -= self._weigh(self._kept.popitem(last=False)[1])
        return value
