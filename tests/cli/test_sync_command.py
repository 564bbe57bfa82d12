"""sync and demo, as their users meet them."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portcfg.cli import demo, embedded
from portcfg.cli.embedded import serving_cursor
from portcfg.cli.main import main
from portcfg.sync.report import SyncReport

SPECS = Path(__file__).parent.parent.parent / "specs"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped specs in a folder of their own, with a small company."""
    shutil.copytree(SPECS, tmp_path / "specs")
    file = tmp_path / "specs/portcfg.yaml"
    file.write_text(file.read_text().replace("users: 40", "users: 6"))
    monkeypatch.chdir(tmp_path)
    # One company for all commands of a test: tomorrow's has late commits of today.
    moment = datetime.now(UTC)
    monkeypatch.setattr(embedded, "datetime", SimpleNamespace(now=lambda _: moment))
    return tmp_path


def last_days(count: int) -> tuple[str, ...]:
    """The last whole days, named: they stay the same should midnight pass between two commands."""
    last = datetime.now(UTC).date() - timedelta(days=1)
    return "--since", (last - timedelta(days=count - 1)).isoformat(), "--until", last.isoformat()


def run(*args: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, list(args), env=env)


def test_sync_on_the_embedded_port_writes_once(project: Path) -> None:
    assert run("apply", "--env", "local", "--auto-approve").exit_code == 0
    five = last_days(5)
    dry = run("sync", "--env", "local", *five, "--dry-run", "--format", "json")
    assert dry.exit_code == 0
    first = run("sync", "--env", "local", *five, "--format", "json")
    assert first.exit_code == 0
    planned, done = json.loads(dry.stdout), json.loads(first.stdout)
    created = {part["blueprint"]: part["created"] for part in done["blueprints"]}
    assert {part["blueprint"]: part["created"] for part in planned["blueprints"]} == created
    assert created["cursor_usage_record"] == 5
    assert all(created.values())
    assert "stand-in Cursor" in first.stderr
    second = json.loads(run("sync", "--env", "local", *five, "--format", "json").stdout)
    assert sum(part["created"] + part["updated"] for part in second["blueprints"]) == 0


def test_an_integration_of_somebody_elses_is_not_run(project: Path) -> None:
    (project / "specs/mappings/theirs.yaml").write_text("type: gitlab\nconfig: {resources: []}\n")
    assert run("apply", "--env", "local", "--auto-approve").exit_code == 0
    assert run("sync", "--env", "local", "--days", "1").exit_code == 0
    assert "source" in run("sync", "theirs", "--env", "local", "--days", "1").stderr


def test_sync_before_apply_says_that_the_blueprints_are_missing(project: Path) -> None:
    done = run("sync", "--env", "local", "--days", "1")
    assert done.exit_code == 1
    assert "cursor_usage_record" in done.stderr
    assert "apply" in done.stderr


def test_without_its_key_the_source_is_not_asked(project: Path) -> None:
    run("apply", "--env", "local", "--auto-approve")
    done = run("sync", "--env", "local", "--source-url", "http://127.0.0.1:9")
    assert done.exit_code == 64
    assert "CURSOR_API_KEY" in done.stderr


@pytest.mark.parametrize("url", ["foo", "ftp://x", "http://", "http://x:port", "https://x/?a=1", "https://x/#a", ""])
def test_a_source_url_that_is_none_is_refused_at_once(project: Path, url: str) -> None:
    done = run("sync", "--env", "local", "--source-url", url)
    assert done.exit_code == 64
    assert f"--source-url is '{url}'" in done.stderr


def test_a_wrong_key_is_refused_and_never_shown(project: Path) -> None:
    run("apply", "--env", "local", "--auto-approve")
    with serving_cursor(3, 5, 1) as url:
        done = run("sync", "--env", "local", "--source-url", url, env={"CURSOR_API_KEY": "key_tops3cret"})
    assert done.exit_code != 0
    assert "401" in done.output
    assert "tops3cret" not in done.output


def test_without_enterprise_the_rest_is_synced_and_the_streams_are_named(project: Path) -> None:
    run("apply", "--env", "local", "--auto-approve")
    with serving_cursor(6, 40, 7, enterprise=False) as url:
        env = {"CURSOR_API_KEY": "local"}
        done = run("sync", "--env", "local", "--source-url", url, "--days", "3", "--format", "json", env=env)
    report = json.loads(done.stdout)
    status = {stream["name"]: stream["status"] for stream in report["streams"]}
    assert done.exit_code == 0
    assert status["commits"] == status["changes"] == "not in your plan"
    assert status["daily"] == status["events"] == "read"
    assert {part["blueprint"]: part["created"] for part in report["blueprints"]}["cursor_usage_record"] == 3


def test_an_unknown_mapping_is_wrong_usage(project: Path) -> None:
    done = run("sync", "nothing", "--env", "local")
    assert done.exit_code == 64
    assert "cursor" in done.stderr


def test_the_demo_ends_with_nothing_left_to_do(project: Path) -> None:
    done = run("demo", "--users", "6")
    assert done.exit_code == 0
    assert "Plan: 9 to create" in done.stdout
    assert done.stdout.rstrip().splitlines()[-2].startswith("No changes.")
    assert done.stdout.rstrip().splitlines()[-1].startswith("Sync: 0 entities written")
    assert (project / ".portcfg/demo.db").exists()


def test_the_demo_is_of_one_moment_so_that_midnight_may_pass_in_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments: list[float] = []

    def run_sync(*args: Any) -> SyncReport:
        moments.append(args[3].now)
        return demo_run_sync(*args)

    demo_run_sync = demo.run_sync
    monkeypatch.setattr(demo, "run_sync", run_sync)
    assert run("demo", "--users", "3").exit_code == 0
    assert len(moments) == 2 and len(set(moments)) == 1


def test_the_first_word_is_a_command_where_there_is_one_and_a_mapping_elsewhere(project: Path) -> None:
    assert run("apply", "--env", "local", "--auto-approve").exit_code == 0
    asked = ("cursor", "--env", "local", *last_days(1), "--dry-run", "--format", "json")
    plain, spelled_out = run("sync", *asked), run("sync", "run", *asked)
    assert json.loads(plain.stdout)["blueprints"] == json.loads(spelled_out.stdout)["blueprints"]
    assert "there are: cursor" in run("sync", "run", "run", "--env", "local").stderr
    shown = run("sync", "--help").stdout
    assert "[OPTIONS] [MAPPING]..." in shown
    assert "--dry-run" in shown
    assert "Commands:" in shown


def test_what_a_sync_rejects_is_kept_and_replayed(project: Path) -> None:
    mapping = project / "specs/mappings/cursor.yaml"
    right = mapping.read_text()
    # Text in place of a number, in a way that validate can't see.
    text = "total_accepts: .total_accepts | tojson | tojson | fromjson\n"
    mapping.write_text(right.replace("total_accepts: .total_accepts\n", text))
    run("apply", "--env", "local", "--auto-approve")
    two = last_days(2)
    done = run("sync", "--env", "local", *two)
    assert done.exit_code == 6
    (file,) = (project / ".portcfg/quarantine").iterdir()
    relative = file.relative_to(project)
    assert f"kept in {relative}; mend the cause, then: portcfg sync replay {relative}" in done.stdout
    assert (project / ".portcfg/.gitignore").read_text() == "*\n"
    dry = run("sync", "replay", str(relative), "--env", "local", "--dry-run")
    assert dry.exit_code == 6
    mapping.write_text(right)
    run("apply", "--env", "local", "--auto-approve")
    replayed = run("sync", "replay", str(relative), "--env", "local")
    assert replayed.exit_code == 0
    # How many there are depends on today's day of the week; that none is missing is what the next sync says.
    assert re.search(r": [1-9]\d* created, 0 updated", replayed.stdout)
    after = json.loads(run("sync", "--env", "local", *two, "--format", "json").stdout)
    assert (after["writes"], after["rejected"]) == (0, [])
    assert run("sync", "--env", "local", "--days", "2", "--quarantine", str(relative)).exit_code == 64
    assert run("sync", "replay", "nowhere.ndjson").exit_code == 64
    (project / "specs/mappings/second.yaml").write_text(right.replace("identifier: cursor\n", "", 1))
    both = run("sync", "--env", "local", "--quarantine", "new.ndjson")
    assert both.exit_code == 64 and "several mappings" in both.stderr


def test_a_good_first_run_has_no_notes_on_nulls_and_parts_say_things_once(project: Path) -> None:
    assert run("apply", "--env", "local", "--auto-approve").exit_code == 0
    done = run("sync", "--env", "local", "--days", "40", "--format", "json")
    assert done.exit_code == 0
    notices = json.loads(done.stdout)["notices"]
    assert any("in 2 parts" in notice for notice in notices)
    assert [notice for notice in notices if "is null" in notice] == []
    assert len([notice for notice in notices if "cursor_commit_record.user" in notice]) == 1
    first = json.loads(run("sync", "--env", "local", "--days", "30", "--format", "json").stdout)
    assert [notice for notice in first["notices"] if "is null" in notice] == []


def test_wrong_usage_names_the_command_that_was_typed(project: Path) -> None:
    wrong = run("sync", "--bogus")
    assert wrong.exit_code == 64
    assert "sync [OPTIONS] [MAPPING]" in wrong.stderr
    assert "sync run" not in wrong.stderr


def test_a_dashboard_shows_the_syncs(project: Path) -> None:
    shutil.copy(SPECS / "examples/dashboards/sync-health.yaml", project / "specs/dashboards")
    assert run("validate").exit_code == 0
    # The first sync makes what it shows.
    before = run("apply", "--env", "local", "--auto-approve")
    assert before.exit_code == 0
    assert "portcfg_sync_run" in before.output
    assert run("sync", "--env", "local", "--days", "2").exit_code == 0
    assert "No changes." in run("plan", "--env", "local").stdout
    assert run("import", "--env", "local", "--specs", "found").exit_code == 0
    assert (project / "found/dashboards/portcfg_sync_health.yaml").exists()
    assert not list((project / "found/blueprints").glob("portcfg_*"))
