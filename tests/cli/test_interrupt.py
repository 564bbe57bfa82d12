"""An apply that is told to stop lets what is under way end, and leaves nothing from which the next can't go on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from portcfg import ledger
from portcfg.emulator.port_app import port_app
from portcfg.errors import BusyError
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Ref
from portcfg.observe import observe
from portcfg.pipeline import apply_specs, plan_specs, read_specs
from portcfg.yamlread import dump
from tests.cli.now import NOW
from tests.support import REPOSITORY, Bench, Server, write_files
from tests.watched import Watched

NAMES = [f"b{number:02d}" for number in range(12)]
AT_ONCE = 3


@dataclass
class Gate:
    """Holds each creation of a blueprint until it is opened."""

    closed: bool = True
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(default_factory=list)

    def held(self, method: str, path: str) -> asyncio.Event | None:
        if not self.closed or (method, path) != ("POST", "/v1/blueprints"):
            return None
        event = asyncio.Event()
        self._waiting.append((asyncio.get_running_loop(), event))
        self.arrived.release()
        return event

    def open(self) -> None:
        self.closed = False
        for loop, event in self._waiting:
            loop.call_soon_threadsafe(event.set)


@dataclass
class Running:
    """A Port behind a gate, and an apply in a process of its own that has come up to it."""

    bench: Bench
    watch: Watched
    gate: Gate
    process: subprocess.Popen[str]

    def heard(self, number: signal.Signals) -> None:
        """Send a signal, and wait until the apply says that it has understood."""
        assert self.process.stderr is not None
        self.process.send_signal(number)
        # Rather a failure than a test that waits for ever.
        deadline = threading.Timer(60, self.process.kill)
        deadline.start()
        while "what is under way ends" not in (line := self.process.stderr.readline()):
            assert line, "the apply ended without a word"
        deadline.cancel()

    def end(self) -> tuple[int, str]:
        """Wait for the end: the exit code, and stdout."""
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, out


def _hears_signals() -> None:
    # A shell has its background jobs ignore SIGINT, and what they start inherits that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def running(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    body = dump({"title": "T", "schema": {"properties": {}}})
    write_files(tmp_path / "specs", {f"blueprints/{name}.yaml": body for name in NAMES})
    monkeypatch.chdir(tmp_path)
    app, gate = port_app(), Gate()
    watch = Watched(app, held=gate.held)
    bench = server.serve(app, watch)
    # The ledger's blueprint is there, so that only what is applied comes to the gate.
    with closing(bench.writer()) as port:
        gate.closed = False
        ledger.ensure_blueprint(port)
        gate.closed = True
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    command = ["apply", "--auto-approve", "--format", "json", "--parallelism", str(AT_ONCE)]
    process = subprocess.Popen(
        [sys.executable, "-m", "portcfg", *command],
        env={**os.environ, **env, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_hears_signals,
    )
    for _ in range(AT_ONCE):
        assert gate.arrived.acquire(timeout=60)
    yield Running(bench, watch, gate, process)
    gate.open()
    process.kill()
    process.communicate()


def created(bench: Bench) -> set[str]:
    return {ref.identifier for ref in observe(bench.reader()) if ref.identifier in NAMES}


def converges(bench: Bench) -> None:
    specs = read_specs(Path("specs"))
    with closing(bench.writer()) as port:
        report = apply_specs(specs, plan_specs(specs, port), port, clock=NOW)
    assert (report.failed, report.problems, report.after and report.after.pending) == ((), (), ())
    assert created(bench) == set(NAMES)
    assert ledger.entries(bench.reader()).keys() >= {Ref("blueprint", name) for name in NAMES}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_under_way_ends_and_nothing_new_begins(running: Running, number: signal.Signals) -> None:
    running.heard(number)
    running.gate.open()
    code, out = running.end()
    assert code == 130
    report = json.loads(out)
    assert report["counts"] == {"done": AT_ONCE, "failed": 0, "blocked": len(NAMES) - AT_ONCE}
    assert (report["halted"], report["after"], report["problems"]) == ("interrupted", None, [])
    assert {each["message"] for each in report["outcomes"] if each["status"] == "blocked"} >= {"not done: interrupted"}
    assert report["next"] == ["portcfg apply"]
    assert report["undo"].startswith("portcfg rollback .portcfg/journal/")
    done = {each["identifier"] for each in report["outcomes"] if each["status"] == "done"}
    assert created(running.bench) == done
    # In the journal and in the ledger, and the lock is given back.
    journal = Path(report["undo"].split()[2]).read_text().splitlines()
    ended = [json.loads(line) for line in journal if '"done"' in line]
    assert {line["done"] for line in ended if line["status"] == "done"} == {f"blueprint/{name}" for name in done}
    assert {ref.identifier for ref in ledger.entries(running.bench.reader())} == done
    assert running.watch.begun[-1] == ("DELETE", f"/v1/blueprints/{LEDGER_BLUEPRINT}/entities/apply")
    converges(running.bench)


def test_a_cancelled_job_gets_both_signals_and_still_ends_well(running: Running) -> None:
    running.heard(signal.SIGINT)
    running.heard(signal.SIGTERM)
    running.gate.open()
    code, out = running.end()
    assert (code, json.loads(out)["counts"]["done"]) == (130, AT_ONCE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once(running: Running, number: signal.Signals) -> None:
    running.heard(number)
    running.process.send_signal(number)
    code, out = running.end()
    assert (code, out) == (130, "")
    running.gate.open()
    with pytest.raises(BusyError, match="is running since"):
        converges(running.bench)
    unlock = [sys.executable, "-m", "portcfg", "unlock"]
    env: dict[str, Any] = {"PORT_BASE_URL": running.bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    subprocess.run(unlock, env={**os.environ, **env, "PYTHONPATH": str(REPOSITORY)}, check=True, capture_output=True)
    converges(running.bench)


def test_an_interrupted_rollback_goes_on_when_it_is_run_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from portcfg.cli import writes
    from portcfg.cli.main import main

    monkeypatch.chdir(tmp_path)
    body = dump({"title": "T", "schema": {"properties": {}}})
    write_files(tmp_path / "specs", {f"blueprints/{name}.yaml": body for name in NAMES})
    bench = server.bench()
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    assert CliRunner().invoke(main, ["apply", "--auto-approve"], env=env).exit_code == 0
    [journal] = [str(path) for path in Path(".portcfg/journal").iterdir()]

    def interrupting(outcome: Any) -> None:
        # Not SIGINT, which is ignored in the background jobs of a shell.
        os.kill(os.getpid(), signal.SIGTERM)
        monkeypatch.setattr(writes, "show_outcome", lambda _: None)

    monkeypatch.setattr(writes, "show_outcome", interrupting)
    done = CliRunner().invoke(main, ["rollback", journal, "--auto-approve", "--parallelism", "1"], env=env)
    assert done.exit_code == 130, done.output
    assert "halted: interrupted" in done.output
    assert f"next: portcfg rollback {journal}" in done.output
    assert 0 < len(created(bench)) < len(NAMES)
    again = CliRunner().invoke(main, ["rollback", journal, "--auto-approve"], env=env)
    assert again.exit_code == 0, again.output
    assert created(bench) == set()
    assert ledger.entries(bench.reader()) == {}
