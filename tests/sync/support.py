"""What the sync tests share: an embedded Port with the shipped blueprints, sources made of plain functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portcfg.client import Credentials, PortReader, PortWriter
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.model import Ref, Resource
from portcfg.pipeline import read_specs
from portcfg.retry import RetryPolicy
from portcfg.sync.parse import parse_mapping
from portcfg.sync.report import SyncReport
from portcfg.sync.run import SyncOptions, run_sync
from portcfg.sync.spec import SyncMapping

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "data" / "cursor-samples"
KEY = "a-key-that-must-not-show"
# 5 March 2026, noon UTC: the day after the samples end.
NOW = 1772712000.0

Handler = Callable[[Any], Any]


def retry(slept: list[float] | None = None, attempts: int = 4) -> RetryPolicy:
    """Clocks that don't wait; `slept` collects the seconds that would have been waited."""
    return RetryPolicy(attempts=attempts, sleep=(slept if slept is not None else []).append, monotonic=lambda: 0.0)


def options(**changes: Any) -> SyncOptions:
    """The sample days, at a fixed time."""
    base = SyncOptions(date(2026, 3, 2), date(2026, 3, 4), now=NOW, retry=retry())
    return replace(base, **changes)


def shipped_bodies(kind: str, folder: str = "specs") -> dict[str, dict[str, Any]]:
    """The compiled bodies of a specs folder, by identifier; copies, which a test may change."""
    return {ref.identifier: deepcopy(item.body) for ref, item in _compiled(folder).items() if ref.kind == kind}


@cache
def _compiled(folder: str) -> Mapping[Ref, Resource]:
    return read_specs(ROOT / folder).compiled()


def shipped_mapping(**variables: Any) -> SyncMapping:
    """specs/mappings/cursor.yaml with the project's variables, some of them changed."""
    config = shipped_bodies("mapping")["cursor"]["config"]
    return parse_mapping({**config, "vars": {**config["vars"], **variables}})


def at(mapping: SyncMapping, base_url: str) -> SyncMapping:
    """The mapping asking another host, unpaced."""
    return replace(mapping, source=replace(mapping.source, base_url=base_url, rate_limits={}))


@contextmanager
def embedded_port(blueprints: Mapping[str, dict[str, Any]] | None = None) -> Iterator[PortWriter]:
    """A Port that holds these blueprints (the shipped ones where absent) and an empty `service`."""
    with serving(port_app()) as url:
        port = PortWriter(url, Credentials("local", "local"), RetryPolicy(sleep=lambda _: None))
        bodies = shipped_bodies("blueprint") if blueprints is None else blueprints
        create_blueprints(port, {**bare("service", "githubPullRequest"), **bodies})
        yield port
        port.close()


def bare(*names: str) -> dict[str, dict[str, Any]]:
    """Blueprints without properties."""
    return {name: {"identifier": name, "title": name, "schema": {"properties": {}}} for name in names}


def create_blueprints(port: PortWriter, bodies: Mapping[str, dict[str, Any]]) -> None:
    """First without relations, then whole, so that their order doesn't matter."""
    for body in bodies.values():
        held = ("relations", "calculationProperties", "mirrorProperties", "aggregationProperties")
        port.send("POST", "/blueprints", {key: value for key, value in body.items() if key not in held})
    for name, body in bodies.items():
        port.send("PUT", f"/blueprints/{name}", body)


def blueprint(
    name: str, relations: Mapping[str, Any] | None = None, required: tuple[str, ...] = (), **types: Any
) -> Any:
    """A small blueprint: `types` are property schemas or type names."""
    properties = {key: {"type": value} if isinstance(value, str) else value for key, value in types.items()}
    schema = {"properties": properties, "required": list(required)}
    return {name: {"identifier": name, "title": name, "schema": schema, "relations": dict(relations or {})}}


def source_app(handlers: Mapping[str, Handler]) -> Starlette:
    """A source: each path's handler gets the JSON body (of a POST) or the query, and returns JSON or a Response."""
    log: list[tuple[str, Any]] = []

    async def answer(request: Request) -> Response:
        asked = json.loads(await request.body()) if request.method == "POST" else dict(request.query_params)
        log.append((request.url.path, asked))
        result = handlers[request.url.path](asked)
        return result if isinstance(result, Response) else JSONResponse(result)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    app.state.log = log
    return app


def mapping_of(body: Mapping[str, Any], base_url: str = "http://source.test", **variables: Any) -> SyncMapping:
    """A small mapping whose source needs no key."""
    return parse_mapping({"source": {"base_url": base_url}, **body}, variables)


def sync(mapping: SyncMapping, port: PortReader, **changes: Any) -> SyncReport:
    """Run with the test's key and clocks."""
    return run_sync(mapping, {"CURSOR_API_KEY": KEY}, port, options(**changes))


def entities(port: PortReader, name: str) -> dict[str, dict[str, Any]]:
    """What Port holds of a blueprint, without nulls and calculated values, by identifier."""
    schema = port.get(f"/blueprints/{name}")["blueprint"]["schema"]["properties"]
    return {entity["identifier"]: _bare(entity, schema) for entity in port.entities(name)}


def _bare(entity: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in entity["properties"].items() if key in schema and value is not None}
    related = {key: value for key, value in entity["relations"].items() if value}
    return {"title": entity["title"], "properties": kept, "relations": related}
