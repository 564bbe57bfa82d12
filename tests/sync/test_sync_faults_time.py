"""Time as it is: rows that come late, clocks that are wrong, days of 23 and 25 hours, leap days, outages. After every
series of daily runs Port holds what one look at everything would have made, entity by entity."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zlib import crc32

import pytest

from portcfg.emulator.cursor_activity import NUMBERS
from portcfg.emulator.cursor_company import Company, Day, synthetic_company
from portcfg.errors import EXIT_OK
from portcfg.sync.report import SyncReport
from tests.sync.truth import USAGE, plain
from tests.sync.world import ONE, World

Row = Callable[..., None]
Item = dict[str, Any]
HOUR = timedelta(hours=1)
# Of the billing groups Cursor knows the present only, so an old day that is read today may have other teams.
PEOPLE = 3


@cache
def company(last: date) -> Company:
    """A small one, that goes on for some days."""
    return synthetic_company(PEOPLE, 100, 5, end=last + 5 * ONE, events_per_day=3.0, changes_per_day=2.0)


def teams(of: Company) -> dict[str, str]:
    """Everybody's, for good."""
    return {plain(person.email): f"team {number % 2}" for number, person in enumerate(of.people)}


@dataclass(frozen=True)
class Late(Company):
    """The company as Cursor knows it at `seen`: each row comes up to three days after the end of its day, and until
    then a daily row has half of its numbers."""

    seen: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    most_hours: int = 70

    def day(self, day: date) -> Day:
        """Events and usage rows."""
        made = super().day(day)
        usage = tuple(row if self._is_there(day, row["userId"]) else _half(row) for row in made.usage)
        return Day(tuple(event for event in made.events if self._is_there(day, event["timestamp"])), usage)

    def count_events(self, day: date) -> int:
        """How many."""
        return len(self.day(day).events)

    def commits(self, day: date) -> tuple[Item, ...]:
        """Commits."""
        return tuple(row for row in super().commits(day) if self._is_there(day, row["commitHash"] + row["createdAt"]))

    def changes(self, day: date) -> tuple[Item, ...]:
        """Changes."""
        return tuple(row for row in super().changes(day) if self._is_there(day, row["changeId"]))

    def _is_there(self, day: date, name: str) -> bool:
        # Half of all come in time.
        late = max(0, crc32(name.encode()) % (2 * self.most_hours) - self.most_hours) * HOUR
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + ONE + late <= self.seen


def _half(row: Item) -> Item:
    return {**row, **{name: row[name] // 2 for name in NUMBERS}}


def late(of: Company, seen: datetime, most_hours: int = 70) -> Company:
    """As it is known at a moment, with rows that come up to so many hours after their day."""
    fields = {name: getattr(of, name) for name in Company.__dataclass_fields__}
    return Late(**fields, seen=seen, most_hours=most_hours)


@dataclass
class Calendar:
    """Daily runs at six in the morning. `skew` is how far the local clock is ahead of everybody else's."""

    world: World
    company: Company
    is_late: bool = False
    most_hours: int = 70
    skew: timedelta = timedelta()
    runs: int = 0
    requests: int = 0

    def run(self, today: date, hour: int = 6, **options: Any) -> SyncReport:
        """A run of the days that a run reads by itself."""
        moment = datetime(today.year, today.month, today.day, hour, tzinfo=UTC)
        world = self.world
        world.now = moment
        world.time.now = moment.timestamp()
        world.variables = {"teams": teams(self.company)}
        world.page_sizes = {}
        world.meddle()
        world.serve_cursor(late(self.company, moment, self.most_hours) if self.is_late else self.company)
        asked = {"first_day": None, "last_day": None, "now": (moment + self.skew).timestamp(), **options}
        report = world.sync(**asked)
        self.runs += 1
        self.requests += world.requests
        return report

    def wrong(self, first: date, last: date) -> list[str]:
        """What isn't as one look at these days makes it."""
        return self.world.wrong(tuple(days(first, last)))


def days(first: date, last: date) -> list[date]:
    """Both included."""
    return [first + number * ONE for number in range((last - first).days + 1)]


@contextmanager
def local_time(zone: str) -> Iterator[None]:
    """A machine whose days are others than UTC's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()


FEBRUARY_29 = date(2028, 2, 29)
# (name, the local time zone, the first day of runs, how many, which of them are left out, whether rows come late)
SERIES: list[tuple[str, str, date, int, range, bool]] = [
    ("rows up to three days late", "UTC", date(2026, 3, 9), 9, range(0), True),
    ("clocks go on in New York", "America/New_York", date(2026, 3, 6), 7, range(0), True),
    ("clocks go back in New York", "America/New_York", date(2026, 10, 30), 7, range(0), True),
    ("clocks go on by half an hour on Lord Howe", "Australia/Lord_Howe", date(2026, 10, 2), 7, range(0), True),
    ("clocks go back by half an hour on Lord Howe", "Australia/Lord_Howe", date(2026, 4, 3), 7, range(0), True),
    ("a leap day", "UTC", FEBRUARY_29 - 2 * ONE, 7, range(0), True),
    ("a leap day in New Zealand", "Pacific/Auckland", FEBRUARY_29 - 2 * ONE, 7, range(0), True),
    ("a new year in Kiribati", "Pacific/Kiritimati", date(2026, 12, 30), 6, range(0), True),
    ("a week without a run", "UTC", date(2026, 3, 9), 12, range(2, 9), True),
    ("a week without a run while clocks change", "America/New_York", date(2026, 3, 4), 12, range(2, 9), True),
    ("forty-five days", "UTC", date(2026, 2, 2), 45, range(0), False),
    ("forty-five days, rows come late", "Europe/London", date(2026, 2, 20), 45, range(0), True),
]


@pytest.mark.matrix("case", SERIES, 2)
def test_daily_runs_are_one_look_at_everything(
    world: World, case: tuple[str, str, date, int, range, bool], soak_row: Row
) -> None:
    name, zone, first, runs, left_out, is_late = case
    last = first + (runs - 1) * ONE
    calendar = Calendar(world, company(date(2026, 3, 30) if last < date(2026, 4, 1) else last), is_late)
    with local_time(zone):
        # The first run reads only a few days: the month before is not what this is about.
        assert calendar.run(first, first_day=first - 3 * ONE).exit_code == EXIT_OK
        for number in range(1, runs):
            if number not in left_out:
                report = calendar.run(first + number * ONE)
                assert (report.exit_code, report.rejects) == (EXIT_OK, ())
        assert calendar.wrong(first - 3 * ONE, last - ONE) == []
        assert (USAGE, f"acme@{first - 3 * ONE}") in world.held()
    late_rows = sum(_late_rows(calendar.company, day) for day in days(first - 3 * ONE, last)) if is_late else 0
    assert late_rows > 0 or not is_late
    soak_row("time", name, calendar.requests, late_rows or calendar.runs)


def _late_rows(of: Company, day: date) -> int:
    """The events that come after the morning on which their day is read first."""
    morning = datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + ONE
    return len(of.day(day).events) - len(late(of, morning).day(day).events)


# (name, by how much the local clock is ahead, on which runs)
SKEWS: list[tuple[str, timedelta, range]] = [
    ("five hours ahead", 5 * HOUR, range(20)),
    ("five hours behind", -5 * HOUR, range(20)),
    ("twenty hours ahead", 20 * HOUR, range(2, 4)),
    ("twenty hours behind", -20 * HOUR, range(2, 4)),
    ("two days behind, then right", -2 * ONE, range(4)),
    ("a day ahead once", ONE, range(3, 4)),
    ("ten days ahead once", 10 * ONE, range(3, 4)),
    ("a year behind once", -300 * ONE, range(3, 4)),
]
SKEW_FIRST, SKEW_RUNS = date(2026, 3, 9), 8


@pytest.mark.matrix("case", SKEWS, 2)
def test_a_local_clock_that_is_wrong(world: World, case: tuple[str, timedelta, range], soak_row: Row) -> None:
    name, skew, when = case
    last = SKEW_FIRST + (SKEW_RUNS - 1) * ONE
    # By a clock that is a day ahead three settle days are two.
    calendar = Calendar(world, company(date(2026, 3, 30)), is_late=True, most_hours=48)
    assert calendar.run(SKEW_FIRST - ONE, first_day=SKEW_FIRST - 4 * ONE).exit_code == EXIT_OK
    for number in range(SKEW_RUNS):
        calendar.skew = skew if number in when else timedelta()
        # In the evening a clock that is ahead is a day ahead.
        assert calendar.run(SKEW_FIRST + number * ONE, hour=21).exit_code == EXIT_OK
    calendar.skew = timedelta()
    assert calendar.run(last + ONE).exit_code == EXIT_OK
    # By a clock that is behind nothing is recorded yet, and the run reads the month before.
    first = min(date.fromisoformat(key[-10:]) for name, key in world.held() if name == USAGE)
    assert first <= SKEW_FIRST - 4 * ONE
    assert calendar.wrong(first, last) == []
    soak_row("local clock wrong", name, calendar.requests, len([n for n in range(SKEW_RUNS) if n in when]))
