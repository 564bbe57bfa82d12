"""The laws of apply, over an embedded Port: it ends where the plan says, and does nothing twice."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portcfg.importer import importable, spec_file, spec_text
from portcfg.kinds import KINDS
from portcfg.model import Body, Status
from portcfg.observe import observe
from portcfg.yamlread import dump
from tests.strategies import specs
from tests.support import REPOSITORY, Bench, Server, write_files

LAWS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Specs = Sequence[tuple[str, Body]]


@contextmanager
def fresh(server: Server) -> Iterator[tuple[Bench, Path]]:
    """A new Port and an empty folder; hypothesis needs both anew for each example."""
    with TemporaryDirectory() as folder:
        yield server.bench(), Path(folder)


def folder_of(root: Path, resources: Specs) -> Path:
    files = {f"{folder}/{number}.yaml": dump(_escaped(body)) for number, (folder, body) in enumerate(resources)}
    return write_files(root, files)


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _escaped(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_escaped(part) for part in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def shuffled(value: Any, dice: random.Random) -> Any:
    """The same specs with every mapping's keys, and lists that mean sets, in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(part, dice)) for key, part in value.items()]
        mixed = dict(dice.sample(items, len(items)))
        if isinstance(mixed.get("required"), list):
            mixed["required"] = dice.sample(mixed["required"], len(mixed["required"]))
        return mixed
    return [shuffled(part, dice) for part in value] if isinstance(value, list) else value


def everything_named(resources: Specs) -> Specs:
    """The specs, with all that a blueprint has.

    What specs don't name of these is somebody else's, and may hold on to a relation that is to go.
    """
    all_of_it: Body = {"aggregationProperties": {}, "ownership": {"type": "Direct"}}
    return [(folder, {**all_of_it, **body} if folder == "blueprints" else body) for folder, body in resources]


def texts(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in root.rglob("*.yaml")}


def import_all(bench: Bench, root: Path) -> Path:
    """`portcfg import` into a new folder."""
    taken: set[Path] = set()
    for resource in importable(observe(bench.reader()), KINDS, ()):
        path = spec_file(root, resource.ref, taken)
        taken.add(path)
        write_files(path.parent, {path.name: spec_text(resource)})
    return root


def assert_applied(bench: Bench, root: Path) -> None:
    """Apply; everything is done, the fresh plan is empty, and a second apply writes nothing at all."""
    report = bench.apply(root)
    assert [(outcome.change.ref, outcome.message) for outcome in report.failed] == []
    assert report.after is not None
    assert [(change.ref, change.fields) for change in report.after.pending] == []
    bench.clear()
    again = bench.apply(root)
    assert (again.outcomes, bench.writes) == ((), [])


@LAWS
@given(specs())
def test_apply_then_the_plan_is_empty_and_a_second_apply_writes_nothing(server: Server, resources: Specs) -> None:
    with fresh(server) as (bench, root):
        assert_applied(bench, folder_of(root, resources))


@LAWS
@given(specs(), st.integers())
def test_the_order_of_files_keys_and_sets_doesnt_matter(server: Server, resources: Specs, seed: int) -> None:
    dice = random.Random(seed)
    mixed = [(folder, shuffled(body, dice)) for folder, body in dice.sample(list(resources), len(resources))]
    with fresh(server) as (bench, root):
        one, two = folder_of(root / "one", resources), folder_of(root / "two", mixed)
        steps = [[(change.action, change.ref) for change in bench.plan(path).changes] for path in (one, two)]
        assert steps[0] == steps[1]
        bench.apply(one)
        assert bench.plan(two).pending == ()


@LAWS
@given(specs())
def test_import_then_the_plan_is_empty(server: Server, resources: Specs) -> None:
    with fresh(server) as (bench, root):
        bench.apply(folder_of(root / "specs", resources), use_ledger=False)
        imported = import_all(bench, root / "imported")
        plan = bench.plan(imported)
        assert [(change.action, change.ref, change.fields) for change in plan.pending] == []
        assert len(plan.changes) == len(resources)
        bench.clear()
        bench.apply(imported)
        assert [
            path for _, path, _ in bench.writes if "portcfg_resource" not in path and path != "/v1/blueprints"
        ] == []
        assert texts(import_all(bench, root / "again")) == texts(imported)


@LAWS
@given(specs(), specs())
def test_any_specs_over_any_others_end_with_an_empty_plan(server: Server, first: Specs, second: Specs) -> None:
    named = everything_named(second)
    with fresh(server) as (bench, root):
        bench.apply(folder_of(root / "first", first))
        assert_applied(bench, folder_of(root / "second", named))


@LAWS
@given(specs())
def test_what_is_unmanaged_is_never_written(server: Server, resources: Specs) -> None:
    with fresh(server) as (bench, root):
        theirs = {"identifier": "theirs", "title": "T", "schema": {"properties": {}}}
        bench.send("POST", "/blueprints", theirs)
        before = bench.send("GET", "/blueprints/theirs")
        bench.apply(folder_of(root / "specs", resources), prune=True)
        only = write_files(root / "only", {"blueprints/only.yaml": "title: O\nschema: {properties: {}}"})
        bench.apply(only, prune=True)
        assert bench.send("GET", "/blueprints/theirs") == before


def test_the_shipped_specs_applied_imported_and_pruned(bench: Bench, tmp_path: Path) -> None:
    assert_applied(bench, REPOSITORY / "specs")
    imported = import_all(bench, tmp_path / "imported")
    write_files(imported, {"portcfg.yaml": (REPOSITORY / "specs" / "portcfg.yaml").read_text(encoding="utf-8")})
    assert bench.plan(imported).pending == ()
    only = write_files(tmp_path / "only", {"blueprints/only.yaml": "title: O\nschema: {properties: {}}"})
    report = bench.apply(only, prune=True)
    assert {outcome.status for outcome in report.outcomes} == {Status.DONE}
    assert {ref.identifier for ref in observe(bench.reader()) if not ref.identifier.startswith("_")} == {"only"}


def test_all_specs_deleted_is_refused_and_not_taken_for_a_wish_to_prune(bench: Bench, tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", {"blueprints/a.yaml": "title: A\nschema: {properties: {}}"})
    bench.apply(root)
    (root / "blueprints" / "a.yaml").unlink()
    with pytest.raises(Exception, match="1 problem"):
        bench.plan(root, prune=True)
