"""A sync that is told to stop says what it did, gives its lock back, and the next one goes on."""

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
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.yamlread import dump
from tests.support import REPOSITORY, Bench, Server, write_files

THING = {"title": "T", "schema": {"properties": {"n": {"type": "number", "title": "n"}}}}
MAPPING = {
    "source": {"base_url": "https://example.com"},
    "streams": {
        name: {"path": f"/{name}", "data_path": ".rows", "pagination": {"type": "page", "more": ".more"}}
        for name in ("quick", "slow")
    },
    "resources": [
        {
            "kind": name,
            "selector": {"stream": name, "query": "true"},
            "port": {
                "entity": {"mappings": {"identifier": ".id", "blueprint": f'"{name}"', "properties": {"n": ".n"}}}
            },
        }
        for name in ("quick", "slow")
    ],
}


def source(asked: threading.Event, release: threading.Event) -> Starlette:
    """Two families of rows, of which the second has no end; its second page waits."""

    async def answer(request: Request) -> JSONResponse:
        page = int(request.query_params["page"])
        slow = request.url.path == "/slow"
        if slow and page == 2:
            asked.set()
            while not release.is_set():
                await asyncio.sleep(0.05)
        return JSONResponse({"rows": [{"id": f"x{page}", "n": page}], "more": slow})

    return Starlette(routes=[Route("/{path:path}", answer)])


@dataclass
class Running:
    """A sync in a process of its own that has come to the page that waits."""

    bench: Bench
    url: str
    env: dict[str, str]
    process: subprocess.Popen[str]
    release: threading.Event

    def again(self) -> subprocess.CompletedProcess[str]:
        """Another sync, of the quick stream alone."""
        return subprocess.run(
            [*START, "sync", "--source-url", self.url, "--stream", "quick"],
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


START = [sys.executable, "-m", "portcfg"]


@pytest.fixture
def running(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    specs = {f"blueprints/{name}.yaml": dump(THING) for name in ("quick", "slow")}
    write_files(tmp_path / "specs", {**specs, "mappings/m.yaml": dump(MAPPING)})
    monkeypatch.chdir(tmp_path)
    bench = server.serve(port_app())
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    whole = {**os.environ, **env, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([*START, "apply", "--auto-approve"], env=whole, check=True, capture_output=True)
    asked, release = threading.Event(), threading.Event()
    with serving(source(asked, release)) as url:
        process = subprocess.Popen(
            [*START, "sync", "--source-url", url, "--format", "json"],
            env=whole,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert asked.wait(60)
        yield Running(bench, url, whole, process, release)
        release.set()
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sync_that_is_told_to_stop_says_what_is_done_and_ends_its_lock(
    running: Running, number: signal.Signals
) -> None:
    process = running.process
    process.send_signal(number)
    assert process.stderr is not None
    while "what is under way ends" not in (line := process.stderr.readline()):
        assert line, "the sync ended without a word"
    running.release.set()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    report = json.loads(out)
    assert {stream["name"]: stream["status"] for stream in report["streams"]} == {"quick": "read", "slow": "failed"}
    assert any(item["held"] for item in report["blueprints"])
    with closing(running.bench.reader()) as port:
        assert [e for e in port.entities(LEDGER_BLUEPRINT) if e["identifier"].startswith("sync:")] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only there it can be told which process a lock is of")
def test_a_killed_sync_of_this_machine_doesnt_keep_the_next_one_waiting(running: Running) -> None:
    alive = running.again()
    assert alive.returncode == 1
    assert "is running since" in alive.stderr and "portcfg unlock sync:m" in alive.stderr
    running.process.kill()
    running.process.wait(60)
    assert running.again().returncode == 0
