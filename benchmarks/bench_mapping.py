"""Mapping throughput: closures, against libjq over batches of rows, and against one program a property and row."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jq

from portcfg.pipeline import read_specs
from portcfg.sync.jq_programs import BATCH_ROWS, Batch, RowProgram, Scope

ROWS = 5_000
KINDS = ("/analytics/ai-code/commits", "organization daily usage")
ROOT = Path(__file__).parents[1]


def run() -> list[dict[str, str]]:
    """Rows of {what, figure, baseline, ratio}: the shipped mapping's expressions over the same rows, in one run."""
    specs = read_specs(ROOT / "specs")
    (mapping,) = (item for ref, item in specs.compiled().items() if str(ref) == "mapping/cursor")
    resources = {item["kind"]: item for item in mapping.body["config"]["resources"]}
    found = (_compare(kind, resources[kind]["port"]["entity"]["mappings"]) for kind in KINDS)
    return [row for rows in found for row in rows]


def _compare(kind: str, entity: Mapping[str, Any]) -> list[dict[str, str]]:
    expressions = {"identifier": entity["identifier"], "title": entity["title"], **entity["properties"]}
    rows = [_row(kind, number) for number in range(ROWS)]
    compiled = [jq.compile(text) for text in expressions.values()]
    single = _rate(lambda: [[item.input_value(row).first() for item in compiled] for row in rows])
    batched = _batched(RowProgram(expressions, Scope(), by_closures=False), rows)
    closed = _batched(RowProgram(expressions, Scope()), rows)
    what = f"map {kind} ({len(expressions)} expressions)"
    return [
        _figures(f"{what}, by libjq in batches", batched, single, "one program a property"),
        _figures(f"{what}, by closures", closed, single, "one program a property"),
        _figures(f"{what}, by closures", closed, batched, "libjq in batches"),
    ]


def _figures(what: str, rate: float, baseline: float, against: str) -> dict[str, str]:
    return {
        "what": what,
        "figure": f"{rate:,.0f} rows/s",
        "baseline": f"{baseline:,.0f} rows/s, {against}",
        "ratio": f"{rate / baseline:.1f}",
    }


def _batched(program: RowProgram, rows: list[Any]) -> float:
    return _rate(lambda: [program.run(Batch(None, rows[at : at + BATCH_ROWS])) for at in _starts()])


def _starts() -> range:
    return range(0, ROWS, BATCH_ROWS)


def _rate(work: Callable[[], Any]) -> float:
    """Rows a second, the best of three."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return ROWS / min(times)


def _row(kind: str, number: int) -> dict[str, Any]:
    if kind.startswith("/"):
        return commit(number)
    totals = {f"total_{name}": number * 3 for name in ("accepts", "rejects", "tabs_shown", "tabs_accepted", "cents")}
    return {"org": "acme", "date": "2026-03-02", "totals": totals, "breakdown": {"members": number}}


def commit(number: int) -> dict[str, Any]:
    """One row as Cursor's commits route gives it."""
    lines = ("total", "tab", "composer", "nonAi")
    counts = {f"{name}Lines{change}": number % 97 for name in lines for change in ("Added", "Deleted")}
    return {
        "commitHash": f"{number:040x}",
        "userId": f"user_{number % 500}",
        "userEmail": f"person{number % 500}@example.com",
        "repoName": f"example-org/repo-{number % 40}",
        "branchName": "main",
        "isPrimaryBranch": number % 3 == 0,
        "commitSource": "ide",
        "message": f"Change number {number}",
        "commitTs": f"2026-03-{number % 28 + 1:02d}T09:00:00.000Z",
        "createdAt": f"2026-03-{number % 28 + 1:02d}T09:00:04.000Z",
        **counts,
    }
