"""A Port that costs next to nothing, in a process of its own, so that the figures are the client's.

It takes every entity, finds those with the identifiers asked for or all, and waits `latency` before each answer.
"""

from __future__ import annotations

import json
import multiprocessing
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGE = 1000
_ENTITIES = re.compile(r"/v1/blueprints/([^/]+)/entities/(bulk|search)")


@contextmanager
def stub_port(blueprints: list[Mapping[str, Any]], latency: float) -> Iterator[str]:
    """Its base URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, blueprints, latency), daemon=True)
    process.start()
    # So that a process that couldn't begin is an error here, and not waited for.
    theirs.close()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


def _serve(told: Any, blueprints: list[Mapping[str, Any]], latency: float) -> None:
    stored: dict[str, dict[str, Any]] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            self._answer({"ok": True, "blueprints": blueprints})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
            asked = _ENTITIES.match(self.path)
            if asked is None:
                self._answer({"ok": True, "accessToken": "none", "expiresIn": 9999})
            elif asked[2] == "bulk":
                self._answer(_bulk(stored.setdefault(asked[1], {}), body["entities"]))
            else:
                self._answer(_page(_found(stored.get(asked[1], {}), body), int(body.get("from") or 0)))

        def _answer(self, body: Mapping[str, Any]) -> None:
            time.sleep(latency)
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.send(server.server_port)
    server.serve_forever()


def _bulk(stored: dict[str, Any], entities: list[dict[str, Any]]) -> dict[str, Any]:
    created = [entity["identifier"] not in stored for entity in entities]
    stored.update({entity["identifier"]: entity for entity in entities})
    numbered = enumerate(zip(entities, created, strict=True))
    found = [{"index": at, "identifier": entity["identifier"], "created": new} for at, (entity, new) in numbered]
    return {"ok": True, "entities": found, "errors": []}


def _found(stored: dict[str, Any], body: Mapping[str, Any]) -> list[Any]:
    for rule in (body.get("query") or {}).get("rules", []):
        if rule["operator"] == "in":
            return [stored[name] for name in rule["value"] if name in stored]
    return list(stored.values())


def _page(entities: list[dict[str, Any]], at: int) -> dict[str, Any]:
    following = {"next": str(at + PAGE)} if at + PAGE < len(entities) else {}
    return {"ok": True, "entities": entities[at : at + PAGE], **following}
