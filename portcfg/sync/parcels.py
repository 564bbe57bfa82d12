"""The blueprints of a run on their way to Port."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from portcfg.sync.compare import Live
from portcfg.sync.fragments import Entity
from portcfg.sync.targets import Related
from portcfg.sync.write import BulkWriter


@dataclass
class Part:
    """One blueprint on its way: the entities to have, their live twins, and what of them can be related."""

    name: str
    entities: list[Entity]
    live: Live
    related: Related = field(default_factory=lambda: Related([], [], Counter()))


@dataclass(frozen=True)
class Sent:
    """One blueprint whose `asked` entities went to Port."""

    part: Part
    writer: BulkWriter
    asked: frozenset[str]

    @property
    def missing(self) -> set[str]:
        """The entities that Port hasn't taken."""
        return set(self.asked - self.writer.written.created - self.writer.written.updated)

    @property
    def name(self) -> str:
        """The blueprint."""
        return self.part.name
