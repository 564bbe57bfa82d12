"""Real configurations, of eight Ocean integrations: taken over from their files and out of a Port, applied, edited."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from portcfg.cli.main import main
from portcfg.errors import ApiError
from portcfg.model import Body
from portcfg.yamlread import dump
from tests.support import Bench

VENDORS = ("cursor", "jira", "launchdarkly", "opencost", "pagerduty", "sentry", "snyk", "sonarqube")
# What Port itself must refuse, (vendor, identifier) -> why. Nothing so far.
REFUSED: dict[tuple[str, str], str] = {}
Run = Callable[..., Result]


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest, reference_dir: Path) -> Path:
    """The folder of one vendor's resources."""
    folder = reference_dir / "corpus" / str(request.param)
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def test_the_whole_corpus_is_tried(reference_dir: Path) -> None:
    assert {path.name for path in (reference_dir / "corpus").iterdir() if path.is_dir()} <= set(VENDORS)


@pytest.fixture
def run(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """portcfg in an empty folder, on an embedded Port."""
    monkeypatch.chdir(tmp_path)
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    return lambda *args: CliRunner().invoke(main, list(args), env=env)


def bodies(vendor: Path) -> Iterator[tuple[str, Body]]:
    """(route, body) of each resource, as Ocean's installer would POST it."""
    for file in sorted(vendor.iterdir()):
        value = yaml.safe_load(file.read_text(encoding="utf-8"))
        if file.name == "blueprints.json":
            yield from (("/blueprints", body) for body in value)
        elif file.name == "pages.json":
            yield from (("/pages", body) for body in value)
        else:
            yield "/integration", {"installationId": vendor.name, "installationAppType": vendor.name, "config": value}


def seed(bench: Bench, vendor: Path) -> set[tuple[str, str]]:
    """Put a vendor's resources into Port; (vendor, identifier) of those that it refuses."""
    found = list(bodies(vendor))
    for route, body in found:
        if route == "/blueprints":
            bench.send("POST", f"{route}?create_catalog_page=false", {**body, **LATER})
    # In rounds: what one has may build on what another is only about to get.
    while (left := [each for each in found if not _taken(bench, *each)]) != found:
        found = left
    return {(vendor.name, str(body.get("identifier", vendor.name))) for _, body in left}


def _taken(bench: Bench, route: str, body: Body) -> bool:
    method, place = ("PUT", f"{route}/{body['identifier']}") if route == "/blueprints" else ("POST", route)
    try:
        bench.send(method, place, body)
    except ApiError:
        return False
    return True


LATER: Body = {key: {} for key in ("relations", "mirrorProperties", "calculationProperties", "aggregationProperties")}


def edit(text: str, dice: random.Random) -> str:
    """A spec with a small change, as somebody would make it."""
    spec = yaml.safe_load(text)
    if "schema" in spec:
        choices = [lambda: spec.update(title="Edited"), lambda: spec["schema"]["properties"].update(added=ADDED)]
    elif "type" in spec:
        mapped = spec.get("config", spec)["resources"][0]["port"]["entity"]["mappings"]
        choices = [lambda: mapped.update(title=".edited"), lambda: spec.update(title="Edited")]
    else:
        widgets = spec["widgets"]
        choices = [
            lambda: dice.choice(list(widgets.values()) if isinstance(widgets, dict) else widgets).update(
                title="Edited"
            ),
            lambda: spec.update(description="Edited"),
        ]
    for change in dice.sample(choices, dice.randint(1, len(choices))):
        change()
    return dump(spec)


ADDED = {"type": "string", "title": "Added", "enum": ["a", "b"], "enumColors": {"a": "red"}}


def texts(folder: str) -> dict[str, str]:
    files = sorted(Path(folder).rglob("*.yaml"))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def values(folder: str) -> dict[str, Body]:
    return {name: yaml.safe_load(text) for name, text in texts(folder).items()}


@pytest.mark.parametrize("source", ["files", "a Port"])
def test_taken_over_applied_edited_and_taken_over_again(vendor: Path, source: str, run: Run, bench: Bench) -> None:
    if source == "a Port":
        assert seed(bench, vendor) == {known for known in REFUSED if known[0] == vendor.name}
    taken = run("import", *(["--from-json", str(vendor)] if source == "files" else []))
    assert taken.exit_code == 0, taken.output
    # What is really wrong in its files is told, and keeps nobody from taking them over.
    assert re.findall(r"PC\d{3}", taken.stderr) == (["PC320"] if vendor.name == "pagerduty" else [])
    assert taken.stderr.count("warning") == (vendor.name == "pagerduty")
    found = texts("specs")
    # Port makes a page for each blueprint; what it makes by itself is no dashboard.
    assert len(found) == len(list(bodies(vendor)))
    applied(run, bench, writes=source == "files")

    dice = random.Random(vendor.name)
    for name, text in found.items():
        Path("specs", name).write_text(edit(text, dice), encoding="utf-8")
    plan = json.loads(run("plan", "--format", "json").stdout)
    assert {change["action"] for change in plan["changes"]} == {"update"}
    applied(run, bench, writes=True)

    again = run("import", "--specs", "again")
    assert again.exit_code == 0, again.output
    assert values("again") == values("specs")
    before = texts("again")
    assert "wrote 0" in run("import", "--specs", "again").stderr
    assert texts("again") == before


def applied(run: Run, bench: Bench, *, writes: bool) -> None:
    """Apply; whether that writes more than the ledger, and that nothing is left to do."""
    bench.clear()
    done = run("apply", "--auto-approve")
    assert done.exit_code == 0, done.output
    assert writes == any("/portcfg_resource" not in path and path != "/v1/blueprints" for _, path, _ in bench.writes)
    bench.clear()
    assert run("plan", "--detailed-exitcode").exit_code == 0
    assert run("apply", "--auto-approve").exit_code == 0
    assert bench.writes == []
