"""What an apply says in the end: what is done, what isn't and why, and what to type next."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from starlette.types import ASGIApp, Receive, Scope, Send

from portcfg import retry
from portcfg.cli.main import main
from portcfg.emulator.port_app import port_app
from portcfg.journal import Journal
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Body
from portcfg.yamlread import dump
from tests.support import Bench, Server, write_files

GOOD: Body = {"title": "T", "schema": {"properties": {}}}
# What Port refuses and `validate` can't see: it doesn't look into definitions.
REFUSED = {"title": "C", "type": "number", "calculation": "def f: .properties.x; f"}
BAD: Body = {**GOOD, "calculationProperties": {"c": REFUSED}}


def naming(target: str, **more: Any) -> Body:
    return {**GOOD, "relations": {"to": {"target": target, "required": False, "many": False}}, **more}


class At:
    """portcfg in a folder of its own, on a Port that something may meddle with."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.bench: Bench = server.bench()
        self._folder = folder

    def through(self, meddle: Any) -> None:
        app = port_app()
        self.bench = self.server.serve(app, meddle(app))

    def write(self, **blueprints: Body) -> None:
        for old in (self._folder / "specs").rglob("*.yaml"):
            old.unlink()
        files = {f"blueprints/{name}.yaml": dump(body) for name, body in blueprints.items()}
        write_files(self._folder / "specs", files)

    def __call__(self, *args: str) -> Result:
        env = {"PORT_BASE_URL": self.bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
        return CliRunner().invoke(main, list(args), env=env)


@pytest.fixture
def at(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> At:
    monkeypatch.chdir(tmp_path)
    return At(server, tmp_path)


def journal_file() -> str:
    return str(sorted(Path(".portcfg/journal").iterdir())[-1])


def test_done_failed_and_blocked_with_reasons_and_what_to_type(at: At) -> None:
    at.write(a=BAD, b=naming("a"), c=GOOD)
    done = at("apply", "--auto-approve", "--allow-destructive", "blueprint/x y")
    assert done.exit_code == 6
    lines = done.stdout.splitlines()
    assert lines[0] == "done: create blueprint/c"
    assert lines[1].startswith("failed: create blueprint/a: POST /blueprints: 422 ")
    assert lines[2] == "blocked: create blueprint/b: blueprint/a failed"
    assert lines[3] == "Applied 1 of 3 change(s): 1 failed, 1 blocked."
    assert lines[4].startswith("Read back from Port: Plan: 2 to create")
    assert lines[5:] == [
        "next: portcfg apply --allow-destructive 'blueprint/x y'",
        f"to undo: portcfg rollback {journal_file()}",
    ]


def test_the_same_for_programs(at: At) -> None:
    at.write(a=BAD, b=naming("a"), c=GOOD)
    report = json.loads(at("apply", "--auto-approve", "--format", "json").stdout)
    assert report["format"] == "portcfg/apply/1"
    assert report["counts"] == {"done": 1, "failed": 1, "blocked": 1}
    assert {each["identifier"]: each["status"] for each in report["outcomes"]} == {
        "a": "failed",
        "b": "blocked",
        "c": "done",
    }
    assert (report["problems"], report["not_kept"], report["halted"]) == ([], [], "")
    assert report["next"] == ["portcfg apply"]
    assert report["undo"] == f"portcfg rollback {journal_file()}"
    assert report["after"]["format"] == "portcfg/plan/1"


def test_with_all_done_there_is_nothing_next(at: At) -> None:
    at.write(c=GOOD)
    done = at("apply", "--auto-approve")
    assert (done.exit_code, "next:" in done.stdout) == (0, False)
    again = at("apply", "--auto-approve", "--format", "json")
    assert {name: json.loads(again.stdout)[name] for name in ("outcomes", "next", "undo")} == {
        "outcomes": [],
        "next": [],
        "undo": "",
    }


def test_after_a_plan_file_the_next_is_another_plan_file(at: At) -> None:
    at.write(a=BAD, c=GOOD)
    assert at("plan", "--out", "plan.json").exit_code == 0
    done = at("apply", "plan.json")
    assert done.exit_code == 6
    assert "next: portcfg plan --out plan.json\nnext: portcfg apply plan.json\n" in done.stdout


def test_the_next_command_names_the_same_place(at: At) -> None:
    at.write(a=BAD)
    Path("specs").rename("other specs")
    write_files(Path("other specs"), {"portcfg.yaml": "version: 1\n"})
    done = at("apply", "--auto-approve", "--specs", "other specs", "--env", "local", "--no-ledger")
    assert done.exit_code == 1
    assert "next: portcfg apply --specs 'other specs' --env local --no-ledger\n" in done.stdout
    assert f"to undo: portcfg rollback {journal_file()} --specs 'other specs' --env local\n" in done.stdout


def test_without_the_ledger_it_says_what_is_missing_and_takes_no_lock(at: At) -> None:
    at.write(c=GOOD)
    done = at("apply", "--auto-approve", "--no-ledger")
    assert done.exit_code == 0
    assert "without the ledger, no lock keeps another apply out" in done.stderr
    assert not [path for _, path, _ in at.bench.log if LEDGER_BLUEPRINT in path]


def deaf_after_the_first_write(app: ASGIApp) -> ASGIApp:
    """A Port that answers no list of blueprints any more once something was written."""
    seen: list[str] = []

    async def meddle(scope: Scope, receive: Receive, send: Send) -> None:
        if (scope["method"], scope["path"]) == ("GET", "/v1/blueprints") and seen:
            await refused(send)
            return
        seen.extend([scope["path"]] if (scope["method"], scope["path"]) == ("POST", "/v1/blueprints") else [])
        await app(scope, receive, send)

    return meddle


async def refused(send: Send) -> None:
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"ok": false, "error": "forbidden", "message": "No"}'})


def test_what_was_done_is_told_also_when_it_cant_be_read_back(at: At) -> None:
    at.through(deaf_after_the_first_write)
    at.write(c=GOOD)
    done = at("apply", "--auto-approve", "--format", "json")
    assert done.exit_code == 6
    report = json.loads(done.stdout)
    assert report["counts"] == {"done": 1, "failed": 0, "blocked": 0}
    assert report["after"] is None
    assert report["problems"] == [
        "what was written could not be read back from Port: GET /blueprints: 403 forbidden: No"
    ]
    assert report["next"] == ["portcfg apply"]


def deaf_after_the_first_delete(app: ASGIApp) -> ASGIApp:
    """A Port that answers no list of blueprints any more once a blueprint was deleted."""
    deleted: list[str] = []

    async def meddle(scope: Scope, receive: Receive, send: Send) -> None:
        if (scope["method"], scope["path"]) == ("GET", "/v1/blueprints") and deleted:
            await refused(send)
            return
        deleted.extend([scope["path"]] if (scope["method"], scope["path"]) == ("DELETE", "/v1/blueprints/c") else [])
        await app(scope, receive, send)

    return meddle


def test_a_rollback_that_cant_be_read_back_says_what_it_did(at: At) -> None:
    at.through(deaf_after_the_first_delete)
    at.write(c=GOOD)
    assert at("apply", "--auto-approve").exit_code == 0
    journal = journal_file()
    done = at("rollback", journal, "--auto-approve")
    assert done.exit_code == 6
    assert done.stdout.splitlines() == [
        "problem: what was undone could not be read back from Port: GET /blueprints: 403 forbidden: No",
        "Applied 1 of 1 change(s).",
        f"next: portcfg rollback {journal}",
        f"to undo: portcfg rollback {journal_file()}",
    ]


def forgetting_icons(app: ASGIApp) -> ASGIApp:
    """A Port that takes a blueprint and keeps no icon of it."""

    async def meddle(scope: Scope, receive: Receive, send: Send) -> None:
        async def less() -> Any:
            message = await receive()
            body = json.loads(message["body"]) if message.get("body") else None
            if isinstance(body, dict) and body.get("icon") == "Box":
                del body["icon"]
                message["body"] = json.dumps(body).encode()
            return message

        await app(scope, less, send)

    return meddle


def test_what_port_drops_without_a_word_is_named(at: At) -> None:
    at.through(forgetting_icons)
    at.write(c={**GOOD, "icon": "Box"}, d=GOOD)
    done = at("apply", "--auto-approve")
    assert done.exit_code == 6
    assert "not kept: blueprint/c: icon is otherwise in Port than it was written" in done.stdout
    assert "next: portcfg apply" in done.stdout
    report = json.loads(at("apply", "--auto-approve", "--format", "json").stdout)
    assert report["not_kept"] == [{"kind": "blueprint", "identifier": "c", "path": ["icon"]}]


# --- the journal --------------------------------------------------------------------------------------------------


def nothing_was_written(at: At, done: Result, reason: str) -> None:
    assert done.exit_code == 1
    assert f"can't be written to the folder .portcfg/journal: {reason}" in done.stderr
    assert "nothing was written to Port" in done.stderr
    assert "run portcfg in another folder, with --specs" in done.stderr
    assert at.bench.writes == []


def test_a_journal_folder_that_cant_be_made_is_named(at: At) -> None:
    at.write(c=GOOD)
    Path(".portcfg").write_text("not a folder")
    nothing_was_written(at, at("apply", "--auto-approve"), "File exists")


@pytest.mark.parametrize(
    "code, reason", [(errno.EACCES, "Permission denied"), (errno.ENOSPC, "No space left on device")]
)
def test_a_journal_that_cant_be_written_is_named_and_not_left_half(
    at: At, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    at.write(c=GOOD)
    monkeypatch.setattr(os, "fsync", fail)
    nothing_was_written(at, at("apply", "--auto-approve"), reason)
    assert list(Path(".portcfg/journal").iterdir()) == []


def test_a_disk_that_fills_up_on_the_way_stops_nothing_and_a_rollback_still_works(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    at.write(c=GOOD, d=GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "note", fail)
        done = at("apply", "--auto-approve")
    assert done.exit_code == 0
    assert done.stderr.count("warning: the journal doesn't say any more how steps ended: No space left") == 1
    back = at("rollback", journal_file(), "--auto-approve")
    assert back.exit_code == 0, back.output
    assert "c" not in {body["identifier"] for body in at.bench.send("GET", "/blueprints")["blueprints"]}


# --- between the plan and the writes ------------------------------------------------------------------------------


def test_what_changed_in_port_while_the_question_was_open_stops_the_apply(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    at.write(c=GOOD)
    assert at("apply", "--auto-approve").exit_code == 0
    at.write(c={**GOOD, "title": "New"}, d=GOOD)
    kept = len(list(Path(".portcfg/journal").iterdir()))

    def answer(*_: Any) -> None:
        at.bench.send("PATCH", "/blueprints/c", {"title": "By hand"})
        at.bench.clear()

    with monkeypatch.context() as patch:
        patch.setattr("portcfg.cli.writes.ask", answer)
        done = at("apply")
    assert done.exit_code == 4, done.output
    assert "Port has moved since the plan: blueprint/c" in done.stderr
    assert "to undo" not in done.output
    assert len(list(Path(".portcfg/journal").iterdir())) == kept
    assert {path for _, path, _ in at.bench.writes} == {
        f"/v1/blueprints/{LEDGER_BLUEPRINT}/entities",
        f"/v1/blueprints/{LEDGER_BLUEPRINT}/entities/apply",
    }
    monkeypatch.setattr("portcfg.cli.writes.ask", lambda *_: None)
    assert at("apply").exit_code == 0


# --- waits --------------------------------------------------------------------------------------------------------


def test_waits_that_port_asks_for_are_told(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def limited(app: ASGIApp) -> ASGIApp:
        async def meddle(scope: Scope, receive: Receive, send: Send) -> None:
            asked.append(scope["path"])
            if len(asked) != 3:
                await app(scope, receive, send)
                return
            headers = [(b"content-type", b"application/json"), (b"retry-after", b"30")]
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"ok": false, "error": "rate_limit_exceeded"}'})

        return meddle

    at.through(limited)
    at.write(c=GOOD)
    slept: list[float] = []
    policy = retry.RetryPolicy(sleep=slept.append)
    monkeypatch.setattr("portcfg.client.RetryPolicy", lambda: policy)
    done = at("plan")
    assert done.exit_code == 0, done.output
    [line] = [line for line in done.stderr.splitlines() if line.startswith("waiting")]
    assert line.startswith("waiting 30 s: GET /")
    assert "429 rate_limit_exceeded" in line
    assert sum(slept) >= 30


@pytest.mark.parametrize("number", ["0", "65", "many"])
def test_a_parallelism_that_makes_no_sense_is_refused(at: At, number: str) -> None:
    at.write(c=GOOD)
    done = at("apply", "--auto-approve", "--parallelism", number)
    assert (done.exit_code, at.bench.log) == (64, [])
