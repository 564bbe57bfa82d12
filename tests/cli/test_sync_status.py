"""sync status, and the days that sync chooses by itself, as their users meet them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portcfg.cli.embedded import serving_cursor
from portcfg.cli.main import main
from portcfg.sync.days import SYNC_BLUEPRINT
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
    assert SYNC_BLUEPRINT not in cli("import", "--only", "blueprint/*", "--overwrite").output
    assert not Path(f"specs/blueprints/{SYNC_BLUEPRINT}.yaml").exists()


def test_missing_only_needs_days(cli: Any) -> None:
    done = cli("sync", "--missing-only")
    assert done.exit_code == 64
    assert "--since" in done.stderr


def test_a_mapping_called_status_is_run_by_its_name(cli: Any) -> None:
    done = cli("sync", "run", "status")
    assert done.exit_code == 64
    assert "no mapping 'status' to run" in done.stderr
