"""Where the embedded Port answers otherwise than Port's published OpenAPI says: found, and excused in one list."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.emulator.exchange import Exchange, load
from tests.emulator.openapi import Finding, OpenApi

Deviation = dict[str, Any]
LIST = Path(__file__).parent / "deviations.yaml"


def deviations(suite: str = "") -> list[Deviation]:
    """The excused ones: all, or those that a suite ("contract" or "cases") comes across."""
    return [entry for entry in load(LIST) if not suite or suite in entry.get("suites", ["contract", "cases"])]


def findings(api: OpenApi, exchange: Exchange) -> Iterator[Finding]:
    """Where an exchange isn't as published. Only requests that were accepted have to be."""
    method, _, path = exchange.step["request"].partition(" ")
    route = api.route(method, path)
    if not route:
        yield Finding(f"{method} {path.partition('?')[0]}", "request", "route")
        return
    if "body" in exchange.step and exchange.status < 300:
        yield from api.request_findings(route, exchange.step["body"])
    yield from api.response_findings(route, exchange.status, exchange.body)


def covers(deviation: Deviation, finding: Finding) -> bool:
    """Whether a deviation excuses a finding."""
    return (
        any(fnmatch.fnmatchcase(finding.route, pattern) for pattern in deviation["routes"])
        and deviation["side"] == finding.side
        and fnmatch.fnmatchcase(finding.what, deviation["what"])
    )


def strays(found: Iterable[Finding], known: list[Deviation]) -> list[Finding]:
    """Findings that nothing excuses."""
    unknown = [finding for finding in found if not any(covers(deviation, finding) for deviation in known)]
    return sorted(unknown, key=lambda finding: (finding.route, finding.side, finding.what))


def unneeded(found: Iterable[Finding], known: list[Deviation]) -> list[Deviation]:
    """Deviations that excuse nothing."""
    everything = list(found)
    return [deviation for deviation in known if not any(covers(deviation, finding) for finding in everything)]
