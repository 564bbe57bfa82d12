"""What is rejected is kept with its row or entity, whatever is wrong with it; a replay writes it after the mending."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from portcfg.client import PortReader
from portcfg.emulator.server import serving
from portcfg.errors import UsageError
from portcfg.render.sync import sync_text
from portcfg.sync.quarantine import NOTE, Quarantine
from portcfg.sync.replay import replay
from portcfg.sync.report import SyncReport
from portcfg.sync.run import run_sync
from tests.sync.support import Handler, blueprint, embedded_port, entities, mapping_of, options, source_app
from tests.sync.test_run import THING, body, properties, resource, rows

GOOD = {"id": "good", "n": 1, "s": "a"}


def run(port: PortReader, mapping: dict[str, Any], handlers: dict[str, Handler], file: Path) -> SyncReport:
    with serving(source_app(handlers)) as url:
        return run_sync(mapping_of(mapping, url), {}, port, options(), quarantine=Quarantine(file))


def again(port: PortReader, mapping: dict[str, Any], file: Path, left: Path | None = None) -> SyncReport:
    return replay(mapping_of(mapping), file, port, Quarantine(left))


def kept(file: Path) -> list[dict[str, Any]]:
    """The lines between the header and the end."""
    _, *lines, end = [json.loads(line) for line in file.read_text(encoding="ascii").splitlines()]
    assert end["entry"] == "end"
    return lines


def causes(report: SyncReport) -> list[tuple[str, str, int]]:
    return [(group.where, group.about, group.count) for group in report.rejected]


def test_nothing_rejected_leaves_no_file(tmp_path: Path) -> None:
    with embedded_port(THING) as port:
        report = run(port, body(resource()), {"/a": rows(GOOD)}, tmp_path / "q.ndjson")
        assert (report.quarantine, list(tmp_path.iterdir())) == ("", [])


def test_the_file_is_its_owners_and_says_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "some" / "where" / "q.ndjson"
    with embedded_port(THING) as port:
        report = run(port, body(resource()), {"/a": rows({"id": "x"})}, file)
    assert report.quarantine == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    header = json.loads(file.read_text().splitlines()[0])
    assert (header["format"], header["note"]) == ("portcfg/quarantine/1", NOTE)
    assert (header["first_day"], header["last_day"]) == ("2026-03-02", "2026-03-04")


TYPED = body(resource(properties={"n": ".n", "s": ".s | ascii_downcase"}))
MENDED = body(resource(properties={"n": ".n // 0", "s": ".s | tostring"}))


def test_rows_are_kept_and_written_after_the_mapping_is_mended(tmp_path: Path) -> None:
    file, left = tmp_path / "q.ndjson", tmp_path / "left.ndjson"
    bad, unfit = {"id": "bad", "n": 2, "s": 5}, {"id": "unfit", "s": "b"}
    with embedded_port(THING) as port:
        report = run(port, TYPED, {"/a": rows(GOOD, bad, unfit)}, file)
        assert (report.exit_code, list(properties(port))) == (6, ["good"])
        assert causes(report) == [("a (1)", "properties.s", 1), ("schema", "n", 1)]
        lines = kept(file)
        assert [line.get("row") for line in lines if line["entry"] == "item"] == [bad]
        assert [part["origin"]["row"] for line in lines for part in line.get("parts", ())] == [unfit]
        # Nothing is mended yet.
        assert causes(again(port, TYPED, file, left)) == causes(report)
        mended = again(port, MENDED, file)
        assert (mended.exit_code, mended.writes) == (0, 2)
        assert mended.notices == ("the mapping is not the one that these were kept with",)
        assert properties(port) == {
            "bad": {"n": 2, "s": "5"},
            "good": {"n": 1, "s": "a"},
            "unfit": {"n": 0, "s": "b"},
        }
        assert [again(port, MENDED, name).writes for name in (file, left)] == [0, 0]


def test_a_dry_run_of_a_replay_says_what_it_would_write(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    with embedded_port(THING) as port:
        run(port, TYPED, {"/a": rows({"id": "bad", "n": 2, "s": 5})}, file)
        reader = PortReader(port.root, port._credentials)
        report = replay(mapping_of(MENDED), file, reader, Quarantine(), dry_run=True)
        assert (report.writes, properties(port)) == (1, {})


def test_a_later_sync_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    with embedded_port(THING) as port:
        run(port, TYPED, {"/a": rows({"id": "x", "n": 1, "s": 5})}, file)
        run(port, MENDED, {"/a": rows({"id": "x", "n": 2, "s": "new"})}, tmp_path / "r.ndjson")
        report = again(port, MENDED, file)
        assert (report.exit_code, report.writes) == (0, 0)
        assert report.blueprints[0].skipped == {"written in Port after the run that these are of": 1}
        assert properties(port) == {"x": {"n": 2, "s": "new"}}


def test_another_mappings_file_and_what_is_none_are_refused(tmp_path: Path) -> None:
    file, none = tmp_path / "q.ndjson", tmp_path / "none.json"
    none.write_text("{}\n")
    with embedded_port(THING) as port:
        run(port, {**TYPED, "identifier": "mine"}, {"/a": rows({"id": "x", "n": 1, "s": 5})}, file)
        for name, words in ((file, "kept by the mapping 'mine'"), (none, "no line of a quarantine file")):
            with pytest.raises(UsageError, match=words):
                again(port, {**TYPED, "identifier": "other"}, name)
        with pytest.raises(UsageError, match="can't be read"):
            again(port, TYPED, tmp_path / "nowhere")


def test_what_a_killed_run_left_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    with embedded_port(THING) as port:
        run(port, body(resource()), {"/a": rows({"id": "x", "n": "1"}, {"id": "y", "n": "2"})}, file)
        whole = file.read_bytes()
        file.write_bytes(whole[: whole.index(b'"y"') + 10])
        report = again(port, body(resource(properties={"n": ".n | tonumber"})), file)
        assert (report.exit_code, properties(port)) == (0, {"x": {"n": 1}})


def test_a_row_whose_run_was_killed_before_the_rest_of_its_entity_was_kept_is_left(tmp_path: Path) -> None:
    file, left = tmp_path / "q.ndjson", tmp_path / "left.ndjson"
    with embedded_port(THING) as port:
        run(port, TYPED, {"/a": rows({"id": "x", "n": 1, "s": 5})}, file)
        header, item, *_ = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(header + item)
        report = again(port, MENDED, file, left)
        assert (report.exit_code, properties(port)) == (6, {})
        assert "its run was stopped or lacked rows" in report.rejects[0].reason


def two_writers(**aggregate: Any) -> dict[str, Any]:
    """Day sums from one stream, a text from another; a sum without rows is 0."""
    sums = resource("a", properties={"n": ".n"}, group_by={"id": ".id"}, aggregate=aggregate or {"n": {"sum": ".n"}})
    return body(sums, resource("b", properties={"s": ".s"}), fill={"thing": {"n": 0}})


def test_an_entity_of_which_a_sum_failed_is_not_written_with_a_zero(tmp_path: Path) -> None:
    file, left = tmp_path / "q.ndjson", tmp_path / "left.ndjson"
    sums = rows({"id": "x", "n": 5}, {"id": "x", "n": "7"}, {"id": "y", "n": 1})
    texts = rows({"id": "x", "s": "a"}, {"id": "y", "s": "b"}, {"id": "z", "s": "c"})
    with embedded_port(THING) as port:
        port.send("POST", "/blueprints/thing/entities", {"identifier": "x", "properties": {"n": 12, "s": "a"}})
        report = run(port, two_writers(), {"/a": sums, "/b": texts}, file)
        assert causes(report) == [("a (1)", "groups", 1)]
        truth = {"x": {"n": 12, "s": "a"}, "y": {"n": 1, "s": "b"}, "z": {"n": 0, "s": "c"}}
        assert properties(port) == truth
        # The row is kept for who looks for the cause; alone it can't be made a sum again.
        assert [(line["entry"], line["row"]) for line in kept(file)] == [("evidence", {"id": "x", "n": "7"})]
        report = again(port, two_writers(), file, left)
        assert (report.exit_code, report.writes, properties(port)) == (6, 0, truth)
        assert "only a sync of its days can write it" in report.rejects[0].reason
        assert "1 of 1 can't be replayed, being rows of a sum" in sync_text(report)
        assert "sync replay" not in sync_text(report)


def test_where_an_identifier_needs_the_sum_that_failed_nothing_is_filled_or_cleared(tmp_path: Path) -> None:
    named = two_writers(n={"sum": ".n"}, name={"first": ".id"})
    named["resources"][0]["port"]["entity"]["mappings"]["identifier"] = ".name"
    with embedded_port(THING) as port:
        port.send("POST", "/blueprints/thing/entities", {"identifier": "x", "properties": {"n": 12, "s": "old"}})
        handlers = {"/a": rows({"id": "x", "n": "7"}), "/b": rows({"id": "x", "s": "a"}, {"id": "z", "s": "c"})}
        report = run(port, named, handlers, tmp_path / "q.ndjson")
        # They lack their required `n`, of which nobody knows whether it is 0.
        assert causes(report) == [("a (1)", "groups", 1), ("schema", "n", 2)]
        assert properties(port) == {"x": {"n": 12, "s": "old"}}


def test_the_rest_of_an_entity_is_kept_with_its_failed_row(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    mapping = body(
        resource(properties={"n": ".n | tonumber"}), resource("b", properties={"s": ".s"}), fill={"thing": {"n": 0}}
    )
    handlers = {"/a": rows({"id": "x", "n": [5]}), "/b": rows({"id": "x", "s": "a"}, {"id": "y", "s": "b"})}
    with embedded_port(THING) as port:
        report = run(port, mapping, handlers, file)
        assert causes(report) == [("a (1)", "properties.n", 1)]
        assert properties(port) == {"y": {"n": 0, "s": "b"}}
        mapping["resources"][0]["port"]["entity"]["mappings"]["properties"]["n"] = ".n[0]"
        assert again(port, mapping, file).exit_code == 0
        assert properties(port) == {"x": {"n": 5, "s": "a"}, "y": {"n": 0, "s": "b"}}


def test_fragments_that_disagree_are_merged_by_the_rule_that_they_lacked(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    handlers = {"/a": rows({"id": "x", "n": 1, "s": "a"}, {"id": "x", "n": 2, "s": "a"})}
    with embedded_port(THING) as port:
        report = run(port, body(resource()), handlers, file)
        assert (causes(report), properties(port)) == ([("merge", "n", 1)], {})
        assert again(port, body(resource(), merge={"thing": {"n": "sum"}}), file).exit_code == 0
        assert properties(port) == {"x": {"n": 3, "s": "a"}}


def test_identifiers_that_fall_together_are_told_apart_by_another_expression(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    alike = [{"id": "a b", "n": 1, "s": "x"}, {"id": "a_b", "n": 2, "s": "y"}, {"id": "c" * 1001, "n": 3, "s": "z"}]
    with embedded_port(THING) as port:
        report = run(port, body(resource()), {"/a": rows(*alike)}, file)
        assert (causes(report), properties(port)) == ([("identifier", "", 3)], {})
        told = body(resource(identifier=".s + (.id | .[:3])"))
        # Whose identifier was fit has no row in the file, and nobody knows what it is called now.
        assert causes(again(port, told, file)) == [("identifier", "", 1)]
        assert list(properties(port)) == ["xa_b", "zccc"]


CHILD = blueprint("child", {"one": {"target": "thing", "title": "One"}}, n="number", s="string")


def test_what_relates_to_nothing_is_written_once_the_target_is_there(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    mapping = body(resource("a", "child", relations={"one": ".one"}), missing_relations="quarantine")
    with embedded_port({**THING, **CHILD}) as port:
        report = run(port, mapping, {"/a": rows({"id": "c", "n": 1, "one": "x"})}, file)
        assert causes(report) == [("relations", "one", 1)]
        port.send("POST", "/blueprints/thing/entities", {"identifier": "x", "properties": {"n": 1}})
        assert again(port, mapping, file).writes == 1
        assert entities(port, "child")["c"]["relations"] == {"one": "x"}


def test_a_row_that_cant_be_shaped_is_shaped_again(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    shaped = {
        **body(resource()),
        "streams": {"a": {"path": "/a", "data_path": ".rows", "rows": ".id |= ascii_downcase"}},
    }
    with embedded_port(THING) as port:
        report = run(port, shaped, {"/a": rows(GOOD, {"id": 5, "n": 2})}, file)
        assert causes(report) == [("stream a", "rows", 1)]
        shaped["streams"]["a"]["rows"] = ".id |= tostring"
        assert again(port, shaped, file).exit_code == 0
        assert properties(port)["5"] == {"n": 2}


def test_a_bad_row_of_a_sum_stops_the_stream_and_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    grouped = body(resource(group_by={"id": ".id"}, aggregate={"n": {"sum": ".n"}}))
    grouped["streams"]["a"]["rows"] = ".id |= ascii_downcase"
    with embedded_port(THING) as port:
        report = run(port, grouped, {"/a": rows({"id": "x", "n": 1}, {"id": 5, "n": 2})}, file)
        assert (report.exit_code, properties(port)) == (3, {})
        assert [(line["entry"], line["row"]) for line in kept(file)] == [("evidence", {"id": 5, "n": 2})]


def test_an_item_list_that_cant_be_read_is_no_smaller_sum(tmp_path: Path) -> None:
    grouped = resource(group_by={"id": ".id"}, aggregate={"n": {"sum": ".item.n"}})
    grouped["port"]["itemsToParse"] = ".items"
    handlers = {"/a": rows({"id": "x", "items": [{"n": 1}]}, {"id": "x", "items": {}})}
    with embedded_port(THING) as port:
        report = run(port, body(grouped), handlers, tmp_path / "q.ndjson")
        assert (report.exit_code, properties(port)) == (3, {})


def test_items_are_parsed_again(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    listed = resource(identifier=".id + .item.s", properties={"n": ".item.n"})
    listed["port"]["itemsToParse"] = ".items"
    with embedded_port(THING) as port:
        report = run(port, body(listed), {"/a": rows({"id": "x", "items": {"1": {"n": 1, "s": "y"}}})}, file)
        assert causes(report) == [("a (1)", "itemsToParse", 1)]
        listed["port"]["itemsToParse"] = ".items | map(.)"
        assert again(port, body(listed), file).exit_code == 0
        assert properties(port) == {"xy": {"n": 1}}


def test_rows_that_need_a_lookup_are_left_to_a_sync(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    looking = body(resource(properties={"n": ".n", "s": "$lookup.names[.id][0] | ascii_downcase"}), resource("b"))
    looking |= {"merge": {"thing": {"s": "first"}}, "identifier": "m"}
    looking["lookups"] = {"names": {"stream": "b", "key": ".id", "value": ".s"}}
    handlers = {"/a": rows({"id": "x", "n": 1}), "/b": rows({"id": "x", "s": 5, "n": 1})}
    with embedded_port(THING) as port:
        said = sync_text(run(port, looking, handlers, file))
        # Told when it is kept already, so that nobody tries.
        assert "kept in" in said and "sync replay" not in said
        assert "1 of 1 can't be replayed" in said and "then: portcfg sync m\n" in said
        report = again(port, looking, file, tmp_path / "left.ndjson")
        assert report.exit_code == 6
        assert "only a sync of its days" in report.rejects[0].reason
        assert "then: portcfg sync m" in sync_text(report)
        assert "x" not in properties(port)


def test_what_can_be_replayed_and_what_cannot_are_told_apart(tmp_path: Path) -> None:
    """Of two bad rows one needs a lookup; the days that a sync has to read are named."""
    first = resource(properties={"n": "$lookup.names[.id][0] | tonumber"})
    looking = body(first, resource("b", properties={"n": ".n | tonumber"}), identifier="m")
    looking["merge"] = {"thing": {"n": "first"}}
    looking["lookups"] = {"names": {"stream": "b", "key": ".key", "value": ".s"}}
    looking["streams"]["a"]["window"] = {"days": 30}
    handlers = {"/a": rows({"id": "x"}), "/b": rows({"id": "y", "key": "x", "s": "none", "n": "no"})}
    with embedded_port(THING) as port:
        report = run(port, looking, handlers, tmp_path / "q.ndjson")
        assert (report.kept_rejects, report.kept_for_sync) == (2, 1)
        said = sync_text(report)
        assert f"then: portcfg sync replay {tmp_path}" in said
        assert "1 of 2 can't be replayed" in said
        assert "then: portcfg sync m --since 2026-03-02 --until 2026-03-04" in said
        mended = {**looking, "resources": [first, resource("b", properties={"n": "5"})]}
        report = again(port, mended, tmp_path / "q.ndjson", tmp_path / "left.ndjson")
        assert (report.kept_rejects, report.kept_for_sync, report.writes) == (1, 1, 1)
        assert "then: portcfg sync m --since 2026-03-02 --until 2026-03-04" in sync_text(report)
        assert "sync replay" not in sync_text(report)


def test_the_rest_of_an_entity_stays_with_a_row_that_is_left(tmp_path: Path) -> None:
    file, left = tmp_path / "q.ndjson", tmp_path / "left.ndjson"
    looking = body(resource(properties={"n": "$lookup.names[.id][0]"}), resource("b", properties={"s": ".s"}))
    looking["lookups"] = {"names": {"stream": "b", "key": ".id", "value": ".n"}}
    handlers = {"/a": rows({"id": "x"}), "/b": rows({"id": "x", "s": "a"})}
    loose = blueprint("thing", n="number", s="string")
    with embedded_port(THING) as port:
        run(port, looking, handlers, file)
        port.send("PUT", "/blueprints/thing", loose["thing"])
        report = again(port, looking, file, left)
        assert (report.exit_code, properties(port)) == (6, {})
        mended = body(resource(properties={"n": "5"}), resource("b", properties={"s": ".s"}))
        assert again(port, mended, left).exit_code == 0
        assert properties(port) == {"x": {"n": 5, "s": "a"}}


def test_a_refused_entity_waits_for_the_blueprint(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    patterned = blueprint("thing", n="number", s={"type": "string", "pattern": "^[a-z]+$"})
    with embedded_port(patterned) as port:
        report = run(port, body(resource()), {"/a": rows(GOOD, {"id": "x", "n": 1, "s": "5"})}, file)
        assert causes(report) == [("write", "422 blueprint_schema_mismatch", 1)]
        loosened = blueprint("thing", n="number", s="string")["thing"]
        port.send("PUT", "/blueprints/thing", loosened)
        assert again(port, body(resource()), file).writes == 1
        assert properties(port)["x"] == {"n": 1, "s": "5"}


def test_many_rejects_of_one_cause_are_counted_and_three_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    with embedded_port(THING) as port:
        bad = rows(*({"id": f"x{n}", "n": 1, "s": n} for n in range(1200)))
        report = run(port, TYPED, {"/a": bad}, file)
        assert causes(report) == [("a (1)", "properties.s", 1200)]
        assert len(report.rejects) == 3
        assert sum(line["entry"] == "item" for line in kept(file)) == 1200
        assert again(port, MENDED, file).writes == 1200


def test_every_refusal_of_port_is_kept_by_its_kind(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    relations = {
        "found": {"target": "thing", "title": "Found"},
        "kin": {"target": "child", "title": "Kin"},
    }
    text = {"type": "string", "pattern": "^[a-z]+$"}
    child = blueprint("child", relations, n="number", s=text, link={"type": "string", "format": "url"})
    child["child"]["teamInheritance"] = {"title": "Team", "path": "found"}
    query = {"combinator": "'and'", "rules": [{"property": "'s'", "operator": "'='", "value": ".found"}]}
    values = {"n": ".n", "s": ".s", "link": ".link"}
    mapped = resource("b", "child", properties=values, relations={"found": query, "kin": ".kin"})
    mapping = body(resource(), mapped, missing_relations="quarantine")
    bad = [
        {"id": "pattern", "s": "5"},
        {"id": "format", "link": "no url"},
        {"id": "search", "found": "nobody"},
        {"id": "kin", "kin": "pattern"},
        {"id": "large", "s": "x" * 1_200_000},
    ]
    good = [{"id": "ok", "n": 1, "s": "a"}, {"id": "kind", "n": 1, "kin": "ok"}]
    handlers = {"/a": rows({"id": "t", "n": 1, "s": "me"}), "/b": rows(*[{"found": "me", **row} for row in bad + good])}
    with embedded_port({**THING, **child}) as port:
        report = run(port, mapping, handlers, file)
        assert report.exit_code == 6
        assert sorted((group.about, group.count) for group in report.rejected) == [
            ("404 not_found", 1),
            ("413 payload_too_large", 1),
            ("422 blueprint_schema_mismatch", 2),
            ("422 invalid_request", 1),
        ]
        assert list(properties(port, "child")) == ["kind", "ok"]
        assert {line["identifier"] for line in kept(file)} == {row["id"] for row in bad}
        # The same again, and nothing is asked for twice.
        assert again(port, mapping, file, tmp_path / "left.ndjson").writes == 0
        port.send("PATCH", "/blueprints/child", {"schema": {"properties": {"s": {"type": "string"}}}})
        mended = again(port, mapping, tmp_path / "left.ndjson", tmp_path / "rest.ndjson")
        assert (mended.writes, sorted(reject.identifier for reject in mended.rejects)) == (
            2,
            ["format", "large", "search"],
        )


HALF, DEEP = "half a pair \ud83d", '{"id": "deep", "n": 1, "s": "a", "o": ' + "[" * 5000 + "]" * 5000 + "}"


def test_hostile_rows(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    found = [
        GOOD,
        {"id": "half", "n": 1, "s": HALF},
        {"id": "null", "n": 1, "s": "a\x00b\x1b[31m\u2028\u202e"},
        {"id": "ﷺ\u0308😀\u200b", "n": 1, "s": "é"},
        {"id": "wide", "n": 1, "s": "a", "unused": "x" * 2_000_000},
        {"id": "nested", "n": 1, "s": json.dumps({"a": 1}), "o": {"a": [[[[{"b": [None] * 50}]]]]}},
        {"id": "huge", "n": 10**400, "s": "a"},
        {"id": "not", "n": "NaN", "s": "a"},
        {},
    ]
    with embedded_port(THING) as port:
        answer = Response(json.dumps({"rows": found}), media_type="application/json")
        report = run(port, body(resource(skip_without_identifier=True)), {"/a": lambda _: answer}, file)
        assert [name for name in properties(port) if name.isascii()] == ["good", "half", "nested", "null", "wide"]
        assert (len(properties(port)), properties(port)["half"]["s"]) == (6, "half a pair \ufffd")
        assert sorted((reject.identifier, reject.reason) for reject in report.rejects) == [
            ("huge", "`n` is not a finite number"),
            ("not", "`n` is string where number is due"),
        ]
        rejected = [part["origin"]["row"] for line in kept(file) for part in line["parts"]]
        assert rejected == [found[6], found[7]]
        assert b"\x1b" not in file.read_bytes()
        assert all(len(line) < 400 for line in sync_text(report).splitlines())


def test_an_answer_that_is_nested_too_deeply_fails_its_stream_only(tmp_path: Path) -> None:
    both = {**THING, **blueprint("other", n="number", s="string")}
    answer = Response('{"rows": [' + DEEP + "]}", media_type="application/json")
    with embedded_port(both) as port:
        handlers = {"/a": lambda _: answer, "/b": rows(GOOD)}
        report = run(port, body(resource(), resource("b", "other")), handlers, tmp_path / "q.ndjson")
        assert (report.exit_code, list(properties(port, "other"))) == (3, ["good"])
        assert "nested too deeply" in report.streams[0].message
