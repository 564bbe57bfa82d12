"""Who may sync one mapping at once: the slices of one backfill, and nobody else (slicelock.py)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from portcfg import lock
from portcfg.cli.main import main
from portcfg.emulator.server import serving
from portcfg.errors import BusyError
from portcfg.ledger import LEDGER_BLUEPRINT, ensure_blueprint
from portcfg.model import Owner
from portcfg.slicelock import go_together, sync_lock, sync_locked
from portcfg.yamlread import dump
from tests.support import Bench, write_files

OWNER = Owner("specs", "")
JUNE, YEAR = "2026-06-01..2026-06-30", "2026-01-01..2026-06-30"
BLUEPRINT = {
    "title": "Thing",
    "schema": {"properties": {"day": {"type": "string", "format": "date-time"}}, "required": ["day"]},
}
MAPPING: dict[str, Any] = {
    "streams": {
        "rows": {
            "path": "/rows",
            "query_params": {"day": "$window.first_day"},
            "window": {"days": 1, "day": ".day"},
        }
    },
    "resources": [
        {
            "kind": "rows",
            "selector": {"query": "true", "stream": "rows"},
            "port": {
                "entity": {
                    "mappings": {
                        "identifier": ".day",
                        "blueprint": '"thing"',
                        "properties": {"day": '.day + "T00:00:00Z"'},
                    }
                }
            },
        }
    ],
}


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("sync:a", "sync:a", False),
        ("sync:a", "sync:b", True),
        ("sync:a", "apply", True),
        ("sync:a", f"sync:a:{YEAR}:1/4", False),
        ("sync:a", f"sync:b:{YEAR}:1/4", True),
        (f"sync:a:{YEAR}:1/4", f"sync:a:{YEAR}:2/4", True),
        (f"sync:a:{YEAR}:1/4", f"sync:a:{YEAR}:1/4", False),
        (f"sync:a:{YEAR}:1/4", f"sync:a:{YEAR}:1/3", False),
        (f"sync:a:{YEAR}:1/4", f"sync:a:{JUNE}:2/4", False),
        ("sync:a", "sync:a:b", True),
        (f"sync:a:b:{YEAR}:1/4", "sync:a:b", False),
    ],
)
def test_only_slices_of_the_same_whole_go_together(one: str, other: str, together: bool) -> None:
    assert go_together(one, other) is together
    assert go_together(other, one) is together


class Gate:
    """A source that answers the first request for a closed day only when it is let through."""

    def __init__(self) -> None:
        self.arrived, self.open, self.closed = threading.Event(), threading.Event(), ""

    def rows(self, request: Request) -> JSONResponse:
        day = request.query_params["day"]
        if day == self.closed:
            self.arrived.set()
            assert self.open.wait(60)
        return JSONResponse([{"day": day}])


class Syncs:
    """`portcfg sync` in processes of their own, on one Port and one source."""

    def __init__(self, folder: Path, port: str, gate: Gate) -> None:
        self.gate = gate
        self._folder = folder
        self._env = {"PORT_BASE_URL": port, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}

    def begin(self, *args: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "portcfg", "sync", *args]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self._folder, env={**os.environ, **self._env}, stdout=pipe, stderr=pipe, text=True
        )

    def stopped_at(self, day: str, *args: str) -> subprocess.Popen[str]:
        """A sync that waits for this day's rows."""
        self.gate.closed = day
        process = self.begin(*args)
        assert self.gate.arrived.wait(60)
        self.gate.closed = ""
        return process

    def run(self, *args: str) -> tuple[int, str]:
        return ended(self.begin(*args))


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.fixture
def syncs(bench: Bench, tmp_path: Path) -> Iterator[Syncs]:
    gate = Gate()
    bench.send("POST", "/blueprints", {"identifier": "thing", **BLUEPRINT})
    with serving(Starlette(routes=[Route("/rows", gate.rows)])) as url:
        mapping = {**MAPPING, "source": {"base_url": url}}
        write_files(tmp_path, {"specs/mappings/things.yaml": dump(mapping)})
        write_files(tmp_path, {"specs/portcfg.yaml": "version: 1\nexternal: {blueprints: {thing: {}}}\n"})
        yield Syncs(tmp_path, bench.url, gate)
        gate.open.set()


def days(first: str, last: str) -> tuple[str, ...]:
    return ("--since", f"2026-03-{first}", "--until", f"2026-03-{last}")


def test_slices_run_side_by_side_and_nothing_else_beside_them(syncs: Syncs, bench: Bench) -> None:
    slow = syncs.stopped_at("2026-03-01", *days("01", "04"), "--slice", "1/2")
    code, said = syncs.run(*days("01", "04"))
    assert code == 1
    assert "a sync of things:2026-03-01..2026-03-04:1/2 by" in said
    assert "`portcfg unlock sync:things:2026-03-01..2026-03-04:1/2`" in said
    assert syncs.run(*days("01", "04"), "--slice", "1/2")[0] == 1
    assert syncs.run(*days("01", "04"), "--slice", "2/4")[0] == 1
    assert syncs.run(*days("03", "06"), "--slice", "2/2")[0] == 1
    assert syncs.run(*days("01", "04"), "--dry-run")[0] == 0
    assert syncs.run(*days("01", "04"), "--slice", "2/2")[0] == 0
    with closing(bench.reader()) as port:
        assert sorted(item["identifier"] for item in port.entities("thing")) == ["2026-03-03", "2026-03-04"]
    syncs.gate.open.set()
    assert ended(slow)[0] == 0
    assert syncs.run(*days("01", "04"))[0] == 0
    with closing(bench.reader()) as port:
        assert len(list(port.entities("thing"))) == 4
        assert list(port.entities(LEDGER_BLUEPRINT)) == []


def test_no_slice_runs_beside_a_whole_run(syncs: Syncs) -> None:
    slow = syncs.stopped_at("2026-03-01", *days("01", "04"))
    code, said = syncs.run(*days("01", "04"), "--slice", "2/2")
    assert (code, "a sync of things by" in said) == (1, True)
    syncs.gate.open.set()
    assert ended(slow)[0] == 0
    assert syncs.run(*days("01", "04"), "--slice", "2/2")[0] == 0


def test_whoever_begins_at_once_never_writes_beside_one_that_it_does_not_go_with(bench: Bench) -> None:
    names = [sync_lock("m"), *(sync_lock("m", whole, f"{n}/3") for whole in (JUNE, YEAR) for n in (1, 2, 3))]
    with closing(bench.writer()) as port:
        ensure_blueprint(port)
    at_work: set[str] = set()
    clashes, entered, start = list[str](), list[str](), threading.Barrier(len(names))

    def work(number: int, name: str) -> None:
        start.wait(30)
        try:
            with (
                closing(bench.writer()) as port,
                sync_locked(port, OWNER, f"run-{number}-{name}", lambda: datetime.now(UTC), name),
            ):
                clashes.extend(f"{name} beside {other}" for other in tuple(at_work) if not go_together(name, other))
                at_work.add(name)
                entered.append(name)
                port.get("/blueprints")
                at_work.discard(name)
        except BusyError:
            return

    for number in range(6):
        turned = names[number:] + names[:number]
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(lambda item: work(*item), enumerate(turned)))
    assert clashes == []
    assert entered
    with closing(bench.reader()) as port:
        assert list(port.entities(LEDGER_BLUEPRINT)) == []


def left_behind(bench: Bench, name: str, ago: timedelta) -> None:
    with closing(bench.writer()) as port:
        ensure_blueprint(port)
        lock._take(port, OWNER, "killed", datetime.now(UTC) - ago, name)


def test_the_lock_of_a_killed_slice_ends_and_is_taken_away(bench: Bench) -> None:
    left_behind(bench, sync_lock("m", YEAR, "2/4"), timedelta(hours=1))
    left_behind(bench, sync_lock("other", YEAR, "2/4"), timedelta(hours=1))
    with (
        closing(bench.writer()) as port,
        sync_locked(port, OWNER, "mine", lambda: datetime.now(UTC), sync_lock("m")),
    ):
        assert {item["properties"]["run"] for item in port.entities(LEDGER_BLUEPRINT)} == {"mine", "killed"}
    with closing(bench.reader()) as port:
        assert [item["identifier"] for item in port.entities(LEDGER_BLUEPRINT)] == [sync_lock("other", YEAR, "2/4")]


def test_unlock_ends_the_locks_of_all_slices(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_files(tmp_path, {"specs/portcfg.yaml": "version: 1\n"}))
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    names = [sync_lock("m"), *(sync_lock("m", YEAR, f"{n}/3") for n in (1, 2, 3)), sync_lock("more")]

    def locks() -> list[str]:
        with closing(bench.reader()) as port:
            return sorted(item["identifier"] for item in port.entities(LEDGER_BLUEPRINT))

    for name in names:
        left_behind(bench, name, timedelta())
    assert CliRunner().invoke(main, ["unlock", names[2]], env=env).exit_code == 0
    assert locks() == sorted({*names} - {names[2]})
    assert CliRunner().invoke(main, ["unlock", "sync:m"], env=env).exit_code == 0
    assert locks() == ["sync:more"]
    assert CliRunner().invoke(main, ["unlock", "sync:m"], env=env).exit_code == 0
