"""Days that are complete: which days a run reads, what it writes down of them, and what a person is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse

from portcfg.client import Answer, PortWriter
from portcfg.emulator.server import serving
from portcfg.errors import TerminalApiError, UsageError
from portcfg.sync.coverage import OPEN, SETTLED, DayRecord, StreamDays, due_days, parts
from portcfg.sync.days import SYNC_BLUEPRINT
from portcfg.sync.report import Progress, SyncReport
from portcfg.sync.run import run_sync
from portcfg.sync.spec import SyncMapping
from portcfg.sync.windows import DayRange
from tests.sync.support import blueprint, embedded_port, entities, mapping_of, options, source_app

ONE = timedelta(days=1)
TODAY = date(2026, 3, 20)
MOMENT = {"type": "string", "format": "date-time"}
BLUEPRINTS = {
    **blueprint("day", required=("at",), at=MOMENT, events="number", people="number"),
    **blueprint("extra", required=("at",), at=MOMENT, extras="number"),
}


def noon(day: date) -> float:
    """Twelve o'clock UTC of a day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()


def stream(path: str) -> dict[str, Any]:
    return {
        "path": f"/{path}",
        "query_params": {"first": "$window.first_day", "last": "$window.last_day"},
        "data_path": ".rows",
        "pagination": {"type": "page", "page_size": 1000, "total": ".total"},
        "window": {"days": 30, "day": ".day"},
    }


def resource(name: str, of: str, field_: str) -> dict[str, Any]:
    mappings = {
        "identifier": ".day",
        "blueprint": f'"{of}"',
        "properties": {"at": '.day + "T00:00:00Z"', field_: ".n"},
    }
    selector = {"query": "true", "stream": name, "group_by": {"day": ".day"}, "aggregate": {"n": {"sum": ".n"}}}
    return {"kind": name, "selector": selector, "port": {"entity": {"mappings": mappings}}}


MAPPING = {
    "identifier": "tiny",
    "streams": {name: stream(name) for name in ("events", "people", "extras")},
    "resources": [
        resource("events", "day", "events"),
        resource("people", "day", "people"),
        resource("extras", "extra", "extras"),
    ],
}
BLUEPRINT_OF = {"events": "day", "people": "day", "extras": "extra"}


@dataclass
class World:
    """A source whose rows arrive in time, and a Port; `rows` are (stream, day, number, the day on which it arrives)."""

    port: PortWriter
    url: str = ""
    rows: list[tuple[str, date, int, date]] = field(default_factory=list)
    today: date = TODAY
    failing: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, day: date, number: int, late: int = 0) -> None:
        """A row that arrives so many days after its own."""
        self.rows.append((name, day, number, day + timedelta(days=late)))

    def answer(self, name: str, asked: Any) -> Any:
        self.asked.append((name, asked["first"], asked["last"]))
        if name in self.failing:
            return {"rows": "none"}
        if name in self.refused:
            return JSONResponse({"message": "not for you"}, 403)
        # What has arrived when the day begins is there: the source of a run at noon is that of the night before.
        found = [
            {"day": day.isoformat(), "n": number, "i": index}
            for index, (of, day, number, arrives) in enumerate(self.rows)
            if of == name and asked["first"] <= day.isoformat() <= asked["last"] and arrives < self.today
        ]
        page = int(asked["page"])
        return {"rows": found[(page - 1) * 1000 : page * 1000], "total": len(found)}

    def mapping(self) -> SyncMapping:
        return mapping_of({**MAPPING, **self.changes}, self.url)

    def sync(self, today: date, **more: Any) -> SyncReport:
        """A run at noon of `today`."""
        self.today = today
        self.asked.clear()
        progress, deleted = more.pop("progress", None), more.pop("deleted", None)
        asked = {"first_day": None, "last_day": None, "now": noon(today), **more}
        return run_sync(self.mapping(), {}, self.port, options(**asked), progress, deleted=deleted)

    def spans(self, name: str = "events") -> list[tuple[str, str]]:
        """The days that the last run asked a stream for."""
        return list(dict.fromkeys((first, last) for of, first, last in self.asked if of == name))

    def truth(self, days: list[date]) -> dict[tuple[str, str], int]:
        """(stream, day) -> the sum of what has arrived."""
        sums: dict[tuple[str, str], int] = {}
        for name, day, number, arrives in self.rows:
            if day in days and arrives < self.today:
                sums[name, day.isoformat()] = sums.get((name, day.isoformat()), 0) + number
        return sums

    def held(self) -> dict[tuple[str, str], int]:
        """The same, as Port holds it."""
        return {
            (name, day): entity["properties"][name]
            for name, of in BLUEPRINT_OF.items()
            for day, entity in entities(self.port, of).items()
            if name in entity["properties"]
        }

    def records(self) -> dict[str, dict[str, Any]]:
        """The record of each day, by identifier."""
        if SYNC_BLUEPRINT not in {item["identifier"] for item in self.port.get("/blueprints")["blueprints"]}:
            return {}
        return {name: entity["properties"] for name, entity in entities(self.port, SYNC_BLUEPRINT).items()}

    def states(self, name: str = "events") -> dict[str, str]:
        """The state of each recorded day of a stream."""
        return {key[-10:]: item["state"] for key, item in self.records().items() if item["stream"] == name}


@contextmanager
def world(**changes: Any) -> Iterator[World]:
    with embedded_port(BLUEPRINTS) as port:
        made = World(port, changes=changes)
        app = source_app({f"/{name}": lambda asked, name=name: made.answer(name, asked) for name in MAPPING["streams"]})
        with serving(app) as made.url:
            yield made


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def a_row_a_day(made: World, first: date, last: date) -> None:
    for number, day in enumerate(days(first, last)):
        for name in BLUEPRINT_OF:
            made.add(name, day, 1 + number)


def iso(*found: date) -> list[str]:
    return [day.isoformat() for day in found]


def test_the_first_run_reads_a_month_and_records_every_day_of_every_stream() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 3 * ONE, TODAY)
        report = made.sync(TODAY)
        assert (report.exit_code, report.first_day, report.last_day) == (0, *iso(TODAY - 30 * ONE, TODAY - ONE))
        records = made.records()
        assert len(records) == 90
        assert made.held() == made.truth(days(TODAY - 3 * ONE, TODAY - ONE))
        last = records[f"tiny:events:{TODAY - ONE}"]
        assert (last["rows"], last["state"], last["total"]) == (1, "open", 3)
        assert last["window"] == f"{TODAY - 30 * ONE} to {TODAY - ONE}"
        assert (last["read_at"], bool(last["run"])) == ("2026-03-20T12:00:00Z", True)
        idle = records[f"tiny:events:{TODAY - 20 * ONE}"]
        assert (idle["rows"], idle["state"]) == (0, "settled")
        assert [state for _, state in sorted(made.states().items())] == ["settled"] * 27 + ["open"] * 3
        # Nobody has to be a programmer to read it.
        made_of = made.port.get(f"/blueprints/{SYNC_BLUEPRINT}")["blueprint"]
        assert made_of["title"] == "portcfg sync day"
        assert all(item["title"] for item in made_of["schema"]["properties"].values())


def test_the_next_days_run_reads_what_may_still_change_and_writes_only_what_does() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 5 * ONE, TODAY + ONE)
        made.sync(TODAY)
        made.sync(TODAY + ONE)
        assert made.spans() == [tuple(iso(TODAY - 3 * ONE, TODAY))]
        before = made.records()
        report = made.sync(TODAY + ONE)
        assert (report.writes, made.records()) == (0, before)
        assert made.held() == made.truth(days(TODAY - 5 * ONE, TODAY))


def test_a_run_of_which_nothing_is_new_writes_nothing_at_all() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 5 * ONE, TODAY)
        made.sync(TODAY)
        sent: list[str] = []
        made.port.send = lambda method, path, *_: sent.append(path) or Answer(200, {})  # type: ignore[method-assign]
        assert made.sync(TODAY).exit_code == 0
        assert sent == []


def test_a_dry_run_records_nothing() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 5 * ONE, TODAY)
        report = made.sync(TODAY, dry_run=True)
        assert report.writes == 10
        assert SYNC_BLUEPRINT not in {item["identifier"] for item in made.port.get("/blueprints")["blueprints"]}


def test_rows_that_come_late_replace_the_day_and_are_never_added_to_it() -> None:
    with world() as made:
        day = TODAY - ONE
        for late in range(4):
            made.add("events", day, 10**late, late)
        for number in range(6):
            made.sync(TODAY + number * ONE)
            assert made.held() == made.truth([day])
        assert made.held() == {("events", day.isoformat()): 1111}
        assert made.states()[day.isoformat()] == "settled"


def test_after_an_outage_one_run_reads_all_that_is_missing() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 20 * ONE, TODAY + 9 * ONE)
        made.sync(TODAY)
        report = made.sync(TODAY + 8 * ONE)
        assert made.spans() == [tuple(iso(TODAY - 3 * ONE, TODAY + 7 * ONE))]
        assert f"7 day(s) that were missing are read now, from {TODAY} to {TODAY + 6 * ONE}" in report.notices
        assert made.held() == made.truth(days(TODAY - 20 * ONE, TODAY + 7 * ONE))
        made.sync(TODAY + 9 * ONE)
        assert made.spans() == [tuple(iso(TODAY + 5 * ONE, TODAY + 8 * ONE))]


def test_after_a_long_outage_the_run_is_cut_into_parts_and_says_so() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 5 * ONE, TODAY + 120 * ONE)
        made.sync(TODAY)
        report = made.sync(TODAY + 120 * ONE)
        assert len(made.spans()) == 5
        assert f"119 day(s) that were missing are read now, from {TODAY} to {TODAY + 118 * ONE}" in report.notices
        assert "read in 5 parts of at most 30 days, one after the other" in report.notices
        assert made.held() == made.truth(days(TODAY - 5 * ONE, TODAY + 119 * ONE))


def test_a_stream_that_failed_is_read_again_from_where_it_failed() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 20 * ONE, TODAY + 9 * ONE)
        made.sync(TODAY)
        made.failing.add("people")
        for number in range(1, 7):
            assert made.sync(TODAY + number * ONE).exit_code == 3
        # What was read of the events isn't written either: a day's entity is made of both.
        assert max(made.states()) == max(made.states("people")) == (TODAY - ONE).isoformat()
        assert max(made.states("extras")) == (TODAY + 5 * ONE).isoformat()
        made.failing.clear()
        assert made.sync(TODAY + 7 * ONE).exit_code == 0
        assert made.spans() == [tuple(iso(TODAY - 3 * ONE, TODAY + 6 * ONE))]
        assert made.held() == made.truth(days(TODAY - 20 * ONE, TODAY + 6 * ONE))


def test_a_stream_that_fails_on_the_first_run_gets_the_whole_month_later() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 40 * ONE, TODAY + 9 * ONE)
        made.failing.add("people")
        made.sync(TODAY)
        made.failing.clear()
        made.sync(TODAY + ONE)
        assert made.spans("people") == [tuple(iso(TODAY - 30 * ONE, TODAY - ONE)), tuple(iso(TODAY, TODAY))]
        assert made.held() == made.truth(days(TODAY - 30 * ONE, TODAY))


def test_a_stream_that_is_not_in_the_plan_holds_nothing_back() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 20 * ONE, TODAY + 9 * ONE)
        made.refused.add("extras")
        for number in range(6):
            assert made.sync(TODAY + number * ONE).exit_code == 0
        assert made.spans() == [tuple(iso(TODAY + ONE, TODAY + 4 * ONE))]
        refusal = made.records()["tiny:extras"]
        assert (refusal["state"], refusal["day"][:10]) == ("not in plan", (TODAY + 4 * ONE).isoformat())
        # Once it is in the plan, it is read from then on.
        made.refused.clear()
        made.sync(TODAY + 6 * ONE)
        assert min(made.states("extras")) == (TODAY + 2 * ONE).isoformat()
        made.sync(TODAY + 7 * ONE)
        assert made.spans() == [tuple(iso(TODAY + 3 * ONE, TODAY + 6 * ONE))]


def test_a_stream_that_was_read_and_is_refused_for_a_while_loses_no_day() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 20 * ONE, TODAY + 9 * ONE)
        made.sync(TODAY)
        made.refused.add("extras")
        for number in range(1, 8):
            report = made.sync(TODAY + number * ONE)
            assert (report.exit_code, len([text for text in report.notices if "extras: refused, though" in text])) == (
                0,
                1,
            )
        assert "tiny:extras" not in made.records()
        made.refused.clear()
        made.sync(TODAY + 8 * ONE)
        assert made.spans("extras") == [tuple(iso(TODAY - 3 * ONE, TODAY + 7 * ONE))]
        assert made.held() == made.truth(days(TODAY - 20 * ONE, TODAY + 7 * ONE))


def test_a_port_that_fails_leaves_its_days_to_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 8 * ONE, TODAY + 2 * ONE)
        made.sync(TODAY)
        send = made.port.send

        def refusing(method: str, path: str, *more: Any) -> Answer:
            if path == "/blueprints/day/entities/bulk":
                raise TerminalApiError("Port says no", status=403)
            return send(method, path, *more)

        monkeypatch.setattr(made.port, "send", refusing)
        assert made.sync(TODAY + ONE).exit_code == 6
        assert TODAY.isoformat() not in made.states()
        assert TODAY.isoformat() in made.states("extras")
        monkeypatch.undo()
        assert made.sync(TODAY + 2 * ONE).exit_code == 0
        assert made.held() == made.truth(days(TODAY - 8 * ONE, TODAY + ONE))


def test_days_that_cant_be_recorded_are_told_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 8 * ONE, TODAY)
        send = made.port.send

        def refusing(method: str, path: str, *more: Any) -> Answer:
            if path == "/blueprints":
                raise TerminalApiError("no new blueprints", status=403)
            return send(method, path, *more)

        monkeypatch.setattr(made.port, "send", refusing)
        report = made.sync(TODAY)
        assert report.exit_code == 0
        assert "these days could not be recorded, so they will be read again: no new blueprints" in report.notices
        assert made.held() == made.truth(days(TODAY - 8 * ONE, TODAY - ONE))


def test_a_backfill_goes_part_by_part_and_leaves_alone_what_the_source_has_no_more() -> None:
    with world() as made:
        old = (TODAY - 100 * ONE).isoformat()
        kept = {"identifier": old, "title": "kept", "properties": {"at": f"{old}T00:00:00Z", "events": 7}}
        made.port.send("POST", "/blueprints/day/entities", kept)
        a_row_a_day(made, TODAY - 50 * ONE, TODAY)
        report = made.sync(TODAY, first_day=TODAY - 100 * ONE)
        assert (report.first_day, report.last_day) == tuple(iso(TODAY - 100 * ONE, TODAY - ONE))
        assert [DayRange(*map(date.fromisoformat, span)).days for span in made.spans()] == [30, 30, 30, 10]
        assert "read in 4 parts of at most 30 days, one after the other" in report.notices
        by_name = {item.name: item for item in report.streams}
        assert (by_name["events"].rows, by_name["events"].total) == (50, 50)
        assert {item.blueprint: item.created for item in report.blueprints} == {"day": 50, "extra": 50}
        assert made.records()[f"tiny:events:{old}"]["rows"] == 0
        assert made.held() == {**made.truth(days(TODAY - 50 * ONE, TODAY)), ("events", old): 7}


class Killed(BaseException):
    """What ends a process."""


def test_a_backfill_that_is_killed_goes_on_by_itself() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 100 * ONE, TODAY)
        told: list[Progress] = []

        def kill(progress: Progress) -> None:
            told.append(progress)
            if (progress.stage, progress.done) == ("part", 3):
                raise Killed

        with pytest.raises(Killed):
            made.sync(TODAY, first_day=TODAY - 100 * ONE, progress=kill)
        begun = [item for item in told if item.stage == "part"]
        assert (begun[0].done, begun[0].total, begun[0].name) == (1, 4, f"{TODAY - 100 * ONE} to {TODAY - 71 * ONE}")
        report = made.sync(TODAY)
        assert made.spans() == [
            tuple(iso(TODAY - 40 * ONE, TODAY - 11 * ONE)),
            tuple(iso(TODAY - 10 * ONE, TODAY - ONE)),
        ]
        assert any(notice.startswith("39 day(s) that were missing are read now") for notice in report.notices)
        assert made.held() == made.truth(days(TODAY - 100 * ONE, TODAY))


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_run_that_is_killed_at_any_write_is_finished_by_the_next(done: bool) -> None:
    """What is recorded is written: the records never run ahead of the entities."""
    number, killed = 0, True
    while killed:
        number += 1
        with world() as made:
            a_row_a_day(made, TODAY - 25 * ONE, TODAY + ONE)
            killed = _killed_run(made, number, done)
            read = {name for name, item in made.records().items() if item["rows"]} if killed else set()
            assert {tuple(name.split(":")[1:]) for name in read} <= made.held().keys()
            made.sync(TODAY + ONE)
            assert made.held() == made.truth(days(TODAY - 25 * ONE, TODAY))
            for name in BLUEPRINT_OF:
                recorded = sorted(made.states(name))
                assert len(recorded) >= 30
                assert recorded == iso(*days(date.fromisoformat(recorded[0]), TODAY))
    # Two blueprints of 25 entities, the records' blueprint, and 90 records.
    assert number - 1 == 2 + 2 + 1 + 5


def _killed_run(made: World, number: int, done: bool) -> bool:
    """A run whose process ends at a write, before or after it is done; whether it came to that."""
    with pytest.MonkeyPatch.context() as patch:
        send, left = made.port.send, [number]

        def sending(*asked: Any) -> Answer:
            left[0] -= 1
            if left[0] == 0 and not done:
                raise Killed
            answer = send(*asked)
            if left[0] == 0:
                raise Killed
            return answer

        patch.setattr(made.port, "send", sending)
        try:
            # One write after the other, so that each number is one place.
            made.sync(TODAY, parallelism=1)
        except Killed:
            return True
    return False


def test_missing_only_leaves_out_what_is_settled() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 100 * ONE, TODAY)
        made.sync(TODAY, first_day=TODAY - 60 * ONE, last_day=TODAY - 40 * ONE)
        made.sync(TODAY, first_day=TODAY - 70 * ONE, last_day=TODAY - 30 * ONE, missing_only=True)
        assert made.spans() == [
            tuple(iso(TODAY - 70 * ONE, TODAY - 61 * ONE)),
            tuple(iso(TODAY - 39 * ONE, TODAY - 30 * ONE)),
        ]
        report = made.sync(TODAY, first_day=TODAY - 70 * ONE, last_day=TODAY - 30 * ONE, missing_only=True)
        assert (report.exit_code, made.spans()) == (0, [])
        assert report.notices == ("every one of these days is settled; nothing was read",)
        assert made.held() == made.truth(days(TODAY - 70 * ONE, TODAY - 30 * ONE))
        with pytest.raises(UsageError, match="asked for no days"):
            made.sync(TODAY, missing_only=True)


def test_a_settled_day_that_is_not_as_it_was_is_named() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 30 * ONE, TODAY)
        made.sync(TODAY)
        first, second = TODAY - 20 * ONE, TODAY - 19 * ONE
        made.add("events", first, 5)
        index = made.rows.index(("people", second, 12, second))
        made.rows[index] = ("people", second, 99, second)
        report = made.sync(TODAY, first_day=TODAY - 25 * ONE)
        assert [notice for notice in report.notices if "settled" in notice] == [
            f"events {first}: settled with 1 row(s), and now has 2",
            f"people {second}: settled with 1 row(s), and now has 1, of which some differ",
        ]
        assert made.held() == made.truth(days(TODAY - 30 * ONE, TODAY - ONE))


def test_forty_five_daily_runs_are_one_truth() -> None:
    with world() as made:
        for number, day in enumerate(days(TODAY - ONE, TODAY + 44 * ONE)):
            for name in BLUEPRINT_OF:
                for late in range(number % 4):
                    made.add(name, day, 100 * number + late, late)
        asked = 0
        for number in range(45):
            assert made.sync(TODAY + number * ONE).exit_code == 0
            asked = len(made.asked)
        assert made.held() == made.truth(days(TODAY - ONE, TODAY + 43 * ONE))
        assert asked == 3
        first = (TODAY - 30 * ONE).isoformat()
        assert made.states()[first] == "settled"
        assert len(made.states()) == 74


@pytest.mark.parametrize("settle_days", [0, 1, 7])
def test_a_mapping_says_after_how_many_days_a_day_is_settled(settle_days: int) -> None:
    with world(settle_days=settle_days) as made:
        a_row_a_day(made, TODAY - 30 * ONE, TODAY + 3 * ONE)
        made.sync(TODAY)
        made.sync(TODAY + ONE)
        assert sum(state == "open" for state in made.states().values()) == settle_days
        [(first, last)] = made.spans()
        assert last == TODAY.isoformat()
        assert first == (TODAY - settle_days * ONE).isoformat()


def test_what_a_clock_that_was_wrong_has_settled_is_read_again() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 5 * ONE, TODAY + 20 * ONE)
        made.sync(TODAY)
        # The source has no rows of days to come; the clock is ten days ahead.
        made.today = TODAY
        asked = options(first_day=None, last_day=None, now=noon(TODAY + 10 * ONE))
        run_sync(made.mapping(), {}, made.port, asked)
        assert made.states()[(TODAY + ONE).isoformat()] == "settled"
        for number in range(1, 12):
            made.sync(TODAY + number * ONE)
        assert made.held() == made.truth(days(TODAY - 5 * ONE, TODAY + 10 * ONE))


def test_rows_of_other_days_are_left_out() -> None:
    """A source may count both ends of a range in: what began at midnight belongs to the next day."""
    with world() as made:
        a_row_a_day(made, TODAY - 5 * ONE, TODAY)
        answer = made.answer

        def both_ends(name: str, asked: Any) -> Any:
            later = date.fromisoformat(asked["last"]) + ONE
            return answer(name, {**asked, "last": later.isoformat()})

        made.answer = both_ends  # type: ignore[method-assign]
        report = made.sync(TODAY + ONE, last_day=TODAY - ONE)
        assert {item.left_out for item in report.streams} == {1}
        assert made.held() == made.truth(days(TODAY - 5 * ONE, TODAY - ONE))
        assert max(made.states()) == (TODAY - ONE).isoformat()


@pytest.mark.parametrize("day", ["null", '"soon"', "5"])
def test_a_row_whose_day_cant_be_told_stops_its_stream(day: str) -> None:
    window = {"days": 30, "day": ".day"}
    rows = f"{{n, day: {day}}}"
    streams = {name: {**stream(name), "window": window, "rows": rows} for name in MAPPING["streams"]}
    with world(streams=streams) as made:
        a_row_a_day(made, TODAY - 2 * ONE, TODAY)
        report = made.sync(TODAY)
        assert report.exit_code == 3
        assert "is no day" in report.streams[0].message
        assert made.held() == {}


def test_a_day_may_be_any_jq() -> None:
    streams = {
        name: {**stream(name), "rows": '{n, t: (.day + "T10:00:00Z")}', "window": {"days": 30, "day": ".t[:10]"}}
        for name in MAPPING["streams"]
    }
    resources = [
        {**item, "selector": {**item["selector"], "group_by": {"day": ".t[:10]"}}} for item in MAPPING["resources"]
    ]
    with world(streams=streams, resources=resources) as made:
        a_row_a_day(made, TODAY - 2 * ONE, TODAY)
        assert made.sync(TODAY).exit_code == 0
        assert made.held() == made.truth(days(TODAY - 2 * ONE, TODAY - ONE))
        assert made.records()[f"tiny:events:{TODAY - ONE}"]["rows"] == 1


def test_what_does_not_depend_on_days_is_read_once() -> None:
    names = {"path": "/people", "query_params": {"first": "2000-01-01", "last": "2100-01-01", "page": "1"}}
    streams = {"events": stream("events"), "names": {**names, "data_path": ".rows"}}
    resources = [resource("events", "day", "events"), resource("names", "extra", "extras")]
    with world(streams=streams, resources=resources) as made:
        a_row_a_day(made, TODAY - 80 * ONE, TODAY)
        report = made.sync(TODAY, first_day=TODAY - 80 * ONE)
        assert [name for name, *_ in made.asked].count("people") == 1
        assert {item.name: item.rows for item in report.streams} == {"events": 80, "names": 80}
        assert {item.blueprint: item.created for item in report.blueprints} == {"day": 80, "extra": 80}


def test_a_source_that_fails_in_the_middle_of_a_backfill_is_told_with_what_was_done() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 100 * ONE, TODAY)

        def revoke(progress: Progress) -> None:
            if (progress.stage, progress.done) == ("part", 2):
                made.refused |= set(BLUEPRINT_OF)

        report = made.sync(TODAY, first_day=TODAY - 100 * ONE, progress=revoke)
        assert report.exit_code == 3
        assert all(f"not read from {TODAY - 70 * ONE} on" in item.message for item in report.streams)
        assert made.held() == made.truth(days(TODAY - 100 * ONE, TODAY - 71 * ONE))
        made.refused.clear()
        assert made.sync(TODAY).exit_code == 0
        assert made.held() == made.truth(days(TODAY - 100 * ONE, TODAY - ONE))


def test_a_source_that_has_gone_away_ends_a_backfill_early() -> None:
    with world() as made:
        a_row_a_day(made, TODAY - 100 * ONE, TODAY)
        made.failing |= set(BLUEPRINT_OF)
        report = made.sync(TODAY, first_day=TODAY - 100 * ONE)
        assert report.exit_code == 3
        assert len(made.spans()) == 1
        assert f"the days after {TODAY - 71 * ONE} were not tried any more" in report.notices


STATES = st.sampled_from([OPEN, SETTLED, None])


@given(
    st.lists(st.lists(STATES, min_size=1, max_size=40), min_size=1, max_size=3), st.integers(0, 5), st.integers(1, 9)
)
def test_what_is_due_is_read_once_and_nothing_far_from_it(
    states: list[list[str | None]], settle: int, size: int
) -> None:
    last = date(2028, 3, 1)
    known = {
        str(number): StreamDays(
            {(day := last - back * ONE): DayRecord(day, 1, "", state, 0.0) for back, state in enumerate(item) if state}
        )
        for number, item in enumerate(states)
    }
    due = due_days(known, last, settle)
    recorded = [day for item in known.values() for day in item.days]
    if not recorded:
        assert due == []
        return
    every = days(min(recorded), last)
    unsettled = [day for day in every if any(item.is_due(day) for item in known.values())]
    recent = [last - back * ONE for back in range(max(settle, 1))]
    assert due == sorted({*unsettled, *recent})
    found = parts(due, size)
    assert all(part.days <= size and part.first in due and part.last in due for part in found)
    assert [day for day in due if sum(part.first <= day <= part.last for part in found) != 1] == []
