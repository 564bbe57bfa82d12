"""A GitHub for each test, all behind one server."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from portcfg.emulator.server import serving
from portcfg.github.labels import LABELS
from tests.github.machine import make_machine
from tests.github.repo import Repo
from tests.github.runner import Machine
from tests.github.stand_in import StandIn
from tests.github.support import Job
from tests.support import Bench

OF_A_JOB = re.compile(r"(GITHUB|RUNNER|ACTIONS)_.*|CI")


class Server:
    """A server whose app can be changed: starting one takes longer than most tests."""

    def __init__(self) -> None:
        self.url = ""
        self.app: ASGIApp = StandIn().app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def github_server() -> Iterator[Server]:
    """Serves one stand-in after the other."""
    own = Server()
    with serving(own) as own.url:
        yield own


@pytest.fixture
def github(github_server: Server, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A fresh GitHub; and nothing of a job that these tests themselves may run in."""
    for name in list(os.environ):
        if OF_A_JOB.fullmatch(name):
            monkeypatch.delenv(name)
    made = StandIn()
    made.url, github_server.app = github_server.url, made.app
    return made


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The Python of the runners."""
    return make_machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture
def job(github: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job without secrets of Port, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return Job(github, tmp_path)


@pytest.fixture
def repo(job: Job, bench: Bench) -> Repo:
    """A repository whose jobs have the secrets of a Port."""
    port = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    job.github.have_labels(*LABELS)
    return Repo(replace(job, port=port), bench)
