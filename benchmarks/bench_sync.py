"""A sync of 100,000 source rows: speed, requests and memory; and the same again, unchanged.

The source answers inside this process, so that the figures are the sync's. Memory is the peak of a process that only
reads, maps and groups, at one and at two times the rows for the same number of groups; PORTCFG_BENCH_LARGE=1 does that
with 1,000,000 rows (some four minutes).

Entities a second are measured as Ocean's were: 50,000 commits, one entity each, on a stub of Port that costs nothing.
Ocean's figures are from another machine with two processors, so that these ratios say less than the others.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.bench_mapping import commit
from benchmarks.stub_port import stub_port
from portcfg.client import Credentials, PortWriter
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.pipeline import read_specs
from portcfg.retry import RetryPolicy
from portcfg.sync.choice import of_streams
from portcfg.sync.collecting import rare_collections
from portcfg.sync.intake import Reader
from portcfg.sync.parse import parse_mapping
from portcfg.sync.report import SyncReport
from portcfg.sync.run import SyncOptions, run_sync
from portcfg.sync.source import Request, SourceAnswer, SourceClient
from portcfg.sync.spec import SyncMapping
from portcfg.sync.windows import DayRange

ROWS = 1_000_000 if os.environ.get("PORTCFG_BENCH_LARGE") else 100_000
SYNCED = 100_000
COMMITS = 50_000
COMMITS_PAGE = 500
# All in one window, which is 30 days with a margin of one on both sides.
COMMIT_DAYS = 28
# Entities a second of Ocean 0.48 with 50,000 commits in pages of 100, by the latency of both APIs in seconds; and what
# the same again costs it, unchanged.
OCEAN_PER_SECOND = {0.0: 600, 0.05: 268}
OCEAN_UNCHANGED_REQUESTS = 1_097
PEOPLE = 500
DAYS = 30
FIRST = date(2026, 3, 1)
FIRST_MS = 1_772_323_200_000
DAY_MS = 86_400_000
NOW = 1_775_300_000.0
LOCAL = Credentials("local", "local")
ROOT = Path(__file__).parents[1]


class Commits(SourceClient):
    """A source of commits, of which the first may have been amended; each page takes `latency`."""

    def __init__(self, latency: float, amended: int = 0) -> None:
        super().__init__(_mapping().source, {"CURSOR_API_KEY": "none"}, RetryPolicy())
        self._latency = latency
        self._amended = amended

    def ask(self, request: Request) -> SourceAnswer:
        """One page, made as it is asked for."""
        self.requests_made[request.path] = self.requests_made.get(request.path, 0) + 1
        time.sleep(self._latency)
        first = (int(request.params["page"]) - 1) * COMMITS_PAGE
        numbers = range(first, min(first + COMMITS_PAGE, COMMITS))
        items = [{**commit(n), "totalLinesAdded": n % 97 + 1000 * (n < self._amended)} for n in numbers]
        return SourceAnswer({"items": items, "totalCount": COMMITS})


class Company(SourceClient):
    """A source without a network: events of `PEOPLE` people over 30 days, in pages."""

    def __init__(self, rows: int) -> None:
        super().__init__(_mapping().source, {"CURSOR_API_KEY": "none"}, RetryPolicy())
        self.rows = rows

    def ask(self, request: Request) -> SourceAnswer:
        """One page, made as it is asked for."""
        self.requests_made[request.path] = self.requests_made.get(request.path, 0) + 1
        if request.path == "/teams/filtered-usage-events":
            return SourceAnswer(self._events(request.body["page"], request.body["pageSize"]))
        if request.path == "/teams/daily-usage-data":
            return SourceAnswer({"data": [], "pagination": {"hasNextPage": False}})
        return SourceAnswer({"groups": []} if request.path == "/teams/groups" else {"items": [], "totalCount": 0})

    def _events(self, page: int, size: int) -> dict[str, Any]:
        numbers = range((page - 1) * size, min(page * size, self.rows))
        pages = {"hasNextPage": page * size < self.rows, "currentPage": page}
        return {"totalUsageEventsCount": self.rows, "pagination": pages, "usageEvents": [_event(n) for n in numbers]}


def _event(number: int) -> dict[str, Any]:
    return {
        "timestamp": str(FIRST_MS + number // PEOPLE % DAYS * DAY_MS + number % 86_000_000),
        "userEmail": f"person{number % PEOPLE}@example.com",
        "model": ("claude-4.5-sonnet", "gpt-5", "default")[number % 3],
        "kind": "Usage-based",
        "requestsCosts": 1.4,
        "isTokenBasedCall": True,
        "isChargeable": True,
        "tokenUsage": {"inputTokens": number % 900, "outputTokens": 77, "cacheReadTokens": 1200, "totalCents": 1.25},
        "chargedCents": 1.35,
        "serviceAccountId": "null",
    }


@dataclass(frozen=True)
class Figures:
    """One run: seconds, those of them that this process worked, and what the report says."""

    seconds: float
    worked: float
    report: SyncReport

    def one_by_one(self, latency: float) -> float:
        """The seconds it would take if nothing overlapped: this process's work, and each request's latency."""
        return self.worked + latency * (self.report.port_requests + self.report.source_requests)


def run() -> list[dict[str, str]]:
    """Rows of {what, figure, baseline, ratio}."""
    with _port() as port:
        first, again = _sync(port), _sync(port)
    small, large = _memory(ROWS // 2), _memory(ROWS)
    entities = sum(item.entities for item in first.report.blueprints)
    return [
        *(row for latency in OCEAN_PER_SECOND for row in _commits(latency)),
        _row(
            f"sync {SYNCED:,} events into {entities:,} new entities",
            f"{SYNCED / first.seconds:,.0f} rows/s, {first.report.port_requests:,} requests to Port",
            f"{entities / 20:,.0f} requests, bulk writes of 20 alone",
            f"{first.report.port_requests / (entities / 20):.2f}",
        ),
        _row(
            f"the same again, {entities:,} entities unchanged",
            f"{again.report.writes} writes, {again.report.port_requests} requests to Port, {again.seconds:.1f} s",
            f"{entities / 1000:,.0f} requests, pages of 1,000 alone",
            f"{again.report.port_requests / (entities / 1000):.2f}",
        ),
        _row(
            f"peak memory of grouping {ROWS:,} rows by person and day",
            f"{large:.0f} MB",
            f"{small:.0f} MB, half the rows, the same groups",
            f"{large / small:.2f}",
        ),
        _row(
            "read, map and group alone",
            f"{_mapping_rate():,.0f} rows/s of processor time",
            f"{_decoding_rate():,.0f} rows/s, json.loads and dumps alone",
            "",
        ),
    ]


def _commits(latency: float) -> list[dict[str, str]]:
    """A first sync, the same again, and again with one commit amended."""
    specs = read_specs(ROOT / "specs")
    bodies = [item.body for ref, item in specs.compiled().items() if ref.kind == "blueprint"]
    mapping = of_streams(_mapping(), ["commits"])
    mapping = replace(mapping, resources=mapping.resources[:1], left_out=(), lookups=())
    with stub_port(bodies, latency) as url, closing(PortWriter(url, LOCAL)) as port:
        sources = [Commits(latency, amended) for amended in (0, 0, 1)]
        found = [_timed(mapping, port, _options(COMMIT_DAYS), source) for source in sources]
    first = found[0]
    rate, what = COMMITS / first.seconds, f"{COMMITS:,} commits at {latency * 1000:.0f} ms"
    ocean = OCEAN_PER_SECOND[latency]
    same = [f"{item.report.writes} writes, {item.report.port_requests} requests to Port" for item in found]
    return [
        _row(f"{what}, first sync", f"{rate:,.0f} entities/s", f"{ocean} entities/s, Ocean", f"{rate / ocean:.1f}"),
        *([_overlap(what, first, latency)] if latency else []),
        _row(
            f"{what}, unchanged",
            f"{same[1]}, {found[1].seconds:.1f} s",
            f"{OCEAN_UNCHANGED_REQUESTS:,} requests, Ocean",
            f"{found[1].report.port_requests / OCEAN_UNCHANGED_REQUESTS:.2f}",
        ),
        _row(f"{what}, one of them changed", f"{same[2]}, {found[2].seconds:.1f} s", "", ""),
    ]


def _overlap(what: str, first: Figures, latency: float) -> dict[str, str]:
    apart = first.one_by_one(latency)
    return _row(
        f"{what}, fetch, map, compare and write overlap",
        f"{first.seconds:.1f} s",
        f"{apart:.1f} s, {first.worked:.1f} of work and the waits one by one",
        f"{first.seconds / apart:.2f}",
    )


def _row(what: str, figure: str, baseline: str, ratio: str) -> dict[str, str]:
    return {"what": what, "figure": figure, "baseline": baseline, "ratio": ratio}


def _mapping() -> SyncMapping:
    specs = read_specs(ROOT / "specs")
    (mapping,) = (item for ref, item in specs.compiled().items() if str(ref) == "mapping/cursor")
    parsed = parse_mapping(mapping.body["config"], specs.project.variables)
    return replace(parsed, source=replace(parsed.source, rate_limits={}))


@contextmanager
def _port() -> Iterator[PortWriter]:
    specs = read_specs(ROOT / "specs")
    bodies = [item.body for ref, item in specs.compiled().items() if ref.kind == "blueprint"]
    with tempfile.TemporaryDirectory() as folder, serving(port_app(Path(folder) / "port.db")) as url:
        port = PortWriter(url, LOCAL)
        for body in bodies:
            port.send("POST", "/blueprints", {**body, "relations": {}})
        yield port
        port.close()


def _options(days: int = DAYS) -> SyncOptions:
    return SyncOptions(FIRST, date(2026, 3, days), now=NOW)


def _timed(mapping: SyncMapping, port: PortWriter, options: SyncOptions, source: SourceClient) -> Figures:
    started, worked = time.perf_counter(), time.process_time()
    report = run_sync(mapping, {}, port, options, source=source)
    return Figures(time.perf_counter() - started, time.process_time() - worked, report)


def _sync(port: PortWriter) -> Figures:
    return _timed(_mapping(), port, _options(), Company(SYNCED))


def _read(rows: int) -> None:
    days = DayRange(FIRST, date(2026, 3, DAYS))
    with rare_collections():
        Reader(_mapping(), Company(rows), days, NOW, lambda _: None).read()


def _memory(rows: int) -> float:
    """Peak megabytes of a fresh process that reads, maps and groups."""
    # Linux counts as a new process's peak what its parent held, so the parent must be a process that holds nothing.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as pool:
        return pool.submit(_peak, rows).result()


def _peak(rows: int) -> float:
    _read(rows)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _mapping_rate() -> float:
    started = time.process_time()
    _read(SYNCED)
    return SYNCED / (time.process_time() - started)


def _decoding_rate() -> float:
    pages = [json.dumps([_event(n) for n in range(at, at + 1000)]) for at in range(0, SYNCED, 1000)]
    started = time.process_time()
    for page in pages:
        json.dumps(json.loads(page))
    return SYNCED / (time.process_time() - started)
