"""Pages that don't fit together: the source changes while it is read, lies about how much there is, or repeats itself.
Either the truth of before or after gets into Port, or nothing of what can't be told, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

import pytest

from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import Company, Day
from portcfg.errors import EXIT_INCOMPLETE
from tests.sync.network import Act, Asked, Forward, Meddle, Reply, editing
from tests.sync.support import KEY
from tests.sync.truth import COST, TEAM, USAGE, USER
from tests.sync.world import COMPANY, DAYS, PEOPLE, World, differences

Row = Callable[..., None]
Item = dict[str, Any]
STREAMS = {
    "daily": ("POST /teams/daily-usage-data", "data"),
    "events": ("POST /teams/filtered-usage-events", "usageEvents"),
    "commits": ("GET /analytics/ai-code/commits", "items"),
    "changes": ("GET /analytics/ai-code/changes", "items"),
}
# The source's own count of rows; daily usage only counts people.
COUNTED = ("events", "commits", "changes")


@dataclass(frozen=True)
class Altered(Company):
    """The company with rows of a stream less, or more: `lost` by their place among the rows of each of DAYS."""

    stream: str = ""
    lost: int = -1
    added: int = 0

    def day(self, day: date) -> Day:
        """Events and usage rows."""
        made = super().day(day)
        events = self._altered("events", day, list(made.events), "timestamp")
        return Day(tuple(events), made.usage)

    def count_events(self, day: date) -> int:
        """How many."""
        return len(self.day(day).events)

    def commits(self, day: date) -> tuple[Item, ...]:
        """Commits."""
        return tuple(self._altered("commits", day, list(super().commits(day)), "commitHash"))

    def changes(self, day: date) -> tuple[Item, ...]:
        """Changes."""
        return tuple(self._altered("changes", day, list(super().changes(day)), "changeId"))

    def _altered(self, stream: str, day: date, rows: list[Item], key: str) -> list[Item]:
        # The youngest day comes first, so that all that follows shifts.
        if stream != self.stream or day != DAYS[-1]:
            return rows
        kept = [row for at, row in enumerate(rows) if at != self.lost]
        new = [{**rows[0], **({} if key == "timestamp" else {key: f"{at}" * 40})} for at in range(self.added)]
        return [*new, *kept]


class OtherPeople(Company):
    """Other people in daily usage, and in nothing else."""

    def day(self, day: date) -> Day:
        """Events and usage rows."""
        return Day(COMPANY.day(day).events, super().day(day).usage)

    def count_events(self, day: date) -> int:
        """How many."""
        return COMPANY.count_events(day)

    def commits(self, day: date) -> tuple[Item, ...]:
        """Commits."""
        return COMPANY.commits(day)

    def changes(self, day: date) -> tuple[Item, ...]:
        """Changes."""
        return COMPANY.changes(day)


def altered(stream: str, lost: int = -1, added: int = 0) -> Company:
    """COMPANY with other rows, or other people."""
    of = {name: getattr(COMPANY, name) for name in COMPANY.__dataclass_fields__}
    if stream == "daily":
        people = COMPANY.people
        shorter = tuple(person for at, person in enumerate(people) if at != lost)
        # Somebody who comes first in the list, with the rows of a day that everybody has.
        new = tuple(people[at].__class__(**{**vars(people[at]), "id": f"user_new{at}"}) for at in range(added))
        return OtherPeople(**{**of, "people": (*new, *shorter)})
    return Altered(**of, stream=stream, lost=lost, added=added)


def changing(world: World, route: str, page: int, after: Company) -> Meddle:
    """The company becomes another one when a page is asked for."""

    def meddle(asked: Asked) -> Act | None:
        return act if asked.route == route and asked.nth == page else None

    async def act(_asked: Asked, forward: Forward) -> Reply:
        world.cursor_net.app = cursor_app(after, api_key=KEY, clock=lambda: world.now)
        return await forward()

    return meddle


CHANGES = {
    "a row is gone": {"lost": 0},
    "a row of an earlier page is gone": {"lost": 3},
    "a row comes in before all others": {"added": 1},
    "several rows come in": {"added": 3},
}
CHANGING = [
    (f"{stream}, {name}", stream, name, 2 + number % 2)
    for number, (stream, name) in enumerate(product(STREAMS, CHANGES))
]


@pytest.mark.matrix("case", CHANGING, 3)
def test_a_source_that_changes_while_it_is_read(world: World, case: tuple[str, str, str, int], soak_row: Row) -> None:
    _, stream, name, page = case
    after = altered(stream, **CHANGES[name])
    # The billing groups were read before.
    world.variables = {"teams": {email: f"team {len(email) % 3}" for email in PEOPLE}}
    world.meddle(cursor=changing(world, STREAMS[stream][0], page, after))
    report = world.sync()
    assert world.met == 1
    requests = world.requests
    world.company = after
    then = world.truth()
    # What was read once more, entity by entity; never a mixture of pages.
    assert world.untrue(then) == []
    assert report.exit_code == 0
    assert any(f"stream {stream}" in text and "changed while it was read" in text for text in report.notices)
    world.meddle()
    world.serve_cursor(after)
    assert (world.sync().exit_code, world.wrong()) == (0, [])
    soak_row("Cursor: changes while read", name, requests + world.requests, 1)


def with_rows(key: str, edit: Callable[[list[Any]], list[Any]]) -> Act:
    """Other rows in an answer that is otherwise as it was."""
    return editing(lambda answer: {**answer, key: edit(answer[key])})


def with_total(difference: int) -> Act:
    """Another total."""
    names = ("totalUsageEventsCount", "totalCount")
    return editing(lambda answer: {k: v + difference if k in names else v for k, v in answer.items()})


def repeating(world: World, route: str, page: int) -> Meddle:
    """The rows of the first page in the place of those of another, whose numbers stay."""
    first: list[Any] = []

    def meddle(asked: Asked) -> Act | None:
        return act if asked.route == route and asked.nth in (1, page) else None

    async def act(asked: Asked, forward: Forward) -> Reply:
        reply = await forward()
        key = next(key for _, key in STREAMS.values() if key in reply.json)
        if asked.nth == 1:
            first.extend(reply.json[key])
            return reply
        return reply.with_json({**reply.json, key: first[: len(reply.json[key])]})

    return meddle


LIES: dict[str, Callable[[str, str], Callable[[Asked], Act | None]]] = {
    "a page is a row short": lambda route, key: _on(route, 2, with_rows(key, lambda rows: rows[1:])),
    "a page has a row twice": lambda route, key: _on(route, 2, with_rows(key, lambda rows: [*rows, rows[0]])),
    "a page is empty": lambda route, key: _on(route, 2, with_rows(key, lambda _: [])),
    "the total is one too many": lambda route, _: _on(route, 0, with_total(1)),
    "the total is one too few": lambda route, _: _on(route, 0, with_total(-1)),
    "the total of one page differs": lambda route, _: _on(route, 2, with_total(5)),
    "the last page ends before the total": lambda route, key: _on(route, 1, with_rows(key, lambda rows: rows[:-1])),
}


def _on(route: str, page: int, act: Act) -> Meddle:
    """At one page, or at all with 0."""
    return lambda asked: act if asked.route == route and page in (0, asked.nth) else None


def assert_told(world: World, stream: str) -> int:
    """A run that can't be finished, however often it reads; nothing untrue is written, and the next one is whole. The
    requests it took."""
    report = world.sync()
    assert world.met > 0
    assert report.exit_code == EXIT_INCOMPLETE
    assert [item.name for item in report.streams if item.status == "failed"] == [stream]
    assert world.untrue(world.truth()) == []
    requests = world.requests
    world.meddle()
    assert (world.sync().exit_code, world.wrong()) == (0, [])
    return requests + world.requests


def assert_read_again(world: World, stream: str) -> int:
    """A run that reads the stream once more, and is right. The requests it took."""
    report = world.sync()
    assert world.met > 0
    assert (report.exit_code, world.wrong()) == (0, [])
    notices = [text for text in report.notices if "read once more from the first page" in text]
    assert any(f"stream {stream}, page " in text for text in notices)
    return world.requests


LYING = [(f"{stream}, {name}", stream, name) for stream, name in product(COUNTED, LIES)]


@pytest.mark.matrix("case", LYING, 3)
def test_counts_that_do_not_meet(world: World, case: tuple[str, str, str], soak_row: Row) -> None:
    _, stream, name = case
    world.meddle(cursor=LIES[name](*STREAMS[stream]))
    finish = assert_told if "total is" in name else assert_read_again
    soak_row("Cursor: counts don't meet", name, finish(world, stream), 1)


REPEATED = [(f"{stream}, page {page}", stream, page) for stream, page in product(STREAMS, (2, 3))]


@pytest.mark.matrix("case", REPEATED, 2)
def test_a_page_in_the_place_of_another(world: World, case: tuple[str, str, int], soak_row: Row) -> None:
    _, stream, page = case
    world.meddle(cursor=repeating(world, STREAMS[stream][0], page))
    soak_row("Cursor: a page repeated", f"as page {page}", assert_told(world, stream), 1)


def test_both_ends_of_a_range_are_part_of_it_to_the_millisecond(world: World) -> None:
    """Events of the first and the last millisecond of the range are there, and counted once by runs that meet there."""
    stamps = [int(event["timestamp"]) % 86_400_000 for day in DAYS for event in COMPANY.day(day).events]
    assert {0, 86_399_999} <= set(stamps)
    for day in DAYS:
        assert world.sync(first_day=day, last_day=day).exit_code == 0
    # A commit that is amended two days later is not in a run of its day alone.
    held, truth = (
        {key: item for key, item in found.items() if key[0] in (USAGE, USER, TEAM, COST)}
        for found in (world.held(), world.truth())
    )
    assert differences(held, truth) == []
