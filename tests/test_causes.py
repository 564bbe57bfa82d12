"""The three-way table: live, applied, desired -> whose change it is."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from portcfg import ledger
from portcfg.causes import labelled, path_key
from portcfg.diff import field_changes
from portcfg.model import Applied, Body, Cause, Outcome, Ref, Status
from portcfg.pipeline import _added_by_port, plan_specs, read_specs
from tests.support import Bench, write_files

A, B, C = "a", "b", "c"


@pytest.mark.parametrize(
    ("live", "applied", "desired", "cause"),
    [
        pytest.param({"x": A}, {"x": A}, {"x": B}, Cause.SPEC, id="the spec changed a value"),
        pytest.param({}, {}, {"x": B}, Cause.SPEC, id="the spec added a key"),
        pytest.param({"x": A}, {"x": A}, {}, Cause.SPEC, id="the spec removed a key"),
        pytest.param({"x": B}, {"x": A}, {"x": A}, Cause.DRIFT, id="Port changed a value"),
        pytest.param({"x": B}, {}, {}, Cause.DRIFT, id="Port added a key"),
        pytest.param({}, {"x": A}, {"x": A}, Cause.DRIFT, id="Port removed a key"),
        pytest.param({"x": B}, {"x": A}, {"x": C}, Cause.CONFLICT, id="both changed it"),
        pytest.param({"x": B}, {"x": A}, {}, Cause.CONFLICT, id="changed here, removed there"),
        pytest.param({}, {"x": A}, {"x": B}, Cause.CONFLICT, id="removed here, changed there"),
        pytest.param({"x": 1.0}, {"x": 1}, {"x": 2}, Cause.SPEC, id="1 is 1.0"),
        pytest.param({"x": True}, {"x": 1}, {"x": 2}, Cause.CONFLICT, id="1 is not true"),
        pytest.param({"x": [A, B]}, {"x": [A]}, {"x": [A]}, Cause.DRIFT, id="inside a list"),
        pytest.param({"x": {"y": B}}, {"x": {"y": A}}, {"x": {"y": A}}, Cause.DRIFT, id="further down"),
        pytest.param({"x": {"y": A}}, {"x": None}, {"x": {"y": B}}, Cause.CONFLICT, id="another shape was applied"),
    ],
)
def test_cause(live: Body, applied: Body, desired: Body, cause: Cause) -> None:
    fields = labelled(field_changes(live, desired), Applied(applied), applied)
    assert {field.cause for field in fields} == {cause}


@pytest.mark.parametrize(
    ("value", "cause"),
    [pytest.param(A, Cause.SERVER, id="as Port filled it in"), pytest.param(B, Cause.DRIFT, id="changed since")],
)
def test_what_port_filled_in_is_told_from_what_somebody_did(value: str, cause: Cause) -> None:
    applied = Applied({}, {path_key(("x",)): A})
    assert [field.cause for field in labelled(field_changes({"x": value}, {}), applied, {})] == [cause]


def test_without_a_ledger_nothing_is_claimed() -> None:
    assert [field.cause for field in labelled(field_changes({"x": A}, {}), None, None)] == [Cause.SPEC]


def test_what_port_adds_to_our_own_write_is_left_alone_from_then_on(bench: Bench, tmp_path: Any) -> None:
    body = "title: Thing\nschema: {properties: {a: {type: string}}}\nrelations: {}\n"
    root = write_files(tmp_path / "specs", {"blueprints/thing.yaml": body})
    bench.apply(root)
    # As if Port had filled in an icon while it took the write.
    bench.send("PATCH", "/blueprints/thing", {"icon": "Box"})
    specs = read_specs(root)
    with closing(bench.writer()) as port:
        plan = plan_specs(specs, port)
        [(resource, paths)] = _added_by_port([Outcome(plan.changes[0], Status.DONE)], plan)
        ledger.record(
            port, [resource], ledger.Stamp(specs.project.owner, "2026-03-02T00:00:00Z"), {resource.ref: paths}
        )
        settled = plan_specs(specs, port)
        assert settled.pending == ()
        assert [field.cause for field in settled.changes[0].fields] == [Cause.SERVER]
        assert settled.changes[0].ref == Ref("blueprint", "thing")
    bench.send("PATCH", "/blueprints/thing", {"icon": "Star"})
    assert [field.cause for field in bench.plan(root).changes[0].fields] == [Cause.DRIFT]
