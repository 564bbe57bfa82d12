"""Plans without a network or credentials: against the base branch's specs, and against a snapshot."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings

from portcfg.cli.main import main
from portcfg.model import Action, Cause, Plan
from portcfg.offline import offline_plan
from portcfg.pipeline import Options, read_specs
from portcfg.render.plan import plan_text
from tests.strategies import specs
from tests.support import REPOSITORY, Bench, Server, write_files
from tests.test_flow import Specs, everything_named, folder_of, fresh

SERVICE = """
title: Service
schema: {properties: {tier: {type: string, enum: [gold, silver]}}}
relations: {owner: {target: team_of_port}, who: {target: _user}}
"""
PROJECT = (
    "version: 1\nexternal: {blueprints: {team_of_port: {}}, folders: {engineering: {}}, dashboards: {handbook: {}}}\n"
)
PAGE = "title: {title}\nparent: engineering\nafter: {after}\nrows: []\nwidgets: {{}}\n"
BASE = {
    "portcfg.yaml": PROJECT,
    "blueprints/service.yaml": SERVICE,
    "dashboards/first.yaml": PAGE.format(title="First", after="handbook"),
    "dashboards/second.yaml": PAGE.format(title="Second", after="first"),
}


def test_a_branch_that_changes_nothing_has_an_empty_plan(tmp_path: Path) -> None:
    base, head = write_files(tmp_path / "base", BASE), write_files(tmp_path / "head", BASE)
    plan, compared_with = offline_plan(read_specs(head), Options(), base=base)
    assert [change.ref for change in plan.pending] == []
    assert compared_with == "base"
    assert "as if Port held what they say" in plan.notes[0]


@pytest.mark.parametrize("folder", ["specs"])
def test_the_shipped_specs_are_as_they_are(folder: str, tmp_path: Path) -> None:
    base = Path(shutil.copytree(REPOSITORY / folder, tmp_path / "base"))
    plan, _ = offline_plan(read_specs(REPOSITORY / folder), Options(), base=base)
    assert plan.changes and not plan.pending


def test_what_a_branch_changes_is_its_own_doing(tmp_path: Path) -> None:
    head = {**BASE, "blueprints/service.yaml": SERVICE.replace("title: Service", "title: A service")}
    head["blueprints/added.yaml"] = "title: Added\nschema: {properties: {}}\n"
    del head["dashboards/second.yaml"]
    plan, _ = offline_plan(
        read_specs(write_files(tmp_path / "head", head)),
        Options(prune=True),
        base=write_files(tmp_path / "base", BASE),
    )
    steps = {str(change.ref): change.action for change in plan.pending}
    assert steps == {
        "blueprint/added": Action.CREATE,
        "blueprint/service": Action.UPDATE,
        "dashboard/second": Action.DELETE,
    }
    assert {field.cause for change in plan.pending for field in change.fields} == {"spec"}


def test_numbers_of_entities_are_unknown_and_nothing_is_taken_for_harmless(tmp_path: Path) -> None:
    head = {**BASE, "blueprints/service.yaml": SERVICE.replace("tier", "level")}
    plan, _ = offline_plan(
        read_specs(write_files(tmp_path / "head", head)), Options(), base=write_files(tmp_path / "base", BASE)
    )
    (change,) = plan.pending
    assert change.risk == "destructive"
    assert [impact["entities"] for impact in change.impacts] == [None]
    assert "? entities" in change.impacts[0]["reason"]


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ({}, "there is no such folder"),
        ({"readme.txt": ""}, "there are no specs here"),
        ({"blueprints/service.yaml": "title: [\n"}, "base/blueprints/service.yaml:2:1"),
        ({"blueprints/service.yaml": "titel: x\ncolour: red\n"}, "unknown key 'titel', and "),
    ],
)
def test_a_base_that_is_broken_or_missing_counts_as_empty_and_is_named(
    base: dict[str, str], why: str, tmp_path: Path
) -> None:
    head = write_files(tmp_path / "head", BASE)
    plan, _ = offline_plan(read_specs(head), Options(), base=write_files(tmp_path / "base", base))
    assert {change.action for change in plan.changes} == {Action.CREATE}
    assert "everything counts as new" in plan.notes[0]
    assert why in plan.notes[0]


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Bench) -> dict[str, str]:
    """A Port with the base's blueprint applied, and the folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path / "specs", {"blueprints/service.yaml": "title: Service\nschema: {properties: {}}\n"})
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    assert run(env, "apply", "--auto-approve").exit_code == 0
    assert run(env, "snapshot", "--out", "s.json").exit_code == 0
    return env


def run(env: dict[str, str], *args: str) -> Result:
    return CliRunner().invoke(main, list(args), env=env)


def test_a_plan_against_a_snapshot_needs_nothing_of_the_environment(env: dict[str, str], bench: Bench) -> None:
    write_files(Path("specs"), {"blueprints/service.yaml": "title: A service\nschema: {properties: {}}\n"})
    online = run(env, "plan")
    bench.clear()
    portcfg = [sys.executable, "-m", "portcfg", "plan", "--against", "s.json", "--detailed-exitcode"]
    done = subprocess.run(["env", "-i", *portcfg], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("note: compared with a snapshot")]
    assert lines == online.stdout.splitlines()
    assert done.returncode == 2
    assert bench.log == []


def test_the_file_is_its_owners_and_an_unchanged_one_is_left(
    env: dict[str, str], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path("s.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_text()
    monkeypatch.setattr("portcfg.cli.snapshot.utc_now", lambda: datetime.now(UTC) + timedelta(hours=20))
    again = run(env, "snapshot", "--out", "s.json")
    assert "left as it is" in again.stderr
    assert file.read_text() == before
    monkeypatch.setattr("portcfg.cli.snapshot.utc_now", lambda: datetime.now(UTC) + timedelta(hours=30))
    assert "wrote s.json" in run(env, "snapshot", "--out", "s.json").stderr
    assert file.read_text() != before
    before = file.read_text()
    bench.send("PATCH", "/blueprints/service", {"title": "Mine"})
    assert "wrote s.json" in run(env, "snapshot", "--out", "s.json").stderr
    file.write_text("{")
    assert "wrote s.json" in run(env, "snapshot", "--out", "s.json").stderr
    assert run({}, "plan", "--against", "s.json").exit_code == 0


def test_a_snapshot_is_only_read(env: dict[str, str], bench: Bench) -> None:
    bench.clear()
    assert run(env, "snapshot", "--out", "t.json").exit_code == 0
    assert bench.writes == []


def test_mistakes_in_the_specs_dont_stop_a_snapshot_but_in_the_project_file(env: dict[str, str]) -> None:
    write_files(Path("specs"), {"blueprints/service.yaml": "title: [\n"})
    assert run(env, "snapshot", "--out", "t.json").exit_code == 0
    write_files(Path("specs"), {"portcfg.yaml": "versions: 1\n"})
    assert run(env, "snapshot", "--out", "u.json").exit_code == 1
    assert not Path("u.json").exists()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--against", "s.json", "--out", "p.json"], "--against excludes --out"),
        (["--base", "specs", "--out", "p.json"], "--base excludes --out"),
        (["--base", "specs", "--against", "s.json"], "choose one"),
        (["--against", "none.json"], "can't be read"),
        (["--base", "nowhere"], "--base: nowhere is no folder"),
        (["--base", "nowhere", "--env", "a,b"], "nowhere is no folder"),
        (["--against", "specs/blueprints/service.yaml"], "isn't JSON"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(args: list[str], says: str, env: dict[str, str]) -> None:
    done = run({}, "plan", *args)
    assert done.exit_code == 64
    assert says in done.stderr
    assert not Path("p.json").exists()


def test_several_environments_are_planned_against_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    project = "version: 1\nenvironments: {staging: {}, production: {}}\n"
    files = {"portcfg.yaml": project, "blueprints/service.yaml": "title: Service\nschema: {properties: {}}\n"}
    write_files(tmp_path / "base", files)
    write_files(tmp_path / "specs", {**files, "blueprints/service.yaml": "title: New\nschema: {properties: {}}\n"})
    done = run({}, "plan", "--base", "base", "--env", "staging,production")
    assert done.exit_code == 0
    assert done.stdout.count("compared with the specs in base") == 2


def test_an_environment_that_the_base_doesnt_have_yet_starts_from_nothing(tmp_path: Path) -> None:
    base = write_files(tmp_path / "base", BASE)
    project = f"{PROJECT}environments: {{staging: {{}}}}\n"
    head = write_files(tmp_path / "head", {**BASE, "portcfg.yaml": project})
    plan, _ = offline_plan(read_specs(head, "staging"), Options(), base=base)
    assert {change.action for change in plan.changes} == {Action.CREATE}
    assert "names no environment 'staging'" in plan.notes[0]


def test_places_in_the_sidebar_are_those_of_the_base(tmp_path: Path) -> None:
    head = {**BASE, "dashboards/second.yaml": PAGE.format(title="Second", after="handbook")}
    head["dashboards/first.yaml"] = PAGE.format(title="First", after="second")
    base = write_files(tmp_path / "base", BASE)
    plan, _ = offline_plan(read_specs(write_files(tmp_path / "head", head)), Options(), base=base)
    fields = {
        (change.ref.identifier, *field.path): (field.before, field.after)
        for change in plan.pending
        for field in change.fields
    }
    # What moves is the first; the second comes after the handbook by that.
    assert fields == {("first", "after"): ("handbook", "second")}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs(), specs())
def test_what_a_branch_changes_is_what_port_would_be_changed_by_once_the_base_is_applied(
    server: Server, first: Specs, second: Specs
) -> None:
    with fresh(server) as (bench, folder):
        # Port answers each section, also where the specs name none.
        base, head = folder_of(folder / "base", everything_named(first)), folder_of(folder / "head", second)
        bench.apply(base)
        online = bench.plan(head, prune=True)
        offline, _ = offline_plan(read_specs(head), Options(prune=True), base=base)
        assert steps(offline) == steps(online)


def steps(plan: Plan) -> dict[str, Any]:
    """What a plan does, and where; its fields less what Port fills in by itself."""
    return {
        str(change.ref): (change.action, [f for f in change.fields if f.cause is not Cause.SERVER])
        for change in plan.changes
    }


RENAMED = """
title: Service
schema: {properties: {level: {type: string, enum: [gold, silver], renamed_from: tier}}}
relations: {owner: {target: team_of_port}, who: {target: _user}}
"""


def test_renames_are_planned_as_such(tmp_path: Path) -> None:
    base = write_files(tmp_path / "base", BASE)
    renamed = write_files(tmp_path / "one", {**BASE, "blueprints/service.yaml": RENAMED})
    (change,) = offline_plan(read_specs(renamed), Options(), base=base)[0].pending
    assert [(rename.old, rename.new) for rename in change.renames] == [("tier", "level")]
    files = {**BASE, "blueprints/system.yaml": f"renamed_from: service\n{SERVICE}"}
    del files["blueprints/service.yaml"]
    moved = write_files(tmp_path / "two", files)
    plan, _ = offline_plan(read_specs(moved), Options(), base=base)
    assert plan.moved == 1
    assert "entities from blueprint/service" in plan_text(plan)
    # Once merged, the next branch starts from the new name.
    assert not offline_plan(read_specs(moved), Options(), base=moved)[0].pending
