"""`group_by` and `aggregate`: rows become one row a group, folded as they come (memory by group, not by row).

Sums are exact: integers stay integers, other numbers are added as decimals of their shortest text (51.35 is 51.35) and
become floats only in the result, rounded to 9 places. Nulls say nothing: a sum over nothing but nulls is null, not 0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from portcfg.sync.fragments import plain_number
from portcfg.sync.group_checks import is_aggregator
from portcfg.sync.jq_text import normalise
from portcfg.sync.streams import order_key

Step = Callable[[Any, Any], Any]


class FoldError(ValueError):
    """A value that an aggregator can't take."""


@dataclass(frozen=True)
class Fold:
    """One aggregator: `step(state, value)` from None over the non-null values, then `finish(state)`."""

    step: Step
    finish: Callable[[Any], Any] = lambda state: state


def _sum(state: Any, value: Any) -> Any:
    # By type and not by isinstance: true is no number. A sum is what most rows are asked for.
    kind = type(value)
    if kind is float:
        value = Decimal(repr(value))
    elif kind is not int:
        raise FoldError(f"{json.dumps(value)[:60]} is not a number")
    return value if state is None else state + value


def _plain_number(state: Any) -> Any:
    return plain_number(state) if isinstance(state, Decimal) else state


def _count(state: Any, value: Any) -> int:
    return int(state or 0) + (value is not False)


def _comparable(value: Any) -> Any:
    if not isinstance(value, str | int | float):
        raise FoldError(f"{json.dumps(value)[:60]} can't be ordered")
    return value


def _min(state: Any, value: Any) -> Any:
    rank = order_key(_comparable(value))
    return value if state is None or rank < order_key(state) else state


def _max(state: Any, value: Any) -> Any:
    rank = order_key(_comparable(value))
    return value if state is None or rank > order_key(state) else state


def _any(state: Any, value: Any) -> bool:
    if not isinstance(value, bool):
        raise FoldError(f"{json.dumps(value)[:60]} is not true or false")
    return bool(state) or value


def _add_to_set(state: Any, value: Any) -> Any:
    state = set() if state is None else state
    state.add(_text(value))
    return state


def _tally(state: Any, value: Any) -> Any:
    state = {} if state is None else state
    text = _text(value)
    state[text] = state.get(text, 0) + 1
    return state


def _commonest(state: Any) -> Any:
    """The value seen most often; of several the first by name."""
    return json.loads(min(state, key=lambda text: (-state[text], text))) if state else None


def _latest(state: Any, pair: Any) -> Any:
    rank = (order_key(pair[0]), _text(pair[1]))
    return (rank, pair[1]) if state is None or rank > state[0] else state


# An encoder made once: json.dumps makes one a call, which takes longer than a short text does.
_text = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


def _list_text(values: list[Any]) -> str:
    """`_text` of the list; a list is nearly always of strings, and those are quick one by one."""
    return f"[{', '.join(map(_text, values))}]"


FOLDS: Mapping[str, Fold] = {
    "sum": Fold(_sum, _plain_number),
    "count": Fold(_count, lambda state: state or 0),
    "count_distinct": Fold(_add_to_set, lambda state: len(state or ())),
    "min": Fold(_min),
    "max": Fold(_max),
    "any": Fold(_any),
    "mode": Fold(_tally, _commonest),
    "first": Fold(lambda state, value: value if state is None else state),
    "latest": Fold(_latest, lambda state: state[1] if state else None),
    "collect": Fold(_add_to_set, lambda state: [json.loads(text) for text in sorted(state or ())]),
}


@dataclass(frozen=True)
class Field:
    """One output field: its path in the group's row, its fold, and the slots of its arguments in a row's values.

    An `object` field has `fields` instead of a fold: `slots[0]` is the key, and each key has its own states.
    """

    path: tuple[str, ...]
    fold: Fold | None
    slots: tuple[int, ...]
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Aggregation:
    """A compiled `aggregate`: the expressions of its arguments, and the fields that fold their values."""

    expressions: Mapping[str, str]
    fields: tuple[Field, ...]


def compile_aggregate(tree: Mapping[str, Any]) -> Aggregation:
    """The flat form of an `aggregate` tree that `checks.mapping_problems` found right."""
    expressions: dict[str, str] = {}
    return Aggregation(expressions, _fields(tree, (), "", expressions))


def _fields(
    tree: Mapping[str, Any], path: tuple[str, ...], label: str, expressions: dict[str, str]
) -> tuple[Field, ...]:
    found: list[Field] = []
    for name, spec in tree.items():
        here = (*path, name)
        if is_aggregator(spec):
            ((aggregator, argument),) = spec.items()
            found.append(_field(here, label + ".".join(here), aggregator, argument, expressions))
        else:
            found += _fields(spec, here, label, expressions)
    return tuple(found)


def _field(path: tuple[str, ...], label: str, name: str, argument: Any, expressions: dict[str, str]) -> Field:
    if name == "object":
        key = _slot(f"{label}.key", argument["key"], expressions)
        return Field(path, None, (key,), _fields(argument["value"], (), f"{label}.", expressions))
    if name == "latest":
        slots = tuple(_slot(f"{label}.{part}", argument[part], expressions) for part in ("by", "value"))
        return Field(path, FOLDS[name], slots)
    return Field(path, FOLDS[name], (_slot(label, argument, expressions),))


def _slot(label: str, text: Any, expressions: dict[str, str]) -> int:
    expressions[label] = normalise(text) if isinstance(text, str) else json.dumps(text)
    return len(expressions) - 1


def _fold_row(fields: tuple[Field, ...], states: list[Any], values: list[Any]) -> None:
    for index, item in enumerate(fields):
        value = values[item.slots[0]]
        if item.fold is None:
            if value is not None:
                _fold_object(item, states, index, values)
        elif len(item.slots) == 2:
            if values[item.slots[1]] is not None:
                states[index] = item.fold.step(states[index], (value, values[item.slots[1]]))
        elif value is not None:
            states[index] = item.fold.step(states[index], value)


def _fold_object(item: Field, states: list[Any], index: int, values: list[Any]) -> None:
    key = values[item.slots[0]]
    if not isinstance(key, str):
        raise FoldError(f"{json.dumps(key)[:60]} can't be a key")
    members = states[index] = states[index] or {}
    if key not in members:
        members[key] = [None] * len(item.fields)
    _fold_row(item.fields, members[key], values)


def _result(fields: tuple[Field, ...], states: list[Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for item, state in zip(fields, states, strict=True):
        target = row
        for name in item.path[:-1]:
            target = target.setdefault(name, {})
        target[item.path[-1]] = item.fold.finish(state) if item.fold else _object(item, state)
    return row


def _object(item: Field, state: Any) -> dict[str, Any]:
    return {key: _result(item.fields, state[key]) for key in sorted(state or {})}


@dataclass
class Groups:
    """The groups seen so far. A group with a row that failed is poisoned: half a sum must not be written."""

    names: tuple[str, ...]
    aggregation: Aggregation
    _states: dict[str, list[Any]] = field(default_factory=dict)
    poisoned: dict[str, str] = field(default_factory=dict)

    def add(self, keys: list[Any], values: list[Any]) -> str:
        """Fold one row into its group; why that can't be done, or ''."""
        group = _list_text(keys)
        states = self._states.get(group)
        if states is None:
            states = self._states[group] = [None] * len(self.aggregation.fields)
        try:
            _fold_row(self.aggregation.fields, states, values)
        except FoldError as error:
            self.poison(keys, str(error))
            return str(error)
        return ""

    def poison(self, keys: list[Any], reason: str) -> None:
        """Mark the group of a row that could not be read."""
        self.poisoned.setdefault(_list_text(keys), reason)

    def rows(self) -> list[dict[str, Any]]:
        """One row a group, keys and results, sorted by key; without the poisoned ones."""
        found = []
        for group in sorted(self._states):
            if group not in self.poisoned:
                keys = dict(zip(self.names, json.loads(group), strict=True))
                found.append({**keys, **_result(self.aggregation.fields, self._states[group])})
        return found
