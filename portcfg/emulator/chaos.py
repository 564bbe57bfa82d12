"""Switches that make the embedded Port misbehave the way networks and busy servers do, the same way for one seed."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Chaos:
    """What goes wrong, and how often (rates from 0 to 1, drawn for each request except the token's).

    `too_many`: answers 429, `burst` requests in a row. `server_errors`: answers 500, 502, 503 or 504 and does nothing.
    `drops`: does the work, then cuts the answer in the middle. `migration_polls`: how often a migration must be read
    before it is COMPLETED and its work done. `shuffle`: lists come in another order each time. `html`: everything is
    answered by a web page, as by a wrong address or a proxy. `forgetful`: an aggregation's pathFilter and an inherited
    ownership that lead nowhere yet are dropped from a blueprint without a word, instead of refused.
    """

    latency: float = 0.0
    too_many: float = 0.0
    burst: int = 1
    retry_after: float = 0.01
    reset_as_epoch: bool = False
    server_errors: float = 0.0
    drops: float = 0.0
    migration_polls: int = 0
    shuffle: bool = False
    html: bool = False
    forgetful: bool = False
    seed: int = 0


class Dice:
    """Draws the faults of a run, in the order of the requests."""

    def __init__(self, chaos: Chaos) -> None:
        self._chaos = chaos
        self._random = random.Random(chaos.seed)
        self._lock = threading.Lock()
        self._burst_left = 0

    def draw(self) -> int:
        """The fault of the next request as a status: 0 none, 429, 5xx, or -1 for a cut answer."""
        chaos = self._chaos
        with self._lock:
            # Every request takes the same number of draws, so that one rate doesn't shift the faults of another.
            limited, failed, dropped = (self._random.random() for _ in range(3))
            status = self._random.choice((500, 502, 503, 504))
            if self._burst_left or limited < chaos.too_many:
                self._burst_left = (self._burst_left or chaos.burst) - 1
                return 429
        if failed < chaos.server_errors:
            return status
        return -1 if dropped < chaos.drops else 0

    def mixed(self, items: list[Any]) -> list[Any]:
        """`items`, in another order when lists are to be shuffled."""
        if not self._chaos.shuffle:
            return items
        with self._lock:
            return self._random.sample(items, len(items))
