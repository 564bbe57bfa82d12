"""What a plan destroys is counted, shown, and refused until it is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from portcfg.cli.main import main
from portcfg.yamlread import dump
from tests.support import Bench

SERVICE: dict[str, Any] = {
    "identifier": "service",
    "title": "Service",
    "schema": {"properties": {"tier": {"type": "string"}, "size": {"type": "number"}}},
    "relations": {},
}
WIDGETS = {"sizes": {"type": "number", "blueprint": "service", "sum": "size"}}
SMALLER = {**SERVICE, "schema": {"properties": {"tier": {"type": "string"}}}}


@pytest.fixture
def cli(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A Port with a blueprint, a dashboard on it and three entities, two of which have a size."""
    monkeypatch.chdir(tmp_path)
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    run = lambda *args: CliRunner().invoke(main, list(args), env=env)  # noqa: E731
    write("blueprints/service", SERVICE)
    write("dashboards/sizes", {"title": "Sizes", "widgets": WIDGETS})
    assert run("apply", "--auto-approve").exit_code == 0
    for name, properties in {"a": {"size": 1}, "b": {"size": 2}, "c": {}}.items():
        body = {"identifier": name, "properties": properties}
        bench.send("POST", "/blueprints/service/entities", body)
    return run


def write(name: str, body: dict[str, Any]) -> None:
    path = Path(f"specs/{name}.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(body))


def test_what_is_lost_is_counted_and_who_reads_it(cli: Any) -> None:
    write("blueprints/service", SMALLER)
    text = cli("plan").stdout
    assert "destructive: drops `size` from 2 entities; read by 1 widget" in text
    assert "--allow-destructive blueprint/service" in text
    change = json.loads(cli("plan", "--format", "json").stdout)["changes"][0]
    assert change["risk"] == "destructive"
    assert change["impacts"][0]["entities"] == 2


def test_destruction_is_refused_until_it_is_named(cli: Any, bench: Bench) -> None:
    write("blueprints/service", SMALLER)
    bench.clear()
    refused = cli("apply", "--auto-approve")
    assert refused.exit_code == 1
    assert "refused" in refused.stderr
    assert bench.writes == []
    assert cli("apply", "--auto-approve", "--allow-destructive", "blueprint/other").exit_code == 1
    assert cli("apply", "--auto-approve", "--allow-destructive", "service").exit_code == 64
    assert cli("apply", "--auto-approve", "--allow-destructive", "blueprint/service").exit_code == 0


def test_the_project_file_can_name_it(cli: Any) -> None:
    write("blueprints/service", SMALLER)
    write("portcfg", {"version": 1, "guards": {"allow_destructive": ["blueprint/service"]}})
    assert cli("apply", "--auto-approve").exit_code == 0


def test_a_reviewed_plan_carries_what_was_allowed(cli: Any) -> None:
    write("blueprints/service", SMALLER)
    assert cli("plan", "--out", "plan.json").exit_code == 0
    assert cli("apply", "plan.json").exit_code == 1
    assert cli("apply", "plan.json", "--allow-destructive", "blueprint/service").exit_code == 64
    assert cli("plan", "--out", "plan.json", "--allow-destructive", "blueprint/service").exit_code == 0
    assert cli("apply", "plan.json").exit_code == 0


def test_without_entities_nothing_is_lost(cli: Any, bench: Bench) -> None:
    for name in ("a", "b"):
        bench.send("DELETE", f"/blueprints/service/entities/{name}?delete_dependents=false")
    write("dashboards/sizes", {"title": "Sizes", "widgets": {"hello": {"type": "text", "markdown": "Hi"}}})
    write("blueprints/service", SMALLER)
    assert cli("apply", "--auto-approve").exit_code == 0


def test_too_many_deletes_at_once_are_refused(cli: Any) -> None:
    for number in range(12):
        write(f"blueprints/empty{number}", {**SERVICE, "identifier": f"empty{number}"})
    cli("apply", "--auto-approve")
    for number in range(12):
        Path(f"specs/blueprints/empty{number}.yaml").unlink()
    refused = cli("apply", "--auto-approve", "--prune")
    assert refused.exit_code == 1
    assert "12" in refused.stderr
    assert "guards" in refused.stderr
    write("portcfg", {"version": 1, "guards": {"delete_count": 20, "delete_share": 1.0}})
    assert cli("apply", "--auto-approve", "--prune").exit_code == 0


def test_a_comment_shows_what_is_destroyed_unfolded(cli: Any) -> None:
    write("blueprints/service", SMALLER)
    markdown = cli("plan", "--format", "markdown").stdout
    assert "**refused**" in markdown
    assert "<details>" not in markdown


def test_a_blueprint_goes_with_its_entities_only_when_it_is_named(cli: Any, bench: Bench) -> None:
    Path("specs/blueprints/service.yaml").unlink()
    write("blueprints/other", {**SERVICE, "identifier": "other"})
    write("dashboards/sizes", {"title": "Sizes", "widgets": {"hello": {"type": "text", "markdown": "Hi"}}})
    refused = cli("apply", "--auto-approve", "--prune")
    assert refused.exit_code == 1
    assert "3 entities" in refused.stderr
    done = cli("apply", "--auto-approve", "--prune", "--allow-destructive", "blueprint/service")
    assert done.exit_code == 0, done.output
    assert "service" not in [body["identifier"] for body in bench.send("GET", "/blueprints")["blueprints"]]
