"""The requests that a mapping sends: a stream's, or a resource's own, with what is known of the endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portcfg.model import Path
from portcfg.rules.mappings.configs import Config
from portcfg.rules.portal import Portal

_HOST = re.compile(r"https?://([^/:]+)")


@dataclass(frozen=True)
class Endpoint:
    """What an API documents of a path. `days` is the longest range of one request, 0 for none that is known; `rows` how
    many rows an answer has at most where no page is asked for, 0 where all come."""

    path: re.Pattern[str]
    days: int = 0
    rows: int = 0


# Cursor (cursor-api.md §2.2 to §2.7, §3). Daily usage comes whole where no page is asked for.
_CURSOR = (
    Endpoint(re.compile(r"/(teams|organizations)/daily-usage-data"), days=30),
    Endpoint(re.compile(r"/(teams|organizations)/filtered-usage-events"), days=30, rows=100),
    Endpoint(re.compile(r"/analytics/ai-code/(commits|changes)"), days=30, rows=100),
    Endpoint(re.compile(r"/teams/audit-logs"), days=30, rows=100),
)
_APIS: Mapping[str, tuple[Endpoint, ...]] = {"api.cursor.com": _CURSOR}


@dataclass(frozen=True)
class Request:
    """One family of requests: `said` is where the spec defines it, at `path` of the document."""

    config: Config
    path: Path
    said: Mapping[str, Any]
    target: str
    endpoint: Endpoint | None


def requests_of(config: Config, portal: Portal) -> Iterator[Request]:
    """Streams, and the requests of resources without one. With Ocean a kind is a path only where it looks like one."""
    host = _host(config, portal)
    for name, stream in (config.body.get("streams") or {}).items():
        yield _request(config, (*config.prefix, "streams", name), stream, str(stream.get("path", "")), host)
    for path, resource in config.resources():
        selector, kind = resource.get("selector") or {}, str(resource.get("kind", ""))
        if "stream" not in selector and (config.runs_here or kind.startswith("/")):
            yield _request(config, (*path, "selector"), selector, kind, host)


def _request(config: Config, path: Path, said: Mapping[str, Any], target: str, host: str) -> Request:
    plain = "/" + target.split("?")[0].strip("/")
    known = next((each for each in _APIS.get(host, ()) if each.path.fullmatch(plain)), None)
    return Request(config, path, said, target, known)


def _host(config: Config, portal: Portal) -> str:
    source = config.body.get("source") or (portal.project.mapping_source if config.runs_here else None) or {}
    found = _HOST.match(str(source.get("base_url", "")))
    return found[1].lower() if found else ""
