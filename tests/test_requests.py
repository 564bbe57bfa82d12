"""Every request that portcfg sends to Port is as Port publishes it, but for the deviations listed with their reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from portcfg.importer import importable
from portcfg.kinds import KINDS
from portcfg.observe import observe
from portcfg.pipeline import Options, apply_specs, plan_specs, read_specs
from tests.cli.now import NOW
from tests.emulator.deviations import deviations, strays
from tests.emulator.openapi import Finding, OpenApi, needs_reference
from tests.support import REPOSITORY, Bench
from tests.test_faults import sync

pytestmark = needs_reference


def sent_by_everything(bench: Bench) -> Iterator[tuple[str, str, Any]]:
    """(method, path, body) of each request of an apply, an update, a sync, an import and a prune."""
    sent: list[tuple[str, str, Any]] = []

    def note(response: Any, *_: Any, **__: Any) -> None:
        body = json.loads(response.request.body) if response.request.body else None
        sent.append((response.request.method, urlsplit(response.request.url).path, body))

    specs = read_specs(REPOSITORY / "specs")
    with closing(bench.writer()) as port:
        port._session.hooks["response"].append(note)
        apply_specs(specs, plan_specs(specs, port), port, clock=NOW)
        port.send("PATCH", "/blueprints/cursor_usage_record", {"title": "Changed"})
        port.send("PATCH", "/pages/cursor_ai_insights", {"title": "Changed"})
        port.send("PATCH", "/integration/cursor", {"title": "Changed"})
        apply_specs(specs, plan_specs(specs, port), port, clock=NOW)
        sync(specs, port)
        importable(observe(port), KINDS, ())
        fewer = type(specs)(specs.project, specs.documents[:1], ())
        options = Options(prune=True)
        apply_specs(fewer, plan_specs(fewer, port, options), port, options, clock=NOW)
    yield from sent


def test_requests_are_as_published(bench: Bench) -> None:
    api = OpenApi()
    found: set[Finding] = set()
    routes: set[str] = set()
    for method, path, body in sent_by_everything(bench):
        route = api.route(method, path)
        routes.add(route or f"{method} {path}")
        if not route:
            found.add(Finding(f"{method} {path}", "request", "route"))
        elif body is not None:
            found |= set(api.request_findings(route, body))
    unpublished_routes = [deviation for deviation in deviations() if deviation["what"] == "route"]
    assert strays(found, unpublished_routes) == []
    assert {"POST /v1/blueprints", "PUT /v1/blueprints/{identifier}", "DELETE /v1/pages/{identifier}"} <= routes
    assert "POST /v1/blueprints/{blueprint_identifier}/entities/bulk" in routes
