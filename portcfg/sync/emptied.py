"""Properties and relations that a run would empty: a typo in a path gives null for every row, which clears good values.

What is compared are the entities of the run that Port has, before anything is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from portcfg.sync.compare import Live
from portcfg.sync.fragments import Entity

# Fewer values than this go without a word: that is what sources do.
EMPTIED_COUNT = 10
EMPTIED_SHARE = 0.5


@dataclass(frozen=True)
class Emptied:
    """Of the entities of a run that Port has, `had` have a value of `name`, and `left` would keep or get one."""

    name: str
    had: int
    left: int


def emptied(entities: Sequence[Entity], live: Live, silent: Container[str]) -> list[Emptied]:
    """What at least half of its entities, and ten, would lose. `silent` are the fields that nobody could read.

    Only what the entities name counts: what a mapping no longer mentions, or never did, isn't a mistaken path.
    """
    known = [(entity, live[entity.identifier]) for entity in entities if entity.identifier in live]
    lost: Counter[tuple[str, str]] = Counter()
    for entity, there in known:
        for part, values in (("properties", entity.properties), ("relations", entity.relations)):
            had = there.get(part) or {}
            lost.update((part, name) for name in _absent(values.items()) if had.get(name) not in (None, []))
    found = []
    for (part, name), count in lost.items():
        if count >= EMPTIED_COUNT and name not in silent:
            had = sum((there.get(part) or {}).get(name) not in (None, []) for _, there in known)
            left = sum(getattr(entity, part).get(name) not in (None, []) for entity, _ in known)
            if had - left >= EMPTIED_COUNT and left <= had * EMPTIED_SHARE:
                found.append(Emptied(name, had, left))
    return sorted(found, key=lambda item: item.name)


def _absent(values: Iterable[tuple[str, object]]) -> Iterable[str]:
    return (name for name, value in values if value is None or value == [])


def refusal(blueprint: str, found: Iterable[Emptied]) -> str:
    """Why the blueprint isn't written, with the way out; '' where nothing is emptied."""
    lines = [
        f"`{item.name}` has a value in {item.had:,} of its entities that this run reads, and would have one in "
        f"{item.left:,}; is it still what the rows call it? If it is meant: --allow-nulls {blueprint}.{item.name}"
        for item in found
    ]
    return "; ".join(lines)
