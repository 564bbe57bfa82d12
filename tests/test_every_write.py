"""A fault at every single write of a large apply: applying again ends as if nothing had happened, and a rollback brings
back what was there before.

A seeded sample of the writes in `make test`, all of them in `make soak`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from starlette.types import ASGIApp, Receive, Scope, Send

from portcfg import client
from portcfg.cli.main import main
from portcfg.emulator.port_app import port_app
from portcfg.kinds.base import STAMPS
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Body
from portcfg.retry import RetryPolicy
from tests import large
from tests.support import REPOSITORY, Bench, Server, is_read, write_files

MEANT = [part for name in large.MEANT for part in ("--allow-destructive", name)]
APPLY = ("apply", "--auto-approve", "--prune", *MEANT)
# (what Port does with the one write: whether it does the work, whether it then answers; how often portcfg asks).
FAULTS: dict[str, tuple[bool, bool, int]] = {
    "500, given up": (False, True, 1),
    "cut before the work, given up": (False, False, 1),
    "cut after the work, given up": (True, False, 1),
    "500, asked again": (False, True, 3),
    "cut after the work, asked again": (True, False, 3),
}
# What Port makes up: a page's place where no spec names one, an integration's tokens and the state of its resync.
ITS_OWN = {"after", "logAttributes", "resyncState"}
# Of the ledger's entries: a rollback has another time, and a journal doesn't hold the file of what was deleted.
WHEN = {"applied_at", "file"}
KILLED = {"killed before the work": False, "killed after the work": True}


@dataclass
class Faulty:
    """A Port that meddles with the write number `at` (the first is 0), and with `ends` answers nothing from then on."""

    app: ASGIApp
    at: int = -1
    works: bool = False
    answers: bool = False
    ends: Callable[[], None] | None = None
    seen: int = field(default=0, init=False)
    met: bool = field(default=False, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        write = scope["type"] == "http" and not is_read(scope["method"], scope["path"])
        number, self.seen = self.seen, self.seen + write
        if self.met and self.ends:
            return await _cut(send)
        if not write or number != self.at:
            return await self.app(scope, receive, send)
        self.met = True
        if self.works:
            await self.app(scope, receive, _unheard)
        if self.ends:
            self.ends()
        return await _refused(send) if self.answers else await _cut(send)


async def _unheard(_: Any) -> None:
    """Where an answer goes that nobody hears."""


async def _cut(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"99")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def _refused(send: Send) -> None:
    await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"ok": false, "error": "internal_error"}'})


@dataclass(frozen=True)
class Place:
    """A folder with the specs to apply, a Port's file before the apply, and a server."""

    folder: Path
    before: Path
    server: Server

    def copy(self, source: Path | None = None) -> Path:
        """A copy of a Port's file, which may be in use."""
        target = self.folder / f"{len(list(self.folder.glob('*.db')))}.db"
        with closing(sqlite3.connect(source or self.before)) as one, closing(sqlite3.connect(target)) as two:
            one.backup(two)
        return target

    def port(self, data: Path, **fault: Any) -> At:
        """A Port on a file."""
        app = port_app(data)
        faulty = Faulty(app, **fault)
        return At(self.server.serve(app, faulty), faulty)


@dataclass(frozen=True)
class At:
    """A Port behind what meddles with one of its writes."""

    bench: Bench
    faulty: Faulty

    def run(self, *args: str) -> Result:
        """portcfg on this Port."""
        return CliRunner().invoke(main, list(args), env=self._environment)

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """portcfg on this Port, in a process of its own."""
        env = {**os.environ, **self._environment, "PYTHONPATH": str(REPOSITORY)}
        quiet = subprocess.DEVNULL
        return subprocess.Popen([sys.executable, "-m", "portcfg", *args], env=env, stdout=quiet, stderr=quiet)

    @property
    def _environment(self) -> dict[str, str]:
        return {"PORT_BASE_URL": self.bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[Place]:
    """The portal before: managed, with entities, and beside it what isn't managed."""
    folder = tmp_path_factory.mktemp("large")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_files(folder / "specs", large.before())
        made = Place(folder, folder / "before.db", server)
        at = made.port(made.before)
        for path, body in large.unmanaged():
            at.bench.send("POST", path, body)
        assert at.run("apply", "--auto-approve").exit_code == 0
        for path, body in large.entities():
            at.bench.send("POST", path, body)
        shutil.rmtree(folder / "specs")
        write_files(folder / "specs", large.after())
        yield made


def asking(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """How often a command asks; it never waits."""
    policy = RetryPolicy(attempts=times, sleep=lambda _: None)
    monkeypatch.setattr(client, "RetryPolicy", lambda: policy)


def contents(bench: Bench) -> dict[str, Any]:
    """All that Port holds, by route; without stamps, and without the places of pages, which these specs don't name."""
    blueprints = bench.send("GET", "/blueprints")["blueprints"]
    found = {f"blueprint {body['identifier']}": _unstamped(body) for body in blueprints}
    for body in blueprints:
        with closing(bench.reader()) as port:
            each = {str(entity["identifier"]): _unstamped(entity) for entity in port.entities(body["identifier"])}
        found |= {f"entity {body['identifier']} {name}": entity for name, entity in each.items()}
    for route, key, name in (
        ("/pages?compact=false", "pages", "identifier"),
        ("/integration", "integrations", "installationId"),
    ):
        found |= {f"{key} {body[name]}": _unstamped(body) for body in bench.send("GET", route)[key]}
    return found


def _unstamped(body: Body) -> Body:
    shaped = {key: value for key, value in body.items() if key not in STAMPS | ITS_OWN}
    if body.get("blueprint") == LEDGER_BLUEPRINT and "properties" in body:
        shaped["properties"] = {key: value for key, value in body["properties"].items() if key not in WHEN}
    return shaped


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What differs, with both sides."""
    return {name: (one.get(name), other.get(name)) for name in {*one, *other} if one.get(name) != other.get(name)}


@dataclass(frozen=True)
class Clean:
    """What Port holds before and after an apply without faults, and how many writes it takes."""

    before: dict[str, Any]
    after: dict[str, Any]
    writes: int


@pytest.fixture(scope="module")
def clean(place: Place) -> Clean:
    """An apply without faults."""
    at = place.port(place.copy())
    before = contents(at.bench)
    done = at.run(*APPLY)
    assert done.exit_code == 0, done.output
    assert at.faulty.seen > 100
    return Clean(before, contents(at.bench), at.faulty.seen)


def converge(at: At, killed: bool) -> None:
    """Apply again, as a user would: after a kill, or where the lock couldn't be given back, with `unlock` first."""
    done = at.run(*APPLY)
    if killed or "is running since" in done.output:
        assert at.run("unlock").exit_code == 0
        done = at.run(*APPLY)
    assert done.exit_code == 0, done.output


def undo(at: At, journal: Path) -> Result:
    """Roll back, after `unlock`; what the apply has made may be deleted."""
    at.run("unlock")
    everything = [part for ref in _created(journal) for part in ("--allow-destructive", ref)]
    return at.run("rollback", str(journal), "--auto-approve", *MEANT, *everything)


def roll_back(at: At, journal: Path, clean: Clean, said: str = "") -> None:
    """Undo what was done; all is as before, but for values that were lost, and these are named, or were (`said`)."""
    done = undo(at, journal)
    assert done.exit_code == 0, done.output
    now = contents(at.bench)
    assert now.keys() <= clean.before.keys()
    for name, (was, found) in differences(clean.before, now).items():
        assert name.startswith("entity "), (name, was, found)
        assert _lost(was, found) <= _said(said + done.output, name.split(" ")[1]), (name, was, found)


def _created(journal: Path) -> list[str]:
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    return [f"{line['kind']}/{line['identifier']}" for line in lines if line.get("action") == "create"]


def _lost(body: Body, now: Body | None) -> set[str]:
    """The properties whose values differ; with no entity left, all of it."""
    if now is None:
        return {"the entities"}
    rest = [{key: value for key, value in each.items() if key != "properties"} for each in (body, now)]
    assert rest[0] == rest[1]
    old, new = body["properties"], now["properties"]
    return {key for key in {*old, *new} if old.get(key) != new.get(key)}


def _said(output: str, blueprint: str) -> set[str]:
    """What the output says of the losses of a blueprint."""
    said = set()
    for line in output.splitlines():
        if f"blueprint/{blueprint} comes back without the entities" in line:
            said.add("the entities")
        if f"blueprint/{blueprint}: " in line and "without values" in line:
            said |= {*line.split(f"blueprint/{blueprint}: ")[1].split(" come(s)")[0].split(", ")}
    return said


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_a_write(
    place: Place,
    clean: Clean,
    fault: str,
    points: Callable[[int], list[int]],
    monkeypatch: pytest.MonkeyPatch,
    soak_row: Callable[..., None],
) -> None:
    works, answers, times = FAULTS[fault]
    for number in points(clean.writes):
        shutil.rmtree(place.folder / ".portcfg", ignore_errors=True)
        at = place.port(data := place.copy(), at=number, works=works, answers=answers)
        asking(monkeypatch, times)
        done = at.run(*APPLY)
        assert at.faulty.met
        journals = list((place.folder / ".portcfg" / "journal").iterdir())
        asking(monkeypatch, 3)
        broken = place.copy(data)
        if times > 1:
            assert done.exit_code == 0, (number, done.output)
        else:
            converge(at, killed="the lock of this apply could not be ended" in done.output)
        assert differences(contents(at.bench), clean.after) == {}, number
        if journals:
            (journal,) = journals
            roll_back(place.port(broken), journal, clean)
        else:
            # It ended before its first step: nothing is to be undone, but for a lock that it doesn't know it has.
            before = place.port(broken)
            assert before.run("unlock").exit_code == 0
            assert differences(contents(before.bench), clean.before) == {}, number
        soak_row("a fault at a write", fault, len(at.bench.log), 1)


@pytest.mark.parametrize("when", KILLED)
def test_killed_at_a_write(
    place: Place,
    clean: Clean,
    when: str,
    points: Callable[[int], list[int]],
    monkeypatch: pytest.MonkeyPatch,
    soak_row: Callable[..., None],
) -> None:
    """As it is for Port and for the disk when the process ends at this very write: nothing more comes of it."""
    kept = place.folder / "journal.jsonl"

    def die() -> None:
        (journal,) = (place.folder / ".portcfg" / "journal").iterdir()
        shutil.copy(journal, kept)

    for number in points(clean.writes):
        shutil.rmtree(place.folder / ".portcfg", ignore_errors=True)
        asking(monkeypatch, 1)
        dying = place.port(data := place.copy(), at=number, works=KILLED[when], ends=die)
        dying.run(*APPLY)
        assert dying.faulty.met
        asking(monkeypatch, 3)
        broken = place.copy(data)
        at = place.port(data)
        converge(at, killed=True)
        assert differences(contents(at.bench), clean.after) == {}, number
        roll_back(place.port(broken), kept, clean)
        soak_row("a fault at a write", when, len(dying.bench.log) + len(at.bench.log), 1)


def test_a_rollback_killed_at_a_write(
    place: Place,
    clean: Clean,
    points: Callable[[int], list[int]],
    monkeypatch: pytest.MonkeyPatch,
    soak_row: Callable[..., None],
) -> None:
    """The same rollback, run again, finishes it."""
    shutil.rmtree(place.folder / ".portcfg", ignore_errors=True)
    applied = place.copy()
    assert place.port(applied).run(*APPLY).exit_code == 0
    (journal,) = (place.folder / ".portcfg" / "journal").iterdir()
    counted = place.port(place.copy(applied))
    assert undo(counted, journal).exit_code == 0
    for number in points(counted.faulty.seen - 1):
        asking(monkeypatch, 1)
        # The first write is that of `unlock`.
        dying = place.port(data := place.copy(applied), at=number + 1, works=number % 2 == 0, ends=lambda: None)
        killed = undo(dying, journal)
        assert dying.faulty.met
        asking(monkeypatch, 3)
        again = place.port(data)
        roll_back(again, journal, clean, killed.output)
        soak_row("a rollback", "killed at a write", len(dying.bench.log) + len(again.bench.log), 1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_killed_at_a_write(
    place: Place, clean: Clean, points: Callable[[int], list[int]], soak_row: Callable[..., None]
) -> None:
    for number in points(clean.writes):
        shutil.rmtree(place.folder / ".portcfg", ignore_errors=True)
        killed: list[subprocess.Popen[bytes]] = []
        data = place.copy()
        at = place.port(data, at=number, works=number % 2 == 0, ends=lambda killed=killed: killed[0].kill())
        killed.append(at.start(*APPLY))
        assert killed[0].wait() == -signal.SIGKILL
        (journal,) = (place.folder / ".portcfg" / "journal").iterdir()
        broken = place.copy(data)
        again = place.port(data)
        converge(again, killed=True)
        assert differences(contents(again.bench), clean.after) == {}, number
        roll_back(place.port(broken), journal, clean)
        soak_row("a fault at a write", "SIGKILL", len(at.bench.log) + len(again.bench.log), 1)


def test_a_blueprint_goes_with_its_entities_whichever_answer_is_lost(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asking(monkeypatch, 3)
    body = "title: T\nschema: {properties: {}}\n"
    for number in count():
        write_files(tmp_path / "specs", {"blueprints/a.yaml": body, "blueprints/b.yaml": body})
        app = port_app()
        faulty = Faulty(app, works=True)
        at = At(server.serve(app, faulty), faulty)
        assert at.run("apply", "--auto-approve").exit_code == 0
        at.bench.send("POST", "/blueprints/a/entities", {"identifier": "e", "properties": {}})
        (tmp_path / "specs/blueprints/a.yaml").unlink()
        faulty.at = faulty.seen + number
        done = at.run("apply", "--auto-approve", "--prune", "--allow-destructive", "blueprint/a")
        assert done.exit_code == 0, (number, done.output)
        if not faulty.met:
            assert number > 4
            return
