"""The command line as its users meet it: exit codes, streams, formats, refusals."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from portcfg.cli.embedded import serving_port
from portcfg.cli.main import COMMANDS, main
from portcfg.yamlread import dump

BLUEPRINT: dict[str, Any] = {
    "identifier": "thing",
    "title": "Thing",
    "schema": {"properties": {"size": {"type": "number"}}},
}
HOSTILE = "x\x1b[31m red\n## @everyone `code` | <img src=x> \u202eevil"

Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run portcfg in an empty folder with an empty environment."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str, env: dict[str, str] | None = None, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, list(args), env=env, input=stdin)

    return run


@pytest.fixture
def live(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a user whose Port is the embedded one."""
    with serving_port(str(tmp_path / "live.db")) as base_url:
        yield {"PORT_BASE_URL": base_url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}


def write(name: str, body: Any) -> Path:
    path = Path("specs") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body if isinstance(body, str) else dump(body), encoding="utf-8")
    return path


def test_help_lists_every_command(cli: Cli) -> None:
    done = cli("--help")
    assert done.exit_code == 0
    assert all(re.search(rf"^  {name} ", done.stdout, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_that_are_its_own(cli: Cli, name: str) -> None:
    done = cli(name, "--help")
    assert done.exit_code == 0
    assert "Examples:" in done.stdout
    assert f"portcfg {name}" in done.stdout


def test_help_imports_no_heavy_package() -> None:
    code = (
        "import sys\nfrom portcfg.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'requests', 'jsonschema', 'deepdiff', 'jq', 'yaml', 'starlette'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("\n[]")


def test_version(cli: Cli) -> None:
    assert re.fullmatch(r"portcfg \d+\.\d+\.\d+\n", cli("--version").stdout)


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["plam"], id="unknown command"),
        pytest.param(["plan", "--formt", "json"], id="unknown flag"),
        pytest.param(["plan", "--format", "xml"], id="unknown format"),
        pytest.param(["plan", "--env", "nowhere"], id="unknown environment"),
        pytest.param(["plan", "--prune", "--no-ledger"], id="flags that contradict"),
        pytest.param(["schema"], id="nothing asked for"),
        pytest.param(["schema", "blueprint", "--vscode"], id="settings without schemas"),
    ],
)
def test_wrong_usage_exits_with_64_and_never_with_2(cli: Cli, args: list[str]) -> None:
    write("blueprints/thing.yaml", BLUEPRINT)
    done = cli(*args)
    assert done.exit_code == 64
    assert done.stdout == ""
    assert done.stderr


@pytest.mark.parametrize("command", ["plan", "apply", "import", "sync"])
def test_without_credentials_a_live_command_refuses_and_says_how_to_go_on(cli: Cli, command: str) -> None:
    write("blueprints/thing.yaml", BLUEPRINT)
    source = {"base_url": "http://127.0.0.1:9", "auth": {"type": "none"}}
    mappings = {"identifier": ".id", "blueprint": '"thing"', "properties": {}}
    entity = {"kind": "/x", "selector": {"query": "true"}, "port": {"entity": {"mappings": mappings}}}
    write("mappings/rows.yaml", {"source": source, "resources": [entity]})
    done = cli(command)
    assert done.exit_code == 64
    assert "PORT_CLIENT_ID" in done.stderr
    assert "--env local" in done.stderr
    assert not Path(".portcfg").exists()


def test_plan_apply_plan_on_the_embedded_port(cli: Cli) -> None:
    write("blueprints/thing.yaml", BLUEPRINT)
    assert cli("plan", "--env", "local", "--detailed-exitcode").exit_code == 2
    assert cli("apply", "--env", "local", "--auto-approve").exit_code == 0
    again = cli("plan", "--env", "local", "--detailed-exitcode")
    assert again.exit_code == 0
    assert again.stdout.startswith("No changes.")
    assert "Applied 0 of 0" in cli("apply", "--env", "local").stdout


def test_apply_asks_on_a_terminal_only(cli: Cli) -> None:
    write("blueprints/thing.yaml", BLUEPRINT)
    refused = cli("apply", "--env", "local")
    assert refused.exit_code == 64
    assert "--auto-approve" in refused.stderr
    assert "1 to create" in cli("plan", "--env", "local").stdout


def test_plan_json_names_its_format_and_every_field(cli: Cli, live: dict[str, str]) -> None:
    write("blueprints/thing.yaml", BLUEPRINT)
    cli("apply", "--auto-approve", env=live)
    write("blueprints/thing.yaml", {**BLUEPRINT, "title": "Other", "icon": "Box"})
    plan = json.loads(cli("plan", "--format", "json", env=live).stdout)
    assert plan["format"] == "portcfg/plan/1"
    assert plan["counts"] == {"create": 0, "update": 1, "delete": 0, "noop": 0, "rename": 0}
    change = plan["changes"][0]
    assert change["file"] == "specs/blueprints/thing.yaml"
    assert change["fields"] == [
        {"path": ["icon"], "cause": "spec", "after": "Box"},
        {"path": ["title"], "cause": "spec", "before": "Thing", "after": "Other"},
    ]


def test_prune_deletes_what_left_the_specs_and_only_when_asked(cli: Cli, live: dict[str, str]) -> None:
    write("blueprints/thing.yaml", BLUEPRINT)
    gone = write("blueprints/gone.yaml", {**BLUEPRINT, "identifier": "gone"})
    cli("apply", "--auto-approve", env=live)
    gone.unlink()
    kept = cli("plan", "--detailed-exitcode", env=live)
    assert kept.exit_code == 0
    assert "blueprint/gone; --prune" in kept.stdout
    assert "- delete blueprint/gone" in cli("plan", "--prune", env=live).stdout
    assert cli("apply", "--prune", "--auto-approve", env=live).exit_code == 0
    assert "gone" not in cli("plan", "--prune", env=live).stdout


def test_a_hostile_title_acts_on_no_terminal_and_no_comment(cli: Cli, live: dict[str, str]) -> None:
    write("blueprints/thing.yaml", json.dumps({**BLUEPRINT, "title": HOSTILE}))
    text = cli("plan", env=live).stdout
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\n## " not in text
    markdown = cli("plan", "--format", "markdown", env=live).stdout
    outside = re.sub(r"(?s)(`{3,})diff\n.*?\n\1", "", markdown)
    assert "@everyone" not in outside
    assert "<img" not in outside
    assert "\x1b" not in markdown


def test_a_hostile_problem_acts_on_no_terminal(cli: Cli) -> None:
    write("blueprints/thing.json", json.dumps({**BLUEPRINT, HOSTILE: 1}))
    done = cli("validate")
    assert done.exit_code == 1
    assert "\x1b" not in done.stdout


def test_the_markdown_of_a_huge_plan_fits_into_a_comment_and_keeps_the_deletes(cli: Cli, live: dict[str, str]) -> None:
    write("blueprints/gone.yaml", {**BLUEPRINT, "identifier": "gone"})
    write("blueprints/thing.yaml", BLUEPRINT)
    cli("apply", "--auto-approve", env=live)
    Path("specs/blueprints/gone.yaml").unlink()
    properties = {f"property_{number}": {"type": "string", "title": "t" * 90} for number in range(200)}
    for number in range(40):
        write(
            f"blueprints/b{number}.yaml",
            {"identifier": f"b{number}", "title": "B", "schema": {"properties": properties}},
        )
    markdown = cli("plan", "--prune", "--format", "markdown", env=live).stdout
    assert len(markdown) < 65_536
    assert "**delete** `blueprint/gone`" in markdown
    assert "more changes by name; `portcfg plan` has the details" in markdown


@pytest.mark.parametrize(
    ("format_", "begins"),
    [
        ("text", "specs/blueprints/thing.yaml:2:1: error PC101"),
        ("json", "{"),
        ("markdown", "**1 resource(s) checked: 1 error"),
    ],
)
def test_validate_reports_in_each_format_and_exits_with_1(cli: Cli, format_: str, begins: str) -> None:
    write("blueprints/thing.yaml", "title: Thing\nicn: Box\nschema:\n  properties: {}\n")
    done = cli("validate", "--format", format_)
    assert done.exit_code == 1
    assert done.stdout.startswith(begins)
    assert "icn" in done.stdout
    assert "icon" in done.stdout


def test_invalid_specs_stop_a_plan_before_any_request(cli: Cli) -> None:
    write("blueprints/thing.yaml", "title: [\n")
    env = {"PORT_BASE_URL": "http://127.0.0.1:9", "PORT_CLIENT_ID": "x", "PORT_CLIENT_SECRET": "y"}
    done = cli("plan", env=env)
    assert done.exit_code == 1
    assert "specs/blueprints/thing.yaml:2:1" in done.stderr
    assert "could not be reached" not in done.stderr


def test_an_empty_folder_is_an_error_that_says_where_specs_go(cli: Cli) -> None:
    Path("specs").mkdir()
    done = cli("plan", "--env", "local")
    assert done.exit_code == 1
    assert "specs/blueprints/" in done.stderr


def test_import_writes_specs_that_plan_to_nothing_and_overwrites_nothing(cli: Cli, live: dict[str, str]) -> None:
    write("blueprints/thing.yaml", {**BLUEPRINT, "description": "costs ${vars.x}".replace("$", "$$")})
    cli("apply", "--auto-approve", env=live)
    done = cli("import", "--specs", "taken", "--kind", "blueprint", env=live)
    assert done.exit_code == 0
    assert cli("plan", "--specs", "taken", "--detailed-exitcode", env=live).exit_code == 0
    Path("taken/blueprints/thing.yaml").write_text("mine\n")
    assert "kept" in cli("import", "--specs", "taken", env=live).stderr
    assert Path("taken/blueprints/thing.yaml").read_text() == "mine\n"
    assert cli("import", "--specs", "taken", "nothing-like-this", env=live).exit_code == 64


def test_compile_prints_what_is_sent(cli: Cli) -> None:
    write("blueprints/thing.yaml", BLUEPRINT)
    [row] = json.loads(cli("compile", "blueprint/thing").stdout)
    assert row["body"] == BLUEPRINT
    assert cli("compile", "blueprint/other").exit_code == 64


def test_schemas_are_written_for_editors(cli: Cli) -> None:
    assert cli("schema", "--out", "schemas").exit_code == 0
    names = {path.name for path in Path("schemas").iterdir()}
    assert {
        "blueprint.schema.json",
        "mapping.schema.json",
        "dashboard.schema.json",
        "folder.schema.json",
        "project.schema.json",
    } == names
    assert json.loads(cli("schema", "dashboard").stdout)["title"]


def test_the_settings_of_vs_code_name_the_schemas_beside_what_they_hold(cli: Cli) -> None:
    settings = Path(".vscode", "settings.json")
    settings.parent.mkdir()
    settings.write_text('{"editor.tabSize": 2, "yaml.schemas": {"x.json": "y.yaml"}, "json.schemas": [{"url": "z"}]}')
    assert cli("schema", "--out", "schemas", "--vscode").exit_code == 0
    first = settings.read_text()
    assert cli("schema", "--out", "schemas", "--vscode").exit_code == 0
    assert settings.read_text() == first
    found = json.loads(first)
    assert found["editor.tabSize"] == 2
    assert found["yaml.schemas"]["x.json"] == "y.yaml"
    assert "specs/blueprints/**/*.yaml" in found["yaml.schemas"]["./schemas/blueprint.schema.json"]
    assert {"url": "z"} in found["json.schemas"]
    assert all(Path(path).is_file() for path in found["yaml.schemas"] if path.startswith("./"))


def test_settings_of_vs_code_with_comments_are_left_alone(cli: Cli) -> None:
    settings = Path(".vscode", "settings.json")
    settings.parent.mkdir()
    settings.write_text("// mine\n{}")
    done = cli("schema", "--out", "schemas", "--vscode")
    assert done.exit_code == 64
    assert "yaml-language-server" in done.stderr
    assert settings.read_text() == "// mine\n{}"
    assert not Path("schemas").exists()


def test_doctor_names_credentials_and_never_shows_them(cli: Cli, live: dict[str, str]) -> None:
    write("blueprints/thing.yaml", BLUEPRINT)
    done = cli("doctor", env=live)
    assert done.exit_code == 0
    assert "PORT_CLIENT_SECRET" in done.stdout
    assert "yes" in done.stdout
    wrong = cli("doctor", env={**live, "PORT_CLIENT_SECRET": "tops3cret"})
    assert wrong.exit_code == 1
    assert "401" in wrong.stdout
    assert "tops3cret" not in wrong.output


def test_a_port_that_cannot_be_reached_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    write("blueprints/thing.yaml", BLUEPRINT)
    env = {"PORT_BASE_URL": "http://127.0.0.1:9", "PORT_CLIENT_ID": "x", "PORT_CLIENT_SECRET": "y"}
    done = cli("doctor", env=env)
    assert done.exit_code == 1
    assert "http://127.0.0.1:9/v1 could not be reached" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(cli: Cli, shell: str) -> None:
    assert "_PORTCFG_COMPLETE" in cli("completion", shell).stdout


def test_a_reader_that_goes_away_is_no_error(cli: Cli) -> None:
    for number in range(300):
        write(f"blueprints/b{number}.yaml", {**BLUEPRINT, "identifier": f"b{number}"})
    piped = f"set -o pipefail; '{sys.executable}' -m portcfg compile | head -c 10 >/dev/null"
    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""


def test_the_emulator_serves_other_clients_until_interrupted(tmp_path: Path) -> None:
    args = [sys.executable, "-m", "portcfg", "emulator", "--port", "0", "--cursor-port", "0", "--data", "x.db"]
    process = subprocess.Popen(
        args,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # Where the tests run in the background, SIGINT is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stdout is not None
        base_url = re.findall(r"PORT_BASE_URL=(\S+)", process.stdout.readline())[0]
        cursor_url = re.findall(r"--source-url (\S+)", process.stdout.readline())[0]
        login = {"clientId": "local", "clientSecret": "local"}
        answer = requests.post(f"{base_url}/v1/auth/access_token", json=login, timeout=10)
        assert answer.json()["ok"] is True
        members = requests.get(f"{cursor_url}/teams/members", auth=("local", ""), timeout=10)
        assert members.json()["teamMembers"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
    finally:
        process.kill()
        process.communicate()
    assert (tmp_path / "x.db").exists()


def test_a_bug_is_told_apart_from_a_users_mistake(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise AssertionError("boom")

    monkeypatch.setattr("portcfg.cli.validate.read_specs", broken)
    done = cli("validate")
    assert done.exit_code == 70
    assert "boom" in done.stderr


def test_a_misspelled_command_is_guessed(cli: Cli) -> None:
    assert "did you mean 'plan'?" in cli("plann").stderr


def test_a_folder_that_cannot_be_made_is_the_users_to_mend(cli: Cli) -> None:
    Path("taken").write_text("a file")
    done = cli("schema", "--out", "taken/schemas")
    assert done.exit_code == 1
    assert "taken" in done.stderr
    assert "bug" not in done.stderr


def test_apply_asks_before_it_manages_what_is_there_already(cli: Cli, live: dict[str, str]) -> None:
    write("blueprints/thing.yaml", BLUEPRINT)
    cli("apply", "--auto-approve", "--no-ledger", env=live)
    assert "will be managed from now on" in cli("plan", env=live).stdout
    assert cli("apply", env=live).exit_code == 64
    assert "managed" in cli("plan", env=live).stdout
    assert cli("apply", "--auto-approve", env=live).exit_code == 0
    assert "managed" not in cli("plan", env=live).stdout


def test_the_demo_deletes_nothing_but_its_own_state(cli: Cli) -> None:
    Path("notes.txt").write_text("mine")
    Path("notes").write_text("mine too")
    done = cli("demo", "--data", "notes")
    assert done.exit_code == 64
    assert Path("notes").read_text() == "mine too"
    assert Path("notes.txt").read_text() == "mine"
