"""What a plan destroys is counted, shown, and refused until it is named."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from portcfg.cli.main import main
from portcfg.errors import TerminalApiError
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


def test_the_project_file_can_name_it_as_the_refusal_says(cli: Any) -> None:
    write("blueprints/service", SMALLER)
    said = re.search(r"guards: \{.*?\}", cli("plan", "--format", "markdown").stdout.replace("\n ", ""))
    assert said
    Path("specs/portcfg.yaml").write_text(f"version: 1\n{said[0]}\n")
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
    assert "`portcfg apply` refuses this plan" in markdown
    assert "! destructive: " in markdown
    assert markdown.index("**update** `blueprint/service`") < markdown.index("<details>")


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


def test_what_still_refers_to_a_deleted_blueprint_is_named_before_anything_is_written(cli: Any, bench: Bench) -> None:
    write("blueprints/other", {**SERVICE, "identifier": "other"})
    assert cli("apply", "--auto-approve").exit_code == 0
    theirs = {"identifier": "theirs", "title": "T", "schema": {"properties": {}}}
    relation = {"uses": {"target": "other", "required": False, "many": False}}
    bench.send("POST", "/blueprints", {**theirs, "relations": relation})
    Path("specs/blueprints/other.yaml").unlink()
    bench.clear()
    refused = cli("apply", "--auto-approve", "--prune", "--allow-destructive", "blueprint/other")
    assert refused.exit_code == 1
    assert "blueprint/other can't be deleted: it is still referred to by relation theirs.uses" in refused.stderr
    assert bench.writes == []
    bench.send("PUT", "/blueprints/theirs", theirs)
    assert cli("apply", "--auto-approve", "--prune").exit_code == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("blueprint/servise", "neither the specs nor Port have it; did you mean blueprint/service?"),
        ("dashboard/sizes", "this plan doesn't change it"),
        ("blueprint/service", None),
    ],
)
def test_what_is_allowed_and_isnt_concerned_is_told(cli: Any, name: str, says: str | None) -> None:
    write("blueprints/service", SMALLER)
    text = cli("plan", "--allow-destructive", name).stdout
    assert ("allows nothing" in text) is (says is not None)
    assert says is None or f"--allow-destructive {name} allows nothing: {says}" in text


def test_what_the_project_file_allows_may_wait_unless_nobody_knows_it(cli: Any) -> None:
    write("portcfg", {"version": 1, "guards": {"allow_destructive": ["blueprint/service", "blueprint/servise"]}})
    text = cli("plan").stdout
    assert text.count("allows nothing") == 1
    assert "allow_destructive blueprint/servise of guards in portcfg.yaml" in text


def test_an_emptied_folder_needs_its_own_leave_whatever_else_is_allowed(cli: Any, bench: Bench) -> None:
    for name in ("blueprints/service", "dashboards/sizes"):
        Path(f"specs/{name}.yaml").unlink()
    without_project = cli("plan", "--prune")
    assert (without_project.exit_code, "there are no specs here" in without_project.stderr) == (1, True)
    assert "if nothing shall be left, write `version: 1` into specs/portcfg.yaml" in without_project.stderr
    write("portcfg", {"version": 1, "guards": {"delete_share": 1.0, "delete_count": 99}})
    assert "kept: blueprint/service, dashboard/sizes; --prune deletes them" in cli("plan").stdout
    bench.clear()
    named = ["--allow-destructive", "blueprint/service", "--allow-destructive", "dashboard/sizes"]
    for flags in ([], named):
        refused = cli("apply", "--auto-approve", "--prune", *flags)
        assert refused.exit_code == 1
        assert "this would delete all 2 managed resource(s)" in refused.stderr
        assert "--allow-remove-all" in refused.stderr
    assert "deletes 3 entities" in cli("apply", "--auto-approve", "--prune", "--allow-remove-all").stderr
    assert bench.writes == []
    done = cli("apply", "--auto-approve", "--prune", "--allow-remove-all", "--allow-destructive", "blueprint/service")
    assert done.exit_code == 0, done.output
    assert "service" not in [body["identifier"] for body in bench.send("GET", "/blueprints")["blueprints"]]


def test_a_plan_warns_of_an_emptied_file_whose_resource_it_deletes(cli: Any) -> None:
    Path("specs/dashboards/sizes.yaml").write_text("# later\n", encoding="utf-8")
    planned = cli("plan", "--prune")
    assert "- delete dashboard/sizes" in planned.stdout
    for told in (planned.stdout, cli("validate").output):
        assert "this file holds no spec" in told
    assert cli("validate").exit_code == 0


def test_the_leave_to_remove_all_isnt_stopped_by_how_many_that_are(cli: Any, bench: Bench) -> None:
    for number in range(14):
        write(f"blueprints/empty{number}", {**SERVICE, "identifier": f"empty{number}"})
    write("portcfg", {"version": 1})
    cli("apply", "--auto-approve")
    for path in [*Path("specs").glob("blueprints/*"), *Path("specs").glob("dashboards/*")]:
        path.unlink()
    flags = ("--prune", "--allow-remove-all", "--allow-destructive", "blueprint/service")
    assert cli("apply", "--auto-approve", *flags).exit_code == 0


def test_numbers_that_port_doesnt_tell_count_as_a_loss(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any) -> int:
        raise TerminalApiError("no permission", status=403)

    monkeypatch.setattr("portcfg.impact.counted", forbidden)
    write("blueprints/service", SMALLER)
    refused = cli("apply", "--auto-approve")
    assert refused.exit_code == 1
    assert "blueprint/service is destructive: drops `size` from ? entities; read by 1 widget" in refused.stderr
