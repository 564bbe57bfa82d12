"""Ocean's grammar, each part of it run from a source into an embedded Port (tests/cases/sync/ocean.yaml)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portcfg.client import PortWriter
from portcfg.emulator.server import serving
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.replay import replay
from tests.support import cases
from tests.sync.support import embedded_port, mapping_of, options, run_sync, sync


def source(answers: Mapping[str, Any]) -> Starlette:
    """Answers by path as it was sent, with its query or without; a number is a status."""

    async def answer(request: Request) -> Response:
        path = request.scope["raw_path"].decode()
        asked = f"{path}?{urlencode(sorted(request.query_params.items()))}"
        found = answers.get(asked, answers.get(path, 404))
        return JSONResponse({}, found) if isinstance(found, int) else JSONResponse(found)

    return Starlette(routes=[Route("/{path:path}", answer)])


def blueprints_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """Whole blueprints of the short ones of a case."""
    return {
        name: {
            "identifier": name,
            "title": name,
            "schema": {"properties": {key: {"title": key, **value} for key, value in short["properties"].items()}},
            "relations": {key: {"title": key, **value} for key, value in short.get("relations", {}).items()},
            **{key: value for key, value in short.items() if key == "ownership"},
        }
        for name, short in case["blueprints"].items()
    }


def held(port: PortWriter, name: str) -> dict[str, Any]:
    """What Port has of a blueprint, without what is empty."""
    found = {}
    for entity in port.entities(name):
        shown = {key: entity[key] for key in ("title", "team") if entity[key]}
        for part in ("properties", "relations"):
            if said := {key: value for key, value in entity[part].items() if value not in (None, [])}:
                shown[part] = said
        found[entity["identifier"]] = shown
    return found


@pytest.mark.parametrize("case", cases("sync"))
def test_ocean_s_grammar(case: dict[str, Any]) -> None:
    with serving(source(case["source"])) as url, embedded_port(blueprints_of(case)) as port:
        for name, bodies in case.get("there", {}).items():
            for body in bodies:
                port.send("POST", f"/blueprints/{name}/entities", body, {"upsert": "true"})
        mapping = mapping_of({"identifier": "m", **case["mapping"]}, url)
        report = sync(mapping, port)
        assert report.exit_code == case.get("exit", 0), report
        for name, expected in case["entities"].items():
            assert held(port, name) == expected
        for wanted in case.get("rejected", []):
            assert any(wanted in reject.reason for reject in report.rejects), (wanted, report.rejects)
        assert len(report.rejects) == len(case.get("rejected", []))
        assert set(case.get("notices", [])) <= set(report.notices)
        for name, skipped in case.get("skipped", {}).items():
            assert {item.blueprint: item.skipped for item in report.blueprints}[name] == skipped
        assert case.get("failed", "") in json.dumps([item.message for item in report.streams], ensure_ascii=False)
        if "total" in case:
            assert [(item.rows, item.total) for item in report.streams] == [(case["total"], case["total"])]
        assert dict(report.requests_by_path) == case.get("requests", report.requests_by_path)
        again = sync(mapping, port)
        assert again.writes == case.get("writes_again", 0)
        for name, expected in case["entities"].items():
            assert held(port, name) == expected


def test_what_port_would_have_to_find_is_left_to_a_sync_by_a_replay(tmp_path: Path) -> None:
    """A replay leaves alone what Port got later, and of an entity that a search finds it can't tell."""
    case = next(param.values[0] for param in cases("sync") if "finds no entity, or two" in param.values[0]["name"])
    with serving(source(case["source"])) as url, embedded_port(blueprints_of(case)) as port:
        port.send("POST", "/blueprints/service/entities", {"identifier": "s1", "properties": {"repo": "acme/one"}})
        mapping = mapping_of({"identifier": "m", **case["mapping"]}, url)
        file = tmp_path / "kept.ndjson"
        report = run_sync(mapping, {}, port, options(), quarantine=Quarantine(file))
        assert len(report.rejects) == 2
        port.send("POST", "/blueprints/service/entities", {"identifier": "s0", "properties": {"repo": "acme/none"}})
        again = replay(mapping, file, port, Quarantine(tmp_path / "left.ndjson"))
        (part,) = again.blueprints
        assert (part.created, part.updated) == (0, 0)
        assert sum(part.skipped.values()) == 2
        assert all("a sync writes them" in reason for reason in part.skipped)
        sync(mapping, port)
        assert held(port, "service")["s0"] == {"properties": {"repo": "acme/none", "tier": "a"}}
