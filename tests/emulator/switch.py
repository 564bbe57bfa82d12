"""One server for many tests: an ASGI app that passes requests on to whichever app a test has set."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class Switch:
    """Set `inner` before a request."""

    inner: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.inner(scope, receive, send)
