"""Any HTTP API: each way to authenticate, to page, and to know the end, from a server into an embedded Port."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portcfg.client import PortWriter
from portcfg.emulator.server import serving
from portcfg.errors import EXIT_OK
from tests.sync.support import KEY, blueprint, embedded_port, entities, mapping_of, options, run_sync

COUNT, SIZE = 23, 5
AUTHS: dict[str, tuple[dict[str, str], str, str]] = {
    "none": ({"type": "none"}, "authorization", ""),
    "basic": ({"type": "basic", "username_env": "USER", "password_env": "PASS"}, "authorization", "Basic YW5uOnB3"),
    "basic without a password": ({"type": "basic", "username_env": "USER"}, "authorization", "Basic YW5uOg=="),
    "bearer": ({"type": "bearer", "token_env": "KEY"}, "authorization", f"Bearer {KEY}"),
    "header": ({"type": "header", "token_env": "KEY", "header": "X-Key"}, "x-key", KEY),
}
ENV = {"USER": "ann", "PASS": "pw", "KEY": KEY}
ENDS = {"total": {"total": ".meta.total"}, "more": {"more": ".meta.more"}, "neither": {}}
# Pages by number, offset and cursor, in the query and in the body, with every sign of the end; links have their own.
PAGINGS: dict[str, dict[str, Any]] = {
    f"{kind} in {place}, {end}": {"type": kind, "in": place, "page": "at", "size": "n", "page_size": SIZE, **ENDS[end]}
    for kind, place, end in itertools.product(("page", "offset"), ("query", "body"), ENDS)
}
PAGINGS |= {
    f"cursor in {place}": {
        "type": "cursor",
        "in": place,
        "page": "at",
        "size": "n",
        "page_size": SIZE,
        "next": ".meta.next",
    }
    for place in ("query", "body")
}
PAGINGS |= {
    "cursor and total": {"type": "cursor", "page": "at", "next": ".meta.next", "total": ".meta.total"},
    "cursor that stays while no more is announced": {
        "type": "cursor",
        "page": "at",
        "next": ".meta.at",
        "more": ".meta.more",
    },
    "link in the body": {"type": "link", "next": ".meta.link"},
    "link in the header": {"type": "link"},
}


class Source:
    """Rows by page, offset or cursor, wherever `at` stands; `refused` are requests without the right key."""

    def __init__(self, kind: str, header: str, value: str) -> None:
        self.kind, self.header, self.value = kind, header, value
        self.refused = 0
        self.app = Starlette(routes=[Route("/v3/rows", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Request) -> Response:
        if request.headers.get(self.header, "") != self.value:
            self.refused += 1
            return JSONResponse({"message": "who are you?"}, 401)
        asked = dict(request.query_params) if request.method == "GET" else json.loads(await request.body())
        at = int(asked.get("at", 0))
        first = (at - 1) * SIZE if self.kind == "page" else at
        last = first + int(asked.get("n", SIZE))
        rows = [{"id": f"r{number}", "n": number} for number in range(COUNT)][first:last]
        more = last < COUNT
        link = f"/v3/rows?at={last}" if more else None
        meta = {"total": COUNT, "more": more, "next": str(last) if more else None, "at": last, "link": link}
        return JSONResponse({"rows": rows, "meta": meta}, headers={"link": f'<{link}>; rel="next"'} if link else {})


@pytest.fixture(scope="module")
def port() -> Iterator[PortWriter]:
    with embedded_port(blueprint("thing", n="number")) as made:
        yield made


def read(paging: dict[str, Any], auth: str, port: PortWriter) -> tuple[Any, Source]:
    """The rows of a source, made entities."""
    spec, header, value = AUTHS[auth]
    source = Source(paging["type"], header, value)
    selector = {"query": "true", "data_path": ".rows", "pagination": paging}
    if paging.get("in") == "body":
        selector |= {"method": "POST", "body": {"filter": "all"}}
    entity = {"identifier": f'"{auth[:1]}" + .id', "blueprint": '"thing"', "properties": {"n": ".n"}}
    resource = {"kind": "rows", "selector": selector, "port": {"entity": {"mappings": entity}}}
    with serving(source.app) as url:
        mapping = mapping_of({"source": {"base_url": f"{url}/v3", "auth": spec}, "resources": [resource]})
        return run_sync(mapping, ENV, port, options()), source


@pytest.mark.parametrize("name", PAGINGS)
def test_every_row_comes_once_however_it_is_paged(name: str, port: PortWriter) -> None:
    for entity in list(entities(port, "thing")):
        port.send("DELETE", f"/blueprints/thing/entities/{entity}", params={"delete_dependents": "false"})
    report, _ = read(PAGINGS[name], "bearer", port)
    assert report.exit_code == EXIT_OK, report.streams
    assert sorted(item["properties"]["n"] for item in entities(port, "thing").values()) == list(range(COUNT))
    assert report.streams[0].rows == COUNT


@pytest.mark.parametrize("auth", AUTHS)
def test_every_request_carries_the_key(auth: str, port: PortWriter) -> None:
    report, source = read(PAGINGS["offset in body, total"], auth, port)
    assert (report.exit_code, report.streams[0].rows, source.refused) == (EXIT_OK, COUNT, 0)
    assert KEY not in repr(report)
