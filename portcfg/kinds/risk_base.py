"""What all kinds say risk and impact with: how bad a change is, whom it concerns, and what to count in Port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portcfg.model import Body, Change, Ref, State

# Where the number of entities stands in a reason.
ENTITIES = "{entities}"


class Risk(StrEnum):
    """How bad a change is, from mild to bad: nothing breaks, something else may break, data is lost."""

    SAFE = "safe"
    BREAKING = "breaking"
    DESTRUCTIVE = "destructive"


def worst(risks: Iterable[Risk]) -> Risk:
    """The highest of some risks; none is safe."""
    return max(risks, key=list(Risk).index, default=Risk.SAFE)


class AtLeast(int):
    """A number of entities of which only the first were counted."""


@dataclass(frozen=True)
class Count:
    """The entities of a blueprint that match all `rules` (of Port's search); no rules are all of its entities."""

    blueprint: str
    rules: tuple[Body, ...] = field(default=(), hash=False)


@dataclass(frozen=True, order=True)
class Reader:
    """Something that reads a part of a resource: `what` (widget, mapping, calculation, ...) and where that stands."""

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} {self.where}"


@dataclass(frozen=True)
class Impact:
    """One consequence of a change.

    `reason` is for people; ENTITIES in it stands for the number that `count` asks Port for. `count` are the entities
    concerned: where there are none, nothing is lost.
    """

    risk: Risk
    reason: str
    count: Count | None = None
    readers: tuple[Reader, ...] = ()


# A resource and, for a blueprint, the name of its property, relation or computed property; "" is all of it.
Part = tuple[Ref, str]
ReadBy = Callable[[Ref, str], tuple[Reader, ...]]
# (change, what will stand in Port after it, who reads what there) -> its consequences
Impacts = Callable[[Change, State, ReadBy], Iterator[Impact]]


def has_value(name: str) -> Body:
    """The rule for entities with a value in a property."""
    return {"property": name, "operator": "isNotEmpty"}


def has_no_value(name: str) -> Body:
    """The rule for entities without a value in a property."""
    return {"property": name, "operator": "isEmpty"}


def query_names(query: Any) -> Iterator[str]:
    """The properties and relations that a query's rules name; those of the signed-in user are none of them."""
    for rule in (query.get("rules") or []) if isinstance(query, dict) else []:
        if not isinstance(rule, dict):
            continue
        name = rule.get("property")
        if isinstance(name, str):
            yield name
        elif isinstance(name, dict):
            yield from map(_hop, name.get("path") or [])
        yield from query_names(rule)


def _hop(step: Any) -> str:
    return str(step.get("relation", "")) if isinstance(step, dict) else str(step)
