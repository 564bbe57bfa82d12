"""sync status, and the days that sync chooses by itself, as their users meet them."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portcfg import lock
from portcfg.cli.embedded import serving_cursor
from portcfg.cli.main import main
from portcfg.cli.progress import ProgressLine
from portcfg.cli.writes import utc_now
from portcfg.lock import locked
from portcfg.pipeline import read_specs
from portcfg.sync.days import SYNC_BLUEPRINT
from portcfg.sync.report import Progress
from tests.support import REPOSITORY, Bench

RECORDS = f"/blueprints/{SYNC_BLUEPRINT}/entities"


@pytest.fixture
def cli(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The shipped specs, applied, and a small Cursor."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(REPOSITORY / "specs", tmp_path / "specs")
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    with serving_cursor(3, 35, 1) as url:

        def run(*args: str) -> Result:
            more = ("--source-url", url) if args[0] == "sync" and args[1:2] != ("status",) else ()
            return CliRunner().invoke(main, [*args, *more], env={**env, "CURSOR_API_KEY": "local"})

        assert run("apply", "--auto-approve").exit_code == 0
        yield run


def test_status_says_what_is_missing_and_the_next_sync_fills_it(cli: Any, bench: Bench) -> None:
    none = cli("sync", "status", "--check")
    assert (none.exit_code, none.stdout.splitlines()[0]) == (3, "cursor: no day is recorded")
    assert cli("sync", "--days", "6").exit_code == 0
    done = cli("sync", "status", "--check", "--format", "json")
    assert done.exit_code == 0
    [mapping] = json.loads(done.stdout)["mappings"]
    assert [item["stream"] for item in mapping["streams"]] == ["daily", "events", "commits", "changes"]
    assert all(len(item["open_days"]) == 3 and not item["gaps"] and item["read_at"] for item in mapping["streams"])
    first, last = mapping["streams"][0]["first_day"], mapping["streams"][0]["last_day"]
    assert mapping["streams"][0]["rows"] == 3

    bench.send("DELETE", f"{RECORDS}/cursor:events:{mapping['streams'][0]['settled_until']}?delete_dependents=false")
    gone = cli("sync", "status", "--check")
    assert gone.exit_code == 3
    assert "1 day(s) of events are missing" in gone.stdout
    assert "the next sync reads what is open or missing" in gone.stdout
    assert cli("sync", "status").exit_code == 0
    markdown = cli("sync", "status", "cursor", "--format", "markdown").stdout
    assert "### portcfg sync status: `cursor`" in markdown
    assert "| `events`" in markdown

    report = json.loads(cli("sync", "--format", "json").stdout)
    assert (report["last_day"], report["writes"]) == (last, 0)
    assert first < report["first_day"] < last
    assert cli("sync", "status", "--check").exit_code == 0


def test_days_that_portcfg_records_are_nobodys_change(cli: Any) -> None:
    cli("sync", "--days", "2")
    assert "No changes." in cli("plan", "--prune").stdout
    before = set(Path("specs").rglob("*.yaml"))
    cli("import", "--overwrite")
    assert [file for file in set(Path("specs").rglob("*.yaml")) - before if "portcfg_sync" in file.read_text()] == []


def test_missing_only_needs_days(cli: Any) -> None:
    done = cli("sync", "--missing-only")
    assert done.exit_code == 64
    assert "--since" in done.stderr


def test_a_mapping_called_status_is_run_by_its_name(cli: Any) -> None:
    done = cli("sync", "run", "status")
    assert done.exit_code == 64
    assert "no mapping 'status' to run" in done.stderr


def test_a_second_sync_of_a_mapping_is_refused_while_one_runs(cli: Any, bench: Bench) -> None:
    """As are the rejects of one; an apply isn't, nor is what only reads."""
    owner = read_specs(Path("specs")).project.owner
    with closing(bench.writer()) as port, locked(port, owner, "another", utc_now, "sync:cursor"):
        done = cli("sync", "--days", "1")
        assert done.exit_code == 1
        assert f"a sync of cursor by {owner} is running since 20" in done.stderr
        assert "`portcfg unlock sync:cursor`" in done.stderr
        assert cli("sync", "--days", "1", "--dry-run").exit_code == 0
        assert cli("sync", "status").exit_code == 0
        assert cli("apply", "--auto-approve").exit_code == 0
        assert "lock" not in cli("ledger", "repair", "--dry-run").output
        assert cli("unlock", "sync:cursor").exit_code == 0
        assert cli("sync", "--days", "1").exit_code == 0
    assert cli("unlock", "cursor").exit_code == 64


def test_a_sync_gives_its_lock_back_and_renews_it(cli: Any, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEWED", timedelta(0))
    bench.clear()
    assert cli("sync", "--days", "1").exit_code == 0
    path = "/v1/blueprints/portcfg_resource/entities"
    asked = [
        method for method, where, _ in bench.log if where in (path, f"{path}/sync%3Acursor", f"{path}/sync:cursor")
    ]
    assert (asked[0], asked[-1], "PATCH" in asked) == ("POST", "DELETE", True)


def test_a_sync_that_loses_its_lock_stops_writing(cli: Any, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEWED", timedelta(0))
    begun = ProgressLine.__call__

    def taking_over(line: ProgressLine, progress: Progress) -> None:
        if progress.stage == "compare" and progress.name == "cursor_usage_record":
            bench.send("DELETE", "/blueprints/portcfg_resource/entities/sync:cursor?delete_dependents=false")
        begun(line, progress)

    monkeypatch.setattr(ProgressLine, "__call__", taking_over)
    done = cli("sync", "--days", "1")
    assert done.exit_code in (6, 130)
    assert "somebody ended the lock" in done.output
    assert cli("sync", "status", "--check").exit_code == 3
    monkeypatch.undo()


def test_the_lock_of_a_killed_sync_ends_by_itself(cli: Any, bench: Bench) -> None:
    owner = read_specs(Path("specs")).project.owner
    with closing(bench.writer()) as port:
        lock._take(port, owner, "killed", utc_now() - timedelta(hours=1), "sync:cursor")
    assert "the lock of a sync that was killed" in cli("ledger", "repair", "--dry-run").output
    assert cli("sync", "--days", "1").exit_code == 0
    assert "sync:cursor" not in cli("ledger", "repair", "--dry-run").output
