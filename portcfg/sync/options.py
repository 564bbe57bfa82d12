"""How a run of the sync is to go."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import date

from portcfg.retry import RetryPolicy
from portcfg.sync.choice import Slice
from portcfg.sync.flight import PARALLELISM


@dataclass(frozen=True)
class SyncOptions:
    """How to run. Days are UTC; `now` is in epoch seconds and frozen for the run; `retry` carries the clocks.

    `missing_only` leaves out the days asked for that are settled. `run` is a name that no other run has. `link` is the
    CI's job on the web. `parallelism` is how many requests to Port may be under way at once. `send_examples` sends the
    first raw rows of each stream to Port. `streams` are the only ones to read, where any are named; of the days asked
    for, `slice` is the share of this run. `allow_deletions`: what is to be deleted is meant, however much it is.
    `allow_nulls`: values of these (`blueprint.property`) are meant to go, however many.
    """

    first_day: date | None = None
    last_day: date | None = None
    days: int | None = None
    dry_run: bool = False
    link: str = ""
    missing_only: bool = False
    send_examples: bool = False
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    now: float = field(default_factory=time.time)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    parallelism: int = PARALLELISM
    streams: tuple[str, ...] = ()
    slice: Slice | None = None
    allow_deletions: bool = False
    allow_nulls: tuple[str, ...] = ()

    @property
    def asks_for_days(self) -> bool:
        """Whether any days were asked for."""
        return bool(self.first_day or self.last_day or self.days is not None)

    @property
    def fixes_days(self) -> bool:
        """Whether the days don't depend on when the run begins."""
        return bool(self.last_day and (self.first_day or self.days))
