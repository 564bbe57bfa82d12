"""What a run tells: values counted apart, sums by day, the run itself as an entity in Port."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from portcfg.client import Credentials, PortReader
from portcfg.errors import InvalidSpecsError
from portcfg.render.sync import sync_text
from portcfg.sync.report import SyncReport, ValueReport
from tests.sync.support import NOW, blueprint, embedded_port, entities, mapping_of
from tests.sync.test_run import THING, body, resource, rows
from tests.sync.test_run import run as run_days

DAY_SECONDS = 86_400.0
RECORDED = {"identifier": "m", "record_run": True}


def run(port: PortReader, mapping: dict[str, Any], handlers: dict[str, Any], **changes: Any) -> SyncReport:
    return run_days(port, mapping, handlers, **{"first_day": None, "last_day": None, **changes})


def records(port: PortReader) -> dict[str, Any]:
    return {name: entity["properties"] for name, entity in entities(port, "portcfg_sync_run").items()}


def test_null_nothing_failure_and_several_are_told_apart() -> None:
    texts = {"n": ".n", "s": "if .s == 5 then .s | ascii_downcase else (.s // empty) end", "o": ".o[]?"}
    found = [
        {"id": "a", "n": 1, "s": "x", "o": [{"b": 1}]},
        {"id": "b", "n": None, "s": "x", "o": [{}, {}]},
        {"id": "c", "n": 1, "o": []},
        {"id": "d", "n": 1, "s": 5, "o": [{}]},
    ]
    loose = blueprint("thing", n="number", s="string", o="object")
    with embedded_port(loose) as port:
        report = run(port, body(resource(properties=texts)), {"/a": rows(*found)})
        (item,) = report.resources
        assert (item.rows, item.mapped, item.fragments) == (4, 4, 3)
        assert item.values == {
            "properties.n": ValueReport(null=1),
            "properties.s": ValueReport(none=1, failed=1),
            "properties.o": ValueReport(none=1, several=1),
        }
        assert [notice.partition(": ")[2] for notice in report.notices] == [
            "`properties.s` gave no output for 1 of 4 rows, so no value",
            "`properties.o` gave several values 1 times; the first was used",
            "`properties.o` gave no output for 1 of 4 rows, so no value",
        ]


def test_a_path_that_no_row_has_is_named() -> None:
    mapping = body(resource(properties={"n": ".n", "s": ".misspelt"}))
    with embedded_port(THING) as port:
        for count, notices in ((19, 0), (20, 1)):
            report = run(port, mapping, {"/a": rows(*({"id": f"x{n}", "n": n} for n in range(count)))})
            assert len(report.notices) == notices
        assert "`properties.s` is null for all 20 rows" in report.notices[0]


def test_a_null_that_another_resource_gives_is_none_to_be_told() -> None:
    mapping = body(
        resource(properties={"n": ".n", "s": ".s"}),
        resource("b", properties={"s": ".s"}),
        merge={"thing": {"s": "first"}},
    )
    given = ({"id": f"x{n}", "n": n} for n in range(20))
    with embedded_port(THING) as port:
        report = run(port, mapping, {"/a": rows(*given), "/b": rows(*({"id": f"x{n}", "s": "a"} for n in range(20)))})
        assert report.notices == ()


def test_what_privacy_drops_is_none_to_be_told() -> None:
    private = {"privacy": {"pseudonymise": True, "key_env": "CURSOR_API_KEY", "drop": ["s"]}}
    with embedded_port(THING) as port:
        report = run(
            port, body(resource(), **private), {"/a": rows(*({"id": f"x{n}", "n": n, "s": "a"} for n in range(20)))}
        )
        assert [notice for notice in report.notices if "is null" in notice] == []


def thirty(nulls: int) -> Any:
    return rows(*({"id": f"x{n}", "n": 1, "s": None if n < nulls else "a"} for n in range(30)))


def day_run(port: PortReader, day: int, nulls: int, **keys: Any) -> SyncReport:
    mapping = body(resource(), **RECORDED, **keys)
    return run(port, mapping, {"/a": thirty(nulls)}, now=NOW + day * DAY_SECONDS)


def test_a_share_of_nulls_that_jumps_is_named_and_one_that_stays_is_not() -> None:
    with embedded_port(THING) as port:
        assert [len(day_run(port, day, nulls).notices) for day, nulls in enumerate((3, 9, 20, 20))] == [0, 0, 1, 0]
        # An old run says nothing, and neither does one to come.
        assert day_run(port, 20, 3).notices == ()
        assert day_run(port, 19, 29).notices == ()


def test_the_jump_is_told_in_a_dry_run_too_which_records_nothing() -> None:
    with embedded_port(THING) as port:
        day_run(port, 0, 0)
        with closing(PortReader(port.root, Credentials("local", "local"))) as reader:
            report = run(reader, body(resource(), **RECORDED), {"/a": thirty(15)}, now=NOW + 60, dry_run=True)
        assert report.notices == ("a (1): `properties.s` has no value in 50% of 30 rows; in the run before it was 0%",)
        assert len(records(port)) == 1


DATED = blueprint("day", required=("at",), at={"type": "string", "format": "date-time"}, cents="number", s="string")
DAYS = {"blueprint": "day", "properties": {"at": ".at", "cents": ".cents"}}


def test_sums_by_day_are_of_what_port_has() -> None:
    mapping = body(resource(**DAYS), report={"day": ["cents"]})
    found = [
        {"id": "a", "at": "2026-03-02T00:00:00Z", "cents": 0.1},
        {"id": "b", "at": "2026-03-02T23:00:00-02:00", "cents": 5},
        {"id": "c", "at": "2026-03-02T01:00:00Z", "cents": 0.2},
        {"id": "d", "at": "2026-03-04T00:00:00Z", "cents": None},
        {"id": "e", "at": "2026-03-02T01:00:00Z", "cents": "7"},
    ]
    with embedded_port(DATED) as port:
        for dry_run in (True, False, False):
            report = run(port, mapping, {"/a": rows(*found)}, dry_run=dry_run)
            assert [(total.day, total.entities, total.values) for total in report.totals] == [
                ("2026-03-02", 2, {"cents": 0.3}),
                ("2026-03-03", 1, {"cents": 5}),
                ("2026-03-04", 1, {}),
            ]


def test_sums_of_what_nobody_writes_are_refused() -> None:
    with pytest.raises(InvalidSpecsError) as caught:
        mapping_of(body(resource(**DAYS), report={"day": ["cents", "dollars"]}))
    assert [problem.message for problem in caught.value.problems] == ["report.day.1: no resource writes `day.dollars`"]


def test_each_run_is_an_entity() -> None:
    mapping = body(resource(**DAYS), report={"day": ["cents"]}, **RECORDED)
    found = rows({"id": "a", "at": "2026-03-02T00:00:00Z", "cents": 5}, {"id": "b", "cents": 1})
    with embedded_port(DATED) as port:
        for seconds in (0, 60):
            report = run(port, mapping, {"/a": found}, now=NOW + seconds, link="https://ci.test/runs/5")
            assert report.notices == ()
        first, second = (records(port)[f"m@2026-03-05T12:0{minute}:00.000Z"] for minute in (0, 1))
        expected = {
            "mapping": "m",
            "status": "partly rejected",
            "rows": 2,
            "entities": 2,
            "created": 1,
            "updated": 0,
            "rejected": 1,
            "link": "https://ci.test/runs/5",
            "causes": {"schema day at": 1},
            "totals": {"day": {"2026-03-02": {"cents": 5}}},
        }
        assert first | expected == first
        assert (second["created"], second["unchanged"]) == (0, 1)
        # Neither asked for nor counted: its own entity.
        assert report.writes == 0


def test_a_run_that_lacks_a_stream_is_recorded_as_such() -> None:
    with embedded_port(THING) as port:
        run(port, body(resource(), **RECORDED), {"/a": lambda _: {}})
        (record,) = records(port).values()
        assert record["status"] == "incomplete"


def test_without_being_asked_nothing_is_recorded() -> None:
    with embedded_port(THING) as port:
        run(port, body(resource()), {"/a": thirty(0)})
        assert "portcfg_sync_run" not in {item["identifier"] for item in port.get("/blueprints")["blueprints"]}


def test_the_parts_of_a_run_are_told_as_one() -> None:
    mapping = body(resource(**DAYS), report={"day": ["cents"]}, **RECORDED)
    mapping["streams"]["a"] |= {
        "query_params": {"day": "$window.first_day"},
        "window": {"days": 1, "day": ".at"},
    }

    def answer(asked: Any) -> Any:
        at = f"{asked['day']}T00:00:00Z"
        return {"rows": [{"id": at, "at": at, "cents": 5}, {"id": f"{at}bad", "at": at, "cents": "x"}]}

    with embedded_port(DATED) as port:
        report = run_days(port, mapping, {"/a": answer})
        assert [(group.about, group.count) for group in report.rejected] == [("cents", 3)]
        assert report.streams[0].days == {f"2026-03-0{number}": 2 for number in (2, 3, 4)}
        table = sync_text(report).split("\n\n")[3].splitlines()
        assert table[0].split() == ["day", "day.cents", "a", "rows"]
        assert [line.split() for line in table[2:]] == [
            *(["2026-03-0" + number, "5", "2"] for number in "234"),
            ["3", "days", "15", "6"],
        ]
        (day,), (item,) = report.blueprints, report.resources
        assert (day.created, day.rejected, item.mapped, item.values["properties.cents"].null) == (3, 3, 6, 0)
        assert [(total.day[-2:], total.values) for total in report.totals] == [
            (number, {"cents": 5}) for number in ("02", "03", "04")
        ]
        (record,) = records(port).values()
        assert (record["rows"], record["rejected"], record["values"]) == (6, 3, {"a (1)": {"rows": 6, "null": {}}})
