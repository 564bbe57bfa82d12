"""How entities get into Port: what is found there, what relates to what, and what a failing Port leaves behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from portcfg.client import Answer, Credentials, PortReader, PortWriter
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.errors import ApiError, TerminalApiError, TransientApiError
from portcfg.retry import RetryPolicy
from portcfg.sync.bulkanswer import outcomes
from portcfg.sync.compare import fields_of, read_live
from portcfg.sync.fragments import Entity
from portcfg.sync.report import SyncReport
from portcfg.sync.write import BulkWriter
from tests.sync.support import blueprint, create_blueprints, embedded_port, entities
from tests.sync.test_run import THING, body, properties, resource, rows, run

DATED = blueprint("day", required=("at",), at={"type": "string", "format": "date-time"}, n="number")
DAY = {"blueprint": "day", "properties": {"at": ".at", "n": ".n"}}


def dated(name: str, at: str, n: int = 1) -> dict[str, Any]:
    return {"id": name, "at": at, "n": n}


def test_an_entity_whose_date_moved_is_found() -> None:
    with embedded_port(DATED) as port:
        run(port, body(resource(**DAY)), {"/a": rows(dated("x", "2026-01-01T00:00:00Z"))})
        moved = rows(dated("x", "2026-03-02T00:00:00Z"), dated("y", "2026-03-03T00:00:00Z"))
        report = run(port, body(resource(**DAY)), {"/a": moved}, dry_run=True)
        (day,) = report.blueprints
        assert (day.created, day.updated) == (1, 1)
        idle = body(resource(**DAY, creates="false"))
        assert run(port, idle, {"/a": moved}).blueprints[0].updated == 1
        assert properties(port, "day")["x"]["at"] == "2026-03-02T00:00:00Z"


def test_offsets_are_instants() -> None:
    days = [
        dated("x", "2026-03-02T00:00:00-05:00"),
        dated("y", "2026-03-02T04:00:00Z"),
        dated("z", "2026-03-02T23:00:00+11:00"),
    ]
    with embedded_port(DATED) as port:
        run(port, body(resource(**DAY)), {"/a": rows(*days)})
        report = run(port, body(resource(**DAY)), {"/a": rows(*days)})
        # The blueprints, and one range that holds all three.
        assert (report.writes, report.port_requests) == (0, 2)


TREE = blueprint(
    "node",
    {"parent": {"target": "node", "title": "Parent"}, "friends": {"target": "node", "title": "Friends", "many": True}},
    n="number",
)
NODE = {"blueprint": "node", "properties": {"n": ".n"}, "relations": {"parent": ".parent", "friends": ".friends"}}


@pytest.mark.parametrize("policy", ["quarantine", "drop"])
def test_entities_of_one_blueprint_relate_to_each_other_on_the_first_run(policy: str) -> None:
    chain = [{"id": f"n{at:02d}", "n": at, "parent": f"n{at + 1:02d}", "friends": ["n00"]} for at in range(45)]
    mapping = body(resource(**NODE), missing_relations=policy)
    handlers = {"/a": rows(*chain, {"id": "n45", "n": 45})}
    with embedded_port(TREE) as port:
        report = run(port, mapping, handlers)
        assert (report.rejects, report.blueprints[0].created) == ((), 46)
        found = entities(port, "node")
        assert found["n00"]["relations"] == {"parent": "n01", "friends": ["n00"]}
        assert run(port, mapping, handlers).writes == 0


def test_entities_in_a_circle() -> None:
    circle = [{"id": a, "n": 1, "parent": b, "friends": ["c"]} for a, b in ("ab", "bc", "ca")]
    mapping = body(resource(**NODE), missing_relations="quarantine")
    with embedded_port(TREE) as port:
        report = run(port, mapping, {"/a": rows(*circle)})
        assert (report.rejects, report.blueprints[0].created, report.blueprints[0].updated) == ((), 3, 0)
        assert {name: entity["relations"]["parent"] for name, entity in entities(port, "node").items()} == {
            "a": "b",
            "b": "c",
            "c": "a",
        }
        assert run(port, mapping, {"/a": rows(*circle)}).writes == 0


def test_what_relates_to_a_rejected_entity_is_treated_as_the_mapping_says() -> None:
    lost = [{"id": "a", "parent": "b"}, {"id": "b", "parent": "c"}, {"id": "c", "parent": "nobody"}, {"id": "d"}]
    with embedded_port(TREE) as port:
        report = run(port, body(resource(**NODE), missing_relations="quarantine"), {"/a": rows(*lost)})
        assert list(entities(port, "node")) == ["d"]
        assert [reject.identifier for reject in report.rejects] == ["a", "b", "c"]
    with embedded_port(TREE) as port:
        report = run(port, body(resource(**NODE), missing_relations="drop"), {"/a": rows(*lost)})
        assert list(entities(port, "node")) == ["a", "b", "c", "d"]
        assert report.rejects == ()


def test_blueprints_in_a_circle() -> None:
    both = {
        **blueprint("one", {"other": {"target": "two", "title": "Other"}}, n="number", s="string"),
        **blueprint("two", {"other": {"target": "one", "title": "Other"}}, n="number", s="string"),
    }
    mapping = body(
        resource("a", "one", relations={"other": ".other"}),
        resource("b", "two", relations={"other": ".other"}),
        missing_relations="quarantine",
    )
    handlers = {"/a": rows({"id": "x", "other": "y"}, {"id": "w"}), "/b": rows({"id": "y", "other": "x"})}
    with embedded_port(both) as port:
        report = run(port, mapping, handlers)
        assert report.rejects == ()
        assert entities(port, "one")["x"]["relations"] == {"other": "y"}
        assert entities(port, "two")["y"]["relations"] == {"other": "x"}
        assert run(port, mapping, handlers).writes == 0


def test_a_relation_by_search_is_not_written_again() -> None:
    related = {**THING, **blueprint("child", {"one": {"target": "thing", "title": "One"}}, n="number", s="string")}
    query = {"combinator": "'and'", "rules": [{"property": "'s'", "operator": "'='", "value": ".s"}]}
    mapping = body(resource(), resource("b", "child", relations={"one": query}))
    handlers = {"/a": rows({"id": "x", "n": 1, "s": "me"}), "/b": rows({"id": "c", "n": 1, "s": "me"})}
    with embedded_port(related) as port:
        run(port, mapping, handlers)
        assert entities(port, "child")["c"]["relations"] == {"one": "x"}
        assert run(port, mapping, handlers).writes == 0
        assert run(port, mapping, {**handlers, "/b": rows({"id": "c", "n": 2, "s": "me"})}).writes == 1


class Failing(PortWriter):
    """A client whose sends fail: `plan` holds, for the nth one, the error to raise."""

    plan: dict[int, BaseException]
    sends = 0

    def send(self, *args: Any, **named: Any) -> Answer:
        self.sends += 1
        if error := self.plan.get(self.sends):
            raise error
        return super().send(*args, **named)


@contextmanager
def failing(plan: dict[int, BaseException], *names: str) -> Iterator[Failing]:
    with serving(port_app()) as url:
        port = Failing(url, Credentials("local", "local"), RetryPolicy(sleep=lambda _: None))
        port.plan = {}
        for name in names:
            create_blueprints(port, blueprint(name, n="number", s="string"))
        port.plan, port.sends = plan, 0
        yield port
        port.close()


DOWN = TransientApiError("POST /bulk: 503", status=503)
THREE = body(resource("a", "first"), resource("b", "second"), resource("c", "third"))
MANY = rows(*({"id": f"x{n}", "n": n} for n in range(50)))
HANDLERS = dict.fromkeys(("/a", "/b", "/c"), MANY)
NAMES = ("first", "second", "third")


def counts(report: SyncReport) -> list[tuple[int, str]]:
    return [(item.created, item.held) for item in report.blueprints]


def test_a_port_that_goes_down_leaves_a_report_and_the_next_run_finishes() -> None:
    with failing({5: DOWN}, *NAMES) as port:
        report = run(port, THREE, HANDLERS, parallelism=1)
        assert report.exit_code == 6
        assert counts(report) == [
            (50, ""),
            (20, "Port failed: POST /bulk: 503; 30 of 50 entities were not written"),
            (0, "not tried any more: POST /bulk: 503"),
        ]
        assert port.sends == 5
        again = run(port, THREE, HANDLERS)
        assert (again.exit_code, [item.created for item in again.blueprints]) == (0, [0, 30, 50])


@pytest.mark.parametrize("status", [403, 404, 405, 409, 410])
def test_a_whole_request_that_is_refused_is_not_taken_apart_and_holds_back_its_blueprint_only(status: int) -> None:
    with failing({4: TerminalApiError(f"POST: {status}", status=status)}, *NAMES) as port:
        report = run(port, THREE, HANDLERS, parallelism=1)
        assert report.exit_code == 6
        assert [item.created for item in report.blueprints] == [50, 0, 50]
        assert report.blueprints[1].held == f"Port failed: POST: {status}; 50 of 50 entities were not written"
        assert port.sends == 3 + 1 + 3
        assert run(port, THREE, HANDLERS).exit_code == 0


def test_a_search_that_fails_is_in_the_report_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with failing({}, *NAMES) as port:
        entities_of = port.entities

        def search(name: str, *args: Any, **named: Any) -> Any:
            if name == "second":
                raise TerminalApiError("search: 422", status=422)
            return entities_of(name, *args, **named)

        monkeypatch.setattr(port, "entities", search)
        report = run(port, THREE, HANDLERS)
        assert report.exit_code == 6
        assert counts(report) == [(50, ""), (0, "Port failed: search: 422"), (50, "")]


@pytest.mark.parametrize("at", [1, 2, 4, 7])
def test_an_interrupted_run_is_finished_by_the_next(at: int) -> None:
    with failing({at: KeyboardInterrupt()}, *NAMES) as port:
        with pytest.raises(KeyboardInterrupt):
            run(port, THREE, HANDLERS, parallelism=1)
        again = run(port, THREE, HANDLERS)
        assert (again.exit_code, again.writes) == (0, 150 - 50 * ((at - 1) // 3) - 20 * ((at - 1) % 3))
        assert run(port, THREE, HANDLERS).writes == 0


@pytest.mark.parametrize("error", [DOWN, TerminalApiError("POST: 403", status=403), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [1, 4, 13, 37])
def test_what_was_under_way_beside_a_failure_is_counted_and_the_rest_is_left_to_the_next_run(
    at: int, error: BaseException
) -> None:
    many = rows(*({"id": f"x{n:03d}", "n": n} for n in range(250)))
    handlers = dict.fromkeys(("/a", "/b", "/c"), many)
    with failing({at: error}, *NAMES) as port:
        if isinstance(error, KeyboardInterrupt):
            with pytest.raises(KeyboardInterrupt):
                run(port, THREE, handlers)
        else:
            report = run(port, THREE, handlers)
            assert [item.created for item in report.blueprints] == [len(entities(port, name)) for name in NAMES]
        there = [len(entities(port, name)) for name in NAMES]
        again = run(port, THREE, handlers)
        assert (again.exit_code, [item.created for item in again.blueprints]) == (0, [250 - n for n in there])
        assert run(port, THREE, handlers).writes == 0


def test_no_more_writes_are_under_way_than_asked_for() -> None:
    class Counting(Bulk):
        now = most = 0
        turn = threading.Lock()

        def send(self, *args: Any, **named: Any) -> Answer:
            with self.turn:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(0.01)
            with self.turn:
                self.now -= 1
            return super().send(*args, **named)

    bodies = [{"identifier": str(n)} for n in range(400)]
    for parallelism in (1, 3):
        port = Counting(lambda items: written(items, {}))
        BulkWriter(port, "thing", parallelism=parallelism).write(list(bodies))
        assert (port.most, len(port.asked)) == (parallelism, 20)


def test_what_port_has_of_many_entities_is_asked_for_side_by_side_and_no_more_than_asked_for() -> None:
    class Counting(PortReader):
        now = most = 0
        turn = threading.Lock()

        def entities(self, *_: Any, query: dict[str, Any] | None = None, **__: Any) -> Iterator[dict[str, Any]]:
            with self.turn:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(0.02)
            with self.turn:
                self.now -= 1
            yield from ({"identifier": name} for name in (query or {})["rules"][0]["value"])

    wanted = [Entity("thing", str(n)) for n in range(6_500)]
    for parallelism in (1, 3):
        port = Counting("http://localhost", Credentials("", ""))
        found = read_live(port, THING["thing"], wanted, fields_of(wanted), parallelism)
        assert (port.most, set(found)) == (parallelism, {entity.identifier for entity in wanted})


class Bulk(PortWriter):
    """A Port of one function: bodies in, (status, answer) out."""

    def __init__(self, answer: Any) -> None:
        super().__init__("http://port.test", Credentials("local", "local"))
        self.answer = answer
        self.asked: list[list[str]] = []

    def send(self, *args: Any, **_: Any) -> Answer:
        items = args[2]["entities"]
        self.asked.append([item["identifier"] for item in items])
        return Answer(200, self.answer(items))


def written(items: list[Any], refused: dict[str, int]) -> dict[str, Any]:
    numbered = list(enumerate(items))
    errors = [
        {"index": at, "identifier": item["identifier"], "statusCode": refused[item["identifier"]], "message": "no"}
        for at, item in numbered
        if item["identifier"] in refused
    ]
    done = [{"index": at, "created": True} for at, item in numbered if item["identifier"] not in refused]
    return {"ok": True, "entities": done, "errors": errors}


def writer(answer: Any) -> tuple[BulkWriter, Bulk]:
    port = Bulk(answer)
    return BulkWriter(port, "thing"), port


def some(*names: str) -> list[dict[str, Any]]:
    return [{"identifier": name, "properties": {}} for name in names]


def test_items_are_told_apart_by_their_own_status() -> None:
    bulk, _ = writer(lambda items: written(items, {"b": 422, "c": 404}))
    bulk.write(some("a", "b", "c"))
    assert bulk.written.created == {"a"}
    assert bulk.written.refused == {"b": ("422 error", "Port refused it (422): error: no")}
    assert list(bulk.written.deferred) == ["c"]


def test_an_item_that_the_answer_passes_over_is_not_taken_for_written() -> None:
    bulk, _ = writer(lambda items: written(items[:1], {}))
    bulk.write(some("a", "b"))
    assert bulk.written.created == {"a"}
    assert "doesn't mention it" in bulk.written.refused["b"][1]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_that_is_too_much_is_halved_until_the_bad_item_is_alone(status: int) -> None:
    def answer(items: list[Any]) -> Any:
        if any(item["identifier"] == "c" for item in items):
            raise TerminalApiError("too big", status=status)
        return written(items, {})

    bulk, port = writer(answer)
    bulk.write(some("a", "b", "c", "d"))
    assert bulk.written.created == {"a", "b", "d"}
    assert bulk.written.refused == {"c": (str(status), f"Port refused it ({status}): too big")}
    assert port.asked == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["d"]]


def test_what_is_in_both_lists_was_refused_and_what_was_not_sent_says_nothing() -> None:
    answer = {
        "entities": [{"index": 0, "created": True}, {"index": 1, "created": True}],
        "errors": [{"index": at, "statusCode": 422, "message": "no"} for at in (0, -1, 3)],
    }
    both, done, silent = outcomes([{"identifier": name} for name in "abc"], answer)
    assert (both.created, both.reason) == (False, "error: no")
    assert (done.created, done.reason) == (True, "")
    assert "doesn't mention it" in silent.reason


def test_what_waits_for_another_entity_is_written_later_or_refused_with_the_last_reason() -> None:
    there: set[str] = set()

    def answer(items: list[Any]) -> Any:
        missing = {item["identifier"]: 404 for item in items if item["identifier"] not in there}
        return written(items, missing)

    bulk, _ = writer(answer)
    bulk.write(some("a", "b"))
    assert list(bulk.written.deferred) == ["a", "b"]
    there.add("a")
    bulk.write_deferred()
    assert (bulk.written.created, list(bulk.written.deferred)) == ({"a"}, ["b"])
    assert bulk.refuse(lambda body: body["identifier"] == "b") == ["b"]
    assert bulk.written.refused == {"b": ("404 error", "Port refused it (404): error: no")}


def test_an_error_of_the_whole_request_is_raised() -> None:
    def answer(_: Any) -> Any:
        raise TerminalApiError("no", status=403)

    bulk, port = writer(answer)
    with pytest.raises(ApiError):
        bulk.write(some(*(f"x{n}" for n in range(200))))
    assert len(port.asked) == 1


def test_each_relation_has_its_own_word_on_missing_targets() -> None:
    child = blueprint(
        "child",
        {name: {"target": name, "title": name, "many": name == "pupil"} for name in ("made", "kept", "cut", "pupil")},
        n="number",
        s="string",
    )
    picky = blueprint("kept", n="number", s={"type": "string", "pattern": "^[a-z]+$"})
    others = {**blueprint("made", n="number"), **blueprint("cut", n="number"), **blueprint("pupil", n="number")}
    words = {"child.made": "create", "child.pupil": "create", "child.kept": "quarantine", "child.cut": "drop"}
    related = {name: f".{name}" for name in ("made", "kept", "cut", "pupil")}
    mapping = body(resource("a", "kept"), resource("b", "child", relations=related), missing_relations=words)
    children = [
        {"id": "all", "n": 1, "made": "m1", "kept": "fine", "cut": "nobody", "pupil": ["p1", "p2"]},
        {"id": "refused", "n": 1, "made": "m2", "kept": "BAD", "pupil": ["p3"]},
        {"id": "lost", "n": 1, "made": "m3", "kept": "nobody"},
        {"id": "plain", "n": 1, "made": "m1"},
        {"id": "alone", "n": 1},
    ]
    handlers = {"/a": rows({"id": "fine", "s": "a"}, {"id": "BAD", "s": "A"}), "/b": rows(*children)}
    with embedded_port({**child, **picky, **others}) as port:
        report = run(port, mapping, handlers)
        assert {name: value["relations"] for name, value in entities(port, "child").items()} == {
            "all": {"made": "m1", "kept": "fine", "pupil": ["p1", "p2"]},
            "plain": {"made": "m1"},
            "alone": {},
        }
        # Of what was refused nothing is made either.
        assert [list(entities(port, name)) for name in ("made", "pupil", "cut", "kept")] == [
            ["m1"],
            ["p1", "p2"],
            [],
            ["fine"],
        ]
        assert sorted((reject.where, reject.identifier, reject.about) for reject in report.rejects) == [
            ("relations", "lost", "kept"),
            ("write", "BAD", "422 blueprint_schema_mismatch"),
            ("write", "refused", "404 not_found"),
        ]
        assert (report.blueprints[0].created, report.blueprints[0].rejected) == (3, 2)
        assert run(port, mapping, handlers).writes == 0


def test_a_required_relation_whose_target_is_made() -> None:
    needy = blueprint("child", {"made": {"target": "made", "title": "Made", "required": True}}, n="number", s="string")
    mapping = body(resource("a", "child", relations={"made": ".made"}), missing_relations="create")
    with embedded_port({**needy, **blueprint("made", n="number")}) as port:
        report = run(port, mapping, {"/a": rows({"id": "a", "made": "m"}, {"id": "b"})})
        assert entities(port, "child")["a"]["relations"] == {"made": "m"}
        assert [reject.about for reject in report.rejects] == ["made"]
