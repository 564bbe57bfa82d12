"""Requests to Port counted by route."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

_ENTITY = re.compile(r"(?<=/entities/)(?!(?:search|bulk|aggregate)\b)[^/]+")


@dataclass(frozen=True)
class Traffic:
    """Requests, and those of them that were retries, by route: the method and the path, less an entity's name."""

    requests: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)

    def count(self, method: str, path: str, attempt: int) -> None:
        """Count one; `attempt` is 0 for the first of its kind."""
        route = f"{method} {_ENTITY.sub('{entity}', path)}"
        self.requests[route] += 1
        if attempt:
            self.retries[route] += 1

    def copy(self) -> Traffic:
        """The counts of this moment."""
        return Traffic(self.requests.copy(), self.retries.copy())

    def since(self, before: Traffic) -> Traffic:
        """What came after `before`."""
        return Traffic(self.requests - before.requests, self.retries - before.retries)
