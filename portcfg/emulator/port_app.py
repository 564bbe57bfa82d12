"""The embedded Port: an ASGI app that answers as Port's API does. Start here.

A request goes: chaos -> size -> token -> route -> handler, inside one SQLite transaction -> answer with rate limits.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from portcfg.emulator import blueprints, integrations, pages, sidebar
from portcfg.emulator.auth import Gate
from portcfg.emulator.calls import Answer, Call
from portcfg.emulator.chaos import Chaos, Dice
from portcfg.emulator.port_routes import NOT_EMULATED, match
from portcfg.emulator.port_store import Store
from portcfg.emulator.wire_errors import WireError
from portcfg.model import Body

__all__ = ["NOT_EMULATED", "Chaos", "port_app"]

MAX_BODY = 1024 * 1024
LOG_SIZE = 10_000
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# Port's published allowance for most routes: requests in a period of seconds.
RATE_LIMIT = 15_000
RATE_PERIOD = 300
ABOUT = """This is portcfg's embedded Port: Port's API (port.io) on your own machine, for trying things out.

Point any Port client at it:
  PORT_BASE_URL={base}
  PORT_CLIENT_ID={client_id}
  PORT_CLIENT_SECRET={client_secret}
"""
PAGE = "<!doctype html><title>Sign in</title><h1>Sign in</h1><p>This is a web page, not an API.</p>"


def port_app(
    data: str | Path = ":memory:",
    *,
    client_id: str = "local",
    client_secret: str = "local",
    clients: Mapping[str, str] | None = None,
    chaos: Chaos = Chaos(),  # noqa: B008 - frozen
    clock: Callable[[], float] = time.time,
    expires_in: int = 3600,
) -> Starlette:
    """An embedded Port on the SQLite file `data`. `clients` are further ones, as {id: secret}.

    `app.state.log` holds the last requests as (method, path, status), oldest first; clear() it between tests.
    `app.state.resyncs(installation_id)` counts the resyncs that PATCHes of an integration have asked for, and
    `app.state.examples(installation_id)` are the raw rows that were sent of it, by kind.
    """
    gate = Gate({client_id: client_secret, **(clients or {})}, expires_in)
    port = EmbeddedPort(Store(data), gate, chaos, clock)
    app = Starlette(routes=[Route("/{path:path}", port.answer, methods=METHODS)])
    app.state.log = port.log
    app.state.resyncs = port.resyncs
    app.state.examples = port.examples
    return app


class CutResponse(Response):
    """An answer whose connection breaks in the middle of the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce the whole body, send half of it, and stop; the server then closes the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class EmbeddedPort:
    """Takes requests one at a time through the checks that every route shares."""

    def __init__(self, store: Store, gate: Gate, chaos: Chaos, clock: Callable[[], float]) -> None:
        self.log: deque[tuple[str, str, int]] = deque(maxlen=LOG_SIZE)
        self._store = store
        self._gate = gate
        self._chaos = chaos
        self._dice = Dice(chaos)
        self._clock = clock
        self._window = (0, 0)
        self._preload()

    def _preload(self) -> None:
        call = Call(self._store, {}, {}, {}, None, self._clock(), "port", self._chaos)
        with self._store.transaction(write=True):
            blueprints.preload(self._store, call.created())
            pages.preload(self._store, call.created())
            sidebar.preload(self._store)

    def resyncs(self, installation: str) -> int:
        """How many resyncs an integration was asked for."""
        with self._store.transaction(write=False):
            return integrations.resyncs(self._store, installation)

    def examples(self, installation: str) -> dict[str, list[Body]]:
        """The raw rows that were sent of an integration, by kind."""
        with self._store.transaction(write=False):
            return integrations.examples(self._store, installation)

    async def answer(self, request: Request) -> Response:
        """One request, whatever it is."""
        body = await request.body()
        if self._chaos.latency:
            await asyncio.sleep(self._chaos.latency)
        response = await run_in_threadpool(self._respond, request, body)
        self.log.append((request.method, request.url.path, response.status_code))
        return response

    def _respond(self, request: Request, body: bytes) -> Response:
        if self._chaos.html:
            return HTMLResponse(PAGE)
        if request.method == "GET" and request.url.path == "/":
            return self._about(request)
        login = (request.method, request.url.path) == ("POST", "/v1/auth/access_token")
        fault = 0 if login else self._dice.draw()
        status, answer = self._fault(fault) if fault > 0 else self._try(request, body, login)
        kind = CutResponse if fault < 0 else Response
        headers = {**self._limits(), **(self._wait() if status == 429 else {})}
        return kind(json.dumps(self._mixed(answer)), status, headers, "application/json")

    def _about(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        client_id, client_secret = next(iter(self._gate.clients.items()))
        return PlainTextResponse(ABOUT.format(base=base, client_id=client_id, client_secret=client_secret))

    def _try(self, request: Request, body: bytes, login: bool) -> Answer:
        try:
            if len(body) > MAX_BODY:
                raise WireError(413, "payload_too_large", "Request body is too large")
            now = self._clock()
            if login:
                return 200, self._gate.login(_parsed(body), now)
            client = self._gate.check(request.headers.get("authorization", ""), now)
            return self._handled(request, body, now, client)
        except WireError as error:
            return error.status, error.body()

    def _handled(self, request: Request, body: bytes, now: float, client: str) -> Answer:
        # Identifiers may hold encoded slashes, so segments are split before they are decoded.
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        path = raw.split(b"?")[0].decode("latin-1")
        route, params = match(request.method, tuple(unquote(part) for part in path.strip("/").split("/")))
        query = parse_qs(request.url.query, keep_blank_values=True)
        call = Call(self._store, params, query, request.headers, _parsed(body), now, client, self._chaos)
        with self._store.transaction(route.writes):
            return route.handler(call)

    def _fault(self, status: int) -> Answer:
        names = {429: "rate_limit_exceeded", 500: "internal_error"}
        error = WireError(status, names.get(status, "unavailable"), "The embedded Port was told to misbehave")
        return status, error.body()

    def _limits(self) -> dict[str, str]:
        now = self._clock()
        period, used = self._window
        current = int(now) // RATE_PERIOD
        self._window = (current, used + 1 if current == period else 1)
        return {
            "x-ratelimit-limit": str(RATE_LIMIT),
            "x-ratelimit-period": str(RATE_PERIOD),
            "x-ratelimit-remaining": str(max(RATE_LIMIT - self._window[1], 0)),
            "x-ratelimit-reset": str(RATE_PERIOD - int(now) % RATE_PERIOD),
        }

    def _wait(self) -> dict[str, str]:
        # Port's docs call the reset an epoch, its clients a number of seconds to wait.
        wait = self._chaos.retry_after
        reset = {"x-ratelimit-remaining": "0"}
        if self._chaos.reset_as_epoch:
            return {**reset, "x-ratelimit-reset": str(self._clock() + wait)}
        return {**reset, "x-ratelimit-reset": str(wait), "retry-after": str(wait)}

    def _mixed(self, answer: Body) -> Body:
        return {key: self._dice.mixed(value) if isinstance(value, list) else value for key, value in answer.items()}


def _parsed(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise WireError(400, "invalid_request", "The body is not valid JSON") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
