"""What lies between the sync and a server, and meddles: refuses, cuts, replaces or edits answers, and counts them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

Header = tuple[bytes, bytes]
JSON = [(b"content-type", b"application/json")]


@dataclass(frozen=True)
class Asked:
    """A request: its `number` among all, and `nth` among those of its route, both from 1."""

    number: int
    nth: int
    method: str
    path: str
    body: bytes
    headers: dict[str, str]

    @property
    def route(self) -> str:
        """`POST /v1/...`."""
        return f"{self.method} {self.path}"

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Reply:
    """An answer; with `cut` its connection breaks in the middle of the body."""

    status: int
    body: bytes
    headers: list[Header]
    cut: bool = False

    @classmethod
    def of(cls, status: int, value: Any, **headers: str) -> Reply:
        """JSON."""
        more = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
        return cls(status, json.dumps(value).encode(), [*JSON, *more])

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    def with_json(self, value: Any, status: int = 0) -> Reply:
        """Another body."""
        return replace(self, status=status or self.status, body=json.dumps(value).encode())


# What passes a request on, with another body if one is given, and gives the server's answer.
Forward = Callable[..., Awaitable[Reply]]
Act = Callable[[Asked, Forward], Awaitable[Reply]]
# What is to be done about a request; None passes it on.
Meddle = Callable[[Asked], Act | None]


def untouched(_: Asked) -> None:
    """Meddle with nothing."""


class Network:
    """An app in front of another, which can be changed. `met` counts the requests that were meddled with."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.url = ""
        self._lock = threading.Lock()
        self.begin()

    def begin(self, meddle: Meddle = untouched) -> None:
        """From now on meddle so, and count from 0."""
        self.meddle = meddle
        self.met = 0
        self.number = 0
        self.routes: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._counted(scope, await _body(receive))
        act = self.meddle(asked)

        async def forward(body: bytes | None = None) -> Reply:
            return await _answered(self.app, scope, asked.body if body is None else body)

        if act is None:
            await _send(send, await forward())
            return
        with self._lock:
            self.met += 1
        await _send(send, await act(asked, forward))

    def _counted(self, scope: Scope, body: bytes) -> Asked:
        with self._lock:
            self.number += 1
            self.routes[f"{scope['method']} {scope['path']}"] += 1
            nth = self.routes[f"{scope['method']} {scope['path']}"]
            headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
            return Asked(self.number, nth, scope["method"], scope["path"], body, headers)


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _answered(app: ASGIApp, scope: Scope, body: bytes) -> Reply:
    parts: list[bytes] = []
    head: dict[str, Any] = {}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        head.update(message if message["type"] == "http.response.start" else {})
        parts.append(message.get("body", b""))

    await app(scope, receive, send)
    headers = [item for item in head["headers"] if item[0].lower() != b"content-length"]
    return Reply(head["status"], b"".join(parts), headers)


async def _send(send: Send, reply: Reply) -> None:
    length = (b"content-length", str(len(reply.body)).encode())
    await send({"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, length]})
    body = reply.body[: len(reply.body) // 2] if reply.cut else reply.body
    await send({"type": "http.response.body", "body": body, "more_body": reply.cut})


def refusing(status: int, **headers: str) -> Act:
    """Answer with a status and do nothing."""

    async def act(_asked: Asked, _forward: Forward) -> Reply:
        return Reply.of(status, {"ok": False, "error": "told_to", "message": "The network was told to"}, **headers)

    return act


async def cutting(_asked: Asked, forward: Forward) -> Reply:
    """Let the work be done, and break the connection in the middle of the answer."""
    return replace(await forward(), cut=True)


def replacing(body: bytes, content_type: str, **headers: str) -> Act:
    """Answer 200 with something else."""

    async def act(_asked: Asked, _forward: Forward) -> Reply:
        more = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
        return Reply(200, body, [(b"content-type", content_type.encode()), *more])

    return act


def editing(edit: Callable[[Any], Any]) -> Act:
    """Change the JSON of the answer."""

    async def act(_asked: Asked, forward: Forward) -> Reply:
        reply = await forward()
        return reply.with_json(edit(reply.json))

    return act


def waiting(seconds: float) -> Act:
    """Answer late."""

    async def act(_asked: Asked, forward: Forward) -> Reply:
        await asyncio.sleep(seconds)
        return await forward()

    return act


def every(n: int, *acts: Act) -> Meddle:
    """Meddle with every nth request, each time in the next of these ways."""
    return lambda asked: acts[asked.number // n % len(acts)] if asked.number % n == 0 else None


def first_of(route: str, count: int, act: Act) -> Meddle:
    """Meddle with the first requests of a route; '' is each of them."""
    return lambda asked: act if route in ("", asked.route) and asked.nth <= count else None
