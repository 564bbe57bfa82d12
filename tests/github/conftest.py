"""A GitHub for each test, all behind one server."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from portcfg.emulator.server import serving
from tests.github.stand_in import StandIn

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
