"""A report without a row in it: what may stand where more people read than may see the data."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from portcfg.sync.report import Deletion, RejectGroup, SyncReport

MASK = "***"
_ADDRESS = re.compile(r"[^\s@<>\"'`(),;]+@[^\s@<>\"'`(),;]+")
# Its reason has only numbers in it; that of any other may quote an entity.
_BY_LIMIT = "too many deletes"
ELSEWHERE = "the reason names entities; `portcfg sync --dry-run` shows it"


def unnamed(report: SyncReport) -> SyncReport:
    """Counts and causes stay; examples, identifiers and addresses go."""
    return replace(
        report,
        streams=tuple(replace(each, message=_masked(each.message)) for each in report.streams),
        blueprints=tuple(
            replace(each, held=_masked(each.held), skipped={_masked(why): n for why, n in each.skipped.items()})
            for each in report.blueprints
        ),
        rejected=tuple(map(_without_examples, report.rejected)),
        deletions=tuple(map(_without_names, report.deletions)),
        notices=tuple(map(_masked, report.notices)),
    )


def _without_examples(group: RejectGroup) -> RejectGroup:
    return replace(group, examples=(), about=_masked(group.about))


def _without_names(item: Deletion) -> Deletion:
    refused = item.refused if not item.refused or item.refused.startswith(_BY_LIMIT) else ELSEWHERE
    reasons = Counter(_masked(each.partition(": ")[2]) for each in item.stay)
    stay = tuple(f"({count:,} of them): {why}" for why, count in reasons.items())
    return replace(item, names=(), refused=refused, stay=stay)


def _masked(text: str) -> str:
    return _ADDRESS.sub(MASK, text)
