"""Two Ports, one set of specs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portcfg.cli.embedded import CREDENTIALS, serving_port
from portcfg.cli.main import main
from portcfg.client import PortWriter

BASE = "title: Service\nschema: {properties: {tier: {type: string}}}\nrelations: {}\n"


@pytest.fixture
def ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with serving_port(str(tmp_path / "s.db")) as staging, serving_port(str(tmp_path / "p.db")) as production:
        for name, text in {
            "portcfg.yaml": "version: 1\nenvironments:\n"
            f"  staging: {{base_url: '{staging}'}}\n  production: {{base_url: '{production}'}}\n",
            "blueprints/service.yaml": BASE,
            "environments/staging/blueprints/lab.yaml": BASE,
        }.items():
            path = tmp_path / "specs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        yield


def run(*args: str) -> Result:
    env = {
        "PORT_CLIENT_ID_STAGING": "local",
        "PORT_CLIENT_SECRET_STAGING": "local",
        "PORT_CLIENT_ID": "local",
        "PORT_CLIENT_SECRET": "local",
    }
    return CliRunner().invoke(main, list(args), env=env)


@pytest.mark.usefixtures("ports")
def test_plans_side_by_side() -> None:
    assert run("apply", "--env", "staging", "--auto-approve").exit_code == 0
    both = run("plan", "--env", "staging,production", "--detailed-exitcode")
    assert both.exit_code == 2
    assert "== staging ==" in both.stdout
    rows = {line.split()[0]: line.split()[1:] for line in both.stdout.splitlines() if line.startswith("blueprint/")}
    assert rows == {"blueprint/lab": ["unchanged", "not", "there"], "blueprint/service": ["unchanged", "create"]}
    plans = json.loads(run("plan", "--env", "staging,production", "--format", "json").stdout)["plans"]
    assert [(plan["environment"], plan["counts"]["create"]) for plan in plans] == [("staging", 0), ("production", 1)]
    assert "| `blueprint/service` |" in run("plan", "--env", "staging,production", "--format", "markdown").stdout


@pytest.mark.usefixtures("ports")
def test_the_same_specs_are_promoted() -> None:
    for name in ("staging", "production"):
        assert run("apply", "--env", name, "--auto-approve").exit_code == 0
        assert run("plan", "--env", name, "--detailed-exitcode").exit_code == 0


@pytest.mark.usefixtures("ports")
def test_a_saved_plan_is_of_one_environment() -> None:
    assert run("plan", "--env", "staging,production", "--out", "x.json").exit_code == 64
    assert run("plan", "--env", "staging,nowhere").exit_code == 64
    assert run("plan", "--env", "staging,").exit_code == 64


@pytest.mark.usefixtures("ports")
def test_validate_looks_at_every_environment() -> None:
    Path("specs/environments/staging/blueprints/service.yaml").write_text("titel: x\n")
    done = run("validate")
    assert done.exit_code == 1
    assert "environments/staging/blueprints/service.yaml:1:1" in done.stdout


@pytest.mark.usefixtures("ports")
def test_drift_of_an_environment_is_adopted_into_the_file_that_says_it() -> None:
    Path("specs/environments/staging/blueprints/service.yaml").write_text("title: Staging\n")
    assert run("apply", "--env", "staging", "--auto-approve").exit_code == 0
    url = str(re.findall(r"staging: {base_url: '(\S+)'", Path("specs/portcfg.yaml").read_text())[0])
    with closing(PortWriter(url, CREDENTIALS)) as port:
        port.send("PATCH", "/blueprints/service", {"icon": "Box", "title": "New"})
    done = run("drift", "--adopt", "--env", "staging")
    assert done.exit_code == 0, done.output
    assert "[specs/environments/staging/blueprints/service.yaml]" in done.stderr
    assert "[specs/blueprints/service.yaml]" in done.stderr
    assert "note: specs/blueprints/service.yaml is of every environment" in done.stderr
    assert Path("specs/environments/staging/blueprints/service.yaml").read_text() == "title: New\n"
    assert "icon: Box" in Path("specs/blueprints/service.yaml").read_text()


@pytest.mark.usefixtures("ports")
@pytest.mark.parametrize("command", [("drift",), ("apply", "--auto-approve"), ("doctor",)])
def test_only_plan_takes_several_environments(command: tuple[str, ...]) -> None:
    done = run(*command, "--env", "staging,production")
    assert done.exit_code == 64
    assert "--env staging,production names several" in done.stderr
    assert "only `plan` takes several; do one after the other" in done.stderr


@pytest.mark.usefixtures("ports")
def test_a_change_goes_to_staging_first_and_the_very_same_to_production() -> None:
    specs = Path("specs")
    (specs / "environments/staging/blueprints/service.yaml").write_text("title: Service (staging)\n")
    for name in ("staging", "production"):
        assert run("apply", "--env", name, "--auto-approve").exit_code == 0
    (specs / "blueprints/service.yaml").write_text(
        BASE.replace("tier: {type: string}", "tier: {type: string, title: T}")
    )
    both = run("plan", "--env", "staging,production")
    assert both.stdout.count('+ schema.properties.tier.title: "T"') == 2
    assert run("apply", "--env", "staging", "--auto-approve").exit_code == 0
    plans = {plan["environment"]: plan for plan in side_by_side()}
    assert plans["staging"]["counts"]["update"] == 0
    [change] = [change for change in plans["production"]["changes"] if change["action"] == "update"]
    assert [field["path"] for field in change["fields"]] == [["schema", "properties", "tier", "title"]]
    assert run("plan", "--env", "production", "--out", "promote.json").exit_code == 0
    assert run("apply", "--env", "staging", "promote.json").exit_code == 5
    assert run("apply", "--env", "production", "promote.json").exit_code == 0
    assert [plan["counts"]["noop"] for plan in side_by_side()] == [2, 1]
    titles = [plan_title(name) for name in ("staging", "production")]
    assert titles == ["Service (staging)", "Service"]


@pytest.mark.usefixtures("ports")
def test_a_slip_in_a_patch_is_told_by_the_plan() -> None:
    Path("specs/environments/staging/blueprints/service.yaml").write_text("schema: {properties: {teir: null}}\n")
    text = run("plan", "--env", "staging").stdout
    assert "note: specs/environments/staging/blueprints/service.yaml:1:" in text
    assert "this takes away schema.properties.teir, which the spec doesn't have; did you mean 'tier'?" in text
    assert "teir" not in run("plan", "--env", "production").stdout


def side_by_side() -> list[dict[str, Any]]:
    plans: list[dict[str, Any]] = json.loads(run("plan", "--env", "staging,production", "--format", "json").stdout)[
        "plans"
    ]
    return plans


def plan_title(environment: str) -> str:
    url = str(re.findall(rf"{environment}: {{base_url: '(\S+)'", Path("specs/portcfg.yaml").read_text())[0])
    with closing(PortWriter(url, CREDENTIALS)) as port:
        return str(port.get("/blueprints/service")["blueprint"]["title"])
