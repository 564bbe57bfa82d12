"""Counts of a blueprint while a run goes on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from portcfg.sync.report import BlueprintReport


@dataclass
class Tally:
    """Counts of one blueprint while the run goes on."""

    fragments: int = 0
    entities: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    held: str = ""

    def report(self, name: str) -> BlueprintReport:
        """The frozen counts, without what was rejected: that counts the quarantine."""
        return BlueprintReport(
            blueprint=name,
            fragments=self.fragments,
            entities=self.entities,
            created=self.created,
            updated=self.updated,
            unchanged=self.unchanged,
            skipped=dict(self.skipped),
            held=self.held,
        )
