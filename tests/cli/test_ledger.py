"""The ledger: shown, found damaged in every way, mended, and let go. Only the ledger is ever written."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from portcfg import ledger
from portcfg.cli.main import main
from portcfg.kinds.base import STAMPS
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Action, Body, Cause, Ref
from portcfg.observe import observe
from portcfg.pipeline import plan_specs, read_specs
from portcfg.yamlread import dump
from tests.support import Bench, Server, write_files

ENTITIES = f"/blueprints/{LEDGER_BLUEPRINT}/entities"
CI = {"GITHUB_SERVER_URL": "https://git.example", "GITHUB_REPOSITORY": "us/portal", "GITHUB_SHA": "c0ffee" * 6 + "1234"}


def blueprint(title: str = "T") -> Body:
    return {"title": title, "schema": {"properties": {"n": {"type": "number"}}}, "relations": {}}


Cli = Callable[..., Result]


@pytest.fixture
def cli(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs a command in an empty folder, as CI does."""
    monkeypatch.chdir(tmp_path)
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}

    def run(*args: str, code: int = 0, ci: bool = True) -> Result:
        return _checked(CliRunner().invoke(main, list(args), env={**env, **(CI if ci else dict.fromkeys(CI))}), code)

    return run


def _checked(result: Result, code: int) -> Result:
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def applied(cli: Cli) -> Path:
    """Blueprints a and b, applied."""
    root = write_files(
        Path("specs"),
        {f"blueprints/{name}.yaml": dump(blueprint()) for name in "ab"} | {"portcfg.yaml": "version: 1\n"},
    )
    cli("apply", "--auto-approve")
    return root


def outside(bench: Bench) -> dict[str, Body]:
    """All that Port holds beside the ledger, with its stamps: nothing of it may be written."""
    with closing(bench.reader()) as port:
        return {str(ref): resource.body for ref, resource in observe(port).items()}


def entry(bench: Bench, name: str) -> Body:
    return dict(bench.send("GET", f"{ENTITIES}/{name.replace('/', '%2F')}")["entity"]["properties"])


def spoil(bench: Bench, name: str, **properties: Any) -> None:
    bench.send("PATCH", f"{ENTITIES}/{name.replace('/', '%2F')}", {"properties": properties})


def drop_ledger(bench: Bench) -> None:
    """Somebody deletes the ledger's blueprint with all its entities."""
    bench.send("DELETE", f"{ENTITIES.removesuffix('/entities')}/all-entities?delete_blueprint=true")
    names = [each["identifier"] for each in bench.send("GET", "/blueprints")["blueprints"]]
    assert LEDGER_BLUEPRINT not in names


# --- show ---------------------------------------------------------------------------------------------------------


def test_show_says_from_which_file_and_commit_and_when_and_only_reads(cli: Cli, bench: Bench, applied: Path) -> None:
    bench.clear()
    shown = cli("ledger", "show").stdout
    assert "2 resource(s) are managed." in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("blueprint/a")]
    assert "specs/blueprints/a.yaml" in line and CI["GITHUB_SHA"][:12] in line and "default" in line
    listed = json.loads(cli("ledger", "show", "--format", "json").stdout)
    assert listed["format"] == "portcfg/ledger/1"
    (first, _) = listed["entries"]
    assert (first["kind"], first["identifier"], first["file"]) == ("blueprint", "a", "specs/blueprints/a.yaml")
    assert first["link"] == f"https://git.example/us/portal/blob/{CI['GITHUB_SHA']}/specs/blueprints/a.yaml"
    assert (first["damaged"], first["too_large"]) == (False, False)
    assert bench.writes == []


def test_the_ledger_follows_a_spec_into_another_file(cli: Cli, bench: Bench, applied: Path) -> None:
    (applied / "blueprints/a.yaml").rename(applied / "blueprints/moved.yaml")
    write_files(applied, {"blueprints/moved.yaml": "identifier: a\n" + dump(blueprint())})
    bench.clear()
    cli("apply", "--auto-approve")
    assert all(LEDGER_BLUEPRINT in path for _, path, _ in bench.writes)
    assert entry(bench, "blueprint/a")["file"] == "specs/blueprints/moved.yaml"
    bench.clear()
    cli("apply", "--auto-approve")
    # The same file by another name is no other file.
    cli("apply", "--auto-approve", "--specs", str(applied.resolve()))
    assert bench.writes == []


@pytest.mark.parametrize(
    ("name", "linked"),
    [
        ("my service", "my%20service"),
        ("what?", "what%3F"),
        ("a#b", "a%23b"),
        ("50%", "50%25"),
        ("dienst-ü", "dienst-%C3%BC"),
        ("a[b]<c>`d`", "a%5Bb%5D%3Cc%3E%60d%60"),
    ],
)
def test_whatever_a_file_is_called_its_link_leads_to_it(name: str, linked: str, cli: Cli, bench: Bench) -> None:
    write_files(Path("my specs"), {f"blueprints/{name}.yaml": "identifier: a\n" + dump(blueprint())})
    cli("apply", "--auto-approve", "--specs", "my specs")
    page = f"https://git.example/us/portal/blob/{CI['GITHUB_SHA']}"
    assert entry(bench, "blueprint/a")["link"] == f"{page}/my%20specs/blueprints/{linked}.yaml"
    # An entry that is written by another name keeps its link.
    found = entry(bench, "blueprint/a")
    bench.send("DELETE", f"{ENTITIES}/blueprint%2Fa")
    bench.send("POST", ENTITIES, {"identifier": "elsewhere", "properties": found})
    cli("ledger", "repair", "--auto-approve", "--specs", "my specs")
    assert entry(bench, "blueprint/a")["link"] == found["link"]


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, encoding="utf-8").stdout.strip()


@pytest.mark.parametrize(
    ("origin", "page"),
    [
        ("git@git.example:us/portal.git", "https://git.example/us/portal"),
        ("https://somebody:secret@git.example/us/portal.git", "https://git.example/us/portal"),
        ("ssh://git@git.example:2222/us/portal", "https://git.example/us/portal"),
        ("https://git.example/our%20team/portal", "https://git.example/our%20team/portal"),
        ("git@git.example:our team/portal.git", "https://git.example/our%20team/portal"),
        ("../elsewhere", ""),
        ("", ""),
    ],
)
def test_without_ci_the_checkout_says_the_commit(
    origin: str, page: str, cli: Cli, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "portal").mkdir()
    monkeypatch.chdir(tmp_path / "portal")
    write_files(Path("specs"), {"blueprints/a.yaml": dump(blueprint())})
    git("init", "-q")
    git("add", ".")
    git("-c", "user.name=U", "-c", "user.email=u@us.example", "commit", "-qm", "m", "--no-gpg-sign")
    if origin:
        git("remote", "add", "origin", origin)
    cli("apply", "--auto-approve", ci=False)
    found, commit = entry(bench, "blueprint/a"), git("rev-parse", "HEAD")
    assert found["commit"] == commit
    assert found.get("link") == (f"{page}/blob/{commit}/specs/blueprints/a.yaml" if page else None)
    # Below the checkout's top, and from outside of the specs' folder.
    monkeypatch.chdir("specs")
    write_files(Path(), {"blueprints/a.yaml": dump(blueprint("New"))})
    cli("apply", "--auto-approve", "--specs", "../specs", ci=False)
    assert (entry(bench, "blueprint/a")["commit"], entry(bench, "blueprint/a").get("link")) == (commit, None)


def test_a_checkout_below_which_the_specs_are_is_linked_to_from_its_top(
    cli: Cli, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"our portal/specs/blueprints/a.yaml": dump(blueprint())})
    git("init", "-q")
    git("-c", "user.name=U", "-c", "user.email=u@us.example", "commit", "-qm", "m", "--no-gpg-sign", "--allow-empty")
    git("remote", "add", "origin", "git@git.example:us/portal.git")
    monkeypatch.chdir("our portal")
    cli("apply", "--auto-approve", ci=False)
    assert entry(bench, "blueprint/a")["link"].endswith("/our%20portal/specs/blueprints/a.yaml")


def test_without_git_no_commit_is_known(cli: Cli, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(Path("specs"), {"blueprints/a.yaml": dump(blueprint())})
    monkeypatch.setenv("PATH", "")
    cli("apply", "--auto-approve", ci=False)
    assert entry(bench, "blueprint/a").get("commit") is None


def test_what_only_the_ledger_learns_waits_for_an_apply_that_runs(cli: Cli, bench: Bench, applied: Path) -> None:
    missing(bench)
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    lock = {"kind": "lock", "resource": "apply", "run": "r", "expires_at": ends}
    bench.send("POST", ENTITIES, {"identifier": "apply", "properties": lock})
    bench.clear()
    assert "is running" in cli("apply", "--auto-approve", code=1).stderr
    assert {(method, status) for method, _, status in bench.writes} == {("POST", 409)}


def test_an_apply_that_ended_before_its_first_write_has_nothing_to_undo(
    cli: Cli, bench: Bench, server: Server, applied: Path
) -> None:
    async def without_locks(scope: Scope, receive: Receive, send: Send) -> None:
        refused = scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", f"/v1{ENTITIES}")
        answer = JSONResponse({"ok": False, "error": "forbidden", "message": "No"}, 403) if refused else bench.app
        await answer(scope, receive, send)

    write_files(applied, {"blueprints/a.yaml": dump(blueprint("New"))})
    server.serve(bench.app, without_locks)
    journals = sorted(Path(".portcfg/journal").glob("*"))
    done = cli("apply", "--auto-approve", code=1)
    assert "to undo" not in done.output
    assert sorted(Path(".portcfg/journal").glob("*")) == journals


def test_show_of_a_port_without_a_ledger(cli: Cli) -> None:
    write_files(Path("specs"), {"portcfg.yaml": "version: 1\n"})
    assert "manages nothing" in cli("ledger", "show").stdout


def test_the_ledger_is_found_in_ports_ui(cli: Cli, bench: Bench, applied: Path) -> None:
    body = bench.send("GET", f"/blueprints/{LEDGER_BLUEPRINT}")["blueprint"]
    assert body["title"] and body["description"] and body["icon"]
    assert all(rule["title"] for rule in body["schema"]["properties"].values())
    pages = bench.send("GET", "/pages")["pages"]
    assert [page for page in pages if page.get("blueprint") == LEDGER_BLUEPRINT and page.get("showInSidebar", True)]
    assert bench.send("GET", f"{ENTITIES}/blueprint%2Fa")["entity"]["title"] == "blueprint/a"


def test_a_dashboard_may_show_the_ledger(cli: Cli, bench: Bench, applied: Path) -> None:
    page = {
        "rows": [["w"]],
        "widgets": {"w": {"type": "table", "title": "T", "blueprint": LEDGER_BLUEPRINT, "columns": ["$title", "link"]}},
    }
    project = {"version": 1, "external": {"blueprints": {LEDGER_BLUEPRINT: {}}}}
    write_files(applied, {"dashboards/d.yaml": dump({"title": "D", **page}), "portcfg.yaml": dump(project)})
    cli("apply", "--auto-approve")
    assert "No changes" in cli("plan").stdout


def test_import_leaves_the_ledger_alone(cli: Cli, applied: Path) -> None:
    for file in applied.glob("blueprints/*"):
        file.unlink()
    cli("import")
    assert sorted(file.name for file in applied.glob("blueprints/[a-z]*")) == ["a.yaml", "b.yaml"]


# --- repair -------------------------------------------------------------------------------------------------------


def test_a_ledger_in_order_needs_no_repair_and_gets_no_write(cli: Cli, bench: Bench, applied: Path) -> None:
    bench.clear()
    assert "in order" in cli("ledger", "repair", "--auto-approve").stdout
    assert bench.writes == []


def tampered(bench: Bench) -> None:
    """The body is another than the digest's."""
    spoil(bench, "blueprint/a", applied={"identifier": "a", "title": "Forged"})


def emptied(bench: Bench) -> None:
    spoil(bench, "blueprint/a", applied=None)


def doubled(bench: Bench) -> None:
    bench.send("POST", ENTITIES, {"identifier": "copy", "properties": entry(bench, "blueprint/a")})


def misnamed(bench: Bench) -> None:
    doubled(bench)
    bench.send("DELETE", f"{ENTITIES}/blueprint%2Fa")


def missing(bench: Bench) -> None:
    bench.send("DELETE", f"{ENTITIES}/blueprint%2Fa")


def stripped(bench: Bench) -> None:
    """A blueprint without required properties, and an entry that says nothing of itself any more."""
    body = bench.send("GET", f"/blueprints/{LEDGER_BLUEPRINT}")["blueprint"]
    schema = {**body["schema"], "required": []}
    kept = {key: value for key, value in body.items() if key not in STAMPS}
    bench.send("PUT", f"/blueprints/{LEDGER_BLUEPRINT}", {**kept, "schema": schema})
    spoil(bench, "blueprint/a", kind=None, resource=None, applied=None, project=None, environment=None)


def without_properties(bench: Bench) -> None:
    body = bench.send("GET", f"/blueprints/{LEDGER_BLUEPRINT}")["blueprint"]
    properties = {key: value for key, value in body["schema"]["properties"].items() if key not in ("applied", "server")}
    kept = {key: value for key, value in body.items() if key not in STAMPS}
    bench.send(
        "PUT", f"/blueprints/{LEDGER_BLUEPRINT}", {**kept, "schema": {**body["schema"], "properties": properties}}
    )


def more_required(bench: Bench) -> None:
    body = bench.send("GET", f"/blueprints/{LEDGER_BLUEPRINT}")["blueprint"]
    kept = {key: value for key, value in body.items() if key not in STAMPS}
    properties = {**body["schema"]["properties"], "cost_centre": {"type": "string", "default": "x"}}
    schema = {"properties": properties, "required": ["kind", "resource", "cost_centre"]}
    bench.send("PUT", f"/blueprints/{LEDGER_BLUEPRINT}", {**kept, "schema": schema})


def handmade(bench: Bench) -> None:
    bench.send("POST", ENTITIES, {"identifier": "note", "properties": {"kind": "", "resource": ""}})


def orphaned(bench: Bench) -> None:
    properties = {**entry(bench, "blueprint/a"), "resource": "gone"}
    bench.send("POST", ENTITIES, {"identifier": "blueprint/gone", "properties": properties})


def stale_lock(bench: Bench) -> None:
    ended = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    lock = {"kind": "lock", "resource": "apply", "run": "r", "expires_at": ended}
    bench.send("POST", ENTITIES, {"identifier": "apply", "properties": lock})


def stale_lock_of_a_sync(bench: Bench) -> None:
    stale_lock(bench)
    bench.send("POST", ENTITIES, {"identifier": "sync:m", "properties": entry(bench, "apply")})


def endless_lock(bench: Bench) -> None:
    bench.send("POST", ENTITIES, {"identifier": "apply", "properties": {"kind": "lock", "resource": "apply"}})


def lost(bench: Bench) -> None:
    drop_ledger(bench)


DAMAGES = [
    tampered, emptied, doubled, misnamed, missing, stripped, without_properties, more_required, handmade, orphaned,
    stale_lock, stale_lock_of_a_sync, endless_lock, lost,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_is_damaged_is_mended_and_nothing_but_the_ledger_is_written(
    damage: Callable[[Bench], None], cli: Cli, bench: Bench, applied: Path
) -> None:
    before = entries(bench)
    damage(bench)
    rest = outside(bench)
    bench.clear()
    dry = cli("ledger", "repair", "--dry-run").stdout
    assert "mend " in dry and "0 that portcfg can't" in dry
    assert bench.writes == []
    assert cli("ledger", "repair", "--auto-approve").stdout == dry
    assert "in order" in cli("ledger", "repair", "--dry-run").stdout
    assert outside(bench) == rest
    assert entries(bench) == before
    assert bench.plan(applied).pending == ()
    assert bench.plan(applied).adopted == ()


def entries(bench: Bench) -> dict[Ref, Any]:
    with closing(bench.reader()) as port:
        return {ref: (each.owner, each.applied, each.file, each.commit) for ref, each in ledger.every_entry(port)}


def test_without_a_terminal_repair_asks_for_approval_and_writes_nothing(cli: Cli, bench: Bench, applied: Path) -> None:
    missing(bench)
    bench.clear()
    assert "--auto-approve" in cli("ledger", "repair", code=64).stderr
    assert bench.writes == []


def test_after_the_whole_loss_what_differs_is_left_and_said(cli: Cli, bench: Bench, applied: Path) -> None:
    drop_ledger(bench)
    bench.send("PATCH", "/blueprints/b", {"title": "By hand"})
    told = cli("ledger", "repair", "--auto-approve").stdout
    assert "mend blueprint portcfg_resource: is gone; what was managed and isn't in the specs any more" in told
    assert "mend blueprint/a: isn't listed" in told
    assert "left blueprint/b: isn't listed, and specs and Port differ: what was applied to it can't be known" in told
    assert entries(bench).keys() == {Ref("blueprint", "a")}


def test_after_the_whole_loss_the_next_apply_destroys_nothing_and_calls_nothing_drift(
    cli: Cli, bench: Bench, applied: Path
) -> None:
    drop_ledger(bench)
    bench.send("PATCH", "/blueprints/b", {"title": "By hand"})
    (applied / "blueprints/a.yaml").unlink()
    plan = bench.plan(applied, prune=True)
    assert [(change.action, str(change.ref), change.adopted) for change in plan.changes] == [
        (Action.UPDATE, "blueprint/b", True)
    ]
    assert [field.cause for field in plan.changes[0].fields] == [Cause.SPEC]
    drift = cli("drift")
    assert "No drift:" not in drift.stdout
    assert "blueprint/b isn't in portcfg's ledger" in drift.stdout
    cli("apply", "--auto-approve", "--prune")
    assert outside(bench).keys() >= {"blueprint/a", "blueprint/b"}


def test_folders_and_places_in_the_sidebar_are_recorded_anew(cli: Cli, bench: Bench, applied: Path) -> None:
    page = {"parent": "top", "rows": [["w"]], "widgets": {"w": {"type": "text", "title": "M", "markdown": "x"}}}
    files = {"folders/top.yaml": "title: Top\n", "folders/in.yaml": "title: In\nparent: top\n"}
    write_files(applied, {**files, "dashboards/p.yaml": dump({**page, "after": "in"})})
    cli("apply", "--auto-approve")
    before = entries(bench)
    drop_ledger(bench)
    assert "0 that portcfg can't" in cli("ledger", "repair", "--auto-approve").stdout
    assert entries(bench) == before
    assert bench.plan(applied).pending == ()
    assert "in order" in cli("ledger", "repair", "--dry-run").stdout


def test_an_entry_that_differs_from_port_stays_as_it_is(cli: Cli, bench: Bench, applied: Path) -> None:
    emptied(bench)
    bench.send("PATCH", "/blueprints/a", {"title": "By hand"})
    told = cli("ledger", "repair", "--auto-approve").stdout
    assert "left blueprint/a: doesn't say what was applied, and specs and Port differ" in told


def test_other_projects_and_later_kinds_are_told_and_left_alone(cli: Cli, bench: Bench, applied: Path) -> None:
    spoil(bench, "blueprint/a", project="them")
    spoil(bench, "blueprint/b", project="them", applied=None)
    later = {"kind": "scorecard", "resource": "s", "applied": {"x": 1}}
    bench.send("POST", ENTITIES, {"identifier": "scorecard/s", "properties": later})
    orphan = {"kind": "blueprint", "resource": "gone", "project": "them", "applied": {"x": 1}}
    bench.send("POST", ENTITIES, {"identifier": "blueprint/gone", "properties": orphan})
    bench.clear()
    told = cli("ledger", "repair", "--auto-approve").stdout
    assert "left blueprint/a: is managed by project 'them' (no --env)" in told
    assert "left blueprint/b: doesn't say what was applied; it is project 'them'" in told
    assert "left scorecard/s: is of the kind 'scorecard', which this portcfg doesn't know" in told
    assert "left blueprint/gone: is gone from Port; it is project 'them'" in told
    assert bench.writes == []


def test_entries_of_kinds_that_this_portcfg_doesnt_know_stop_nothing(cli: Cli, bench: Bench, applied: Path) -> None:
    later = {"kind": "scorecard", "resource": "s\x1b[2J", "applied": {"x": 1}}
    bench.send("POST", ENTITIES, {"identifier": "scorecard/s", "properties": later})
    spoil(bench, "blueprint/b", kind="nonsense")
    cli("plan", "--prune")
    told = cli("plan").stdout
    assert "the ledger lists nonsense/b, of a kind that this portcfg doesn't know; it is left alone" in told
    assert "the ledger lists scorecard/s" in told and "\x1b" not in told
    cli("drift", code=0)
    cli("import", "--overwrite")
    assert "2 entries are of kinds that this portcfg doesn't know" in cli("ledger", "show").stderr
    write_files(applied, {"blueprints/a.yaml": dump(blueprint("New")), "blueprints/b.yaml": dump(blueprint("New"))})
    cli("apply", "--auto-approve", "--prune")
    [journal] = sorted(Path(".portcfg/journal").glob("*.jsonl"))[-1:]
    cli("rollback", str(journal), "--auto-approve")
    assert entry(bench, "scorecard/s")["applied"] == {"x": 1}
    assert "left scorecard/s" in cli("ledger", "repair", "--auto-approve").stdout


def test_repair_waits_for_an_apply_that_runs(cli: Cli, bench: Bench, applied: Path) -> None:
    missing(bench)
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    lock = {"kind": "lock", "resource": "apply", "run": "r", "expires_at": ends}
    bench.send("POST", ENTITIES, {"identifier": "apply", "properties": lock})
    bench.clear()
    assert "an apply is running" in cli("ledger", "repair", "--auto-approve", code=1).stderr
    assert bench.writes == []


@pytest.mark.parametrize("left", [stale_lock, endless_lock])
def test_repair_leaves_the_lock_of_an_apply_that_began_while_it_asked(
    left: Callable[[Bench], None], cli: Cli, bench: Bench, applied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(bench)
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")

    def answer(*_: Any) -> None:
        bench.send("PATCH", f"{ENTITIES}/apply", {"properties": {"run": "theirs", "expires_at": ends}})
        bench.clear()

    monkeypatch.setattr("portcfg.cli.ledger.ask", answer)
    assert "an apply is running" in cli("ledger", "repair", code=1).stderr
    assert {method for method, *_ in bench.writes} == {"POST"}
    assert entry(bench, "apply")["run"] == "theirs"


@pytest.mark.parametrize("spoiled", [emptied, missing])
def test_repair_leaves_what_an_apply_recorded_while_it_asked(
    spoiled: Callable[[Bench], None], cli: Cli, bench: Bench, applied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoiled(bench)

    def answer(*_: Any) -> None:
        bench.apply(write_files(Path("later"), {f"blueprints/{name}.yaml": dump(blueprint("New")) for name in "ab"}))
        bench.clear()

    monkeypatch.setattr("portcfg.cli.ledger.ask", answer)
    assert "the ledger has moved since it was examined: blueprint/" in cli("ledger", "repair", code=4).stderr
    assert {path.split("/")[-1] for _, path, _ in bench.writes} == {"entities", "apply"}
    assert {entry(bench, f"blueprint/{name}")["applied"]["title"] for name in "ab"} == {"New"}


def test_a_sync_that_runs_is_no_obstacle(cli: Cli, bench: Bench, applied: Path) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    lock = {"kind": "lock", "resource": "sync:m", "run": "r", "expires_at": ends}
    bench.send("POST", ENTITIES, {"identifier": "sync:m", "properties": lock})
    assert "in order" in cli("ledger", "repair", "--dry-run").stdout
    missing(bench)
    assert "1 to mend, 0 that portcfg can't" in cli("ledger", "repair", "--auto-approve").stdout


def test_names_in_the_ledger_cant_act_on_a_terminal(cli: Cli, bench: Bench, applied: Path) -> None:
    evil = {"kind": "blueprint", "resource": "x\u202e", "file": "\u001b[2Jx", "applied": {"x": 1}}
    bench.send("POST", ENTITIES, {"identifier": "evil", "properties": evil})
    for shown in (cli("ledger", "show").stdout, cli("ledger", "repair", "--dry-run").stdout):
        assert "\u001b" not in shown and "\u202e" not in shown


# --- release ------------------------------------------------------------------------------------------------------


def test_a_resource_moves_from_one_project_to_another(cli: Cli, bench: Bench, applied: Path) -> None:
    theirs = write_files(
        Path("theirs"), {"blueprints/a.yaml": dump(blueprint()), "portcfg.yaml": "version: 1\nname: theirs\n"}
    )
    refused = cli("plan", "--specs", "theirs", code=1).stderr
    assert "project 'default' (no --env) [specs/blueprints/a.yaml at c0ffeec0ffee, 20" in refused
    assert "project 'theirs' (no --env)" in refused
    assert "theirs/blueprints/a.yaml" in refused
    assert "`portcfg ledger release blueprint/a` there" in refused
    assert "still has blueprint/a" in cli("ledger", "release", "blueprint/a", "--auto-approve", code=64).stderr
    (applied / "blueprints/a.yaml").unlink()
    rest = outside(bench)
    cli("ledger", "release", "blueprint/a", "--auto-approve")
    assert outside(bench) == rest
    assert "No changes" in cli("plan", "--prune").stdout
    cli("apply", "--specs", "theirs", "--auto-approve")
    assert {str(ref): each[0].project for ref, each in entries(bench).items()} == {
        "blueprint/a": "theirs",
        "blueprint/b": "default",
    }
    assert bench.plan(theirs).pending == ()


def test_what_another_project_manages_is_released_only_when_that_is_said(cli: Cli, bench: Bench, applied: Path) -> None:
    write_files(Path("theirs"), {"blueprints/c.yaml": dump(blueprint()), "portcfg.yaml": "version: 1\nname: theirs\n"})
    args = ("ledger", "release", "blueprint/a", "--auto-approve", "--specs", "theirs")
    bench.clear()
    assert "is managed by project 'default'" in cli(*args, code=64).stderr
    assert bench.writes == []
    cli(*args, "--foreign")
    assert entries(bench).keys() == {Ref("blueprint", "b")}


def test_what_isnt_listed_cant_be_released(cli: Cli, applied: Path) -> None:
    assert "doesn't list blueprint/x" in cli("ledger", "release", "blueprint/x", "--auto-approve", code=64).stderr


# --- what is too large --------------------------------------------------------------------------------------------


def test_a_body_that_the_ledger_has_no_room_for_is_managed_all_the_same(cli: Cli, bench: Bench, tmp_path: Path) -> None:
    widgets = {f"w{number}": {"type": "text", "title": "M", "markdown": "x" * 100_000} for number in range(10)}
    root = write_files(tmp_path / "specs", {"dashboards/big.yaml": dump({"title": "Big", "widgets": widgets})})
    cli("apply", "--auto-approve")
    (kept,) = json.loads(cli("ledger", "show", "--format", "json").stdout)["entries"]
    assert (kept["too_large"], kept["damaged"]) == (True, False)
    assert bench.plan(root).pending == ()
    assert "in order" in cli("ledger", "repair", "--dry-run").stdout
    bench.send("PATCH", "/pages/big", {"title": "By hand"})
    assert [field.cause for field in bench.plan(root).changes[0].fields] == [Cause.DRIFT]
    (root / "dashboards/big.yaml").write_text(dump({"title": "Mine", "widgets": widgets}))
    (change,) = bench.plan(root).changes
    assert [field.cause for field in change.fields] == [Cause.SPEC]
    assert "too large for portcfg's ledger" in change.notes[0]
    cli("apply", "--auto-approve")
    assert bench.plan(root).pending == ()
    (root / "dashboards/big.yaml").unlink()
    write_files(root, {"blueprints/b.yaml": dump(blueprint())})
    with closing(bench.reader()) as port:
        assert "dashboard/big" in plan_specs(read_specs(root), port).notes[0]
