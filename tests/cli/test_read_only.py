"""The commands that only look send nothing but reads and the token call."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from portcfg.cli.embedded import serving_cursor
from portcfg.cli.main import main
from portcfg.client import PortReader, PortWriter
from portcfg.ledger import LEDGER_BLUEPRINT
from tests.support import REPOSITORY, Bench, write_files

LOOKING = {
    "plan": ("plan", "--prune"),
    "plan to a file": ("plan", "--prune", "--out", "plan.json"),
    "plan of two environments": ("plan", "--env", "staging,production", "--no-ledger"),
    "plan without the ledger": ("plan", "--no-ledger", "--format", "markdown"),
    "drift": ("drift",),
    "drift into the specs": ("drift", "--adopt-conflicts"),
    "import": ("import", "--overwrite"),
    "import of some": ("import", "--only", "blueprint/*", "--specs", "fresh"),
    "doctor": ("doctor",),
    "sync run --dry-run": ("sync", "--dry-run", "--days", "3"),
    "sync status": ("sync", "status"),
    "ledger show": ("ledger", "show"),
    "ledger repair --dry-run": ("ledger", "repair", "--dry-run"),
    "github plan": ("github", "plan", "--out", "review"),
    "snapshot": ("snapshot", "--out", "snapshot.json"),
}
OFFLINE = (
    ("validate",),
    ("explain", "PC202"),
    ("explain", "specs/portcfg.yaml:1"),
    ("compile",),
    ("lineage", "cursor_usage_record"),
    ("test", "tracker"),
    ("schema", "--out", "schemas"),
    ("import", "--from-json", "port.json", "--specs", "taken"),
    ("ocean", "render", "jira"),
    ("completion", "bash"),
    ("init", "--example", "blueprint"),
)
WRITES = {
    *("apply", "rollback", "unlock", "ledger release", "ledger repair", "sync run", "sync replay"),
    *("github apply", "github sync"),
}
# They need a job of GitHub; tests/github says what they ask of Port.
ON_GITHUB = {"github comment", "github drift", "github fetch-snapshot"}
# Serves a Port of its own.
SERVES = {"emulator", "demo"}
# All that a command may send which only looks; the client's own list is READ_ONLY_POSTS.
READS = re.compile(
    r"GET .*|POST /v1/(auth/access_token|blueprints/[^/]+/entities/search|entities/(search|aggregate(-over-time)?))"
)


@pytest.fixture
def cli(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The shipped specs, applied; then one changed in the specs, one in Port, one taken out."""
    monkeypatch.chdir(tmp_path)
    for folder in ("specs", "tests/mappings"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    port = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}

    def run(*args: str) -> Any:
        with serving_cursor(3, 35, 1) as url:
            more = ("--source-url", url) if args[:2] == ("sync", "--dry-run") else ()
            return CliRunner().invoke(main, [*args, *more], env={**port, "CURSOR_API_KEY": "local"})

    jira = "type: jira\nrunner: ocean\nresources: []\n"
    write_files(tmp_path, {"port.json": json.dumps(PAGE), "specs/mappings/jira.yaml": jira})
    project = tmp_path / "specs/portcfg.yaml"
    more = "environments:\n  staging: {}\n  production: {}\n"
    project.write_text(project.read_text(encoding="utf-8").replace("environments:\n", more), encoding="utf-8")
    assert run("apply", "--auto-approve").exit_code == 0
    bench.send("PATCH", "/blueprints/cursor_commit_record", {"icon": "Box"})
    file = tmp_path / "specs/blueprints/cursor_usage_record.yaml"
    file.write_text(file.read_text().replace("title: Cursor Usage Record", "title: Other"))
    return run


PAGE = {"identifier": "p", "title": "P", "type": "dashboard", "widgets": []}


@pytest.mark.parametrize("command", LOOKING)
def test_only_reads_are_sent(cli: Any, bench: Bench, command: str) -> None:
    before = contents(bench)
    bench.clear()
    done = cli(*LOOKING[command])
    assert done.exit_code in (0, 2), done.output
    assert bench.log, "the command asked Port nothing at all"
    assert [entry for entry in bench.log if not READS.fullmatch(f"{entry[0]} {entry[1]}")] == []
    assert contents(bench) == before


def contents(bench: Bench) -> Any:
    """All that Port has, with its stamps; and what its audit log says was done."""
    routes = ("/blueprints", "/pages?compact=false", "/integration", "/audit-log")
    ledger = f"/blueprints/{LEDGER_BLUEPRINT}/entities"
    return [bench.send("GET", route) for route in (*routes, ledger)]


@pytest.mark.parametrize("args", OFFLINE, ids=" ".join)
def test_the_offline_commands_ask_nothing(cli: Any, bench: Bench, args: tuple[str, ...]) -> None:
    bench.clear()
    done = cli(*args)
    assert done.exit_code == 0, done.output
    assert bench.log == []


def test_every_command_is_known_to_look_or_to_write() -> None:
    groups = ("sync", "ledger", "ocean", "github")
    looking = {" ".join(args[:2] if args[0] in groups else args[:1]) for args in LOOKING.values()}
    offline = {" ".join(args[:2] if args[0] in groups else args[:1]) for args in OFFLINE}
    looking = {"sync run" if name == "sync --dry-run" else name for name in looking}
    assert set(commands(main, "")) == looking | offline | WRITES | SERVES | ON_GITHUB


def commands(group: click.Group, prefix: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} ")
        else:
            yield f"{prefix}{name}"


def test_the_reading_client_has_no_verb_to_write_with() -> None:
    verbs = {"send", "post", "put", "patch", "delete"}
    assert not verbs & set(dir(PortReader))
    assert verbs & set(dir(PortWriter)) == {"send"}


def test_the_reading_client_posts_only_to_log_in_and_to_search() -> None:
    source = (REPOSITORY / "portcfg/client.py").read_text(encoding="utf-8")
    (reader,) = [node for node in ast.parse(source).body if getattr(node, "name", "") == "PortReader"]
    sent: dict[str, set[str]] = {}
    for method in ast.walk(reader):
        if isinstance(method, ast.FunctionDef):
            words = (node.value for node in ast.walk(method) if isinstance(node, ast.Constant))
            for verb in {"GET", "POST", "PUT", "PATCH", "DELETE"} & {word for word in words if isinstance(word, str)}:
                sent.setdefault(verb, set()).add(method.name)
    assert sent == {"GET": {"get"}, "POST": {"query", "_access_token"}}


def test_only_the_commands_that_write_get_a_writing_client() -> None:
    """By the text of the commands: `writing(...)` is the only way to a PortWriter, but for a demo's own."""
    files = sorted((REPOSITORY / "portcfg").rglob("*.py"))
    makes = {
        file.stem
        for file in files
        if "PortWriter(" in file.read_text(encoding="utf-8").replace("class PortWriter(", "")
    }
    assert makes <= {"demo"}
    asks = {file.stem for file in files if " writing(" in file.read_text(encoding="utf-8")}
    assert asks == {"common", "github_apply", "reconcile", "recover", "ledger", "sync", "sync_group"} & asks


@pytest.mark.parametrize("path", ["/blueprints", "/blueprints/x/entities", "/blueprints/x/entities/bulk", "/pages"])
def test_the_reading_client_refuses_other_posts(bench: Bench, path: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        bench.reader().query(path, {})
    assert bench.log == []
