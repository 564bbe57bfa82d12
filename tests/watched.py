"""A Port that is watched: how many requests are under way at once, and which write begins before what it needs."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portcfg.kinds import KINDS
from tests.support import is_read

BLUEPRINTS = "/v1/blueprints"


@dataclass
class Watched:
    """Passes requests on, each after a delay of at most `jitter` seconds, and after `held` lets it go.

    `most` is how many were under way at once; `early` names writes that began while a blueprint that they refer to
    wasn't there; `refused` are the writes that Port refused.
    """

    app: ASGIApp
    jitter: float = 0.0
    seed: int = 0
    held: Callable[[str, str], asyncio.Event | None] = lambda method, path: None
    most: int = field(default=0, init=False)
    early: list[str] = field(default_factory=list, init=False)
    refused: list[str] = field(default_factory=list, init=False)
    begun: list[tuple[str, str]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._now = 0
        self._there: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path, body = scope["method"], scope["path"], await _body(receive)
        self._now += 1
        self.most = max(self.most, self._now)
        write = not is_read(method, path)
        if write:
            self._begin(method, path, body)
        if gate := self.held(method, path):
            await gate.wait()
        await asyncio.sleep(self._dice.random() * self.jitter)
        status = await self._passed_on(scope, body, send)
        self._now -= 1
        if write and status >= 400:
            self.refused.append(f"{method} {path} {status}")
        if method == "POST" and path == BLUEPRINTS and status < 300:
            self._there.add(json.loads(body)["identifier"])

    def _begin(self, method: str, path: str, body: bytes) -> None:
        self.begun.append((method, path))
        if method in ("POST", "PUT") and path.removeprefix(BLUEPRINTS).count("/") <= 1 and path.startswith(BLUEPRINTS):
            named = {ref.identifier for _, ref in KINDS["blueprint"].references(json.loads(body))}
            self.early += [f"{method} {path} names {name}" for name in sorted(named - self._there)]

    async def _passed_on(self, scope: Scope, body: bytes, send: Send) -> int:
        statuses: list[int] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def answer(message: Message) -> None:
            statuses.append(message.get("status", 0))
            await send(message)

        await self.app(scope, receive, answer)
        return statuses[0]


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message: Any = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
