"""Whose change a difference is: the specs', somebody's in Port, both, or Port's own."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portcfg import ledger
from portcfg.cli.main import main
from portcfg.model import Ref
from portcfg.yamlread import dump
from tests.support import Bench

THING: dict[str, Any] = {
    "identifier": "thing",
    "title": "Thing",
    "description": "As applied",
    "schema": {"properties": {"a": {"type": "string", "title": "A"}}, "required": []},
    "relations": {},
}


@pytest.fixture
def cli(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """portcfg in a folder whose specs hold THING, which is applied."""
    monkeypatch.chdir(tmp_path)
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}

    def run(*args: str, **more: str) -> Result:
        return CliRunner().invoke(main, list(args), env={**env, **more})

    write(THING)
    assert run("apply", "--auto-approve").exit_code == 0
    return run


def write(body: dict[str, Any]) -> None:
    path = Path("specs/blueprints/thing.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(body))


def causes(cli: Any) -> dict[str, str]:
    changes = json.loads(cli("plan", "--format", "json").stdout)["changes"]
    return {".".join(map(str, field["path"])): field["cause"] for change in changes for field in change["fields"]}


def test_each_field_is_told_apart(cli: Any, bench: Bench) -> None:
    write({**THING, "title": "Spec", "description": "Spec"})
    bench.send("PATCH", "/blueprints/thing", {"description": "Port", "icon": "Box"})
    assert causes(cli) == {"title": "spec", "description": "conflict", "icon": "drift"}
    text = cli("plan").stdout
    assert "changed in Port by local at" in text
    assert "1 field(s) changed in Port, 1 in conflict" in text


def test_drift_shows_only_drift_and_exits_with_2(cli: Any, bench: Bench) -> None:
    assert cli("drift").exit_code == 0
    write({**THING, "title": "Spec"})
    assert cli("drift").exit_code == 0
    bench.send("PATCH", "/blueprints/thing", {"icon": "Box"})
    bench.clear()
    done = cli("drift")
    assert done.exit_code == 2
    assert "icon" in done.stdout
    assert "title" not in done.stdout
    assert bench.writes == []


def test_what_may_be_secret_is_not_printed(cli: Any, bench: Bench) -> None:
    hook = {"type": "WEBHOOK", "url": "https://old.example/hush", "agent": False}
    write({**THING, "changelogDestination": hook})
    assert cli("apply", "--auto-approve").exit_code == 0
    bench.send("PATCH", "/blueprints/thing", {"changelogDestination": {**hook, "url": "https://new.example/hush"}})
    for args in (("plan",), ("drift",), ("plan", "--format", "json"), ("drift", "--adopt")):
        done = cli(*args)
        assert "changelogDestination" in done.output
        assert "hush" not in done.output
    assert "https://new.example/hush" in Path("specs/blueprints/thing.yaml").read_text()


def test_what_was_deleted_in_port_is_drift(cli: Any, bench: Bench) -> None:
    bench.send("DELETE", "/blueprints/thing")
    done = cli("drift")
    assert done.exit_code == 2
    assert "deleted in Port" in done.stdout


def test_the_same_edit_on_both_sides_is_no_change(cli: Any, bench: Bench) -> None:
    write({**THING, "title": "Both"})
    bench.send("PATCH", "/blueprints/thing", {"title": "Both"})
    assert causes(cli) == {}


def test_apply_sets_drift_back(cli: Any, bench: Bench) -> None:
    bench.send("PATCH", "/blueprints/thing", {"icon": "Box"})
    assert cli("apply", "--auto-approve").exit_code == 0
    assert cli("drift").exit_code == 0


def test_without_a_ledger_every_difference_is_the_specs(cli: Any, bench: Bench) -> None:
    bench.send("PATCH", "/blueprints/thing", {"icon": "Box"})
    changes = json.loads(cli("plan", "--no-ledger", "--format", "json").stdout)["changes"]
    assert [field["cause"] for field in changes[0]["fields"]] == ["spec"]


def test_a_damaged_ledger_entry_is_no_obstacle(cli: Any, bench: Bench) -> None:
    path = f"/blueprints/{ledger.LEDGER_BLUEPRINT}/entities/blueprint%2Fthing"
    bench.send("PATCH", path, {"properties": {"applied": None, "server": None}})
    assert "managed from now on" in cli("plan").stdout
    assert cli("apply", "--auto-approve").exit_code == 0
    with closing(bench.reader()) as port:
        assert ledger.entries(port)[Ref("blueprint", "thing")].applied is not None


def test_the_ledger_links_to_the_file_and_commit(cli: Any, bench: Bench) -> None:
    write({**THING, "title": "New"})
    github = {"GITHUB_SHA": "abc", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/portal"}
    assert cli("apply", "--auto-approve", **github).exit_code == 0
    with closing(bench.reader()) as port:
        [entry] = port.entities(ledger.LEDGER_BLUEPRINT)
    assert entry["properties"]["link"] == "https://github.com/acme/portal/blob/abc/specs/blueprints/thing.yaml"
    assert entry["properties"]["commit"] == "abc"


def test_an_edit_that_the_specs_took_over_is_drift_no_more(cli: Any, bench: Bench) -> None:
    bench.send("PATCH", "/blueprints/thing", {"title": "Port"})
    write({**THING, "title": "Port"})
    assert cli("apply", "--auto-approve").exit_code == 0
    write({**THING, "title": "Thing"})
    assert causes(cli) == {"title": "spec"}
    bench.clear()
    write({**THING, "title": "Port"})
    assert cli("apply", "--auto-approve").exit_code == 0
    assert bench.writes == []
