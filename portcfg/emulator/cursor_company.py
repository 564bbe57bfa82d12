"""The synthetic company behind the stand-in Cursor.

Nothing is stored: every day is generated when asked for, from the seed, the person and the day alone. So moving `end`
or `days` leaves every other day as it was, byte for byte. Only what Cursor itself tells about the present changes with
`end`: who is removed, and in which billing group somebody is now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from portcfg.emulator import cursor_activity, cursor_code, cursor_people
from portcfg.emulator.cursor_activity import Plan, Row, draw_plan, stream
from portcfg.emulator.cursor_code import changes_of, commits_of
from portcfg.emulator.cursor_people import Person, ServiceAccount


@dataclass(frozen=True)
class Day:
    """All events (newest first) and the daily usage rows (in the order of the people) of one UTC day."""

    events: tuple[Row, ...]
    usage: tuple[Row, ...]


@dataclass(frozen=True)
class Company:
    """A team with its people, its service accounts and the days it has data for (`start` to `end`, both included)."""

    seed: int
    people: tuple[Person, ...]
    accounts: tuple[ServiceAccount, ...]
    start: date
    end: date
    events_per_day: float = 12.0
    changes_per_day: float = 6.0
    account_scale: int = 1

    def days(self) -> tuple[date, ...]:
        """Every day with data, oldest first."""
        return tuple(self.start + timedelta(days=n) for n in range((self.end - self.start).days + 1))

    def has(self, day: date) -> bool:
        """Whether `day` lies in the company's window."""
        return self.start <= day <= self.end

    def day(self, day: date) -> Day:
        """Events and usage rows of `day`; empty outside the window."""
        if not self.has(day):
            return Day((), ())
        usage: list[Row] = []
        events: list[Row] = []
        for person in self.people:
            if person.is_member(day):
                mine, row = self._person_day(person, day)
                events += mine
                usage.append(row)
        events += self._unattended(day)
        events.sort(key=_newest)
        return Day(tuple(events), tuple(usage))

    def count_events(self, day: date) -> int:
        """How many events `day` has, without generating them."""
        if not self.has(day):
            return 0
        people = sum(self._plan(person, day).events for person in self.people if person.is_member(day))
        return people + 1 + len(self.accounts) * cursor_activity.account_count(day, self.account_scale)

    def commits(self, day: date) -> tuple[Row, ...]:
        """The commits that Cursor took in (`createdAt`) on `day`, newest first."""
        if not self.has(day):
            return ()
        first = cursor_activity.midnight_ms(day)
        made = [
            item
            for back in range(cursor_code.LATEST_DAYS + 1)
            for item in self._commits_made(day - timedelta(days=back), late=back > 0)
            if first <= item[0] < first + cursor_activity.DAY_MS
        ]
        return _rows(made)

    def changes(self, day: date) -> tuple[Row, ...]:
        """The accepted AI changes of `day`, newest first."""
        if not self.has(day):
            return ()
        seed, mean = self.seed, self.changes_per_day
        plans = ((person, self._plan(person, day)) for person in self.people)
        return _rows([item for person, plan in plans for item in changes_of(seed, person, day, plan, mean)])

    def _plan(self, person: Person, day: date) -> Plan:
        return draw_plan(stream(self.seed, person, day), person, day, self.events_per_day)

    def _person_day(self, person: Person, day: date) -> tuple[list[Row], Row]:
        rng = stream(self.seed, person, day)
        plan = draw_plan(rng, person, day, self.events_per_day)
        events = cursor_activity.person_events(rng, person, day, plan.events)
        return events, cursor_activity.usage_row(rng, person, day, plan, events)

    def _unattended(self, day: date) -> list[Row]:
        scale = self.account_scale
        nights = [cursor_activity.account_events(self.seed, account, day, scale) for account in self.accounts]
        return [cursor_activity.bugbot_event(self.seed, day), *(event for night in nights for event in night)]

    def _commits_made(self, day: date, *, late: bool) -> list[tuple[int, Row]]:
        people = (person for person in self.people if not late or person.quirk in cursor_code.LATE_QUIRKS)
        plans = ((person, self._plan(person, day)) for person in people)
        return [item for person, plan in plans for item in commits_of(self.seed, person, day, plan)]


def _newest(event: Row) -> int:
    return -int(event["timestamp"])


def _rows(made: list[tuple[int, Row]]) -> tuple[Row, ...]:
    return tuple(row for _, row in sorted(made, key=lambda item: -item[0]))


def synthetic_company(
    users: int = 40,
    days: int = 35,
    seed: int = 7,
    *,
    end: date,
    events_per_day: float = 12.0,
    changes_per_day: float = 6.0,
    account_scale: int = 1,
) -> Company:
    """A company of `users` people (and a few contractors) with data for the `days` days up to `end`.

    `events_per_day` is the mean over all person-days, idle ones included: users x days x events_per_day is about the
    number of events. `account_scale` multiplies the service accounts' events. Same arguments, same data.
    """
    start = end - timedelta(days=days - 1)
    people = cursor_people.roster(seed, users, start, end)
    accounts = cursor_people.accounts()
    return Company(seed, people, accounts, start, end, events_per_day, changes_per_day, account_scale)
