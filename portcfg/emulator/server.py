"""Run an ASGI app on loopback HTTP, inside this process or in the foreground."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from portcfg.errors import UsageError

HOST = "127.0.0.1"
START_SECONDS = 10.0
TICK_SECONDS = 0.1


def _bind(port: int) -> socket.socket:
    # Naming TCP makes asyncio set TCP_NODELAY; without it every answer waits 40 ms for a delayed ACK.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError as error:
        sock.close()
        raise UsageError(f"port {port} on {HOST} is taken", hint="choose another, or 0 for any") from error
    return sock


class _Server(uvicorn.Server):
    """Ends as soon as it is told to: uvicorn's own looks ten times a second, and then waits for another tenth."""

    def __init__(self, app: ASGIApp) -> None:
        # The apps answer with their own access log, if any; uvicorn's would mix into the command's stderr.
        super().__init__(uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False))
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Tell it so, from another thread."""
        self.should_exit = True
        # A loop that has ended by itself is closed.
        with suppress(RuntimeError):
            if self._loop:
                self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        """Tick, until told to end."""
        self._loop = asyncio.get_running_loop()
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, close those that wait, and let what is being answered be answered."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.005)


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve `app` in a thread for the duration of the block; yields the base URL. Port 0 takes a free one."""
    sock = _bind(port)
    server = _Server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.002)
        yield f"http://{HOST}:{sock.getsockname()[1]}"
    finally:
        server.end()
        thread.join(timeout=START_SECONDS)
        sock.close()
