"""Run an ASGI app on loopback HTTP, inside this process or in the foreground."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from portcfg.errors import UsageError

HOST = "127.0.0.1"
START_SECONDS = 10.0


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


def _server(app: ASGIApp) -> uvicorn.Server:
    # The apps answer with their own access log, if any; uvicorn's would mix into the command's stderr.
    return uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False))


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve `app` in a thread for the duration of the block; yields the base URL. Port 0 takes a free one."""
    sock = _bind(port)
    server = _server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.002)
        yield f"http://{HOST}:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=START_SECONDS)
        sock.close()
