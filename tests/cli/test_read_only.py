"""The commands that only look send nothing but reads and the token call."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from portcfg.cli.embedded import serving_cursor
from portcfg.cli.main import main
from portcfg.client import PortReader, PortWriter
from tests.support import REPOSITORY, Bench

LOOKING = {
    "plan": ("plan", "--prune"),
    "plan to a file": ("plan", "--out", "plan.json"),
    "drift": ("drift",),
    "import": ("import", "--overwrite"),
    "doctor": ("doctor",),
    "sync --dry-run": ("sync", "--dry-run", "--days", "3"),
    "sync status": ("sync", "status"),
}


@pytest.fixture
def cli(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The shipped specs, applied; then one changed in the specs, one in Port, one taken out."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(REPOSITORY / "specs", tmp_path / "specs")
    port = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}

    def run(*args: str) -> Any:
        with serving_cursor(3, 35, 1) as url:
            more = ("--source-url", url) if args[:2] == ("sync", "--dry-run") else ()
            return CliRunner().invoke(main, [*args, *more], env={**port, "CURSOR_API_KEY": "local"})

    assert run("apply", "--auto-approve").exit_code == 0
    bench.send("PATCH", "/blueprints/cursor_commit_record", {"icon": "Box"})
    file = tmp_path / "specs/blueprints/cursor_usage_record.yaml"
    file.write_text(file.read_text().replace("title: Cursor Usage Record", "title: Other"))
    return run


@pytest.mark.parametrize("command", LOOKING)
def test_only_reads_are_sent(cli: Any, bench: Bench, command: str) -> None:
    bench.clear()
    done = cli(*LOOKING[command])
    assert done.exit_code in (0, 2), done.output
    assert bench.log, "the command asked Port nothing at all"
    assert bench.writes == []


@pytest.mark.parametrize("args", [("validate",), ("compile",), ("schema", "blueprint")])
def test_the_offline_commands_ask_nothing(cli: Any, bench: Bench, args: tuple[str, ...]) -> None:
    bench.clear()
    assert cli(*args).exit_code == 0
    assert bench.log == []


def test_the_reading_client_has_no_verb_to_write_with() -> None:
    verbs = {"send", "post", "put", "patch", "delete"}
    assert not verbs & set(dir(PortReader))
    assert verbs & set(dir(PortWriter)) == {"send"}


@pytest.mark.parametrize("path", ["/blueprints", "/blueprints/x/entities", "/blueprints/x/entities/bulk", "/pages"])
def test_the_reading_client_refuses_other_posts(bench: Bench, path: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        bench.reader().query(path, {})
    assert bench.log == []
