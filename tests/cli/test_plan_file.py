"""plan --out and apply FILE: what was reviewed is applied, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portcfg.cli.embedded import CREDENTIALS, serving_port
from portcfg.cli.main import main
from portcfg.client import PortWriter
from portcfg.yamlread import dump

THING: dict[str, Any] = {"identifier": "thing", "title": "Thing", "schema": {"properties": {"a": {"type": "string"}}}}
OTHER: dict[str, Any] = {**THING, "identifier": "other"}


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.chdir(tmp_path)
    with serving_port(str(tmp_path / "live.db")) as base_url:
        yield {"PORT_BASE_URL": base_url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}


def run(env: dict[str, str], *args: str) -> Result:
    return CliRunner().invoke(main, list(args), env=env)


def write(*bodies: dict[str, Any]) -> None:
    folder = Path("specs/blueprints")
    folder.mkdir(parents=True, exist_ok=True)
    for body in bodies:
        (folder / f"{body['identifier']}.yaml").write_text(dump(body))


def edit(env: dict[str, str], method: str, path: str, body: dict[str, Any] | None = None) -> None:
    """Somebody's change in Port."""
    with closing(PortWriter(env["PORT_BASE_URL"], CREDENTIALS)) as port:
        port.send(method, path, body)


def title(env: dict[str, str]) -> str:
    with closing(PortWriter(env["PORT_BASE_URL"], CREDENTIALS)) as port:
        return str(port.get("/blueprints/thing")["blueprint"]["title"])


@pytest.fixture
def planned(env: dict[str, str]) -> dict[str, str]:
    """`thing` and `other` applied, and a change of `thing` planned into plan.json."""
    write(THING, OTHER)
    assert run(env, "apply", "--auto-approve").exit_code == 0
    write({**THING, "title": "New"})
    assert run(env, "plan", "--out", "plan.json").exit_code == 0
    return env


def test_the_reviewed_plan_is_applied_without_a_question(planned: dict[str, str]) -> None:
    done = run(planned, "apply", "plan.json")
    assert done.exit_code == 0
    assert title(planned) == "New"
    again = run(planned, "apply", "plan.json")
    assert again.exit_code == 0
    assert "Applied 0 of 0" in again.stdout


def test_the_file_holds_no_secret(planned: dict[str, str]) -> None:
    assert '"local"' not in Path("plan.json").read_text()
    assert "accessToken" not in Path("plan.json").read_text()


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("PATCH", "/blueprints/thing", {"title": "Mine"}, "blueprint/thing in title"),
        ("PATCH", "/blueprints/other", {"icon": "Box"}, "blueprint/other: nothing to do then, update now"),
        ("DELETE", "/blueprints/thing", None, "blueprint/thing is gone"),
        ("DELETE", "/blueprints/other", None, "blueprint/other: nothing to do then, create now"),
    ],
    ids=["edited", "another edited", "deleted", "another deleted"],
)
def test_when_port_moved_nothing_is_written(
    planned: dict[str, str], method: str, path: str, body: dict[str, Any] | None, says: str
) -> None:
    edit(planned, method, path, body)
    done = run(planned, "apply", "plan.json")
    assert done.exit_code == 4
    assert says in done.stderr
    if "thing" not in path:
        assert title(planned) == "Thing"


def test_a_create_whose_place_is_taken_is_not_written(env: dict[str, str]) -> None:
    write(THING)
    run(env, "plan", "--out", "plan.json")
    edit(env, "POST", "/blueprints", {**THING, "title": "Mine"})
    done = run(env, "apply", "plan.json")
    assert done.exit_code == 4
    assert "blueprint/thing appeared" in done.stderr
    assert title(env) == "Mine"


def _tamper(change: str) -> None:
    body = json.loads(Path("plan.json").read_text())
    if change == "action":
        body["changes"][0]["action"] = "delete"
    elif change == "format":
        body["format"] = "portcfg/bound-plan/0"
    elif change == "tool":
        body["tool"] = "9.9.9"
    elif change == "seal":
        del body["seal"]
    Path("plan.json").write_text(json.dumps(body) if change != "cut" else "{")


@pytest.mark.parametrize("change", ["action", "format", "tool", "seal", "cut"])
def test_a_file_that_was_changed_is_not_trusted(planned: dict[str, str], change: str) -> None:
    _tamper(change)
    done = run(planned, "apply", "plan.json")
    assert done.exit_code == 5
    assert title(planned) == "Thing"


def test_other_specs_than_the_planned_ones_are_not_applied(planned: dict[str, str]) -> None:
    write({**THING, "title": "Newer"})
    done = run(planned, "apply", "plan.json")
    assert done.exit_code == 5
    assert "other specs" in done.stderr
    assert title(planned) == "Thing"


def test_specs_that_only_look_different_are_the_planned_ones(planned: dict[str, str]) -> None:
    Path("specs/blueprints/thing.yaml").unlink()
    Path("specs/blueprints/moved.json").write_text(json.dumps({**THING, "title": "New"}))
    assert run(planned, "apply", "plan.json").exit_code == 0


def test_another_port_is_not_written(planned: dict[str, str], tmp_path: Path) -> None:
    with serving_port(str(tmp_path / "second.db")) as second:
        done = run({**planned, "PORT_BASE_URL": second}, "apply", "plan.json")
    assert done.exit_code == 5
    assert "base_url" in done.stderr


def test_with_a_key_only_signed_plans_are_applied(env: dict[str, str]) -> None:
    write(THING)
    keyed = {**env, "PORTCFG_PLAN_KEY": "k1"}
    run(env, "plan", "--out", "unsigned.json")
    run(keyed, "plan", "--out", "signed.json")
    assert run(keyed, "apply", "unsigned.json").exit_code == 5
    assert run(env, "apply", "signed.json").exit_code == 5
    assert run({**env, "PORTCFG_PLAN_KEY": "k2"}, "apply", "signed.json").exit_code == 5
    assert "k1" not in Path("signed.json").read_text()
    assert run(keyed, "apply", "signed.json").exit_code == 0
