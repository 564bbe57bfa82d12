"""Fragments with one (blueprint, identifier) become one entity.

A null says nothing. Equal values agree; where values differ the mapping's `merge` rule decides, and without a rule the
entity is rejected: a number that depends on which row came last is worse than none. Fragments are put in the order of
their resources first, so that the order in which streams arrive doesn't matter.

Where the last writer counts, as with Ocean, each resource's fragments make one, and what later resources say wins,
nulls included.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Any

from portcfg.sync.report import Reject

Key = tuple[str, str]
SUM_PLACES = 9
# Beyond this a float has no such places.
EXACT = 10**15
_text = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Entity:
    """What portcfg wants in Port. With `creates` False it only updates an entity that is there already.

    With `search` the identifier is the JSON text of a search query, and Port finds the entity that is meant.
    `parts` are the fragments that it was made of, and None where they need not be known later.
    """

    blueprint: str
    identifier: str
    title: Any = None
    icon: Any = None
    team: Any = None
    properties: dict[str, Any] = field(default_factory=dict)
    relations: dict[str, Any] = field(default_factory=dict)
    creates: bool = True
    search: bool = False
    parts: tuple[Fragment, ...] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """The row that something was made of, so that it can be made again.

    `entry` is the form the row had: `raw` as the source gave it, `row` as the stream's `rows` made it, `item` as the
    entity's expressions saw it, or `evidence` where a row alone can't be made again, being one of a sum.
    """

    entry: str
    stream: str
    resource: str
    window: Any
    row: Any


@dataclass(frozen=True, slots=True)
class Fragment(Entity):
    """What one row or group says about one entity. `order` is the resource's place in the mapping.

    `origin` is kept only where the entity will likely be refused.
    """

    order: int = 0
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Refused(Reject):
    """An entity that can't be written."""

    entity: Entity = field(default=Entity("", ""), compare=False, repr=False)


class MergeError(ValueError):
    """Two fragments disagree and no rule says what counts; `name` is the property or relation."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def by_entity(fragments: Iterable[Fragment]) -> dict[Key, list[Fragment]]:
    """Fragments by what they are parts of."""
    grouped: dict[Key, list[Fragment]] = {}
    for fragment in fragments:
        grouped.setdefault((fragment.blueprint, fragment.identifier), []).append(fragment)
    return grouped


def merge(
    fragments: Iterable[Fragment], rules: Mapping[str, Mapping[str, str]], last_wins: bool = False
) -> tuple[list[Entity], list[Refused]]:
    """All entities, sorted by blueprint and identifier, and those whose fragments disagree."""
    entities: list[Entity] = []
    refused: list[Refused] = []
    for (blueprint, identifier), parts in sorted(by_entity(fragments).items()):
        try:
            entities.append(_merged(parts, None if last_wins else rules.get(blueprint, {})))
        except MergeError as error:
            entity = Entity(blueprint, identifier, parts=tuple(parts))
            refused.append(Refused("merge", blueprint, identifier, str(error), error.name, entity))
    return entities, refused


def overwritten(fragments: Iterable[Fragment]) -> list[str]:
    """What a person should know of entities of which several resources say different things."""
    found = Counter(blueprint for (blueprint, _), parts in by_entity(fragments).items() if _differ(parts))
    return [
        f"{name}: resources say different things of {count} entities; the last one in the mapping counts, as with "
        "Ocean (`merge` makes another rule)"
        for name, count in sorted(found.items())
    ]


def _differ(parts: list[Fragment]) -> bool:
    said: dict[str, tuple[int, Any]] = {}
    for part in parts:
        for name, value in (*part.properties.items(), *part.relations.items()):
            order, before = said.setdefault(name, (part.order, value))
            if order != part.order and before != value:
                return True
    return False


def _merged(parts: list[Fragment], rules: Mapping[str, str] | None) -> Entity:
    """`rules` None: the last resource counts."""
    first = parts[0]
    if len(parts) > 1:
        parts = sorted(parts, key=lambda part: (part.order, _text(part.title), _text(part.properties)))
    said = parts if rules is not None else parts[::-1]
    return Entity(
        blueprint=first.blueprint,
        identifier=first.identifier,
        title=_first([part.title for part in said]),
        icon=_first([part.icon for part in said]),
        team=_first([part.team for part in said]),
        properties=_all_fields([(part.order, part.properties) for part in parts], rules),
        relations=_all_fields([(part.order, part.relations) for part in parts], rules),
        creates=any(part.creates for part in parts),
        search=first.search,
        parts=tuple(parts) if any(part.origin for part in parts) else None,
    )


def _all_fields(parts: Sequence[tuple[int, dict[str, Any]]], rules: Mapping[str, str] | None) -> dict[str, Any]:
    if rules is not None:
        return _fields([fields for _, fields in parts], rules)
    resources = groupby(parts, key=lambda part: part[0])
    layers = [_fields([fields for _, fields in layer], {}) for _, layer in resources]
    return {name: value for layer in layers for name, value in layer.items()}


def _fields(parts: Sequence[dict[str, Any]], rules: Mapping[str, str]) -> dict[str, Any]:
    if len(parts) == 1 and "count_union" not in rules.values():
        return parts[0]
    names = {name: None for part in parts for name in part}
    return {name: _value(name, [part.get(name) for part in parts], rules.get(name, "")) for name in names}


def _value(name: str, values: list[Any], rule: str) -> Any:
    said = [value for value in values if value is not None]
    if not said:
        return None
    # A sum adds even what is equal, and a count is never one of the lists; for every other rule equal values agree.
    if rule not in ("sum", "count_union") and all(value == said[0] for value in said):
        return said[0]
    if not rule:
        shown = " and ".join(_text(value)[:60] for value in said[:2])
        raise MergeError(name, f"`{name}` is {shown}, and the mapping has no `merge` rule for it")
    try:
        return _RULES[rule](said)
    except MergeError as error:
        raise MergeError(name, str(error)) from None
    except (TypeError, ValueError, ArithmeticError):
        raise MergeError(name, f"`{name}` can't be merged by `{rule}`: {_text(said)[:80]}") from None


def _first(values: list[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _sum(values: list[Any]) -> int | float:
    if all(type(value) is int for value in values):
        return int(sum(values))
    return plain_number(sum((Decimal(repr(value)) for value in values), Decimal()))


def plain_number(total: Decimal) -> int | float:
    """A sum as a JSON number. Rounded last, to 9 places: what is behind them is the binary noise of the addends."""
    rounded = round(total, SUM_PLACES) if abs(total) < EXACT else total
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


def _union(values: list[Any]) -> list[Any]:
    items = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return [json.loads(text) for text in sorted({_text(item) for item in items})]


def _count_union(values: list[Any]) -> int:
    if not all(isinstance(value, list) for value in values):
        raise TypeError
    return len(_union(values))


def _object(values: list[Any]) -> dict[str, Any]:
    """Keys of all; a key given twice with different values is a disagreement like any other."""
    whole: dict[str, Any] = {}
    if not all(isinstance(value, dict) for value in values):
        raise TypeError
    for value in values:
        for key, item in value.items():
            if whole.setdefault(key, item) is None:
                whole[key] = item
            elif item is not None and whole[key] != item:
                raise MergeError(key, f"`{key}` differs inside an object: {_text([whole[key], item])[:80]}")
    return whole


_RULES: Mapping[str, Callable[[list[Any]], Any]] = {
    "any": lambda values: any(_boolean(value) for value in values),
    "max": max,
    "min": min,
    "sum": _sum,
    "first": _first,
    "union": _union,
    "count_union": _count_union,
    "object": _object,
}


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def search_text(query: Any) -> str:
    """A search query as an identifier; '' where some of it is null, since such a row names no entity."""
    return "" if _has_null(query) else _text(query)


def _has_null(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(_has_null, parts))
