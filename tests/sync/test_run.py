"""Whole runs against an embedded Port: what is written, held back, rejected, and how the run ends."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from portcfg.client import Credentials, PortReader, PortWriter
from portcfg.emulator.chaos import Chaos
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.errors import InvalidSpecsError, PortcfgError, TerminalApiError, UsageError
from portcfg.sync.report import Progress, SyncReport
from portcfg.sync.run import run_sync
from tests.sync.support import (
    Handler,
    blueprint,
    create_blueprints,
    embedded_port,
    entities,
    mapping_of,
    options,
    retry,
    source_app,
    sync,
)

THING = blueprint(
    "thing", required=("n",), n="number", s="string", o="object", at={"type": "string", "format": "date-time"}
)


def resource(stream: str = "a", blueprint: str = "thing", **parts: Any) -> dict[str, Any]:
    """A resource that writes `n` and `s` of each row, with changes."""
    mappings = {"identifier": ".id", "blueprint": f'"{blueprint}"', "properties": {"n": ".n", "s": ".s"}}
    mappings |= {key: parts.pop(key) for key in ("properties", "relations", "title", "identifier") if key in parts}
    return {
        "kind": stream,
        "selector": {"stream": stream, "query": "true", **parts},
        "port": {"entity": {"mappings": mappings}},
    }


def body(*resources: dict[str, Any], **keys: Any) -> dict[str, Any]:
    streams = {
        item["selector"]["stream"]: {"path": f"/{item['selector']['stream']}", "data_path": ".rows"}
        for item in resources
    }
    return {"streams": {**streams, **keys.pop("streams", {})}, "resources": list(resources), **keys}


def rows(*items: Any) -> Handler:
    return lambda _: {"rows": list(items)}


def run(port: PortReader, mapping: dict[str, Any], handlers: dict[str, Handler], **changes: Any) -> SyncReport:
    with serving(source_app(handlers)) as url:
        return sync(mapping_of(mapping, url), port, **changes)


def properties(port: PortReader, name: str = "thing") -> dict[str, Any]:
    return {key: value["properties"] for key, value in entities(port, name).items()}


def test_only_what_changed_is_written() -> None:
    with embedded_port(THING) as port:
        run(port, body(resource()), {"/a": rows({"id": "x", "n": 1, "s": "a"}, {"id": "y", "n": 2})})
        report = run(port, body(resource()), {"/a": rows({"id": "x", "n": 1.0, "s": "a"}, {"id": "y", "n": 3})})
        (thing,) = report.blueprints
        assert (thing.created, thing.updated, thing.unchanged) == (0, 1, 1)
        assert properties(port) == {"x": {"n": 1, "s": "a"}, "y": {"n": 3}}


def test_what_the_mapping_doesnt_write_stays_and_what_lost_its_value_is_cleared() -> None:
    with embedded_port(THING) as port:
        entity = {"identifier": "x", "properties": {"n": 1, "s": "old", "o": {"kept": True}}}
        port.send("POST", "/blueprints/thing/entities", entity)
        run(port, body(resource()), {"/a": rows({"id": "x", "n": 1})})
        assert properties(port) == {"x": {"n": 1, "o": {"kept": True}}}


def test_nothing_is_deleted() -> None:
    with embedded_port(THING) as port:
        run(port, body(resource()), {"/a": rows({"id": "x", "n": 1})})
        report = run(port, body(resource()), {"/a": rows()})
        assert report.exit_code == 0
        assert list(properties(port)) == ["x"]


def test_a_bad_row_is_rejected_and_the_others_are_written() -> None:
    with embedded_port(THING) as port:
        mapping = body(resource(properties={"n": ".n", "s": ".s | ascii_downcase"}))
        good, bad, unfit = {"id": "x", "n": 1, "s": "A"}, {"id": "y", "n": 1, "s": 5}, {"id": "z"}
        report = run(port, mapping, {"/a": rows(good, bad, {**unfit, "s": "A"})})
        assert report.exit_code == 6
        assert properties(port) == {"x": {"n": 1, "s": "a"}}
        reasons = sorted(reject.reason for reject in report.rejects)
        assert reasons[0] == "`n` is required and has no value"
        assert reasons[1].startswith("properties.s: ")


def test_a_group_with_a_bad_row_is_not_written_half() -> None:
    with embedded_port(THING) as port:
        grouped = resource(group_by={"id": ".id"}, aggregate={"n": {"sum": ".n"}, "s": {"max": ".s | ascii_downcase"}})
        good, bad = {"id": "x", "n": 1, "s": "A"}, {"id": "y", "n": 2, "s": "A"}
        report = run(port, body(grouped), {"/a": rows(good, good, bad, {**bad, "s": 5}, {**good, "id": "z", "n": "1"})})
        assert properties(port) == {"x": {"n": 2, "s": "a"}}
        assert sorted(reject.identifier for reject in report.rejects) == ['["y"]', '["z"]']


def test_a_row_whose_group_cant_be_told_stops_the_stream() -> None:
    with embedded_port(THING) as port:
        grouped = resource(group_by={"id": ".id | ascii_downcase"}, aggregate={"n": {"sum": ".n"}})
        report = run(port, body(grouped), {"/a": rows({"id": "x", "n": 1}, {"id": 5, "n": 2})})
        assert (report.exit_code, properties(port)) == (3, {})
        assert "a row's group can't be told: group_by.id" in report.streams[0].message


def test_a_row_that_cant_be_shaped_stops_a_stream_of_sums_and_is_rejected_elsewhere() -> None:
    handlers = {"/a": rows({"id": "x", "n": 1}, {"id": 5, "n": 2})}
    shaping = {"path": "/a", "data_path": ".rows", "rows": ".id |= ascii_downcase"}
    with embedded_port(THING) as port:
        grouped = resource(group_by={"id": ".id"}, aggregate={"n": {"sum": ".n"}})
        report = run(port, {**body(grouped), "streams": {"a": shaping}}, handlers)
        assert (report.exit_code, properties(port)) == (3, {})
        report = run(port, {**body(resource()), "streams": {"a": shaping}}, handlers)
        assert (report.exit_code, list(properties(port))) == (6, ["x"])


def test_two_streams_feed_one_entity() -> None:
    with embedded_port(THING) as port:
        first, second = resource(properties={"n": ".n"}), resource("b", properties={"s": ".s"}, creates="false")
        handlers = {"/a": rows({"id": "x", "n": 1}), "/b": rows({"id": "x", "s": "b"}, {"id": "y", "s": "c"})}
        report = run(port, body(first, second), handlers)
        assert properties(port) == {"x": {"n": 1, "s": "b"}}
        assert report.exit_code == 0


def broken(_: Any) -> Any:
    return {"nothing": "here"}


def test_a_stream_that_fails_holds_back_its_blueprints_and_no_other() -> None:
    with embedded_port({**THING, **blueprint("other", n="number", s="string")}) as port:
        mapping = body(resource(properties={"n": ".n"}), resource("b", properties={"s": ".s"}), resource("c", "other"))
        handlers = {"/a": rows({"id": "x", "n": 1}), "/b": broken, "/c": rows({"id": "o", "n": 5})}
        report = run(port, mapping, handlers)
        assert report.exit_code == 3
        assert (properties(port), properties(port, "other")) == ({}, {"o": {"n": 5}})
        assert [item.blueprint for item in report.blueprints if item.held] == ["thing"]
        assert "stream b, page 1: `.rows` is null" in next(s.message for s in report.streams if s.name == "b")


def test_half_a_stream_writes_nothing() -> None:
    with embedded_port(THING) as port:
        paged = {"path": "/a", "data_path": ".rows", "pagination": {"type": "page", "page": "page", "more": ".more"}}

        def answer(asked: Any) -> Any:
            return {"rows": [{"id": "x", "n": 1}], "more": True} if asked["page"] == "1" else {"rows": None}

        report = run(port, {**body(resource()), "streams": {"a": paged}}, {"/a": answer})
        assert report.exit_code == 3
        assert properties(port) == {}


REFUSED = JSONResponse({"code": "error", "message": "You must be a member of an enterprise team"}, 401)


def test_a_stream_that_is_not_in_the_plan_is_told_and_the_rest_goes_on() -> None:
    with embedded_port(THING) as port:
        mapping = body(
            resource(properties={"n": ".n"}), resource("b", properties={"s": ".s"}), fill={"thing": {"s": "none"}}
        )
        port.send("POST", "/blueprints/thing/entities", {"identifier": "x", "properties": {"n": 0, "s": "kept"}})
        report = run(port, mapping, {"/a": rows({"id": "x", "n": 1}), "/b": lambda _: REFUSED})
        assert report.exit_code == 0
        # What only the unread stream knows is neither filled nor cleared.
        assert properties(port) == {"x": {"n": 1, "s": "kept"}}
        assert any("not in your plan" in notice for notice in report.notices)


def test_a_required_stream_must_be_let_through() -> None:
    with embedded_port(THING) as port:
        required = {"b": {"path": "/b", "data_path": ".rows", "required": True}}
        mapping = body(resource(properties={"n": ".n"}), resource("b", properties={"s": ".s"}))
        mapping["streams"].update(required)
        report = run(port, mapping, {"/a": rows({"id": "x", "n": 1}), "/b": lambda _: REFUSED})
        assert report.exit_code == 3
        assert properties(port) == {}


def test_a_key_that_opens_nothing_is_an_error() -> None:
    with embedded_port(THING) as port, pytest.raises(TerminalApiError, match="enterprise team"):
        run(port, body(resource()), {"/a": lambda _: REFUSED})


def test_silence_is_filled_when_every_writer_was_read() -> None:
    with embedded_port(THING) as port:
        mapping = body(
            resource(properties={"n": ".n"}), resource("b", properties={"s": ".s"}), fill={"thing": {"s": "none"}}
        )
        run(port, mapping, {"/a": rows({"id": "x", "n": 1}), "/b": rows()})
        assert properties(port) == {"x": {"n": 1, "s": "none"}}


def test_what_nothing_creates_updates_what_is_there() -> None:
    with embedded_port(THING) as port:
        port.send("POST", "/blueprints/thing/entities", {"identifier": "x", "properties": {"n": 9}})
        report = run(port, body(resource(creates=".n > 5")), {"/a": rows({"id": "x", "n": 1}, {"id": "y", "n": 2})})
        assert properties(port) == {"x": {"n": 1}}
        assert report.blueprints[0].skipped == {"idle (their resource says `creates: false`)": 1}


def test_an_update_adds_and_clears_nothing() -> None:
    with embedded_port(THING) as port:
        port.send("POST", "/blueprints/thing/entities", {"identifier": "x", "properties": {"n": 9, "s": "old"}})
        mapping = body(resource(properties={"n": ".n"}), resource("b", properties={"s": ".s"}, creates="false"))
        report = run(port, mapping, {"/a": rows({"id": "y", "n": 1}), "/b": rows({"id": "x", "s": "new"})})
        assert report.exit_code == 0
        assert properties(port) == {"x": {"n": 9, "s": "new"}, "y": {"n": 1}}


def test_what_means_nothing_is_a_value_all_the_same() -> None:
    """0, false, "" and [] of a writer that was read are compared though another writer of the property was not."""
    types: dict[str, Any] = {"n": "number", "flag": "boolean", "s": "string", "l": "array"}
    values: dict[str, Any] = {"n": 0, "flag": False, "s": "", "l": []}
    before = {"n": 5, "flag": True, "s": "old", "l": ["old"]}
    with embedded_port(blueprint("thing", **types)) as port:
        port.send("POST", "/blueprints/thing/entities", {"identifier": "x", "properties": before})
        written = {name: f".{name}" for name in types}
        mapping = body(resource(properties=written), resource("b", properties=written))
        report = run(port, mapping, {"/a": rows({"id": "x", **values}), "/b": lambda _: REFUSED})
        assert report.blueprints[0].updated == 1
        assert properties(port) == {"x": values}


def test_items_to_parse() -> None:
    with embedded_port(THING) as port:
        mapping = body(
            resource(identifier=".file.name", properties={"n": ".file.size", "s": ".s", "o": "{left: .files}"})
        )
        mapping["resources"][0]["port"] |= {"itemsToParse": ".files", "itemsToParseName": "file"}
        row = {"s": "a", "files": [{"name": "f", "size": 1}, {"name": "g", "size": 2}]}
        report = run(port, mapping, {"/a": rows(row, {"s": "b", "files": None}, {"s": "c", "files": []})})
        assert properties(port) == {name: {"n": n, "s": "a", "o": {"left": None}} for name, n in (("f", 1), ("g", 2))}
        assert "itemsToParse gave null" in report.rejects[0].reason
        mapping["resources"][0]["port"]["itemsToParseTopLevelTransform"] = False
        run(port, mapping, {"/a": rows(row)})
        assert properties(port)["f"]["o"]["left"] == row["files"]


RELATED = {
    **THING,
    **blueprint(
        "child",
        {"one": {"target": "thing", "title": "One"}, "all": {"target": "thing", "title": "All", "many": True}},
        n="number",
        s="string",
    ),
}


def child(**parts: Any) -> dict[str, Any]:
    return resource("b", "child", relations={"one": ".one", "all": ".all"}, **parts)


def test_relations_to_entities_of_this_run_whatever_the_order_of_resources() -> None:
    with embedded_port(RELATED) as port:
        handlers = {"/a": rows({"id": "x y", "n": 1}), "/b": rows({"id": "c", "one": "x y", "all": ["x y", "x y"]})}
        report = run(port, body(child(), resource()), handlers)
        assert report.exit_code == 0
        assert entities(port, "child")["c"]["relations"] == {"one": "x_y", "all": ["x_y"]}
        assert run(port, body(child(), resource()), handlers).writes == 0


@pytest.mark.parametrize("policy", ["quarantine", "drop", "create"])
def test_targets_that_dont_exist(policy: str) -> None:
    with embedded_port(RELATED) as port:
        mapping = body(resource(), child(), missing_relations={"child.one": policy, "child.all": policy})
        related = {"id": "c", "one": "nope", "all": ["x", "nope"], "n": 2}
        handlers = {"/a": rows({"id": "x", "n": 1}), "/b": rows(related)}
        if policy == "create":
            port.send("PATCH", "/blueprints/thing", {"schema": {**THING["thing"]["schema"], "required": []}})
        report = run(port, mapping, handlers)
        found = entities(port, "child")
        if policy == "quarantine":
            assert found == {}
            assert "`thing` has no entity `nope`" in report.rejects[0].reason
        elif policy == "drop":
            assert found["c"]["relations"] == {"all": ["x"]}
            assert sum("left out (1)" in notice for notice in report.notices) == 2
        else:
            assert found["c"]["relations"] == {"one": "nope", "all": ["nope", "x"]}


def test_a_relation_that_port_lacks_is_left_out_with_a_notice() -> None:
    with embedded_port(THING) as port:
        report = run(port, body(resource(relations={"owner": ".s"})), {"/a": rows({"id": "x", "n": 1, "s": "me"})})
        assert report.exit_code == 0
        assert report.notices[-1] == "blueprint `thing` has no relation `owner`; its values were left out (1)"


def test_a_property_that_port_lacks_stops_before_anything_is_asked_or_written() -> None:
    asked: list[Any] = []
    with embedded_port(THING) as port:
        with pytest.raises(PortcfgError, match="blueprint `thing` has no property `zzz`; there is no blueprint `nope`"):
            run(port, body(resource(properties={"zzz": ".n"}), resource("b", "nope")), {"/a": asked.append})
        assert asked == []


def test_a_blueprint_named_by_the_row() -> None:
    with embedded_port({**THING, **blueprint("other", n="number", s="string")}) as port:
        mapping = body(resource())
        mapping["resources"][0]["port"]["entity"]["mappings"]["blueprint"] = ".kind"
        handlers = {"/a": rows({"id": "x", "n": 1, "kind": "thing"}, {"id": "y", "n": 2, "kind": "other"})}
        run(port, mapping, handlers)
        assert (properties(port), properties(port, "other")) == ({"x": {"n": 1}}, {"y": {"n": 2}})
        with pytest.raises(PortcfgError, match="no blueprint `nope`"):
            run(port, mapping, {"/a": rows({"id": "x", "n": 1, "kind": "nope"})})


def test_identifiers_that_fall_together_are_rejected() -> None:
    with embedded_port(THING) as port:
        report = run(
            port, body(resource()), {"/a": rows({"id": "a b", "n": 1}, {"id": "a_b", "n": 2}, {"id": "c", "n": 3})}
        )
        assert list(properties(port)) == ["c"]
        assert len(report.rejects) == 2


def test_lookups() -> None:
    with embedded_port(THING) as port:
        mapping = body(
            resource(properties={"n": ".n", "s": '($lookup.teams[.id] // [] | map(.team) | join(","))'}),
            streams={"t": {"path": "/t", "data_path": ".rows"}},
            lookups={"teams": {"stream": "t", "key": ".person", "value": "{team}"}},
        )
        people = rows({"id": "x", "n": 1}, {"id": "y", "n": 2})
        teams = rows({"person": "x", "team": "A"}, {"person": "x", "team": "B"}, {"person": None, "team": "C"})
        run(port, mapping, {"/a": people, "/t": teams})
        assert properties(port) == {"x": {"n": 1, "s": "A,B"}, "y": {"n": 2, "s": ""}}
        assert [item.requests for item in run(port, mapping, {"/a": people, "/t": teams}).streams] == [1, 1]
        assert run(port, mapping, {"/a": people, "/t": broken}).exit_code == 3


def test_a_stream_of_a_lookup_and_of_resources_is_read_once() -> None:
    with embedded_port(THING) as port:
        teams = {"t": {"path": "/t", "data_path": ".rows"}}
        counted = "[$lookup.teams[.id][]? | .team] | length"
        mapping = body(
            resource("t", identifier=".person", properties={"n": ".n"}),
            resource(properties={"n": counted}),
            streams=teams,
            lookups={"teams": {"stream": "t", "key": ".person", "value": "{team}"}},
        )
        handlers = {
            "/t": rows({"person": "ann", "team": "A", "n": 5}, {"person": "bob", "team": "B", "n": 6}),
            "/a": rows({"id": "ann x"}, {"id": "bob"}),
        }
        mapping["merge"] = {"thing": {"n": "max"}}
        with serving(app := source_app(handlers)) as url:
            report = sync(mapping_of(mapping, url), port)
        assert [path for path, _ in app.state.log] == ["/t", "/a"]
        assert [(item.name, item.requests, item.rows) for item in report.streams] == [("t", 1, 2), ("a", 1, 2)]
        assert properties(port) == {"ann": {"n": 5}, "ann_x": {"n": 0}, "bob": {"n": 6}}
        failed = run(port, mapping, {**handlers, "/t": broken})
        assert [(item.name, item.status) for item in failed.streams] == [("t", "failed"), ("a", "read")]
        # A row that can't be used fails the stream also when it is used the second time.
        mapping["resources"][0]["selector"] |= {"group_by": {"person": ".person | tonumber"}}
        report = run(port, mapping, handlers)
        assert [item.status for item in report.streams] == ["failed", "read"]
        assert report.blueprints[0].held == "t could not be read to the end"


def test_what_is_held_back_names_the_stream_that_failed() -> None:
    with embedded_port({**THING, **blueprint("other", n="number", s="string")}) as port:
        lookup = {"teams": {"stream": "t", "key": ".person", "value": "{team}"}}
        mapping = body(
            resource(properties={"n": ".n", "s": "$lookup.teams[.id][0].team"}),
            resource("b", "other"),
            streams={"t": {"path": "/t", "data_path": ".rows"}},
            lookups=lookup,
        )
        good = rows({"id": "x", "n": 1})
        report = run(port, mapping, {"/a": good, "/b": good, "/t": broken})
        held = {item.blueprint: item.held for item in report.blueprints}
        assert held == {"thing": "t could not be read to the end", "other": ""}
        assert list(properties(port, "other")) == ["x"]


def test_a_failed_resource_that_may_write_any_blueprint_holds_back_all() -> None:
    with embedded_port({**THING, **blueprint("other", n="number", s="string")}) as port:
        mapping = body(resource(), resource("b", "other"), resource("c"))
        mapping["resources"][2]["port"]["entity"]["mappings"]["blueprint"] = ".kind"
        good = rows({"id": "x", "n": 1})
        report = run(port, mapping, {"/a": good, "/b": good, "/c": broken})
        assert report.exit_code == 3
        held = {item.blueprint: item.held for item in report.blueprints}
        assert held == dict.fromkeys(("thing", "other"), "c could not be read to the end")
        assert (properties(port), properties(port, "other")) == ({}, {})


def test_rows_that_come_twice() -> None:
    with embedded_port(THING) as port:
        stream = {"path": "/a", "data_path": ".rows", "dedupe": {"by": ".id", "keep": ".at"}}
        old, new = {"id": "x", "n": 1, "at": "2026-03-02"}, {"id": "x", "n": 2, "at": "2026-03-03"}
        report = run(port, {**body(resource()), "streams": {"a": stream}}, {"/a": rows(new, old)})
        assert (properties(port), report.streams[0].duplicates) == ({"x": {"n": 2}}, 1)
        without_keep = {**stream, "dedupe": {"by": ".id"}}
        run(port, {**body(resource()), "streams": {"a": without_keep}}, {"/a": rows(old, new)})
        assert properties(port) == {"x": {"n": 1}}


def test_of_rows_that_come_twice_and_are_equally_new_the_order_does_not_decide() -> None:
    one, other = {"id": "x", "n": 1, "at": "2026-03-02"}, {"id": "x", "n": 2, "at": "2026-03-02"}
    for given in ((one, other), (other, one)):
        with embedded_port(THING) as port:
            stream = {"path": "/a", "data_path": ".rows", "dedupe": {"by": ".id", "keep": ".at"}}
            run(port, {**body(resource()), "streams": {"a": stream}}, {"/a": rows(*given)})
            assert properties(port) == {"x": {"n": 2}}


def test_rows_without_a_key_are_no_duplicates_of_each_other() -> None:
    keyless = [{"id": name, "n": 1, "key": None, "at": "2026-03-02"} for name in "abc"]
    for dedupe in ({"by": ".key"}, {"by": ".key", "keep": ".at"}, {"by": "[.key, .nothing]"}):
        with embedded_port(THING) as port:
            stream = {"path": "/a", "data_path": ".rows", "dedupe": dedupe}
            report = run(port, {**body(resource()), "streams": {"a": stream}}, {"/a": rows(*keyless)})
            assert (list(properties(port)), report.streams[0].duplicates) == (["a", "b", "c"], 0)


def test_a_resource_may_drop_duplicates_that_others_count() -> None:
    with embedded_port({**THING, **blueprint("by_person", n="number", s="string")}) as port:
        record = resource(dedupe={"by": ".id", "keep": ".at"})
        counted = resource(
            blueprint="by_person",
            identifier=".s",
            properties={"n": ".n"},
            group_by={"s": ".s"},
            aggregate={"n": {"count": True}},
        )
        first = {"id": "x", "n": 1, "s": "ann", "at": "2026-03-02"}
        last = {"id": "x", "n": 2, "s": "bob", "at": "2026-03-03"}
        report = run(port, body(record, counted), {"/a": rows(last, first)})
        assert report.exit_code == 0
        assert properties(port) == {"x": {"n": 2, "s": "bob"}}
        assert properties(port, "by_person") == {"ann": {"n": 1}, "bob": {"n": 1}}
        notice = "a (1): rows with a `.id` that another one has, too; the one with the greatest `.at` was used (1)"
        assert notice in report.notices


def test_a_text_cut_in_an_emoji_keeps_its_row() -> None:
    answer = b'{"rows": [{"id": "x", "n": 1, "s": "a\\ud83d"}, {"id": "y", "n": 2, "s": "\\ud83d\\ude00"}]}'
    with embedded_port(THING) as port:
        mapping = body(resource(), resource("b"))
        handlers: dict[str, Handler] = dict.fromkeys(("/a", "/b"), lambda _: Response(answer))
        report = run(port, mapping, handlers)
        assert report.exit_code == 0
        assert properties(port) == {"x": {"n": 1, "s": "a\ufffd"}, "y": {"n": 2, "s": "\U0001f600"}}


def test_a_stream_without_paging_that_has_more_says_so() -> None:
    with embedded_port(THING) as port:
        report = run(port, body(resource()), {"/a": lambda _: {"rows": [{"id": "x", "n": 1}], "totalCount": 7}})
        assert "more rows than this one page" in report.notices[0]


def test_a_sync_that_writes_needs_a_writer() -> None:
    with embedded_port(THING) as port:
        reader = PortReader(port.root, Credentials("local", "local"))
        with pytest.raises(UsageError, match="can only read"):
            run(reader, body(resource()), {})
        report = run(reader, body(resource()), {"/a": rows({"id": "x", "n": 1})}, dry_run=True)
        assert (report.writes, properties(port)) == (1, {})


def test_only_the_days_range_of_live_entities_is_read() -> None:
    dated = blueprint("day", required=("at",), at={"type": "string", "format": "date-time"}, n="number")
    with serving(app := port_app()) as url:
        port = PortWriter(url, Credentials("local", "local"))
        create_blueprints(port, dated)
        mapping = body(resource(blueprint="day", properties={"at": '.id + "T00:00:00Z"', "n": ".n"}))
        days = [{"id": f"2026-03-{day:02d}", "n": day} for day in range(1, 29)]
        run(port, mapping, {"/a": rows(*days)})
        app.state.log.clear()
        report = run(port, mapping, {"/a": rows(*days[5:7])})
        assert (report.writes, report.port_requests) == (0, 2)


def test_long_waits_are_told_before_they_begin() -> None:
    told: list[Progress] = []
    answers = [JSONResponse({}, 429, {"retry-after": "6.5"}), {"rows": []}]
    with embedded_port(THING) as port, serving(source_app({"/a": lambda _: answers.pop(0)})) as url:
        run_sync(mapping_of(body(resource()), url), {}, port, options(), told.append)
    assert told[0] == Progress("wait", "retry 1 after 429", 7)


@pytest.mark.parametrize(
    ("keys", "policy"),
    [
        ({}, "create"),
        ({"createMissingRelatedEntities": True}, "create"),
        ({"createMissingRelatedEntities": False}, "quarantine"),
        ({"missing_relations": {"a.b": "drop"}}, "quarantine"),
        ({"missing_relations": {"a.b": "drop"}, "createMissingRelatedEntities": True}, "create"),
        ({"missing_relations": "drop"}, "drop"),
    ],
)
def test_oceans_flag_decides_where_the_mapping_says_nothing_of_its_own(keys: dict[str, Any], policy: str) -> None:
    assert mapping_of(body(resource(), **keys)).when_missing("thing", "any") == policy


def test_more_than_one_bulk_request_and_big_bodies() -> None:
    with embedded_port(THING) as port:
        many = [{"id": f"x{n}", "n": n, "s": "y" * 60_000} for n in range(45)]
        report = run(port, body(resource()), {"/a": rows(*many)})
        assert report.blueprints[0].created == 45
        assert len(properties(port)) == 45


def test_problems_of_a_mapping_are_told_all_at_once() -> None:
    mapping = body(resource(query=".a ||"), resource("b", properties={"n": "env", "s": "$nope"}))
    mapping["resources"][1]["selector"]["stream"] = "c"
    with pytest.raises(InvalidSpecsError) as caught:
        mapping_of(mapping)
    assert len(caught.value.problems) == 6


def test_the_order_of_rows_and_pages_doesnt_matter() -> None:
    items = [{"id": f"x{n % 4}", "n": n, "s": "ab"[n % 2]} for n in range(24)]
    grouped = resource(group_by={"id": ".id"}, aggregate={"n": {"sum": ".n"}, "s": {"mode": ".s"}})
    results = []
    for size, ordered in ((24, items), (5, items[::-1]), (1, items[7:] + items[:7])):
        stream = {
            "path": "/a",
            "data_path": ".rows",
            "pagination": {"type": "page", "page": "page", "page_size": size, "total": ".total"},
        }

        def answer(asked: Any, size: int = size, ordered: list[Any] = ordered) -> Any:
            start = (int(asked["page"]) - 1) * size
            return {"rows": ordered[start : start + size], "total": len(ordered), "page": asked["page"]}

        with embedded_port(THING) as port:
            run(port, {**body(grouped), "streams": {"a": stream}}, {"/a": answer})
            results.append(json.dumps(properties(port), sort_keys=True))
    assert len(set(results)) == 1


def test_requests_and_retries_are_counted_by_endpoint_of_both_apis() -> None:
    app, busy = port_app(chaos=Chaos(too_many=0.4, seed=1)), iter([503])

    def answer(_: Any) -> JSONResponse:
        return JSONResponse({"rows": [{"id": f"x{n}", "n": 1} for n in range(90)]}, next(busy, 200))

    with serving(app) as url:
        port = PortWriter(url, Credentials("local", "local"), retry(attempts=20))
        create_blueprints(port, THING)
        app.state.log.clear()
        report = run(port, body(resource()), {"/a": answer})
        port.close()
    assert (report.requests_by_path, report.retries_by_path, report.source_retries) == ({"/a": 2}, {"/a": 1}, 1)
    seen = [(f"{method} {path.removeprefix('/v1')}", status) for method, path, status in app.state.log]
    assert report.port_requests_by_route == Counter(route for route, _ in seen)
    assert report.port_retries_by_route == Counter(route for route, status in seen if status == 429)
    assert "POST /blueprints/thing/entities/bulk" in report.port_retries_by_route
    assert report.port_requests == len(seen)
