"""What a run takes that a dry run stands for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portcfg.bulk import bulks
from portcfg.client import segment
from portcfg.sync.source import MINUTE_SECONDS


def bulk_requests(blueprint: str, bodies: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The requests that write these bodies, by endpoint."""
    count = sum(1 for _ in bulks(bodies))
    return {f"POST /blueprints/{segment(blueprint)}/entities/bulk": count} if count else {}


def paced_seconds(requests: Mapping[str, int], limits: Mapping[str, int]) -> float:
    """The least that requests take, given by path, where so many a minute may go out below each prefix of `limits`."""
    counts = dict.fromkeys(limits, 0)
    for path, count in requests.items():
        if prefix := max((prefix for prefix in limits if path.startswith(prefix)), key=len, default=""):
            counts[prefix] += count
    # What a minute lets through goes out at once; one bucket after the other, since streams are read so.
    return sum(max(count - 1, 0) // limits[prefix] * MINUTE_SECONDS for prefix, count in counts.items())
