"""A Port that takes so many requests a minute: eight workers keep to its headers, in both dialects of the reset."""

from __future__ import annotations

import time

import pytest
from starlette.types import Message, Receive, Scope, Send

from portcfg.client import Credentials, PortWriter
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.retry import RetryPolicy
from tests.sync.support import mapping_of, source_app, sync
from tests.sync.test_run import THING, body, resource, rows

# Seconds that pass are cheap where a minute has so few of them.
LIMIT, MINUTE, ENTITIES, WORKERS = 40, 0.5, 3000, 8


class Limited:
    """The embedded Port behind LIMIT requests a minute; `told` says whether answers say what is left."""

    def __init__(self, epoch: bool, told: bool) -> None:
        self._app, self._epoch, self._told = port_app(), epoch, told
        self._ends, self._left = 0.0, 0
        self.refused = self.taken = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if time.time() >= self._ends:
            self._ends, self._left = time.time() + MINUTE, LIMIT
        self._left -= 1
        reset = self._ends if self._epoch else self._ends - time.time()
        headers = [(b"x-ratelimit-reset", str(reset).encode()), (b"content-type", b"application/json")]
        if self._told:
            headers.append((b"x-ratelimit-remaining", str(max(self._left, 0)).encode()))
        if self._left < 0:
            self.refused += 1
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"ok": false, "error": "rate_limit"}'})
            return
        self.taken += 1

        async def limited(message: Message) -> None:
            if message["type"] == "http.response.start" and self._told:
                own = [pair for pair in message["headers"] if not pair[0].startswith(b"x-ratelimit")]
                message = {**message, "headers": [*own, headers[0], headers[2]]}
            await send(message)

        await self._app(scope, receive, limited)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("epoch", [True, False])
def test_workers_dont_all_burn_the_same_429(epoch: bool, told: bool) -> None:
    limited = Limited(epoch, told)
    handlers = {"/a": rows(*({"id": f"x{number}", "n": number} for number in range(ENTITIES)))}
    with serving(limited) as url, serving(source_app(handlers)) as source:
        policy = RetryPolicy(attempts=8)
        port = PortWriter(url, Credentials("local", "local"), policy)
        port.send("POST", "/blueprints", THING["thing"])
        report = sync(mapping_of(body(resource()), source), port, retry=policy, parallelism=WORKERS)
        port.close()
    assert (report.writes, report.exit_code) == (ENTITIES, 0)
    minutes = limited.taken / LIMIT
    assert minutes > 3
    assert report.port_requests_by_route["POST /blueprints/thing/entities/bulk"] >= ENTITIES / 20
    # Where Port says what is left nobody asks for more; else each minute costs those that were under way.
    assert limited.refused <= (2 if told else WORKERS * minutes)
