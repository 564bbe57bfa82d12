"""How much Port takes in one bulk write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

# A bulk write takes 20 entities and 1 MiB (port-api.md §3.4); an entity that is too large alone goes alone.
BULK_ENTITIES = 20
BULK_BYTES = 1_000_000


def bulks(bodies: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """`bodies` in lists that Port takes in one bulk write."""
    bulk: list[dict[str, Any]] = []
    size = 0
    for body in bodies:
        length = len(json.dumps(body))
        if bulk and (len(bulk) == BULK_ENTITIES or size + length > BULK_BYTES):
            yield bulk
            bulk, size = [], 0
        bulk.append(body)
        size += length
    if bulk:
        yield bulk
