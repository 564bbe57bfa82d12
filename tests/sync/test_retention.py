"""What a sync deletes, what it never does, and what a person is told of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portcfg.cli.main import main
from portcfg.client import PortWriter
from portcfg.emulator.server import serving
from portcfg.errors import EXIT_OK, EXIT_PARTIAL, InvalidSpecsError, PortcfgError, TransientApiError
from portcfg.render.sync import sync_json, sync_markdown, sync_text
from portcfg.sync.choice import Slice
from portcfg.sync.owner import user_agent
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.replay import replay
from portcfg.sync.report import SyncReport
from portcfg.sync.run import run_sync
from portcfg.sync.spec import DeletionLimits, Retention
from tests.support import Bench, write_files
from tests.sync.support import (
    at,
    create_blueprints,
    embedded_port,
    entities,
    mapping_of,
    options,
    shipped_mapping,
    source_app,
    sync,
)
from tests.sync.test_daily_runs import BLUEPRINTS, TEAMS, cursor, everything
from tests.sync.test_days import BLUEPRINTS as BLUEPRINTS_OF_DAYS
from tests.sync.test_days import MAPPING, ONE, TODAY, World, a_row_a_day, days, iso, noon, resource, stream, world

OWN = {"User-Agent": user_agent("tiny")}
FREE = {"delete_share": 1.0}


@contextmanager
def kept_world(first: date, last: date, **changes: Any) -> Iterator[World]:
    """A world whose rows of these days are in Port, from a run before anything was to be deleted."""
    with world() as made:
        a_row_a_day(made, first, last)
        assert made.sync(TODAY, first_day=first).exit_code == 0
        made.changes = changes
        yield made


def add_by_hand(port: PortWriter, name: str, day: date, headers: dict[str, str] | None = None, of: str = "day") -> None:
    body = {"identifier": name, "properties": {"at": f"{day}T00:00:00Z"}}
    port.send("POST", f"/blueprints/{of}/entities", body, headers=headers)


def held(made: World, of: str = "day") -> list[str]:
    return sorted(entities(made.port, of))


def deletions(report: SyncReport) -> dict[tuple[str, str], tuple[int, int, int]]:
    return {(item.blueprint, item.cause): (item.found, item.among, item.deleted) for item in report.deletions}


def drop(made: World, name: str, day: date) -> None:
    """Rows that the source has no more."""
    made.rows = [row for row in made.rows if row[:2] != (name, day)]


def written(port: PortWriter) -> list[tuple[str, str]]:
    """The requests that change something, from here on."""
    sent: list[tuple[str, str]] = []
    send = port.send

    def logged(method: str, path: str, *args: Any, **more: Any) -> Any:
        sent.append((method, path))
        return send(method, path, *args, **more)

    port.send = logged  # type: ignore[method-assign]
    return sent


# ---- retention ---------------------------------------------------------------------------------------------------


def test_what_is_older_than_the_retention_goes_and_the_youngest_days_stay() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, retention={"day": {"days": 10}}) as made:
        report = made.sync(TODAY)
        assert held(made) == iso(*days(TODAY - 10 * ONE, TODAY - ONE))
        assert held(made, "extra") == iso(*days(TODAY - 12 * ONE, TODAY - ONE))
        assert deletions(report) == {("day", "retention"): (2, 12, 2)}
        assert (report.exit_code, {item.blueprint: item.deleted for item in report.blueprints}) == (
            0,
            {"day": 2, "extra": 0},
        )
        # The next day one more; the day's record stays, so that nothing is missing or read again.
        report = made.sync(TODAY + ONE)
        assert deletions(report) == {("day", "retention"): (1, 11, 1)}
        assert made.spans() == [tuple(iso(TODAY - 3 * ONE, TODAY))]
        assert held(made) == iso(*days(TODAY - 9 * ONE, TODAY))
        assert made.states()[iso(TODAY - 12 * ONE)[0]] == "settled"
        assert not any("missing" in notice for notice in report.notices)
        sent = written(made.port)
        assert (made.sync(TODAY + ONE).deletions, sent) == ((), [])


def test_what_a_person_or_another_integration_wrote_last_stays() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, retention={"day": {"days": 10}}, prune={"day": "window"}) as made:
        add_by_hand(made.port, "by-hand", TODAY - 300 * ONE)
        add_by_hand(made.port, "another-mapping", TODAY - 300 * ONE, {"User-Agent": user_agent("my/tiny")})
        add_by_hand(made.port, "ocean", TODAY - ONE, {"User-Agent": "port-ocean/custom/tiny/exporter"})
        add_by_hand(made.port, "ours", TODAY - ONE, OWN)
        edited = iso(TODAY - 12 * ONE)[0]
        made.port.send("PATCH", f"/blueprints/day/entities/{edited}", {"title": "a note of mine"})
        report = made.sync(TODAY)
        kept = {"by-hand", "another-mapping", "ocean", edited, *iso(*days(TODAY - 10 * ONE, TODAY - ONE))}
        assert set(held(made)) == kept
        assert "3 older entities of day stay: this mapping wasn't the last to write them" in report.notices
        assert deletions(report) == {("day", "retention"): (1, 11, 1), ("day", "prune"): (1, 4, 1)}


def test_a_dry_run_tells_what_would_go_and_only_reads() -> None:
    changes = {"retention": {"day": {"days": 10}}, "prune": {"extra": "window"}}
    with kept_world(TODAY - 12 * ONE, TODAY, **changes) as made:
        before = held(made), held(made, "extra")
        drop(made, "extras", TODAY - 2 * ONE)
        sent = written(made.port)
        report = made.sync(TODAY, dry_run=True)
        assert sent == []
        assert (held(made), held(made, "extra")) == before
        assert deletions(report) == {("extra", "prune"): (1, 3, 1), ("day", "retention"): (2, 12, 2)}
        assert report.port_writes["POST /blueprints/day/bulk/entities/delete"] == 1
        for text in (sync_text(report), sync_markdown(report)):
            assert "3 would be deleted" in text
            names = ", ".join(iso(TODAY - 12 * ONE, TODAY - 11 * ONE))
            assert f"retention: 2 of 12 entities of day would be deleted: {names}" in text
        asked = report.port_requests + sum(report.port_writes.values())
        assert made.sync(TODAY).port_requests == asked
        body = json.loads(sync_json(report))
        assert [item["deleted"] for item in body["blueprints"]] == [2, 1]
        assert body["deletions"][1]["names"] == iso(*days(TODAY - 12 * ONE, TODAY - 11 * ONE))


def test_old_days_that_are_asked_for_are_not_written_only_to_be_deleted() -> None:
    with world(retention={"day": {"days": 10}}) as made:
        a_row_a_day(made, TODAY - 20 * ONE, TODAY)
        sent = written(made.port)
        report = made.sync(TODAY, first_day=TODAY - 20 * ONE)
        assert held(made) == iso(*days(TODAY - 10 * ONE, TODAY - ONE))
        assert held(made, "extra") == iso(*days(TODAY - 20 * ONE, TODAY - ONE))
        assert not [path for _, path in sent if path.endswith("/delete")]
        reason = f"of a day before {TODAY - 10 * ONE}, by `retention` of 10 days"
        assert {item.blueprint: dict(item.skipped) for item in report.blueprints} == {"day": {reason: 10}, "extra": {}}
        # They are read for good all the same.
        assert set(made.states().values()) == {"open", "settled"} and len(made.states()) == 20


def test_no_more_goes_at_once_than_the_guards_let() -> None:
    with kept_world(TODAY - 25 * ONE, TODAY, retention={"day": {"days": 10}}) as made:
        before = held(made)
        report = made.sync(TODAY)
        assert (held(made), report.exit_code) == (before, 6)
        told = "NOT DELETED day: too many deletes: 15 of 25 entities (60.0%), over the limit of 20.0%. If it is meant, "
        assert f"{told}pass --allow-deletions, or raise guards.delete_share in the mapping" in sync_text(report)
        made.changes = {**made.changes, "guards": {"delete_share": 0.6, "delete_count": 14}}
        report = made.sync(TODAY)
        assert (held(made), report.exit_code) == (before, 6)
        assert "15 entities, over the limit of 14. " in report.deletions[0].refused
        # What is written isn't held up by it.
        made.add("events", TODAY - ONE, 100)
        assert made.sync(TODAY).writes == 1
        report = made.sync(TODAY, allow_deletions=True)
        assert (len(held(made)), report.exit_code, report.deletions[0].deleted) == (10, 0, 15)


def test_of_a_blueprint_that_is_held_back_nothing_goes() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, retention={"day": {"days": 10}}) as made:
        made.failing = {"people"}
        report = made.sync(TODAY)
        assert (len(held(made)), report.deletions, report.exit_code) == (12, (), 3)
        assert "nothing of day was deleted for its age, since it was held back" in report.notices


def test_of_the_jobs_of_a_sliced_run_the_first_one_deletes_what_is_too_old() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, retention={"day": {"days": 10}}) as made:
        asked = {"first_day": TODAY - 4 * ONE, "last_day": TODAY - ONE}
        assert made.sync(TODAY, slice=Slice(2, 2), **asked).deletions == ()
        assert deletions(made.sync(TODAY, slice=Slice(1, 2), **asked)) == {("day", "retention"): (2, 12, 2)}


# ---- prune -------------------------------------------------------------------------------------------------------


def test_what_the_source_no_longer_has_in_the_days_read_goes() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, prune={"extra": "window"}) as made:
        drop(made, "extras", TODAY - 2 * ONE)
        drop(made, "extras", TODAY - 9 * ONE)
        report = made.sync(TODAY)
        # Of the day that wasn't read nobody knows.
        assert set(iso(*days(TODAY - 12 * ONE, TODAY - ONE))) - set(held(made, "extra")) == set(iso(TODAY - 2 * ONE))
        assert (deletions(report), report.exit_code) == ({("extra", "prune"): (1, 3, 1)}, 0)
        report = made.sync(TODAY, first_day=TODAY - 12 * ONE)
        assert deletions(report) == {("extra", "prune"): (1, 11, 1)}
        assert len(held(made, "extra")) == 10


def test_nothing_goes_that_nobody_asked_for() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY) as made:
        drop(made, "extras", TODAY - 2 * ONE)
        sent = written(made.port)
        assert made.sync(TODAY).deletions == ()
        assert not [path for _, path in sent if path.endswith("/delete")]
        assert len(held(made, "extra")) == 12


def test_an_event_that_is_taken_back_late_takes_its_day_with_it_only_where_no_other_stream_has_any() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, prune={"day": "window"}, guards=FREE) as made:
        drop(made, "events", TODAY - 2 * ONE)
        drop(made, "events", TODAY - 3 * ONE)
        drop(made, "people", TODAY - 3 * ONE)
        made.sync(TODAY)
        assert set(iso(*days(TODAY - 12 * ONE, TODAY - ONE))) - set(held(made)) == set(iso(TODAY - 3 * ONE))


def refused(made: World) -> None:
    made.refused = {"people"}


def failing(made: World) -> None:
    made.failing = {"people"}


def lying(made: World) -> None:
    answer = made.answer
    made.answer = lambda name, asked: {**answer(name, asked), "total": 99}  # type: ignore[method-assign]


def broken_row(made: World) -> None:
    answer = made.answer
    extra = {"day": (TODAY - ONE).isoformat(), "n": "many", "i": 1}

    def broken(name: str, asked: Any) -> Any:
        found = answer(name, asked)
        return {"rows": [*found["rows"], extra], "total": found["total"] + 1} if name == "events" else found

    made.answer = broken  # type: ignore[method-assign]


UNSURE = {
    "a stream that fails": (failing, {}, "held back"),
    "a total that isn't met": (lying, {}, "held back"),
    "a stream that isn't in the plan": (refused, {}, "people was not read to its end"),
    "some of the streams only": (lambda made: None, {"streams": ("events",)}, "asked for some of its streams only"),
    "a row in quarantine": (broken_row, {}, "were rejected"),
}


@pytest.mark.parametrize("name", UNSURE)
def test_nothing_is_pruned_when_not_all_is_known(name: str) -> None:
    happens, asked, told = UNSURE[name]
    with kept_world(TODAY - 12 * ONE, TODAY, prune={"day": "window"}, guards=FREE) as made:
        drop(made, "events", TODAY - 2 * ONE)
        drop(made, "people", TODAY - 2 * ONE)
        before = held(made)
        happens(made)
        sent = written(made.port)
        report = made.sync(TODAY, **asked)
        assert (held(made), report.deletions) == (before, ())
        assert not [path for _, path in sent if path.endswith("/delete")]
        span = f"from {TODAY - 3 * ONE} to {TODAY - ONE}"
        assert any(f"nothing of day was pruned {span}: " in text and told in text for text in report.notices)


def test_an_empty_source_prunes_nothing_unless_that_is_said_to_be_meant() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, prune={"extra": "window"}, guards=FREE) as made:
        made.rows = [row for row in made.rows if row[0] != "extras"]
        report = made.sync(TODAY)
        assert (len(held(made, "extra")), report.exit_code) == (12, 6)
        assert f"3 of 3 entities from {TODAY - 3 * ONE} to {TODAY - ONE}, and so all." in report.deletions[0].refused
        assert made.sync(TODAY, allow_deletions=True).exit_code == 0
        assert held(made, "extra") == iso(*days(TODAY - 12 * ONE, TODAY - 4 * ONE))


def test_the_parts_of_a_long_range_count_together() -> None:
    changes = {"prune": {"extra": "window"}, "guards": {"delete_count": 3}}
    with kept_world(TODAY - 70 * ONE, TODAY, **changes) as made:
        for back in (2, 3, 40, 41):
            drop(made, "extras", TODAY - back * ONE)
        report = made.sync(TODAY, first_day=TODAY - 70 * ONE)
        assert (deletions(report), report.exit_code) == ({("extra", "prune"): (4, 70, 2)}, 6)
        assert "4 entities, over the limit of 3. " in report.deletions[0].refused
        assert len(held(made, "extra")) == 68


def test_a_property_that_is_not_the_day_of_the_rows_prunes_nothing() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, prune={"extra": {"within": "window", "property": "at"}}) as made:
        other = resource("extras", "extra", "extras")
        other["port"]["entity"]["mappings"]["properties"]["at"] = '(.day + "T00:00:00Z" | fromdate + 345600 | todate)'
        made.changes["resources"] = [*MAPPING["resources"][:2], other]
        drop(made, "extras", TODAY - 2 * ONE)
        report = made.sync(TODAY)
        assert (len(held(made, "extra")), report.deletions) == (12, ())
        assert any("so it isn't the day of its rows" in text for text in report.notices)


# ---- what can go wrong -------------------------------------------------------------------------------------------


def test_what_goes_is_kept_in_a_file_that_restores_it(tmp_path: Path) -> None:
    changes = {"retention": {"day": {"days": 10}}, "prune": {"extra": "window"}}
    with kept_world(TODAY - 12 * ONE, TODAY, **changes) as made:
        made.port.send("PATCH", f"/blueprints/extra/entities/{TODAY - 2 * ONE}", {"title": "two days ago"}, headers=OWN)
        before = entities(made.port, "day"), entities(made.port, "extra")
        drop(made, "extras", TODAY - 2 * ONE)
        file = tmp_path / "deleted.ndjson"
        report = made.sync(TODAY, deleted=Quarantine(file))
        assert report.deleted_kept == str(file)
        assert f"portcfg sync replay {file}" in sync_text(report)
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert [line["identifier"] for line in lines[1:-1]] == iso(
            TODAY - 2 * ONE, *days(TODAY - 12 * ONE, TODAY - 11 * ONE)
        )
        assert len(held(made)) == 10
        restored = replay(made.mapping(), file, made.port, Quarantine())
        assert (restored.exit_code, restored.writes) == (0, 3)
        assert (entities(made.port, "day"), entities(made.port, "extra")) == before


def test_without_room_to_keep_it_nothing_goes(tmp_path: Path) -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, retention={"day": {"days": 10}}) as made:
        (tmp_path / "no-folder").write_text("a file")
        report = made.sync(TODAY, deleted=Quarantine(tmp_path / "no-folder" / "x.ndjson"))
        assert (len(held(made)), report.exit_code) == (12, 6)
        assert "could not" in report.deletions[0].refused


def test_killed_in_the_middle_the_next_run_deletes_the_rest() -> None:
    with kept_world(TODAY - 25 * ONE, TODAY, retention={"day": {"days": 1}}, guards=FREE) as made:
        for number in range(150):
            add_by_hand(made.port, f"more-{number}", TODAY - 9 * ONE, OWN)
        send = made.port.send

        def dying(method: str, path: str, *args: Any, **more: Any) -> Any:
            done = send(method, path, *args, **more)
            if path.endswith("/delete"):
                raise KeyboardInterrupt
            return done

        made.port.send = dying  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            made.sync(TODAY)
        assert len(held(made)) == 75
        made.port.send = send  # type: ignore[method-assign]
        report = made.sync(TODAY)
        assert (held(made), report.deletions[0].deleted, report.exit_code) == (iso(TODAY - ONE), 74, 0)


def test_an_answer_that_is_lost_is_no_harm() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, retention={"day": {"days": 10}}) as made:
        send = made.port.send

        def twice(method: str, path: str, *args: Any, **more: Any) -> Any:
            if path.endswith("/delete"):
                send(method, path, *args, **more)
            return send(method, path, *args, **more)

        made.port.send = twice  # type: ignore[method-assign]
        report = made.sync(TODAY)
        assert (deletions(report), report.exit_code) == ({("day", "retention"): (2, 12, 2)}, 0)
        assert report.deletions[0].stay == ()


def test_a_port_that_fails_is_told_and_the_next_run_goes_on() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, retention={"day": {"days": 10}}) as made:
        send = made.port.send

        def failing(method: str, path: str, *args: Any, **more: Any) -> Any:
            if path.endswith("/delete"):
                raise TransientApiError("no answer")
            return send(method, path, *args, **more)

        made.port.send = failing  # type: ignore[method-assign]
        report = made.sync(TODAY)
        assert (report.exit_code, report.deletions[0].refused) == (6, "could not all be deleted: no answer")
        made.port.send = send  # type: ignore[method-assign]
        assert made.sync(TODAY).deletions[0].deleted == 2


def test_what_others_depend_on_stays_and_is_told_and_nothing_of_theirs_goes() -> None:
    with kept_world(TODAY - 12 * ONE, TODAY, retention={"day": {"days": 10}}) as made:
        oldest, second = iso(TODAY - 12 * ONE, TODAY - 11 * ONE)
        body = {
            "identifier": "note",
            "title": "Note",
            "schema": {"properties": {}},
            "relations": {"of": {"target": "day", "required": True, "many": False}},
        }
        made.port.send("POST", "/blueprints", body)
        made.port.send("POST", "/blueprints/note/entities", {"identifier": "mine", "relations": {"of": oldest}})
        report = made.sync(TODAY)
        assert oldest in held(made) and second not in held(made)
        assert list(entities(made.port, "note")) == ["mine"]
        found = report.deletions[0]
        assert (found.found, found.deleted, report.exit_code) == (2, 1, 0)
        assert len(found.stay) == 1 and found.stay[0].startswith(f"{oldest}: ")
        assert f"NOT DELETED day {oldest}" in sync_text(report)


def test_a_blueprint_whose_property_is_no_date_stops_the_run_before_anything_is_read() -> None:
    with world(retention={"extra": {"days": 10, "property": "extras"}}) as made:
        with pytest.raises(PortcfgError, match=r"`extra\.extras`, by which entities are deleted, is no date-time"):
            made.sync(TODAY)
        assert made.asked == []


# ---- what is found before anything runs --------------------------------------------------------------------------

_NAMED = {"within": "window", "property": "at"}
_PLAIN = {**stream("plain"), "pagination": {"type": "page"}}
_UNDATED = {key: value for key, value in stream("plain").items() if key != "window"}
_OF_TEAMS = {
    **stream("teams/{team}"),
    "path_parameters": {"team": {"endpoint": "/teams", "field": ".name", "data_path": ".teams"}},
}


def _mapped(**changes: Any) -> dict[str, Any]:
    """A resource like that of the extras, but for its entity's `changes`."""
    made = resource("extras", "extra", "extras")
    made["port"]["entity"]["mappings"].update(changes)
    return made


_OTHER_DAY = _mapped(properties={"at": ".seen_at", "extras": ".n"})
_ANY_BLUEPRINT = _mapped(blueprint=".kind")
_SEARCHED = _mapped(
    identifier={"combinator": "and", "rules": [{"property": "$title", "operator": "=", "value": ".day"}]}
)
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a blueprint of somebody else's": ({"retention": {"service": {"days": 9}}}, "no resource writes `service`"),
    "a property of nobody's": (
        {"retention": {"day": {"days": 9, "property": "made"}}},
        "no resource writes `day.made`",
    ),
    "no total": (
        {"streams": {**MAPPING["streams"], "extras": _PLAIN}, "prune": {"extra": "window"}},
        "stream `extras`, which feeds it, doesn't state how many rows there are",
    ),
    "a property that may be of another day": (
        {"resources": [_OTHER_DAY], "prune": {"extra": "window"}},
        "which property tells the day of a `extra`? None is the stream's day in all resources that write it",
    ),
    "a blueprint that the rows name": (
        {"resources": [*MAPPING["resources"], _ANY_BLUEPRINT], "prune": {"extra": "window"}},
        "resources[3] may write it, too: its blueprint is an expression",
    ),
    "entities that only Port can find": (
        {"resources": [*MAPPING["resources"], _SEARCHED], "prune": {"extra": "window"}},
        "resources[3] finds its entity by a search",
    ),
    "lists of lists": (
        {"streams": {**MAPPING["streams"], "extras": _OF_TEAMS}, "prune": {"extra": "window"}},
        "stream `extras`, which feeds it, has path parameters",
    ),
    "days that no row has": (
        {"streams": {"extras": _UNDATED}, "resources": [MAPPING["resources"][2]], "prune": {"extra": _NAMED}},
        "stream `extras`, which feeds it, doesn't say of which day a row is",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused_at_once(name: str) -> None:
    changes, told = WRONG[name]
    with pytest.raises(InvalidSpecsError) as caught:
        mapping_of({**MAPPING, **changes})
    assert told in str([problem.message for problem in caught.value.problems])


# ---- on the whole ------------------------------------------------------------------------------------------------


@pytest.fixture(params=["America/New_York", "Australia/Lord_Howe"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[None]:
    """A machine whose days are others than UTC's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
def test_days_are_utc_days_whatever_the_clocks_of_the_machine_do() -> None:
    """Around the day on which New York's clocks change."""
    with world(retention={"day": {"days": 5}}, guards=FREE) as made:
        today = date(2026, 3, 12)
        moments = {
            "stays": ("2026-03-07T00:00:00Z", "2026-03-06T20:00:00-04:00", "2026-03-08T07:30:00Z"),
            "goes": ("2026-03-06T23:59:59.999Z", "2026-03-07T01:30:00+02:00", "2026-03-06T19:59:59-04:00"),
        }
        for what, texts in moments.items():
            for number, text in enumerate(texts):
                body = {"identifier": f"{what}-{number}", "properties": {"at": text}}
                made.port.send("POST", "/blueprints/day/entities", body, headers=OWN)
        made.sync(today)
        assert held(made) == [f"stays-{number}" for number in range(3)]


def test_under_pseudonyms_what_goes_is_kept_under_pseudonyms(tmp_path: Path) -> None:
    key = {"PRIVACY_KEY": "0123456789abcdef0123"}
    file = tmp_path / "deleted.ndjson"
    with world(privacy={"key_env": "PRIVACY_KEY"}) as made:
        a_row_a_day(made, TODAY - 12 * ONE, TODAY)
        answer, made.today = made.answer, TODAY

        def personal(name: str, asked: Any) -> Any:
            found = answer(name, asked)
            return {**found, "rows": [{**row, "email": "ann@example.com"} for row in found["rows"]]}

        made.answer = personal  # type: ignore[method-assign]
        own = resource("extras", "extra", "extras")
        own["selector"]["group_by"]["email"] = ".email"
        own["port"]["entity"]["mappings"]["identifier"] = '.email + "@" + .day'
        made.changes["resources"] = [*MAPPING["resources"][:2], own]
        asked = options(first_day=TODAY - 12 * ONE, last_day=None, now=noon(TODAY))
        run_sync(made.mapping(), key, made.port, asked)
        before = entities(made.port, "extra")
        made.changes |= {"retention": {"extra": {"days": 11}}, "prune": {"extra": "window"}}
        drop(made, "extras", TODAY - 2 * ONE)
        report = run_sync(made.mapping(), key, made.port, asked, deleted=Quarantine(file))
        assert deletions(report) == {("extra", "prune"): (1, 12, 1), ("extra", "retention"): (1, 11, 1)}
        assert "ann@example.com" not in file.read_text()
        replay(made.mapping(), file, made.port, Quarantine(), env=key)
        assert entities(made.port, "extra") == before


def test_a_company_run_day_by_day_has_its_last_days_as_one_run_without_retention_has_them() -> None:
    dates = dict.fromkeys(BLUEPRINTS, "record_date") | {"cursor_commit_record": "commitTs"}
    kept = {name: Retention(5, property_) for name, property_ in dates.items()}
    prune = {name: dates[name] for name in ("cursor_cost_record", "cursor_commit_record")}
    mapping = replace(shipped_mapping(teams=TEAMS), retention=kept, prune=prune, guards=DeletionLimits(1.0))
    first, runs = date(2028, 2, 27), 6
    with cursor() as source, embedded_port() as port, embedded_port() as plain:
        for number in range(runs):
            today = first + number * ONE
            source.now = datetime(today.year, today.month, today.day, 6, tzinfo=UTC)
            asked = {"first_day": None, "last_day": None, "now": source.now.timestamp()}
            report = sync(at(mapping, source.url), port, **asked)
            assert (report.exit_code, report.rejects) == (0, ())
        assert any(item.deleted for item in report.deletions)
        source.run(plain, today, first_day=first - 30 * ONE)
        start = (today - 5 * ONE).isoformat()
        expected = {
            (name, identifier): entity
            for (name, identifier), entity in everything(plain).items()
            if entity["properties"][dates[name]] >= start
        }
        assert everything(port) == expected


def test_a_person_is_asked_before_much_goes_and_can_have_it_back(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC).date()
    rows = [{"day": (today - back * ONE).isoformat(), "n": 1, "i": back} for back in range(1, 13)]

    def answer(asked: Any) -> Any:
        found = [row for row in rows if asked["first"] <= row["day"] <= asked["last"]]
        return {"rows": found, "total": len(found)}

    mapping = {"identifier": "tiny", "runner": "portcfg", "streams": {"extras": stream("extras")}}
    mapping["resources"] = [resource("extras", "extra", "extras")]
    login = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    create_blueprints(bench.writer(), {"extra": BLUEPRINTS_OF_DAYS["extra"]})
    monkeypatch.chdir(tmp_path)

    with serving(source_app({"/extras": answer})) as url:

        def portcfg(*arguments: str, **changes: Any) -> Result:
            body = {**mapping, "source": {"base_url": url}, **changes}
            files = {"portcfg.yaml": "version: 1\n", "mappings/tiny.json": json.dumps(body)}
            files["blueprints/extra.json"] = json.dumps(BLUEPRINTS_OF_DAYS["extra"])
            write_files(tmp_path / "specs", files)
            return CliRunner().invoke(main, ["sync", *arguments], env=login)

        assert portcfg("--days", "12").exit_code == EXIT_OK
        with_retention = {"retention": {"extra": {"days": 5}}}
        bench.clear()
        done = portcfg("--dry-run", "--allow-deletions", **with_retention)
        assert (done.exit_code, bench.writes) == (EXIT_OK, [])
        assert "7 would be deleted" in done.stdout
        assert "1 POST /blueprints/extra/bulk/entities/delete" in done.stdout
        done = portcfg(**with_retention)
        assert done.exit_code == EXIT_PARTIAL
        assert "too many deletes: 7 of 12 entities (58.3%)" in done.stdout
        assert not (tmp_path / ".portcfg" / "deleted").exists()
        done = portcfg("--allow-deletions", "--format", "json", **with_retention)
        assert (done.exit_code, json.loads(done.stdout)["blueprints"][0]["deleted"]) == (EXIT_OK, 7)
        (file,) = (tmp_path / ".portcfg" / "deleted").glob("tiny-*.ndjson")
        assert json.loads(done.stdout)["deleted_kept"] == str(file.relative_to(tmp_path))
        assert portcfg("replay", str(file)).exit_code == EXIT_OK
        assert len(list(bench.reader().entities("extra"))) == 12
