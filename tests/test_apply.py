"""apply_plan and the ledger over an embedded Port that refuses, drops, expires and answers nonsense."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portcfg import ledger
from portcfg.apply import apply_plan
from portcfg.client import READ_ONLY_POSTS, PortReader
from portcfg.emulator.port_app import Chaos, port_app
from portcfg.errors import AnswerError, ApiError, InvalidSpecsError
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Action, Body, Change, Ref, Status
from portcfg.observe import observe
from portcfg.yamlread import dump
from tests.support import CREDENTIALS, PATIENT, Bench, Server, write_files

NUMBER = {"type": "number"}


def blueprint(*targets: str, **more: Any) -> Body:
    relations = {f"to_{target}": {"target": target, "required": False, "many": False} for target in targets}
    return {"title": "T", "schema": {"properties": {"n": NUMBER}}, "relations": relations, **more}


def count(target: str) -> Body:
    return {"title": "N", "target": target, "calculationSpec": {"func": "count", "calculationBy": "entities"}}


def markdown(title: str = "M", text: str = "x") -> Body:
    return {"widgets": {"w": {"type": "text", "title": title, "markdown": text}}}


@pytest.fixture
def specs(tmp_path: Path) -> Callable[..., Path]:
    """Writes a specs folder: blueprints by identifier, dashboards, and what is external."""

    def build(
        blueprints: Body | None = None, dashboards: Body | None = None, external: Body | None = None, **more: Any
    ) -> Path:
        root = tmp_path / f"specs{len(list(tmp_path.iterdir()))}"
        project: Body = {"version": 1, **({"external": {"blueprints": external}} if external else {}), **more}
        files = {"portcfg.yaml": dump(project)}
        files |= {f"blueprints/{name}.yaml": dump(body) for name, body in (blueprints or {}).items()}
        files |= {f"dashboards/{name}.yaml": dump(body) for name, body in (dashboards or {}).items()}
        return write_files(root, files)

    return build


@pytest.fixture
def misbehaving(server: Server) -> Callable[..., Bench]:
    """An embedded Port with switches of `Chaos` on."""
    return lambda **switches: server.bench(chaos=Chaos(**switches))


def results(bench: Bench, root: Path, **options: Any) -> dict[str, Status]:
    return {outcome.change.ref.identifier: outcome.status for outcome in bench.apply(root, **options).outcomes}


def posted(bench: Bench, collection: str = "/v1/blueprints") -> int:
    return sum(entry[:2] == ("POST", collection) for entry in bench.log)


# --- what a plan may do to Port -----------------------------------------------------------------------------------


def test_a_plan_of_300_resources_only_reads_and_takes_few_requests(bench: Bench, specs: Any) -> None:
    names = [f"b{number}" for number in range(150)]
    root = specs({name: blueprint() for name in names}, {f"d{number}": markdown() for number in range(150)})
    bench.apply(root)
    bench.clear()
    plan = bench.plan(root)
    assert (plan.count(Action.NOOP), len(plan.changes)) == (300, 300)
    assert bench.writes == []
    assert len(bench.log) <= 10


def test_a_plan_of_an_empty_port_writes_nothing_not_even_the_ledger(bench: Bench, specs: Any) -> None:
    bench.plan(specs({"a": blueprint()}))
    assert bench.writes == []
    assert LEDGER_BLUEPRINT not in {item["identifier"] for item in bench.send("GET", "/blueprints")["blueprints"]}


@pytest.mark.parametrize(
    "path",
    [
        "/blueprints",
        "/blueprints/a/entities",
        "/blueprints/a/entities/bulk",
        "/pages",
        "/entities/search/../../blueprints",
    ],
)
def test_a_reader_refuses_to_post_anything_but_a_search(bench: Bench, path: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        bench.reader().query(path, {})
    assert bench.log == []


def test_a_reader_has_no_way_to_send() -> None:
    assert not hasattr(PortReader, "send")
    assert [pattern.pattern for pattern in READ_ONLY_POSTS] == [
        r"/blueprints/[^/]+/entities/search",
        r"/entities/(search|aggregate|aggregate-over-time)",
    ]


# --- order, cycles, stages ----------------------------------------------------------------------------------------

MIRROR = {"mirrorProperties": {"m": {"path": "to_b.n"}}}
TOTAL = {"aggregationProperties": {"total": count("b")}}
CYCLES: dict[str, dict[str, Body]] = {
    "to itself": {"a": blueprint("a")},
    "of two": {"a": blueprint("b"), "b": blueprint("a")},
    "of three": {"a": blueprint("b"), "b": blueprint("c"), "c": blueprint("a")},
    "with required relations": {
        "a": blueprint(relations={"r": {"target": "b", "required": True}}),
        "b": blueprint(relations={"r": {"target": "a", "required": True}}),
    },
    "with a mirror": {"a": blueprint("b", **MIRROR), "b": blueprint("a")},
    "with mirrors both ways": {
        "a": blueprint("b", **MIRROR),
        "b": blueprint("a", mirrorProperties={"m": {"path": "to_a.n"}}),
    },
    "an aggregation on a later blueprint": {"a": blueprint(**TOTAL), "b": blueprint("a")},
    "a mirror of that aggregation": {
        "a": blueprint(**TOTAL),
        "b": blueprint("a", mirrorProperties={"m": {"path": "to_a.total"}}),
    },
    "a mirror of a mirror of that aggregation, from behind": {
        "a": blueprint(**TOTAL),
        "b": blueprint("a", mirrorProperties={"m": {"path": "to_a.total"}}),
        "c": blueprint("b", mirrorProperties={"mm": {"path": "to_b.m"}}),
        "d": blueprint("c", mirrorProperties={"mmm": {"path": "to_c.to_b.m"}}),
    },
    "inherited ownership": {
        "a": blueprint("b", ownership={"type": "Inherited", "path": "to_b"}),
        "b": blueprint("a", ownership={"type": "Direct"}),
    },
}


@pytest.mark.parametrize("blueprints", [pytest.param(value, id=key) for key, value in CYCLES.items()])
def test_cycles_are_written_in_stages(blueprints: dict[str, Body], bench: Bench, specs: Any) -> None:
    root = specs(blueprints, {"page": {"widgets": {"w": {"type": "number", "blueprint": "a", "count": "entities"}}}})
    report = bench.apply(root)
    assert [(outcome.change.ref.identifier, outcome.message) for outcome in report.failed] == []
    assert sorted(outcome.change.ref.identifier for outcome in report.outcomes) == [*sorted(blueprints), "page"]
    assert report.after is not None
    assert report.after.pending == ()


def test_blueprints_that_name_each_other_newly_when_both_are_there_already(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"a": blueprint(), "b": blueprint()}))
    more = {"schema": {"properties": {"n": NUMBER, "k": NUMBER}}}
    mirrors = {
        "a": blueprint("b", **more, mirrorProperties={"m": {"path": "to_b.k"}}),
        "b": blueprint("a", **more, mirrorProperties={"m": {"path": "to_a.k"}}),
    }
    report = bench.apply(specs(mirrors))
    assert ([outcome.message for outcome in report.failed], report.after and report.after.pending) == ([], ())


def test_a_new_blueprint_is_there_before_it_names_itself(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"a": blueprint("a")}), use_ledger=False)
    assert [entry[:2] for entry in bench.writes] == [("POST", "/v1/blueprints"), ("PUT", "/v1/blueprints/a")]
    bench.clear()
    bench.apply(specs({"a": blueprint("a", title="New")}), use_ledger=False)
    assert [entry[:2] for entry in bench.writes] == [("PUT", "/v1/blueprints/a")]


def test_what_needs_no_stages_is_written_in_one_request_each(bench: Bench, specs: Any) -> None:
    bench.apply(
        specs({"a": blueprint(), "b": blueprint("a", mirrorProperties={"m": {"path": "to_a.n"}})}), use_ledger=False
    )
    assert [entry[:2] for entry in bench.writes] == [("POST", "/v1/blueprints")] * 2


# --- partial failure ----------------------------------------------------------------------------------------------

# What Port refuses and `validate` can't see: it doesn't look into definitions.
BAD = {"calculationProperties": {"c": {"type": "number", "calculation": "def f: .properties.none; f"}}}


def test_a_failure_blocks_what_refers_to_it_and_nothing_else(bench: Bench, specs: Any) -> None:
    files = {"a": blueprint(**BAD), "b": blueprint("a"), "c": blueprint("b"), "z": blueprint()}
    page = {"widgets": {"w": {"type": "number", "blueprint": "b", "count": "entities"}}}
    report = bench.apply(specs(files, {"on_b": page, "plain": markdown()}))
    found = {outcome.change.ref.identifier: (outcome.status, outcome.message) for outcome in report.outcomes}
    assert found["a"][0] is Status.FAILED
    assert "none" in found["a"][1]
    assert found["b"] == (Status.BLOCKED, "blueprint/a failed")
    assert found["c"] == (Status.BLOCKED, "blueprint/b failed")
    assert found["on_b"] == (Status.BLOCKED, "blueprint/b failed")
    assert {found["z"][0], found["plain"][0]} == {Status.DONE}
    assert report.after is not None
    assert [change.ref.identifier for change in report.after.pending] == ["a", "b", "c", "on_b"]
    assert ledger.entries(bench.reader()).keys() == {Ref("blueprint", "z"), Ref("dashboard", "plain")}


def test_a_second_apply_finishes_what_a_failed_one_began(bench: Bench, specs: Any) -> None:
    cycle = {"a": blueprint("b"), "b": blueprint("a")}
    first = results(bench, specs({**cycle, "b": blueprint("a", **BAD)}))
    assert (first["b"], set(first)) == (Status.FAILED, {"a", "b"})
    report = bench.apply(specs(cycle))
    assert report.failed == ()
    assert report.after is not None
    assert report.after.pending == ()


def test_a_cycle_of_which_one_cant_even_be_begun_is_told_of_step_by_step(bench: Bench, specs: Any) -> None:
    plan = bench.plan(specs({"a": blueprint("b"), "b": blueprint("a"), "c": blueprint("b")}))
    bad = {"schema": {"properties": {"n": {"type": "string", "format": "nonsense"}}}}
    broken = [
        replace(change, after={**(change.after or {}), **bad}) if change.ref.identifier == "a" else change
        for change in plan.changes
    ]
    outcomes = apply_plan(replace(plan, changes=tuple(broken)), bench.writer())
    assert {outcome.change.ref.identifier: outcome.status for outcome in outcomes} == {
        "a": Status.FAILED,
        "b": Status.BLOCKED,
        "c": Status.BLOCKED,
    }


def test_nothing_is_deleted_when_a_write_failed(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"old": blueprint()}))
    report = bench.apply(specs({"new": blueprint(**BAD)}), prune=True)
    assert [(o.change.ref.identifier, o.status, o.message) for o in report.outcomes][1:] == [
        ("old", Status.BLOCKED, "nothing is deleted while a write failed: blueprint/new")
    ]
    assert Ref("blueprint", "old") in observe(bench.reader())


def test_what_failed_blocks_also_when_nobody_looks_between_the_steps(bench: Bench, specs: Any) -> None:
    plan = bench.plan(specs({"a": blueprint(**BAD), "b": blueprint("a"), "c": blueprint("b", "c")}))
    statuses = [outcome.status for outcome in list(apply_plan(plan, bench.writer()))]
    assert statuses == [Status.FAILED, Status.BLOCKED, Status.BLOCKED]


def test_a_refused_delete_is_an_outcome_and_stays_in_the_ledger(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"a": blueprint(), "b": blueprint()}))
    bench.send("POST", "/blueprints/a/entities", {"identifier": "e", "properties": {}})
    report = bench.apply(specs({"b": blueprint()}), prune=True)
    assert [(o.change.action, o.status) for o in report.outcomes] == [(Action.DELETE, Status.FAILED)]
    assert "delete the entities" in report.outcomes[0].message
    assert Ref("blueprint", "a") in ledger.entries(bench.reader())


def test_a_delete_of_what_is_gone_already_is_done(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"a": blueprint(), "b": blueprint()}))
    plan = bench.plan(specs({"b": blueprint()}), prune=True)
    bench.send("DELETE", "/blueprints/a")
    assert [outcome.status for outcome in apply_plan(plan, bench.writer())] == [Status.DONE]


# --- the ledger ---------------------------------------------------------------------------------------------------


def test_prune_deletes_only_what_was_applied_and_forgets_it(bench: Bench, specs: Any) -> None:
    bench.send("POST", "/blueprints", {"identifier": "theirs", "title": "T", "schema": {"properties": {}}})
    bench.apply(specs({"a": blueprint(), "b": blueprint("a")}, {"d": markdown()}))
    root = specs({"keep": blueprint()})
    assert "kept: blueprint/a, blueprint/b, dashboard/d" in bench.plan(root).notes[0]
    assert results(bench, root, prune=True) == dict.fromkeys(("keep", "d", "b", "a"), Status.DONE)
    assert {"keep", "theirs"} <= {ref.identifier for ref in observe(bench.reader())}
    assert ledger.entries(bench.reader()).keys() == {Ref("blueprint", "keep")}


PRUNED_CYCLES: dict[str, dict[str, Body]] = {
    **CYCLES,
    "an aggregation over the other's relation": {
        "a": blueprint("b"),
        "b": blueprint(aggregationProperties={"how_many": count("a")}),
    },
    "of two, and others before and behind": {
        "a": blueprint("b"),
        "b": blueprint("c", "d"),
        "c": blueprint("b"),
        "d": blueprint(),
        "e": blueprint("c", "a"),
    },
    "two cycles with one blueprint in common": {
        "a": blueprint("b", "c"),
        "b": blueprint("a"),
        "c": blueprint("a", aggregationProperties={"total": count("b")}),
    },
}


@pytest.mark.parametrize("blueprints", [pytest.param(value, id=key) for key, value in PRUNED_CYCLES.items()])
def test_blueprints_that_refer_to_each_other_are_pruned(blueprints: dict[str, Body], bench: Bench, specs: Any) -> None:
    assert bench.apply(specs({**blueprints, "keep": blueprint()})).failed == ()
    report = bench.apply(specs({"keep": blueprint()}), prune=True)
    assert [(o.change.ref.identifier, o.message) for o in report.failed] == []
    assert sorted(o.change.ref.identifier for o in report.outcomes) == sorted(blueprints)
    assert ledger.entries(bench.reader()).keys() == {Ref("blueprint", "keep")}


def test_a_pruned_cycle_that_holds_entities_is_left_whole_and_says_what_to_do(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"a": blueprint("b"), "b": blueprint("a"), "c": blueprint("a"), "keep": blueprint()}))
    bench.send("POST", "/blueprints/b/entities", {"identifier": "e", "properties": {}})
    bench.clear()
    report = bench.apply(specs({"keep": blueprint()}), prune=True)
    found = {o.change.ref.identifier: (o.status, o.message) for o in report.outcomes}
    why = "blueprint/a and blueprint/b refer to each other, and blueprint/b still has entities (1): delete the entities"
    assert {name: status for name, (status, _) in found.items()} == {
        "a": Status.FAILED,
        "b": Status.FAILED,
        "c": Status.DONE,
    }
    assert found["a"][1].startswith(why)
    assert not [entry for entry in bench.writes if entry[0] == "PUT"]
    bench.send("DELETE", "/blueprints/b/entities/e")
    assert bench.apply(specs({"keep": blueprint()}), prune=True).failed == ()


@pytest.mark.parametrize("polls", [0, 3])
def test_a_pruned_cycle_whose_members_are_named_goes_with_its_entities(
    polls: int, misbehaving: Callable[..., Bench], specs: Any
) -> None:
    bench = misbehaving(migration_polls=polls)
    bench.apply(specs({"a": blueprint("b"), "b": blueprint("a"), "keep": blueprint()}))
    for name in "ab":
        bench.send("POST", f"/blueprints/{name}/entities", {"identifier": "e", "properties": {}})
    bench.send("PATCH", "/blueprints/a/entities/e", {"relations": {"to_b": "e"}})
    # The other one's entities are to stay, so nothing is begun.
    bench.clear()
    refused = bench.apply(specs({"keep": blueprint()}), prune=True, allowed=("blueprint/b",))
    assert {outcome.status for outcome in refused.outcomes} == {Status.FAILED}
    assert not any("all-entities" in path or method == "PUT" for method, path, _ in bench.writes)
    names = ("blueprint/a", "blueprint/b")
    report = bench.apply(specs({"keep": blueprint()}), prune=True, allowed=names)
    assert {str(outcome.change.ref): outcome.status for outcome in report.outcomes} == dict.fromkeys(names, Status.DONE)
    assert ledger.entries(bench.reader()).keys() == {Ref("blueprint", "keep")}


def test_the_ledgers_own_blueprint_is_never_planned_pruned_or_imported(bench: Bench, specs: Any) -> None:
    root = specs({"a": blueprint()})
    bench.apply(root)
    plan = bench.plan(root, prune=True)
    assert [change.ref.identifier for change in plan.changes] == ["a"]
    assert LEDGER_BLUEPRINT not in {ref.identifier for ref in observe(bench.reader())}


def test_without_the_ledger_nothing_is_recorded_and_nothing_pruned(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"a": blueprint()}), use_ledger=False)
    bench.apply(specs({"b": blueprint()}), use_ledger=False, prune=True)
    assert not any(LEDGER_BLUEPRINT in path for _, path, _ in bench.log)
    assert {"a", "b"} <= {ref.identifier for ref in observe(bench.reader())}


def test_an_adopted_resource_is_managed_from_then_on(bench: Bench, specs: Any) -> None:
    body = {"identifier": "a", **blueprint()}
    bench.send("POST", "/blueprints", body)
    root = specs({"a": blueprint()})
    assert [(c.action, c.adopted) for c in bench.plan(root).changes] == [(Action.NOOP, True)]
    bench.apply(root)
    assert [(c.action, c.adopted) for c in bench.plan(root).changes] == [(Action.NOOP, False)]


def test_large_bodies_go_to_the_ledger_in_requests_that_port_takes(bench: Bench, specs: Any) -> None:
    pages = {f"d{number}": markdown(text="x" * 150_000) for number in range(8)}
    report = bench.apply(specs({}, pages))
    assert report.failed == ()
    assert len(ledger.entries(bench.reader())) == 8


def test_more_than_a_batch_of_resources_is_recorded_whole(bench: Bench, specs: Any) -> None:
    bench.apply(specs({f"b{number}": blueprint() for number in range(45)}))
    assert len(ledger.entries(bench.reader())) == 45
    bulks = [entry for entry in bench.log if entry[1].endswith("/entities/bulk")]
    assert len(bulks) == 3


@pytest.mark.parametrize("refused", [False, True])
def test_what_is_pruned_is_forgotten_in_bulks_or_else_one_by_one(server: Server, specs: Any, refused: bool) -> None:
    app = port_app()

    async def meddle(scope: Any, receive: Any, send: Any) -> None:
        if not (refused and scope["path"].endswith("/bulk/entities/delete")):
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"ok": false, "error": "not_found"}'})

    bench = server.serve(app, meddle)
    bench.apply(specs({f"b{number}": blueprint() for number in range(12)}))
    bench.clear()
    assert bench.apply(specs({"keep": blueprint()}), prune=True).failed == ()
    assert ledger.entries(bench.reader()).keys() == {Ref("blueprint", "keep")}
    forgotten = [path for method, path, _ in bench.writes if method == "DELETE" and "/entities/blueprint" in path]
    assert len(forgotten) == (12 if refused else 0)


@pytest.fixture
def odd_ledger(bench: Bench) -> Bench:
    """A Port whose ledger somebody changed so that no entry fits."""
    schema = {"properties": {"more": {"type": "string"}}, "required": ["more"]}
    bench.send("POST", "/blueprints", {"identifier": LEDGER_BLUEPRINT, "title": "L", "schema": schema})
    return bench


def test_a_ledger_that_refuses_entries_stops_an_apply_before_it_writes(odd_ledger: Bench, specs: Any) -> None:
    with pytest.raises(ApiError):
        odd_ledger.apply(specs({"a": blueprint()}))
    assert Ref("blueprint", "a") not in observe(odd_ledger.reader())


def test_a_ledger_that_cant_be_written_is_partial_and_the_next_apply_mends_it(bench: Bench, specs: Any) -> None:
    root = specs({"a": blueprint()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "ENTITIES", "/blueprints/nowhere/entities")
        [problem] = bench.apply(root).problems
        assert problem.startswith("1 change(s) were written, but not into portcfg's ledger")
    assert bench.apply(root).outcomes == ()
    assert ledger.entries(bench.reader()).keys() == {Ref("blueprint", "a")}


def test_another_projects_resources_are_neither_pruned_nor_counted_as_managed(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"theirs": blueprint()}, name="them"))
    mine = specs({"mine": blueprint()}, name="us")
    plan = bench.plan(mine, prune=True)
    assert [(change.action, change.ref.identifier) for change in plan.changes] == [(Action.CREATE, "mine")]
    assert (bench.plan(mine).notes, plan.stale) == ((), ())
    bench.apply(mine, prune=True)
    assert {ref.identifier: entry.owner.project for ref, entry in ledger.entries(bench.reader()).items()} == {
        "theirs": "them",
        "mine": "us",
    }


def test_another_environments_resources_are_not_pruned(bench: Bench, specs: Any) -> None:
    environments: Body = {"environments": {"prod": {}}}
    bench.apply(specs({"a": blueprint()}, **environments), environment="prod")
    root = specs({"b": blueprint()}, **environments)
    assert bench.plan(root, prune=True).count(Action.DELETE) == 0
    assert bench.plan(root, environment="prod", prune=True).count(Action.DELETE) == 1


def test_a_resource_of_another_project_stops_the_plan_and_both_are_named(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"a": blueprint()}, name="them"))
    bench.clear()
    root = specs({"a": blueprint(title="Mine")}, name="us", environments={"prod": None})
    with pytest.raises(InvalidSpecsError) as caught:
        bench.apply(root, environment="prod")
    (problem,) = caught.value.problems
    assert (problem.id, Path(problem.file).name) == ("PC803", "a.yaml")
    assert "project 'them' (no --env)" in problem.message
    assert "project 'us' (environment 'prod')" in problem.message
    assert bench.writes == []


def test_what_another_project_had_and_is_gone_may_be_made_anew(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"a": blueprint()}, name="them"))
    bench.send("DELETE", "/blueprints/a")
    assert bench.apply(specs({"a": blueprint()}, name="us")).failed == ()
    assert [entry.owner.project for entry in ledger.entries(bench.reader()).values()] == ["us"]


def test_a_ledger_from_before_projects_is_extended_and_its_entries_are_the_default_projects(
    bench: Bench, specs: Any
) -> None:
    older = {key: value for key, value in ledger.BLUEPRINT_BODY["schema"]["properties"].items() if key != "project"}
    schema = {**ledger.BLUEPRINT_BODY["schema"], "properties": older}
    bench.send("POST", "/blueprints", {**ledger.BLUEPRINT_BODY, "schema": schema})
    bench.send("POST", "/blueprints", {"identifier": "old", **blueprint()})
    properties = {"kind": "blueprint", "resource": "old"}
    bench.send("POST", f"/blueprints/{LEDGER_BLUEPRINT}/entities", {"identifier": "x", "properties": properties})
    bench.apply(specs({"new": blueprint()}))
    assert {str(entry.owner) for entry in ledger.entries(bench.reader()).values()} == {"project 'default' (no --env)"}


def test_the_ledger_forgets_what_is_gone_from_port_so_that_a_successor_isnt_pruned(bench: Bench, specs: Any) -> None:
    bench.apply(specs({"a": blueprint(), "b": blueprint()}))
    bench.send("DELETE", "/blueprints/a")
    bench.apply(specs({"b": blueprint(title="New")}))
    bench.send("POST", "/blueprints", {"identifier": "a", **blueprint()})
    assert bench.plan(specs({"b": blueprint(title="New")}), prune=True).pending == ()


def test_with_nothing_to_do_only_a_prune_forgets_and_only_once(bench: Bench, specs: Any) -> None:
    root = specs({"a": blueprint(), "b": blueprint()})
    bench.apply(root)
    bench.send("DELETE", "/blueprints/a")
    (root / "blueprints/a.yaml").unlink()
    bench.clear()
    bench.apply(root)
    assert bench.writes == []
    bench.apply(root, prune=True)
    # Under the lock, which is taken and given back.
    ends = [(method, path.split("/")[-1]) for method, path, _ in bench.writes]
    assert ends == [("POST", "entities"), ("DELETE", "a"), ("DELETE", "apply")]
    assert ledger.entries(bench.reader()).keys() == {Ref("blueprint", "b")}
    bench.clear()
    bench.apply(root, prune=True)
    assert bench.writes == []


# --- what the spec doesn't manage ---------------------------------------------------------------------------------


def test_a_write_carries_along_what_the_spec_doesnt_name(bench: Bench, specs: Any) -> None:
    live = {
        "identifier": "a",
        **blueprint("a", aggregationProperties={"total": count("a")}),
        "includeInGlobalSearch": True,
        "future": {"x": 1},
    }
    live["schema"] = {"properties": {"n": {**NUMBER, "future": 2}}}
    bench.send("POST", "/blueprints", {"identifier": "a", **blueprint()})
    bench.send("PUT", "/blueprints/a", live)
    report = bench.apply(specs({"a": blueprint("a", title="New")}))
    assert (report.failed, report.after and report.after.pending) == ((), ())
    after = bench.send("GET", "/blueprints/a")["blueprint"]
    assert after["title"] == "New"
    assert (after["future"], after["includeInGlobalSearch"]) == ({"x": 1}, True)
    assert after["schema"]["properties"]["n"]["future"] == 2
    assert list(after["aggregationProperties"]) == ["total"]


@pytest.mark.parametrize("kind, path", [("blueprints", "/blueprints/a"), ("dashboards", "/pages/a")])
def test_texts_that_somebody_added_in_port_are_removed(kind: str, path: str, bench: Bench, specs: Any) -> None:
    spec = {"blueprints": blueprint(), "dashboards": {"title": "T", **markdown()}}[kind]
    root = specs(**{kind: {"a": spec}})
    bench.apply(root)
    live = bench.send("GET", path)
    body = next(value for value in live.values() if isinstance(value, dict))
    bench.send("PUT", path, {**body, "icon": "Git", "description": "By hand"})
    assert [field.path for field in bench.plan(root).changes[0].fields] == [("description",), ("icon",)]
    report = bench.apply(root)
    assert (report.failed, report.after and report.after.pending) == ((), ())


def test_a_relation_removed_in_port_comes_back(bench: Bench, specs: Any) -> None:
    root = specs({"a": blueprint(), "b": blueprint("a")})
    bench.apply(root)
    bench.send("PUT", "/blueprints/b", {"title": "T", "schema": {"properties": {"n": NUMBER}}})
    assert bench.plan(root).count(Action.UPDATE) == 1
    assert bench.apply(root).after == replace(bench.plan(root))
    assert list(bench.send("GET", "/blueprints/b")["blueprint"]["relations"]) == ["to_a"]


def test_ports_own_blueprint_is_only_extended_and_only_by_patch(bench: Bench, specs: Any) -> None:
    before = bench.send("GET", "/blueprints/_user")["blueprint"]
    bench.clear()
    extension = {"schema": {"properties": {"seat": {"type": "boolean"}}}, "relations": {"a": {"target": "a"}}}
    root = specs({"_user": extension, "a": blueprint("_user")})
    report = bench.apply(root)
    assert (report.failed, report.after and report.after.pending) == ((), ())
    touched = {entry[0] for entry in bench.writes if entry[1].endswith("/_user")}
    assert touched == {"PATCH"}
    after = bench.send("GET", "/blueprints/_user")["blueprint"]
    assert after["schema"]["properties"] == {**before["schema"]["properties"], "seat": {"type": "boolean"}}
    assert after["schema"].get("required") == before["schema"].get("required")
    assert after["title"] == before["title"]
    assert bench.plan(specs({"a": blueprint("_user")}), prune=True).count(Action.DELETE) == 0


def test_ports_own_blueprint_that_this_port_hasnt_got_stops_the_plan(bench: Bench, specs: Any) -> None:
    with pytest.raises(InvalidSpecsError) as caught:
        bench.plan(specs({"_nothing": {"schema": {"properties": {"x": NUMBER}}}}))
    assert [(problem.id, Path(problem.file).name) for problem in caught.value.problems] == [("PC802", "_nothing.yaml")]


# --- external -----------------------------------------------------------------------------------------------------

COMMIT = blueprint("service", "a", mirrorProperties={"m": {"path": "to_service.n"}, "k": {"path": "to_a.n"}})
COMMIT["aggregationProperties"] = {"services": count("service"), "as": count("a")}


def test_a_missing_external_is_found_before_anything_is_written(bench: Bench, specs: Any) -> None:
    root = specs({"a": blueprint(), "commit": COMMIT}, external={"service": None})
    with pytest.raises(InvalidSpecsError) as caught:
        bench.apply(root)
    (problem,) = caught.value.problems
    assert (problem.id, Path(problem.file).name) == ("PC801", "commit.yaml")
    assert "external.blueprints.service.missing: skip" in problem.hint
    assert bench.writes == []


def test_a_missing_external_may_be_skipped_with_all_that_needs_it(bench: Bench, specs: Any) -> None:
    root = specs({"a": blueprint(), "commit": COMMIT}, external={"service": {"missing": "skip"}})
    plan = bench.plan(root)
    change = next(change for change in plan.changes if change.ref.identifier == "commit")
    assert change.after is not None
    sections = ("relations", "mirrorProperties", "aggregationProperties")
    assert [list(change.after[section]) for section in sections] == [["to_a"], ["k"], ["as"]]
    assert change.notes == (
        "left out, since Port has no blueprint 'service' (missing: skip): "
        "relations.to_service, mirrorProperties.m, aggregationProperties.services",
    )
    assert bench.apply(root).failed == ()


def test_ownership_over_a_skipped_relation_is_left_out_too(bench: Bench, specs: Any) -> None:
    body = blueprint("service", ownership={"type": "Inherited", "path": "to_service.owner"})
    root = specs({"a": body}, external={"service": {"missing": "skip"}})
    (change,) = bench.plan(root).changes
    assert change.notes[0].endswith("(missing: skip): relations.to_service, ownership")
    report = bench.apply(root)
    assert (report.failed, report.after and report.after.pending) == ((), ())
    assert "ownership" not in bench.send("GET", "/blueprints/a")["blueprint"]


def test_what_only_reads_a_skipped_blueprint_is_written_with_a_note(bench: Bench, specs: Any) -> None:
    page = {"widgets": {"w": {"type": "number", "blueprint": "service", "count": "entities"}}}
    root = specs({"a": blueprint()}, {"page": page}, external={"service": {"missing": "skip"}})
    notes = {change.ref.identifier: change.notes for change in bench.plan(root).changes}
    wanted = "refers to the blueprint 'service', which Port doesn't have: nothing shows of it until it does"
    assert notes == {"a": (), "page": (f"{wanted} (missing: skip)",)}
    assert bench.apply(root).failed == ()


def test_an_external_that_comes_later_is_related_then(bench: Bench, specs: Any) -> None:
    root = specs({"a": blueprint(), "commit": COMMIT}, external={"service": {"missing": "skip"}})
    bench.apply(root)
    bench.send("POST", "/blueprints", {"identifier": "service", **blueprint()})
    report = bench.apply(root)
    assert (report.failed, report.after and report.after.pending) == ((), ())
    assert "to_service" in bench.send("GET", "/blueprints/commit")["blueprint"]["relations"]


# --- a Port that misbehaves ---------------------------------------------------------------------------------------


def test_a_port_that_answers_html_is_named_and_nothing_is_written(misbehaving: Any, specs: Any) -> None:
    with pytest.raises(AnswerError, match="text/html") as caught:
        misbehaving(html=True).apply(specs({"a": blueprint()}))
    assert "PORT_BASE_URL" in caught.value.hint
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param({"too_many": 0.3, "burst": 2}, id="429 in bursts"),
        pytest.param({"too_many": 0.3, "reset_as_epoch": True}, id="429 with an epoch"),
        pytest.param({"server_errors": 0.3}, id="5xx"),
        pytest.param({"drops": 0.3}, id="cut connections"),
        pytest.param({"too_many": 0.15, "server_errors": 0.15, "drops": 0.15, "shuffle": True}, id="all of it"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_faults_are_outlasted(switches: Body, seed: int, misbehaving: Any, specs: Any) -> None:
    bench = misbehaving(**switches, seed=seed)
    root = specs({"a": blueprint("b"), "b": blueprint("a", **TOTAL_A), "c": blueprint("a")}, {"d": markdown()})
    report = bench.apply(root)
    assert [(outcome.change.ref.identifier, outcome.message) for outcome in report.failed] == []
    assert report.after is not None
    assert report.after.pending == ()
    assert any(status >= 400 for _, _, status in bench.log) or "drops" in switches


TOTAL_A = {"aggregationProperties": {"total": count("a")}}


def test_a_create_whose_answer_was_lost_finds_its_own_work(misbehaving: Any, specs: Any) -> None:
    found = set()
    for seed in range(8):
        bench = misbehaving(drops=0.4, seed=seed)
        assert bench.apply(specs({"a": blueprint("a")}, {"d": markdown()})).failed == ()
        found |= {path for method, path, status in bench.log if (method, status) == ("POST", 409)}
    assert found >= {"/v1/blueprints", "/v1/pages"}


@pytest.mark.parametrize("targets", [pytest.param((), id="in one go"), pytest.param(("a",), id="in stages")])
def test_what_somebody_else_created_meanwhile_is_not_written_over(
    targets: tuple[str, ...], bench: Bench, specs: Any
) -> None:
    plan = bench.plan(specs({"a": blueprint(*targets, title="Ours")}))
    bench.send("POST", "/blueprints", {"identifier": "a", **blueprint(title="Theirs", icon="Git")})
    (outcome,) = apply_plan(plan, bench.writer())
    assert outcome.status is Status.FAILED
    assert "is in Port since the plan, otherwise than the specs say; plan again" in outcome.message
    live = bench.send("GET", "/blueprints/a")["blueprint"]
    assert (live["title"], live["icon"]) == ("Theirs", "Git")


def test_a_page_of_another_type_is_not_written_over(bench: Bench, specs: Any) -> None:
    table = {"id": "t", "type": "table-entities-explorer", "title": "T"}
    rules = [{"property": "$blueprint", "operator": "=", "value": "_user"}]
    page = {"identifier": "d", "title": "Theirs", "type": "blueprint-entities", "blueprint": "_user"}
    root = specs({}, {"d": markdown()})
    plan = bench.plan(root)
    dataset = {"combinator": "and", "rules": rules}
    bench.send("POST", "/pages", {**page, "widgets": [{**table, "dataset": dataset}]})
    assert [outcome.status for outcome in apply_plan(plan, bench.writer())] == [Status.FAILED]
    with pytest.raises(InvalidSpecsError) as caught:
        bench.plan(root)
    assert [problem.id for problem in caught.value.problems] == ["PC806"]
    assert bench.send("GET", "/pages/d")["page"]["title"] == "Theirs"


def test_a_token_that_expires_on_the_way_is_renewed(server: Server) -> None:
    now = [1_000_000.0]
    bench = server.bench(clock=lambda: now[0])
    # The client believes in its token, and Port doesn't any more.
    port = PortReader(bench.url, CREDENTIALS, replace(PATIENT, wall=lambda: 0.0))
    port.get("/blueprints")
    now[0] += 4000
    assert port.get("/blueprints")["ok"]
    assert [status for _, path, status in bench.log if path == "/v1/blueprints"] == [200, 401, 200]


def test_a_netrc_entry_for_ports_host_doesnt_replace_the_token(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    bench.reader().get("/blueprints")
    assert [status for _, _, status in bench.log] == [200, 200]


def test_wrong_credentials_are_asked_for_twice_at_most(bench: Bench) -> None:
    port = PortReader(bench.url, replace(CREDENTIALS, client_secret="wrong"), PATIENT)
    with pytest.raises(Exception, match="401") as caught:
        port.get("/blueprints")
    assert "PORT_CLIENT_SECRET" in str(getattr(caught.value, "hint", ""))
    assert len(bench.log) <= 2


# --- widgets and identifiers --------------------------------------------------------------------------------------


def test_widgets_without_an_id_keep_the_one_they_are_given(bench: Bench, specs: Any) -> None:
    widgets = [
        {"type": "markdown", "title": "Hi", "markdown": "a"},
        {"type": "markdown", "title": "Hi", "markdown": "b"},
    ]
    group = {"type": "grouper", "displayMode": "tabs", "groups": [{"title": "G", "widgets": widgets}]}
    root = specs({}, {"d": {"title": "D", "type": "dashboard", "widgets": [group]}})
    report = bench.apply(root)
    assert (report.failed, report.after and report.after.pending) == ((), ())
    page = bench.send("GET", "/pages/d")["page"]
    assert [widget["id"] for widget in page["widgets"][0]["groups"][0]["widgets"]] == ["hi", "hi-2"]


def test_a_widget_of_ports_own_in_the_short_form_has_its_keys_id(bench: Bench, specs: Any) -> None:
    own = {"id": "other", "type": "markdown", "title": "T", "markdown": "x"}
    report = bench.apply(specs({}, {"d": {"widgets": {"mine": own}}}))
    assert report.failed == ()
    (root,) = bench.send("GET", "/pages/d")["page"]["widgets"]
    assert (root["widgets"][0]["id"], root["layout"][0]["columns"][0]["id"]) == ("mine", "mine")


HOSTILE = "a\nb \x1b[31m @everyone <script> | `x` ${vars.x} {{x}} 'q' \"q\" \\ 😀 \u202e"


def test_hostile_texts_arrive_as_they_were_written(bench: Bench, tmp_path: Path) -> None:
    spec = {"title": HOSTILE.replace("${", "$${"), "schema": {"properties": {}}}
    root = write_files(tmp_path / "specs", {"blueprints/a.json": json.dumps(spec)})
    report = bench.apply(root)
    assert (report.failed, report.after and report.after.pending) == ((), ())
    assert bench.send("GET", "/blueprints/a")["blueprint"]["title"] == HOSTILE


@pytest.mark.parametrize("identifier", ["a/b", "a:b@c", "ünï", "a+b", "a\\b", "x.yaml"])
def test_identifiers_that_need_encoding_in_a_path(identifier: str, bench: Bench, specs: Any) -> None:
    root = specs({"one": {"identifier": identifier, **blueprint()}})
    bench.apply(root)
    other = specs({"one": {"identifier": identifier, **blueprint(), "title": "New"}})
    report = bench.apply(other)
    assert (report.failed, report.after and report.after.pending) == ((), ())
    assert results(bench, specs({"two": blueprint()}), prune=True) == {"two": Status.DONE, identifier: Status.DONE}


def test_every_step_has_one_outcome(bench: Bench, specs: Any) -> None:
    root = specs(
        {"a": blueprint("b", **BAD), "b": blueprint("a"), "c": blueprint("b"), "d": blueprint()}, {"e": markdown()}
    )
    plan = bench.plan(root)
    told: list[Change] = [outcome.change for outcome in apply_plan(plan, bench.writer())]
    assert sorted(change.ref for change in told) == sorted(change.ref for change in plan.pending)


def test_what_was_begun_and_failed_is_managed(bench: Bench, specs: Any) -> None:
    broken = {
        "calculationProperties": {"sum": {"type": "number", "calculation": "def f: .properties.nothing_like_this; f"}}
    }
    root = specs({"a": blueprint("b", **broken), "b": blueprint("a")})
    report = bench.apply(root)
    assert "a" in [outcome.change.ref.identifier for outcome in report.failed]
    assert Ref("blueprint", "a") in observe(bench.reader())
    assert Ref("blueprint", "a") in ledger.entries(bench.reader())
    [left] = [change for change in bench.plan(root).changes if change.ref.identifier == "a"]
    assert not left.adopted
