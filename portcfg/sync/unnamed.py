"""A report without a row in it: what may stand where more people read than may see the data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from portcfg.sync.report import Deletion, RejectGroup, SyncReport

MASK = "***"
# In URLs the sign may be written as %40.
_ADDRESS = re.compile(r"[^\s@<>\"`(),;:/]+(?:@|%40)[^\s@<>\"'`(),;:/]+")
# Its reason has only numbers in it; that of any other may quote an entity.
_BY_LIMIT = "too many deletes"
ELSEWHERE = "the reason names entities; `portcfg sync --dry-run` shows it"


def unnamed(report: SyncReport) -> SyncReport:
    """Counts and causes stay; examples, identifiers and addresses go."""
    return replace(
        report,
        streams=tuple(replace(each, message=masked(each.message)) for each in report.streams),
        blueprints=tuple(
            replace(each, held=masked(each.held), skipped=_counts(each.skipped)) for each in report.blueprints
        ),
        rejected=tuple(map(_without_examples, report.rejected)),
        deletions=tuple(map(_without_names, report.deletions)),
        notices=tuple(map(masked, report.notices)),
        requests_by_path=_counts(report.requests_by_path),
        retries_by_path=_counts(report.retries_by_path),
        port_requests_by_route=_counts(report.port_requests_by_route),
        port_retries_by_route=_counts(report.port_retries_by_route),
    )


def masked(text: str) -> str:
    """A text without the addresses of people."""
    return _ADDRESS.sub(MASK, text)


def _counts(found: Mapping[str, int]) -> dict[str, int]:
    """Counts by a text that may have an address in it."""
    told: Counter[str] = Counter()
    for text, count in found.items():
        told[masked(text)] += count
    return dict(told)


def _without_examples(group: RejectGroup) -> RejectGroup:
    return replace(group, examples=(), about=masked(group.about))


def _without_names(item: Deletion) -> Deletion:
    refused = item.refused if not item.refused or item.refused.startswith(_BY_LIMIT) else ELSEWHERE
    reasons = Counter(masked(each.partition(": ")[2]) for each in item.stay)
    stay = tuple(f"({count:,} of them): {why}" for why, count in reasons.items())
    return replace(item, names=(), refused=refused, stay=stay)
