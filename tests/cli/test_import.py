"""import: what to take over, from a Port or from files, beside the specs that are there already."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portcfg.cli.embedded import CREDENTIALS, serving_port
from portcfg.cli.main import main
from portcfg.client import PortWriter
from portcfg.errors import ApiError
from portcfg.yamlread import dump
from tests.support import Bench

Run = Callable[..., Result]
THING: dict[str, Any] = {"identifier": "thing", "title": "Thing", "schema": {"properties": {"a": {"type": "string"}}}}
OTHER = {**THING, "identifier": "other", "relations": {"thing": {"target": "thing"}}}
PAGE = {
    "identifier": "board",
    "title": "Board",
    "type": "dashboard",
    "widgets": [{"id": "m", "type": "markdown", "title": "M", "markdown": "x"}],
}
MAPPING = {
    "identifier": "feed",
    "runner": "portcfg",
    "source": {"base_url": "https://example.com"},
    "vars": {"org": "${vars.org}"},
    "resources": [
        {
            "kind": "/rows",
            "selector": {"query": "true", "data_path": "."},
            "port": {"entity": {"mappings": {"identifier": '$org + "@" + .id', "blueprint": '"thing"'}}},
        }
    ],
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run portcfg in an empty folder, against a Port of its own."""
    monkeypatch.chdir(tmp_path)
    with serving_port(str(tmp_path / "live.db")) as base_url:
        env = {"PORT_BASE_URL": base_url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
        with closing(PortWriter(base_url, CREDENTIALS)) as port:
            for body in (THING, OTHER):
                port.send("POST", "/blueprints", body)
            port.send("POST", "/pages", PAGE)
        yield lambda *args: CliRunner().invoke(main, list(args), env=env)


def files(root: str = "specs") -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in Path(root).rglob("*") if path.is_file())


def write(path: str, body: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(body if isinstance(body, str) else json.dumps(body), encoding="utf-8")


@pytest.mark.parametrize(
    "options, expected",
    [
        ([], ["blueprints/other.yaml", "blueprints/thing.yaml", "dashboards/board.yaml"]),
        (["--only", "blueprint/t*"], ["blueprints/thing.yaml"]),
        (["--only", "*/*o*"], ["blueprints/other.yaml", "dashboards/board.yaml"]),
        (["--only", "blueprint/o*", "--only", "dashboard/*"], ["blueprints/other.yaml", "dashboards/board.yaml"]),
        (["--exclude", "dashboard/*", "--exclude", "*/other"], ["blueprints/thing.yaml"]),
        (["--only", "*/*o*", "--exclude", "blueprint/*"], ["dashboards/board.yaml"]),
    ],
)
def test_patterns_choose(run: Run, options: list[str], expected: list[str]) -> None:
    done = run("import", *options)
    assert (done.exit_code, files()) == (0, expected), done.output
    assert f"wrote {len(expected)}, kept 0" in done.stderr


@pytest.mark.parametrize("options", [["--only", "blueprint/x*"], ["--only", "thing"], ["--exclude", "thing"]])
def test_a_pattern_that_means_nothing_is_refused_and_nothing_is_written(run: Run, options: list[str]) -> None:
    done = run("import", *options)
    assert done.exit_code == 64
    assert not Path("specs").exists()


def test_an_import_adds_to_what_is_there_and_says_what_differs(run: Run) -> None:
    write("specs/blueprints/mine.yaml", dump(THING))
    write("specs/blueprints/two.yaml", dump({**OTHER, "title": "Mine"}))
    done = run("import")
    assert files() == ["blueprints/mine.yaml", "blueprints/two.yaml", "dashboards/board.yaml"]
    assert "wrote 1, kept 2 (1 differ)" in done.stderr
    assert "differs blueprint/other" in done.stderr
    assert "differs blueprint/thing" not in done.stderr
    assert run("import", "--overwrite").exit_code == 0
    assert run("plan", "--detailed-exitcode").exit_code == 0
    assert files() == ["blueprints/mine.yaml", "blueprints/two.yaml", "dashboards/board.yaml"]


def test_what_was_kept_beside_broken_specs_is_not_compared_and_that_is_said(run: Run) -> None:
    write("specs/blueprints/thing.yaml", "title: 1")
    done = run("import")
    assert "kept 1" in done.stderr
    assert "were not compared" in done.stderr


def test_the_stored_config_of_a_mapping_holds_its_variables(run: Run) -> None:
    write("specs/portcfg.yaml", dump({"version": 1, "vars": {"org": "acme"}}))
    write("specs/blueprints/thing.yaml", dump(THING))
    write("specs/mappings/feed.yaml", dump(MAPPING))
    assert run("apply", "--auto-approve").exit_code == 0
    done = run("import", "--specs", "fresh")
    assert "vars" not in done.stderr
    assert "org: acme" in Path("fresh/mappings/feed.yaml").read_text()
    assert run("validate", "--specs", "fresh").exit_code == 0
    assert run("plan", "--specs", "fresh", "--detailed-exitcode").exit_code == 0


def test_a_variable_that_the_stored_config_lacks_is_named(run: Run) -> None:
    write("specs/portcfg.yaml", dump({"version": 1, "vars": {"org": "acme"}}))
    write("specs/blueprints/thing.yaml", dump(THING))
    write("specs/mappings/feed.yaml", dump({key: value for key, value in MAPPING.items() if key != "vars"}))
    assert run("apply", "--auto-approve").exit_code == 0
    done = run("import", "--specs", "fresh")
    assert "add them to `vars` in fresh/portcfg.yaml:\n      org\n" in done.stderr
    write("fresh/portcfg.yaml", dump({"version": 1, "vars": {"org": "acme"}}))
    assert run("plan", "--specs", "fresh", "--detailed-exitcode").exit_code == 0


@pytest.mark.parametrize(
    "body",
    [
        THING,
        [THING],
        {"blueprints": [THING]},
        {"ok": True, "blueprint": {**THING, "createdAt": "x", "relations": {}}},
        {"blueprints": [THING], "pages": [{"identifier": "e", "type": "entity", "widgets": []}]},
    ],
)
def test_ports_json_in_any_wrapping_becomes_specs_without_a_port(run: Run, body: Any) -> None:
    write("port.json", body)
    done = run("import", "--from-json", "port.json", "--specs", "taken")
    assert (done.exit_code, files("taken")) == (0, ["blueprints/thing.yaml"]), done.output
    assert Path("taken/blueprints/thing.yaml").read_text() == (
        "identifier: thing\ntitle: Thing\nschema:\n  properties:\n    a:\n      type: string\n"
    )


def test_pages_and_integrations_from_files(run: Run) -> None:
    integration = {"installationId": "feed", "installationAppType": "custom", "config": {"resources": []}}
    write("in/all.json", {"pages": [{**PAGE, "protected": False}], "integrations": [integration]})
    write("in/notes.yaml", "a: 1")
    done = run("import", "--from-json", "in", "--specs", "taken")
    assert files("taken") == ["dashboards/board.yaml", "mappings/feed.yaml"], done.output
    assert "passed over in/notes.yaml" in done.stderr
    assert run("validate", "--specs", "taken").exit_code == 0


def test_what_the_files_refer_to_and_dont_hold_is_named(run: Run) -> None:
    write("port.json", OTHER)
    done = run("import", "--from-json", "port.json", "--specs", "taken")
    assert 'external: {"blueprints": {"thing": {}}}' in done.stderr
    write("taken/portcfg.yaml", dump({"version": 1, "external": {"blueprints": {"thing": {}}}}))
    assert run("validate", "--specs", "taken").exit_code == 0


@pytest.mark.parametrize(
    "files, says",
    [
        ({"in/a.json": "{}"}, "holds no blueprint"),
        ({"in/a.json": "{,}"}, "in/a.json:1:2"),
        ({"in/a.json": THING, "in/b.json": {**THING, "title": "B"}}, "another blueprint/thing"),
        ({"in/a.json": {**THING, "schema": {"properties": ["x"]}}}, "isn't what Port would answer"),
    ],
)
def test_files_that_cant_be_taken_over_are_refused(run: Run, files: dict[str, Any], says: str) -> None:
    for path, body in files.items():
        write(path, body)
    done = run("import", "--from-json", "in", "--specs", "taken")
    assert done.exit_code in (1, 64)
    assert says in done.stderr
    assert not Path("taken").exists()


def test_a_file_that_stands_twice_with_the_same_says_nothing_new(run: Run) -> None:
    write("in/a.json", THING)
    write("in/b.json", [THING])
    assert run("import", "--from-json", "in", "--specs", "taken").exit_code == 0


def test_an_integrations_resources_go_by_its_folder(run: Run) -> None:
    config = {
        "resources": [{"kind": "x", "port": {"entity": {"mappings": {"identifier": ".id", "blueprint": '"thing"'}}}}]
    }
    write("vendor/.port/resources/port-app-config.yml", dump(config))
    done = run("import", "--from-json", "vendor/.port/resources", "--specs", "taken")
    assert files("taken") == ["mappings/vendor.yaml"], done.output
    assert (
        Path("taken/mappings/vendor.yaml").read_text().startswith("identifier: vendor\ntype: vendor\nrunner: ocean\n")
    )


def test_every_vendors_folder_is_taken_over_applied_and_planned_empty(run: Run, reference_dir: Path) -> None:
    vendors = sorted(path for path in (reference_dir / "corpus").iterdir() if path.is_dir())
    assert vendors
    for vendor in vendors:
        done = run("import", "--from-json", str(vendor))
        assert done.exit_code == 0, done.output
        assert f"specs/mappings/{vendor.name}.yaml" in done.stderr
        # One of them is really wrong: its mapping writes a property that its blueprint lacks.
        assert ("warning" in done.stderr) == ("PC320" in done.stderr) == (vendor.name == "pagerduty")
    assert run("validate").exit_code == 0
    applied = run("apply", "--auto-approve")
    assert applied.exit_code == 0, applied.output
    assert run("plan", "--detailed-exitcode").exit_code == 0
    assert "wrote" in run("import", "--specs", "again").stderr
    assert run("plan", "--specs", "again", "--detailed-exitcode").exit_code == 0
    assert run("validate", "--specs", "again").exit_code == 0


HOSTILE = (
    "a/b",
    "a:b",
    "A",
    "a",
    "CON",
    "nul.x",
    "ends.",
    "...",
    "日本",
    "中国",
    "x" * 100,
    "-rf",
    "a\\b",
    "x.",
    "${vars.x}",
)


def test_hostile_identifiers_have_files_of_their_own_on_every_disk(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    with closing(bench.writer()) as port:
        taken = [name for name in HOSTILE if accepted(port, {**THING, "identifier": name})]
    assert len(taken) > 10
    done = CliRunner().invoke(main, ["import"], env=env)
    assert done.exit_code == 0, done.output
    names = [Path(name).name for name in files()]
    assert len({name.casefold() for name in names}) == len(names) == len(taken)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.yaml", name) for name in names)
    assert not {name.partition(".")[0].lower() for name in names} & {"con", "nul"}
    assert CliRunner().invoke(main, ["plan", "--detailed-exitcode"], env=env).exit_code == 0
    assert "wrote 0" in CliRunner().invoke(main, ["import"], env=env).stderr


def accepted(port: PortWriter, body: dict[str, Any]) -> bool:
    """Whether Port takes a blueprint of this name at all."""
    try:
        port.send("POST", "/blueprints", body, {"create_catalog_page": "false"})
    except ApiError:
        return False
    return True
