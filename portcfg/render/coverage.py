"""Which days of mappings are read, as text, JSON or markdown. Pure: MappingCoverage in, a str out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from portcfg.render.safe import code, plain
from portcfg.sync.coverage import Coverage, MappingCoverage, in_a_row

FORMAT = "portcfg/sync-status/1"
SHOWN_RANGES = 10
_HEADERS = ("stream", "first day", "settled until", "open", "missing", "last day", "rows", "read at")


def coverage_text(mappings: Sequence[MappingCoverage]) -> str:
    """A table each, then what a person should know."""
    parts = []
    for item in mappings:
        head = f"{plain(item.mapping)}: {'; '.join(map(plain, item.problems)) or 'complete'}"
        rows = [[plain(stream.stream), *_row(stream)] for stream in item.streams]
        parts.append("\n\n".join(part for part in (head, _table(rows, "simple"), "\n".join(_remarks(item))) if part))
    return "\n\n".join(parts)


def coverage_markdown(mappings: Sequence[MappingCoverage]) -> str:
    """For a job summary or a comment."""
    parts = []
    for item in mappings:
        head = f"### portcfg sync status: {code(item.mapping)}\n\n{'; '.join(map(plain, item.problems)) or 'complete'}"
        rows = [[code(stream.stream), *_row(stream)] for stream in item.streams]
        remarks = "\n".join(f"- {code(remark)}" for remark in _remarks(item))
        parts.append("\n\n".join(part for part in (head, _table(rows, "pipe"), remarks) if part))
    return "\n\n".join(parts)


def coverage_json(mappings: Sequence[MappingCoverage]) -> str:
    """Everything, under a format name whose number goes up when a key changes its meaning."""
    return json.dumps({"format": FORMAT, "mappings": [asdict(item) for item in mappings]}, indent=2, ensure_ascii=False)


def _table(rows: list[list[Any]], style: str) -> str:
    sides = ("left", "left", "left", "right", "right", "left", "right", "left")
    return (
        tabulate(rows, _HEADERS, tablefmt=style, disable_numparse=True, missingval="", colalign=sides) if rows else ""
    )


def _row(stream: Coverage) -> list[Any]:
    counts = [len(stream.open_days), len(stream.gaps)]
    return [stream.first_day, stream.settled_until, *counts, stream.last_day, stream.rows, stream.read_at]


def _remarks(item: MappingCoverage) -> list[str]:
    if not item.streams:
        return ["no stream says which day its rows are of (`window.day`), so no days are recorded"]
    missing = [f"missing of {plain(stream.stream)}: {_days(stream.gaps)}" for stream in item.streams if stream.gaps]
    refused = [
        f"{plain(stream.stream)}: not in your plan up to {stream.refused_until}"
        for stream in item.streams
        if stream.refused_until
    ]
    ahead = ["the next sync reads what is open or missing"] if missing or _any_open(item) else []
    return [*missing, *refused, *ahead]


def _any_open(item: MappingCoverage) -> bool:
    return any(stream.open_days for stream in item.streams)


def _days(days: Sequence[str]) -> str:
    """Sorted days, those that follow each other as one range."""
    found = in_a_row(days)
    left = sum(map(len, found[SHOWN_RANGES:]))
    shown = ", ".join(some[0] if len(some) == 1 else f"{some[0]} to {some[-1]}" for some in found[:SHOWN_RANGES])
    return shown + (f" and {left} more days" if left else "")
