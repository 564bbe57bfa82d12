"""Values that move: `migrate` on a property, another target of a relation, `renamed_from` on a whole blueprint."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portcfg.cli.main import main
from portcfg.client import Answer, PortWriter
from portcfg.emulator.chaos import Chaos
from portcfg.errors import InvalidSpecsError
from portcfg.lock import release
from portcfg.model import Body, Cause, Plan
from portcfg.pipeline import apply_specs, plan_specs, read_specs
from portcfg.render.plan import plan_text
from portcfg.report import Report
from portcfg.yamlread import dump
from tests.cli.now import NOW
from tests.support import CREDENTIALS, PATIENT, Bench, Server, write_files

TEXT: Body = {"type": "string"}
NUMBER: Body = {"type": "number"}


def link(target: str, **more: Any) -> Body:
    return {"target": target, "required": False, "many": False, **more}


def blueprint(properties: Body, **more: Any) -> Body:
    return {"title": "T", "schema": {"properties": properties}, **more}


def folder(tmp_path: Path, **blueprints: Body) -> Path:
    files = {f"blueprints/{name}.yaml": dump(body) for name, body in blueprints.items()}
    return write_files(tmp_path / f"specs{len(list(tmp_path.iterdir()))}", files)


def fill(bench: Bench, name: str, *entities: Body) -> None:
    for number, body in enumerate(entities):
        bench.send("POST", f"/blueprints/{name}/entities?upsert=true", {"identifier": f"e{number}", **body})


def entities(bench: Bench, name: str) -> dict[str, Body]:
    """{identifier: properties and relations that have a value}."""
    found = bench.send("GET", f"/blueprints/{name}/entities")["entities"]
    return {
        entity["identifier"]: {
            key: value
            for key, value in {"title": entity["title"], **entity["properties"], **entity["relations"]}.items()
            if value not in (None, [])
        }
        for entity in found
    }


def names(bench: Bench) -> list[str]:
    found = (body["identifier"] for body in bench.send("GET", "/blueprints")["blueprints"])
    return sorted(name for name in found if not name.startswith(("_", "portcfg_")))


def done(report: Report) -> None:
    """Everything was done, and the next plan is empty."""
    assert [(str(each.change.ref), each.message) for each in report.failed] == []
    assert report.after is not None
    assert report.after.pending == (), plan_text(report.after)


def told(plan: Plan) -> list[str]:
    return [f"{impact['risk']}: {impact['reason']}" for change in plan.changes for impact in change.impacts]


LEVEL = blueprint(
    {"level": TEXT, "n": NUMBER}, calculationProperties={"c": {"type": "string", "calculation": ".properties.level"}}
)
AS_NUMBER = blueprint(
    {"level": {**NUMBER, "migrate": ".properties.level | tonumber?"}, "n": NUMBER},
    calculationProperties={"c": {"type": "string", "calculation": ".properties.level"}},
)


def test_a_type_changes_and_values_survive(bench: Bench, tmp_path: Path) -> None:
    reader = blueprint({}, relations={"b": link("b")}, mirrorProperties={"m": {"title": "M", "path": "b.level"}})
    before = {**LEVEL, "schema": {**LEVEL["schema"], "required": ["level"]}}
    after = {**AS_NUMBER, "schema": {**AS_NUMBER["schema"], "required": ["level"]}}
    done(bench.apply(folder(tmp_path, b=before, r=reader)))
    fill(bench, "b", *({"properties": {"level": str(n), "n": n}} for n in range(3)))
    root = folder(tmp_path, b=after, r=reader)
    plan = bench.plan(root)
    assert told(plan)[0] == (
        "breaking: converts `level` of 3 entities from string to number; read by 1 calculation, 1 mirror"
    )
    assert plan.refusals == ()
    done(bench.apply(root))
    assert {name: body["level"] for name, body in entities(bench, "b").items()} == {"e0": 0, "e1": 1, "e2": 2}
    live = bench.send("GET", "/blueprints/b")["blueprint"]
    assert sorted(live["schema"]["properties"]) == ["level", "n"]
    assert live["schema"]["required"] == ["level"]
    assert "c" in live["calculationProperties"]
    [note] = [note for change in bench.plan(root).changes for note in change.notes]
    assert note == "level: migrate can go, since this Port has the new type already"
    bench.clear()
    bench.apply(root)
    assert bench.writes == []


def test_what_would_lose_its_value_is_named_and_must_be_approved(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, b=LEVEL)))
    fill(bench, "b", {"properties": {"level": "1"}}, {"properties": {"level": "high"}}, {"properties": {"n": 3}})
    root = folder(tmp_path, b=AS_NUMBER)
    plan = bench.plan(root)
    assert told(plan) == [
        "destructive: converts `level` of 2 entities from string to number; "
        '1 would lose theirs (e.g. `e1`: "high"); read by 1 calculation'
    ]
    assert "--allow-destructive blueprint/b" in plan.refusals[0]
    done(bench.apply(root, allowed=("blueprint/b",)))
    assert {name: body.get("level") for name, body in entities(bench, "b").items()} == {"e0": 1, "e1": None, "e2": None}


def test_what_comes_to_lose_its_value_after_the_plan_stops_it(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, b=LEVEL)))
    fill(bench, "b", {"properties": {"level": "1"}})
    specs = read_specs(folder(tmp_path, b=AS_NUMBER))
    with closing(bench.writer()) as port:
        plan = plan_specs(specs, port)
        bench.send("PATCH", "/blueprints/b/entities/e0", {"properties": {"level": "high"}})
        report = apply_specs(specs, plan, port, clock=NOW)
    assert "nothing was dropped" in report.failed[0].message
    assert entities(bench, "b")["e0"]["level"] == "high"


def test_without_migrate_a_type_is_changed_at_the_price_of_the_values(bench: Bench, tmp_path: Path) -> None:
    self_read = {"up": link("b")}
    more = {"relations": self_read, "mirrorProperties": {"m": {"title": "M", "path": "up.level"}}}
    done(bench.apply(folder(tmp_path, b={**LEVEL, **more})))
    fill(bench, "b", {"properties": {"level": "1"}})
    after = {**LEVEL, **more, "schema": {"properties": {"level": NUMBER, "n": NUMBER}}}
    root = folder(tmp_path, b=after)
    plan = bench.plan(root)
    assert "a `migrate` beside it would keep them" in plan.refusals[0]
    done(bench.apply(root, allowed=("blueprint/b",)))
    live = bench.send("GET", "/blueprints/b")["blueprint"]
    assert live["schema"]["properties"]["level"]["type"] == "number"
    assert "m" in live["mirrorProperties"]
    assert "c" in live["calculationProperties"]


def test_what_no_spec_would_bring_back_stands_in_the_way(bench: Bench, tmp_path: Path) -> None:
    related = {"relations": {"up": link("b")}}
    done(bench.apply(folder(tmp_path, b={**blueprint({"n": TEXT}), **related})))
    total = {"func": "sum", "calculationBy": "property", "property": "n"}
    live = bench.send("GET", "/blueprints/b")["blueprint"]
    aggregations = {"total": {"title": "T", "target": "b", "calculationSpec": total}}
    bench.send("PUT", "/blueprints/b", {**live, "aggregationProperties": aggregations})
    after = {**blueprint({"n": {**NUMBER, "migrate": ".properties.n | tonumber"}}), **related}
    [refusal] = bench.plan(folder(tmp_path, b=after)).refusals
    assert refusal == (
        "blueprint/b: aggregationProperties.total would be lost while values move: write it into the spec"
    )
    done(bench.apply(folder(tmp_path, b={**after, "aggregationProperties": aggregations})))
    assert "total" in bench.send("GET", "/blueprints/b")["blueprint"]["aggregationProperties"]


def test_a_renamed_property_changes_its_type_at_once(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, b=blueprint({"level": TEXT}))))
    fill(bench, "b", {"properties": {"level": "7"}})
    tier = {**NUMBER, "renamed_from": "level", "migrate": ".properties.level | tonumber"}
    done(bench.apply(folder(tmp_path, b=blueprint({"tier": tier}))))
    assert entities(bench, "b") == {"e0": {"tier": 7}}


def test_a_relation_to_one_becomes_one_to_many(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, b=blueprint({}, relations={"up": link("b")}))))
    fill(bench, "b", {}, {"relations": {"up": "e0"}})
    root = folder(tmp_path, b=blueprint({}, relations={"up": link("b", many=True)}))
    assert bench.plan(root).refusals == ()
    done(bench.apply(root))
    assert entities(bench, "b")["e1"] == {"up": ["e0"]}


def circle(tmp_path: Path, many: bool, mirrors: bool, **of_b: Any) -> Path:
    """a and b, each related to the other, b with a mirror of a's mirror and what reads that."""
    near, far = {"m": {"title": "M", "path": "b.$createdAt"}}, {"m": {"title": "M", "path": "a.m"}}
    twice = {"c": {"type": "string", "calculation": ".properties.m"}}
    return folder(
        tmp_path,
        a=blueprint({}, relations={"b": link("b", many=many)}, mirrorProperties=near if mirrors else {}),
        b=blueprint(
            {},
            relations={"a": link("a", many=many)},
            mirrorProperties=far if mirrors else {},
            calculationProperties=twice if mirrors else {},
            **of_b,
        ),
    )


@pytest.mark.parametrize("mirrors", [True, False])
def test_both_relations_of_a_circle_move_though_mirrors_lead_over_both(
    bench: Bench, tmp_path: Path, mirrors: bool
) -> None:
    done(bench.apply(circle(tmp_path, False, True)))
    fill(bench, "a", {})
    fill(bench, "b", {"relations": {"a": "e0"}})
    bench.send("PATCH", "/blueprints/a/entities/e0", {"relations": {"b": "e0"}})
    done(bench.apply(circle(tmp_path, True, mirrors)))
    live = bench.send("GET", "/blueprints/b")["blueprint"]
    assert ("m" in live["mirrorProperties"], "c" in live["calculationProperties"]) == (mirrors, mirrors)
    assert entities(bench, "a")["e0"]["b"] == entities(bench, "b")["e0"]["a"] == ["e0"]


def test_relations_of_a_circle_with_mirrors_over_both_killed_at_every_write(server: Server, tmp_path: Path) -> None:
    def setup(bench: Bench) -> Path:
        done(bench.apply(circle(tmp_path, False, True)))
        fill(bench, "a", {})
        fill(bench, "b", {"relations": {"a": "e0"}})
        return circle(tmp_path, True, True)

    for at, bench in killed_everywhere(server, setup):
        assert entities(bench, "b")["e0"]["a"] == ["e0"], at
        assert "c" in bench.send("GET", "/blueprints/b")["blueprint"]["calculationProperties"], at
    assert at > 10


def test_what_reads_another_blueprint_and_no_spec_would_bring_back_stands_in_the_way(
    bench: Bench, tmp_path: Path
) -> None:
    done(bench.apply(circle(tmp_path, False, True)))
    highest = {"func": "max", "calculationBy": "property", "property": "m"}
    by_hand = {"last": {"title": "L", "target": "a", "calculationSpec": highest}}
    bench.send("PATCH", "/blueprints/b", {"aggregationProperties": by_hand})
    [refusal] = bench.plan(circle(tmp_path, True, True)).refusals
    assert refusal == "blueprint/b: aggregationProperties.last would be lost while values move: write it into the spec"
    done(bench.apply(circle(tmp_path, True, True, aggregationProperties=by_hand)))
    assert "last" in bench.send("GET", "/blueprints/b")["blueprint"]["aggregationProperties"]


# --- whole blueprints

OLD = blueprint(
    {"level": TEXT, "n": NUMBER},
    relations={"up": link("old"), "team": link("other")},
    mirrorProperties={"m": {"title": "M", "path": "up.level"}},
    ownership={"type": "Direct"},
)
OTHER = blueprint(
    {"x": TEXT},
    relations={"main": link("old", required=True), "all": link("old", many=True)},
    mirrorProperties={"level": {"title": "L", "path": "main.level"}},
    aggregationProperties={
        "count": {"title": "C", "target": "old", "calculationSpec": {"func": "count", "calculationBy": "entities"}}
    },
)


def renamed(body: Body, **more: Any) -> Body:
    return {**json.loads(json.dumps(body).replace('"old"', '"new"')), **more}


NEW = renamed(OLD, renamed_from="old")
NEW_OTHER = renamed(OTHER)


def portal(bench: Bench, tmp_path: Path) -> None:
    """old, whose entities point to each other, and other: in a circle."""
    done(bench.apply(folder(tmp_path, old=OLD, other=OTHER)))
    fill(bench, "old", *({"title": f"E{n}", "properties": {"level": f"v{n}", "n": n}} for n in range(3)))
    for number in range(2):
        body = {"identifier": f"o{number}", "relations": {"main": f"e{number}", "all": ["e0", "e2"]}}
        bench.send("POST", "/blueprints/other/entities?upsert=true", body)
    bench.send("PATCH", "/blueprints/old/entities/e0", {"relations": {"up": "e2", "team": "o1"}})
    bench.send("PATCH", "/blueprints/old/entities/e2", {"relations": {"up": "e2"}})


def test_a_blueprint_is_renamed_with_all_that_it_holds(bench: Bench, tmp_path: Path) -> None:
    portal(bench, tmp_path)
    before = entities(bench, "old"), entities(bench, "other")
    root = folder(tmp_path, new=NEW, other=NEW_OTHER)
    plan = bench.plan(root)
    assert plan.refusals == ()
    text = plan_text(plan)
    assert "~ rename blueprint/old -> blueprint/new" in text
    assert "moves 3 entities from blueprint/old" in text
    assert text.endswith("Plan: 0 to create, 1 to update, 0 to delete, 1 to rename, 0 unchanged.")
    assert "create" not in text.splitlines()[0]
    done(bench.apply(root))
    assert names(bench) == ["new", "other"]
    assert (entities(bench, "new"), entities(bench, "other")) == before
    bench.clear()
    bench.apply(root)
    assert bench.writes == []
    assert "renamed_from can go" in plan_text(bench.plan(root))
    done(bench.apply(folder(tmp_path, new=renamed(OLD), other=NEW_OTHER)))


def test_dashboards_follow_before_the_old_one_goes(bench: Bench, tmp_path: Path) -> None:
    def page(name: str) -> str:
        widgets = {"w": {"type": "number", "blueprint": name, "count": "entities"}}
        return dump({"title": "P", "rows": [["w"]], "widgets": widgets})

    root = write_files(folder(tmp_path, old=blueprint({})), {"dashboards/p.yaml": page("old")})
    done(bench.apply(root))
    fill(bench, "old", {})
    body = bench.send("GET", "/pages/p")["page"]
    by_hand = {key: body[key] for key in ("title", "type", "widgets")}
    bench.send("POST", "/pages", {**by_hand, "identifier": "by_hand"})
    root = write_files(folder(tmp_path, new=blueprint({}, renamed_from="old")), {"dashboards/p.yaml": page("new")})
    assert "breaking: leaves nothing at blueprint/old; read by 1 widget" in told(bench.plan(root))
    bench.clear()
    done(bench.apply(root))
    order = [path for _, path, _ in bench.writes if path.startswith(("/v1/pages", "/v1/blueprints/old"))]
    assert order == ["/v1/pages/p", "/v1/blueprints/old", "/v1/blueprints/old/all-entities"]


def test_the_ledger_follows_and_none_is_needed(bench: Bench, tmp_path: Path) -> None:
    portal(bench, tmp_path)
    root = folder(tmp_path, new=NEW, other=NEW_OTHER)
    done(bench.apply(root))
    assert sorted(entities(bench, "portcfg_resource")) == ["blueprint/new", "blueprint/other"]
    back = folder(tmp_path, old={**OLD, "renamed_from": "new"}, other=OTHER)
    done(bench.apply(back, use_ledger=False))
    assert names(bench) == ["old", "other"]
    assert entities(bench, "other")["o1"]["main"] == "e1"


def test_what_is_another_projects_is_not_renamed(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, old=blueprint({}))))
    root = folder(tmp_path, new=blueprint({}, renamed_from="old"))
    write_files(root, {"portcfg.yaml": "version: 1\nname: theirs\n"})
    with pytest.raises(InvalidSpecsError) as raised:
        bench.plan(root)
    assert "blueprint/old is managed by project 'default'" in raised.value.problems[0].message


def test_ports_own_blueprints_change_types_too(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, _team={"schema": {"properties": {"level": TEXT}}})))
    bench.send("POST", "/blueprints/_team/entities", {"identifier": "t", "title": "T", "properties": {"level": "4"}})
    number = {**NUMBER, "migrate": ".properties.level | tonumber"}
    done(bench.apply(folder(tmp_path, _team={"schema": {"properties": {"level": number}}})))
    assert bench.send("GET", "/blueprints/_team/entities/t")["entity"]["properties"]["level"] == 4


def test_what_no_spec_manages_comes_along(bench: Bench, tmp_path: Path) -> None:
    other = blueprint({"n": NUMBER}, relations={"to": link("old")})
    done(bench.apply(folder(tmp_path, old=blueprint({"level": TEXT}), other=other)))
    total = {"title": "T", "target": "other", "calculationSpec": {"func": "count", "calculationBy": "entities"}}
    live = bench.send("GET", "/blueprints/old")["blueprint"]
    live["schema"]["properties"]["level"]["x-own"] = 1
    more = {"aggregationProperties": {"total": total}, "ownership": {"type": "Direct"}, "unknown": {"a": 1}}
    bench.send("PUT", "/blueprints/old", {**live, **more})
    root = folder(
        tmp_path,
        new=blueprint({"tier": {**TEXT, "renamed_from": "level"}}, renamed_from="old"),
        other=renamed(other),
    )
    plan = bench.plan(root)
    assert "aggregation" not in plan_text(plan)
    done(bench.apply(root))
    live = bench.send("GET", "/blueprints/new")["blueprint"]
    assert live["aggregationProperties"]["total"]["target"] == "other"
    assert (live["ownership"], live["unknown"]) == ({"type": "Direct"}, {"a": 1})
    assert live["schema"]["properties"]["tier"]["x-own"] == 1


def test_parts_are_renamed_and_converted_on_the_way(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, old=blueprint({"level": TEXT, "n": NUMBER, "gone": TEXT}))))
    fill(bench, "old", {"properties": {"level": "1", "n": 2, "gone": "x"}}, {"properties": {"n": 5}})
    tier = {**NUMBER, "renamed_from": "level", "migrate": ".properties.level | tonumber"}
    body = blueprint({"tier": tier, "m": {**NUMBER, "renamed_from": "n"}}, renamed_from="old")
    root = folder(tmp_path, new=body)
    plan = bench.plan(root)
    assert "drops `gone` from 1 entity" in plan.refusals[0]
    done(bench.apply(root, allowed=("blueprint/new",)))
    assert entities(bench, "new") == {"e0": {"tier": 1, "m": 2}, "e1": {"m": 5}}
    assert "~ schema.properties: level renamed to tier" in plan_text(plan)


def test_what_no_spec_has_and_relates_to_the_old_one_stands_in_the_way(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, old=blueprint({}))))
    bench.send("POST", "/blueprints", {"identifier": "mine", **blueprint({}), "relations": {"r": link("old")}})
    [refusal] = bench.plan(folder(tmp_path, new=blueprint({}, renamed_from="old"))).refusals
    assert refusal.startswith("blueprint/old can't be renamed to blueprint/new, since blueprint/mine refers to it")


def test_an_aggregation_that_no_spec_has_stands_in_the_way_too(bench: Bench, tmp_path: Path) -> None:
    other = blueprint({}, relations={"to": link("old")})
    done(bench.apply(folder(tmp_path, old=blueprint({}), other=other)))
    live = bench.send("GET", "/blueprints/other")["blueprint"]
    count = {"title": "T", "target": "old", "calculationSpec": {"func": "count", "calculationBy": "entities"}}
    bench.send("PUT", "/blueprints/other", {**live, "aggregationProperties": {"n": count}})
    new = blueprint({}, renamed_from="old")
    refusals = bench.plan(folder(tmp_path, new=new, other=renamed(other))).refusals
    assert any("since blueprint/other refers to it" in refusal for refusal in refusals)
    twice = {"calculationProperties": {"twice": {"type": "number", "calculation": ".properties.n * 2"}}}
    bench.send("PATCH", "/blueprints/other", twice)
    moved = {**renamed(other), **twice, "aggregationProperties": {"n": {**count, "target": "new"}}}
    done(bench.apply(folder(tmp_path, new=new, other=moved)))


@pytest.mark.parametrize("stays", [True, False])
def test_an_aggregation_steps_aside_with_what_reads_it(bench: Bench, tmp_path: Path, stays: bool) -> None:
    """While the relation that leads to its target leads elsewhere: also mirrors by way of the blueprint itself."""
    count = {"title": "C", "target": "old", "calculationSpec": {"func": "count", "calculationBy": "entities"}}
    reading = {
        "aggregationProperties": {"count": count},
        "mirrorProperties": {"m": {"title": "M", "path": "up.count"}, "mm": {"title": "M", "path": "far.up.m"}},
        "calculationProperties": {"c": {"type": "number", "calculation": ".properties.mm"}},
    }
    related = {"relations": {"main": link("old"), "up": link("other"), "far": link("far")}}
    far = blueprint({}, relations={"up": link("other", many=True)})
    old = blueprint({}, relations={"far": link("far")})
    done(bench.apply(folder(tmp_path, old=old, other=blueprint({}, **related), far=far)))
    done(bench.apply(folder(tmp_path, old=old, other=blueprint({}, **related, **reading), far=far)))
    fill(bench, "old", {})
    fill(bench, "other", {"relations": {"main": "e0"}})
    after = renamed(blueprint({}, **related, **(reading if stays else {"aggregationProperties": {}})))
    done(bench.apply(folder(tmp_path, new={**old, "renamed_from": "old"}, other=after, far=far)))
    assert entities(bench, "other")["e0"]["main"] == "e0"
    assert ("count" in bench.send("GET", "/blueprints/other")["blueprint"]["aggregationProperties"]) == stays


def test_a_relation_moves_beside_an_aggregation_that_another_blueprint_links(bench: Bench, tmp_path: Path) -> None:
    count = {"title": "C", "target": "c", "calculationSpec": {"func": "count", "calculationBy": "entities"}}
    reading = {
        "aggregationProperties": {"total": count},
        "mirrorProperties": {"m": {"title": "M", "path": "up.total"}},
    }
    one, many = ({"relations": {"a": link("a", many=way), "up": link("b")}} for way in (False, True))
    others = {"a": blueprint({}), "c": blueprint({}, relations={"b": link("b")})}
    done(bench.apply(folder(tmp_path, b=blueprint({}, **one, **reading), **others)))
    done(bench.apply(folder(tmp_path, b=blueprint({}, **many, aggregationProperties={}), **others)))
    done(bench.apply(folder(tmp_path, b=blueprint({}, **one, **reading), **others)))


def test_what_somebody_wrote_into_the_new_one_is_not_overwritten(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, old=blueprint({"n": NUMBER}))))
    fill(bench, "old", {"properties": {"n": 1}}, {"properties": {"n": 2}})
    bench.send("POST", "/blueprints", {"identifier": "new", **blueprint({"n": NUMBER})})
    fill(bench, "new", {"properties": {"n": 100}})
    root = folder(tmp_path, new=blueprint({"n": NUMBER}, renamed_from="old"))
    [refusal] = bench.plan(root).refusals
    assert "1 entities hold something else in blueprint/new than in blueprint/old (e.g. 'e0')" in refusal
    bench.send("PATCH", "/blueprints/new/entities/e0", {"properties": {"n": 1}})
    done(bench.apply(root))
    assert entities(bench, "new") == {"e0": {"n": 1}, "e1": {"n": 2}}


def test_blueprints_in_a_circle_are_renamed_together(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, a=blueprint({}), b=blueprint({}))))
    done(
        bench.apply(
            folder(tmp_path, a=blueprint({}, relations={"b": link("b")}), b=blueprint({}, relations={"a": link("a")}))
        )
    )
    fill(bench, "a", {})
    fill(bench, "b", {"relations": {"a": "e0"}})
    bench.send("PATCH", "/blueprints/a/entities/e0", {"relations": {"b": "e0"}})
    root = folder(
        tmp_path,
        x=blueprint({}, relations={"b": link("y", required=True)}, renamed_from="a"),
        y=blueprint({}, relations={"a": link("x")}, renamed_from="b"),
    )
    done(bench.apply(root))
    assert names(bench) == ["x", "y"]
    assert (entities(bench, "x"), entities(bench, "y")) == ({"e0": {"b": "e0"}}, {"e0": {"a": "e0"}})


class _Killed(PortWriter):
    """A client whose process is killed before a write: the first is 0, and with -1 it never is."""

    at = -1
    writes = 0

    def send(self, *args: Any, **named: Any) -> Answer:
        if self.writes == self.at:
            raise KeyboardInterrupt
        self.writes += 1
        return super().send(*args, **named)


def killed_everywhere(
    server: Server, setup: Callable[[Bench], Path], at: range = range(200), **switches: Any
) -> Iterator[tuple[int, Bench]]:
    """An apply killed before each of its writes, or those at `at`, and run again."""
    for at_write in at:
        bench = server.bench(**switches)
        specs = read_specs(setup(bench))
        port = _Killed(bench.url, CREDENTIALS, PATIENT)
        port.at = at_write
        with closing(port):
            try:
                apply_specs(specs, plan_specs(specs, port), port, clock=NOW)
                ended = port.writes < at_write
            except KeyboardInterrupt:
                ended = False
        with closing(bench.writer()) as again:
            release(again)
            plan = plan_specs(specs, again)
            assert plan.refusals == (), f"at {at_write}: {plan.refusals}"
            shown = [line for line in plan_text(plan).splitlines() if "renamed to" not in line]
            assert [line for line in shown if "_portcfg" in line or "changed in Port" in line] == [], at_write
            done(apply_specs(specs, plan, again, clock=NOW))
        yield at_write, bench
        if ended:
            return


def test_a_renamed_blueprint_killed_at_every_write(server: Server, tmp_path: Path, soak_seed: int) -> None:
    kept: list[Mapping[str, Any]] = []

    def setup(bench: Bench) -> Path:
        portal(bench, tmp_path)
        kept[:] = [entities(bench, "old"), entities(bench, "other")]
        return folder(tmp_path, new=NEW, other=NEW_OTHER)

    for at, bench in killed_everywhere(server, setup, range(soak_seed % 3, 200, 3)):
        assert names(bench) == ["new", "other"], at
        assert [entities(bench, "new"), entities(bench, "other")] == kept, at
    assert at > 15


def test_a_type_that_is_changed_at_the_price_of_its_values_killed_at_every_write(
    server: Server, tmp_path: Path
) -> None:
    def setup(bench: Bench) -> Path:
        up = {"up": link("b")}
        mirror = {"mirrorProperties": {"m": {"title": "M", "path": "up.level"}}, "relations": up}
        done(bench.apply(folder(tmp_path, b={**LEVEL, **mirror})))
        fill(bench, "b", {"properties": {"level": "1", "n": 3}}, {"relations": {"up": "e0"}})
        after = {**LEVEL, **mirror, "schema": {"properties": {"level": NUMBER, "n": NUMBER}}}
        root = folder(tmp_path, b=after)
        return write_files(root, {"portcfg.yaml": "version: 1\nguards: {allow_destructive: [blueprint/b]}\n"})

    for at, bench in killed_everywhere(server, setup):
        assert entities(bench, "b") == {"e0": {"n": 3}, "e1": {"up": "e0"}}, at
    assert at > 1


def test_a_migrated_property_killed_at_every_write(server: Server, tmp_path: Path) -> None:
    def setup(bench: Bench) -> Path:
        required = {**LEVEL, "schema": {**LEVEL["schema"], "required": ["level"]}}
        done(bench.apply(folder(tmp_path, b=required)))
        fill(bench, "b", *({"properties": {"level": str(n)}} for n in range(3)))
        return folder(tmp_path, b={**AS_NUMBER, "schema": {**AS_NUMBER["schema"], "required": ["level"]}})

    for at, bench in killed_everywhere(server, setup, chaos=Chaos(migration_polls=2)):
        assert {name: body["level"] for name, body in entities(bench, "b").items()} == {"e0": 0, "e1": 1, "e2": 2}, at
    assert at > 5


def test_a_circle_killed_at_every_write(server: Server, tmp_path: Path, soak_seed: int) -> None:
    def setup(bench: Bench) -> Path:
        done(bench.apply(folder(tmp_path, a=blueprint({"n": NUMBER}), b=blueprint({"n": TEXT}))))
        related = {
            "a": blueprint({"n": NUMBER}, relations={"b": link("b")}),
            "b": blueprint({"n": TEXT}, relations={"a": link("a", many=True)}),
        }
        done(bench.apply(folder(tmp_path, **related)))
        fill(bench, "a", {"properties": {"n": 1}}, {})
        fill(bench, "b", {"properties": {"n": "5"}, "relations": {"a": ["e0", "e1"]}})
        bench.send("PATCH", "/blueprints/a/entities/e0", {"relations": {"b": "e0"}})
        number = {**NUMBER, "migrate": ".properties.n | tonumber"}
        return folder(
            tmp_path,
            x=blueprint({"n": NUMBER}, relations={"b": link("y")}, renamed_from="a"),
            y=blueprint({"n": number}, relations={"a": link("x", many=True)}, renamed_from="b"),
        )

    for at, bench in killed_everywhere(server, setup, range(soak_seed % 3, 200, 3)):
        assert names(bench) == ["x", "y"], at
        assert entities(bench, "x") == {"e0": {"n": 1, "b": "e0"}, "e1": {}}, at
        assert entities(bench, "y") == {"e0": {"n": 5, "a": ["e0", "e1"]}}, at
    assert at > 15


@pytest.mark.parametrize("seed", range(3))
def test_a_port_that_takes_its_time_and_loses_answers(server: Server, tmp_path: Path, seed: int) -> None:
    calm = server.bench()
    portal(calm, tmp_path)
    expected = [entities(calm, "old"), entities(calm, "other")]
    bench = server.bench(chaos=Chaos(migration_polls=3, drops=0.1, server_errors=0.1, seed=seed))
    portal(bench, tmp_path)
    report = bench.apply(folder(tmp_path, new=NEW, other=NEW_OTHER))
    done(report)
    assert [entities(bench, "new"), entities(bench, "other")] == expected


def test_what_the_new_blueprint_would_refuse_moves_all_the_same(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, old=blueprint({"level": TEXT}))))
    fill(bench, "old", {"properties": {"level": "a"}}, {"properties": {"level": "b"}})
    root = folder(tmp_path, new=blueprint({"level": {**TEXT, "enum": ["a"]}}, renamed_from="old"))
    assert "breaking: narrows the enum of `level`: 1 entity outside of it" in told(bench.plan(root))
    done(bench.apply(root))
    assert entities(bench, "new") == {"e0": {"level": "a"}, "e1": {"level": "b"}}


@pytest.mark.parametrize("whole", [True, False])
def test_what_takes_no_value_is_told_and_stays(bench: Bench, tmp_path: Path, whole: bool) -> None:
    """A format can't step aside."""
    done(bench.apply(folder(tmp_path, old=blueprint({"who": TEXT}))))
    fill(bench, "old", {"properties": {"who": "a@x.io"}}, {"properties": {"who": "nobody"}})
    email = {"who": {**TEXT, "format": "email", "migrate": ".properties.who"}}
    name, more = ("new", {"renamed_from": "old"}) if whole else ("old", {})
    root = folder(tmp_path, **{name: blueprint(email, **more)})
    why = (
        "Port moved 1 entities from blueprint/old to blueprint/new, and refused 1 (one is 'e1'); both are still there"
        if whole
        else "of 2 entities with a value in who, 1 would have one after its migration (Port refused 1 of them; "
        "one without is 'e1'); nothing was dropped"
    )
    for _ in range(2):
        assert bench.apply(root).failed[0].message.startswith(why)
        text = plan_text(bench.plan(root))
        assert "changed in Port" not in text
        assert "_portcfg" not in text
        assert "an apply was stopped while values moved here; this goes on with what is left of it" in text
    assert {each: body["who"] for each, body in entities(bench, "old").items()} == {"e0": "a@x.io", "e1": "nobody"}
    bench.send("PATCH", "/blueprints/old/entities/e1", {"properties": {"who": "b@x.io"}})
    done(bench.apply(root))
    assert entities(bench, name) == {"e0": {"who": "a@x.io"}, "e1": {"who": "b@x.io"}}


def test_what_a_stopped_move_leaves_goes_with_the_specs_of_before(bench: Bench, tmp_path: Path) -> None:
    """Nothing of it is taken for somebody's drift, and what somebody did change still is."""
    before = folder(tmp_path, b=blueprint({"who": {**TEXT, "enum": ["a@x.io", "nobody"]}}))
    done(bench.apply(before))
    fill(bench, "b", {"properties": {"who": "a@x.io"}}, {"properties": {"who": "nobody"}})
    email = {"who": {**TEXT, "format": "email", "migrate": ".properties.who"}}
    assert bench.apply(folder(tmp_path, b=blueprint(email))).failed
    plan = bench.plan(before)
    assert (plan.refusals, [change.drifted for change in plan.pending]) == ((), [""])
    bench.send("PATCH", "/blueprints/b", {"title": "Mine"})
    [change] = bench.plan(before).pending
    assert [".".join(map(str, field.path)) for field in change.fields if field.cause is Cause.DRIFT] == ["title"]
    done(bench.apply(before))
    assert list(bench.send("GET", "/blueprints/b")["blueprint"]["schema"]["properties"]) == ["who"]


def test_what_can_no_longer_be_converted_stops_a_move(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, old=blueprint({"n": TEXT}))))
    fill(bench, "old", {"properties": {"n": "1"}})
    number = {**NUMBER, "migrate": ".properties.n | tonumber"}
    specs = read_specs(folder(tmp_path, new=blueprint({"n": number}, renamed_from="old")))
    with closing(bench.writer()) as port:
        plan = plan_specs(specs, port)
        bench.send("PATCH", "/blueprints/old/entities/e0", {"properties": {"n": "one"}})
        report = apply_specs(specs, plan, port, clock=NOW)
    assert "1 entities of blueprint/old have values that can't be converted" in report.failed[0].message
    assert entities(bench, "old") == {"e0": {"n": "one"}}


def test_what_is_written_to_the_old_one_meanwhile_is_not_lost(bench: Bench, tmp_path: Path) -> None:
    done(bench.apply(folder(tmp_path, old=blueprint({"n": NUMBER}))))
    fill(bench, "old", {"properties": {"n": 1}})
    specs = read_specs(folder(tmp_path, new=blueprint({"n": NUMBER}, renamed_from="old")))

    class Late(PortWriter):
        def send(self, method: str, path: str, *args: Any, **named: Any) -> Answer:
            answer = super().send(method, path, *args, **named)
            if path == "/migrations":
                bench.send("POST", "/blueprints/old/entities", {"identifier": "late", "properties": {"n": 2}})
            return answer

    with closing(Late(bench.url, CREDENTIALS, PATIENT)) as port:
        report = apply_specs(specs, plan_specs(specs, port), port, clock=NOW)
    assert "1 entities of blueprint/old aren't in blueprint/new" in report.failed[0].message
    with closing(bench.writer()) as port:
        done(apply_specs(specs, plan_specs(specs, port), port, clock=NOW))
    assert entities(bench, "new") == {"e0": {"n": 1}, "late": {"n": 2}}


VALUES = st.one_of(st.none(), st.integers(-5, 5).map(str), st.sampled_from(["", "high", "1.5"]))


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(VALUES, VALUES, st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=5),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_random_moves_keep_every_value(
    server: Server, rows: list[tuple[Any, Any, int, int]], whole: bool, convert: bool, many: bool
) -> None:
    bench = server.bench()
    with TemporaryDirectory() as place:
        here = Path(place)
        before = blueprint({"a": TEXT, "b": TEXT}, relations={"up": link("old")})
        done(bench.apply(folder(here, old=before, r=blueprint({}, relations={"to": link("old", many=True)}))))
        fill(bench, "old", *({"properties": {"a": a, "b": b}} for a, b, *_ in rows))
        for number, (*_, up, to) in enumerate(rows):
            if up < len(rows):
                bench.send("PATCH", f"/blueprints/old/entities/e{number}", {"relations": {"up": f"e{up}"}})
            targets = [f"e{target}" for target in range(min(to, len(rows)))]
            bench.send("POST", "/blueprints/r/entities", {"identifier": f"r{number}", "relations": {"to": targets}})
        name = "new" if whole else "old"
        old, links = entities(bench, "old"), entities(bench, "r")
        a = {"type": "number", "migrate": ".properties.a | tonumber?"} if convert else TEXT
        after = blueprint(
            {"a": a, "c": {**TEXT, "renamed_from": "b"}},
            relations={"above": {**link(name, many=many), "renamed_from": "up"}},
        )
        after |= {"renamed_from": "old"} if whole else {}
        root = folder(here, **{name: after, "r": blueprint({}, relations={"to": link(name, many=True)})})
        done(bench.apply(root, allowed=(f"blueprint/{name}",)))
    for identifier, was in old.items():
        now = entities(bench, name)[identifier]
        assert now.get("c") == was.get("b")
        assert now.get("above") == ([was["up"]] if many and "up" in was else was.get("up"))
        assert now.get("a") == (_number(was.get("a")) if convert else was.get("a"))
    assert entities(bench, "r") == links


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


@pytest.fixture
def cli(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}

    def run(*args: str) -> Result:
        return CliRunner().invoke(main, list(args), env=env)

    return run


def test_a_rollback_moves_everything_back(cli: Any, bench: Bench, tmp_path: Path) -> None:
    portal(bench, tmp_path / "..")
    before = entities(bench, "old"), entities(bench, "other")
    write_files(Path("specs"), {"blueprints/new.yaml": dump(NEW), "blueprints/other.yaml": dump(NEW_OTHER)})
    applied = cli("apply", "--auto-approve")
    assert applied.exit_code == 0, applied.output
    journal = str(sorted(Path(".portcfg/journal").iterdir())[-1])
    back = cli("rollback", journal, "--auto-approve")
    assert back.exit_code == 0, back.output
    assert names(bench) == ["old", "other"]
    assert (entities(bench, "old"), entities(bench, "other")) == before


@pytest.mark.parametrize("at", range(2, 40, 5))
def test_a_rename_that_was_killed_can_be_rolled_back(
    cli: Any, bench: Bench, tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch, soak_seed: int
) -> None:
    at += soak_seed % 5
    portal(bench, tmp_path / "..")
    before = entities(bench, "old"), entities(bench, "other")
    write_files(Path("specs"), {"blueprints/new.yaml": dump(NEW), "blueprints/other.yaml": dump(NEW_OTHER)})
    send, sent = PortWriter.send, 0

    def dying(self: PortWriter, *args: Any, **named: Any) -> Answer:
        nonlocal sent
        sent += 1
        if sent > at:
            raise KeyboardInterrupt
        return send(self, *args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(PortWriter, "send", dying)
        cli("apply", "--auto-approve")
    cli("unlock")
    journal = str(sorted(Path(".portcfg/journal").iterdir())[-1])
    back = cli("rollback", journal, "--auto-approve")
    assert back.exit_code == 0, back.output
    assert names(bench) == ["old", "other"]
    assert (entities(bench, "old"), entities(bench, "other")) == before


def test_a_rollback_converts_back(cli: Any, bench: Bench) -> None:
    write_files(Path("specs"), {"blueprints/b.yaml": dump(LEVEL)})
    assert cli("apply", "--auto-approve").exit_code == 0
    fill(bench, "b", {"properties": {"level": "7", "n": 1}})
    before = entities(bench, "b")
    write_files(Path("specs"), {"blueprints/b.yaml": dump(AS_NUMBER)})
    assert cli("apply", "--auto-approve").exit_code == 0
    journal = str(sorted(Path(".portcfg/journal").iterdir())[-1])
    back = cli("rollback", journal, "--auto-approve")
    assert back.exit_code == 0, back.output
    assert "values of level are converted back" in back.output
    assert entities(bench, "b") == before


def test_a_bound_plan_carries_a_rename(cli: Any, bench: Bench, tmp_path: Path) -> None:
    portal(bench, tmp_path / "..")
    write_files(Path("specs"), {"blueprints/new.yaml": dump(NEW), "blueprints/other.yaml": dump(NEW_OTHER)})
    assert cli("plan", "--out", "plan.json").exit_code == 0
    bench.send("PATCH", "/blueprints/old", {"title": "Moved"})
    moved = cli("apply", "plan.json")
    assert moved.exit_code == 4, moved.output
    assert "blueprint/old" in moved.output
    assert names(bench) == ["old", "other"]
    bench.send("PATCH", "/blueprints/old", {"title": "T"})
    assert cli("apply", "plan.json").exit_code == 0
    assert names(bench) == ["new", "other"]


# --- what entities break, since it was narrowed after they were written


def narrowed(bench: Bench, tmp_path: Path, name: str) -> Body:
    """A blueprint whose limits all its entities break but the first."""
    shape = {"level": TEXT, "tier": TEXT, "code": TEXT, "tags": {"type": "array"}, "n": NUMBER}
    before = blueprint(shape, relations={"up": link(name)})
    tight = {
        "level": TEXT,
        "tier": {**TEXT, "enum": ["gold"], "enumColors": {"gold": "gold"}},
        "code": {**TEXT, "pattern": "^[a-z]$", "maxLength": 1},
        "tags": {"type": "array", "items": {**TEXT, "enum": ["x"]}, "maxItems": 1},
        "n": {**NUMBER, "maximum": 1},
    }
    after = blueprint(tight, relations={"up": link(name, required=True)})
    after["schema"]["required"] = ["tier", "code"]
    done(bench.apply(folder(tmp_path, **{name: before})))
    fine = {"level": "1", "tier": "gold", "code": "a", "tags": ["x"], "n": 1}
    broken = {"level": "2", "tier": "bronze", "code": "LONG", "tags": ["y", "z"], "n": 2}
    bare = {"level": "3"}
    fill(
        bench, name, {"properties": fine, "relations": {"up": "e0"}}, *({"properties": each} for each in (broken, bare))
    )
    done(bench.apply(folder(tmp_path, **{name: after})))
    return after


def as_number(body: Body) -> Body:
    properties = {**body["schema"]["properties"], "level": {**NUMBER, "migrate": ".properties.level | tonumber"}}
    return {**body, "schema": {**body["schema"], "properties": properties}}


def limits(bench: Bench, name: str) -> list[Any]:
    """What may refuse an entity."""
    body = bench.send("GET", f"/blueprints/{name}")["blueprint"]
    shapes = {key: {**shape} for key, shape in body["schema"]["properties"].items() if key != "level"}
    return [shapes, sorted(body["schema"]["required"]), body["relations"]["up"]["required"]]


def test_a_part_moves_though_entities_break_other_limits_killed_at_every_write(server: Server, tmp_path: Path) -> None:
    kept: list[Any] = []

    def setup(bench: Bench) -> Path:
        after = narrowed(bench, tmp_path, "b")
        kept[:] = [limits(bench, "b"), entities(bench, "b")]
        return folder(tmp_path, b=as_number(after))

    for at, bench in killed_everywhere(server, setup):
        assert limits(bench, "b") == kept[0], at
        was = {name: {**body, "level": int(body["level"])} for name, body in kept[1].items()}
        assert entities(bench, "b") == was, at
    assert at > 5


def test_a_blueprint_moves_though_entities_break_its_limits_killed_at_every_write(
    server: Server, tmp_path: Path, soak_seed: int
) -> None:
    kept: list[Any] = []

    def setup(bench: Bench) -> Path:
        after = narrowed(bench, tmp_path, "old")
        kept[:] = [limits(bench, "old"), entities(bench, "old")]
        return folder(tmp_path, new=renamed(after, renamed_from="old"))

    for at, bench in killed_everywhere(server, setup, range(soak_seed % 2, 200, 2)):
        assert limits(bench, "new") == kept[0], at
        assert entities(bench, "new") == kept[1], at
    assert at > 5


def journals() -> list[str]:
    return list(map(str, sorted(Path(".portcfg/journal").iterdir())))


def apply_files(cli: Any, **blueprints: Body) -> Result:
    for file in Path("specs/blueprints").glob("*"):
        file.unlink()
    write_files(Path("specs"), {f"blueprints/{name}.yaml": dump(body) for name, body in blueprints.items()})
    result: Result = cli("apply", "--auto-approve")
    return result


def test_a_rollback_converts_back_though_the_apply_narrowed(cli: Any, bench: Bench) -> None:
    before = blueprint({"level": TEXT, "n": TEXT, "tier": TEXT})
    assert apply_files(cli, b=before).exit_code == 0
    fill(bench, "b", *({"properties": {"level": str(n), "tier": "bronze"}} for n in range(3)))
    was = entities(bench, "b")
    after = as_number(before)
    after["schema"] = {**after["schema"], "required": ["n"]}
    after["schema"]["properties"]["tier"] = {**TEXT, "enum": ["gold"]}
    assert apply_files(cli, b=after).exit_code == 0
    [*_, journal] = journals()
    back = cli("rollback", journal, "--auto-approve")
    assert back.exit_code == 0, back.output
    assert entities(bench, "b") == was
    assert apply_files(cli, b=before).exit_code == 0
    assert "No changes" in cli("plan").output
    forward = apply_files(cli, b=after)
    assert forward.exit_code == 0, forward.output
    assert [body["level"] for body in entities(bench, "b").values()] == [0, 1, 2]


WHO = blueprint({"who": TEXT, "n": NUMBER}, relations={"up": link("old")})


@pytest.mark.parametrize("whole", [True, False])
def test_a_second_failed_apply_is_rolled_back_to_the_first_and_that_to_the_beginning(
    cli: Any, bench: Bench, whole: bool
) -> None:
    assert apply_files(cli, old=WHO).exit_code == 0
    fill(bench, "old", {"properties": {"who": "a@x.io"}}, {"properties": {"who": "nobody"}})
    live, was = bench.send("GET", "/blueprints/old")["blueprint"], entities(bench, "old")
    email = {"who": {**TEXT, "format": "email", "migrate": ".properties.who"}, "n": NUMBER}
    after = blueprint(email, relations={"up": link("new" if whole else "old")})
    after |= {"renamed_from": "old"} if whole else {}
    for _ in range(2):
        assert apply_files(cli, **{"new" if whole else "old": after}).exit_code != 0
    [_, first, second] = journals()
    for _ in range(2):
        back = cli("rollback", second, "--auto-approve")
        assert back.exit_code == 0, back.output
        assert "was half-way when that apply began, and stays so: roll back the journal before it, too" in back.output
    back = cli("rollback", first, "--auto-approve", "--allow-destructive", "blueprint/new")
    assert back.exit_code == 0, back.output
    assert names(bench) == ["old"]
    assert entities(bench, "old") == was
    now = bench.send("GET", "/blueprints/old")["blueprint"]
    stamps = ("updatedAt", "updatedBy")
    assert {key: now[key] for key in now if key not in stamps} == {key: live[key] for key in live if key not in stamps}


@pytest.mark.parametrize("at", range(0, 16, 2))
def test_a_narrowed_move_killed_twice_is_rolled_back_from_last_to_first(
    cli: Any, bench: Bench, tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch, soak_seed: int
) -> None:
    after = narrowed(bench, tmp_path / "..", "old")
    was = limits(bench, "old"), entities(bench, "old")
    send, sent = PortWriter.send, 0

    def dying(self: PortWriter, *args: Any, **named: Any) -> Answer:
        nonlocal sent
        sent += 1
        if sent > at + soak_seed % 2:
            raise KeyboardInterrupt
        return send(self, *args, **named)

    for _ in range(2):
        sent = 0
        with monkeypatch.context() as patched:
            patched.setattr(PortWriter, "send", dying)
            apply_files(cli, new=as_number(renamed(after, renamed_from="old")))
        cli("unlock")
    for journal in reversed(journals()):
        back = cli("rollback", journal, "--auto-approve", "--allow-destructive", "blueprint/new")
        assert back.exit_code == 0, back.output
    assert names(bench) == ["old"]
    assert (limits(bench, "old"), entities(bench, "old")) == was
