"""Closures made of closures: what a node of a jq tree does with those of the nodes below it.

A `One` gives the one output, a `Many` yields all outputs. Both raise UnsureError where libjq has to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from portcfg.sync.jq_values import OPERATORS, UnsureError, less, to_text, truth

# (input, variables) -> output, outputs
One = Callable[[Any, dict[str, Any]], Any]
Many = Callable[[Any, dict[str, Any]], Iterator[Any]]


def field(key: str) -> One:
    """`.key`"""

    def run(value: Any, _: dict[str, Any]) -> Any:
        if type(value) is dict:
            return value.get(key)
        if value is None:
            return None
        raise UnsureError

    return run


def field_of(target: One, key: str) -> One:
    """`target.key`"""

    def run(value: Any, known: dict[str, Any]) -> Any:
        found = target(value, known)
        if type(found) is dict:
            return found.get(key)
        if found is None:
            return None
        raise UnsureError

    return run


def equals(target: One, constant: str | bool | None) -> One:
    """`target == constant`, of a constant that nothing of another type equals."""
    kind = type(constant)

    def run(value: Any, known: dict[str, Any]) -> Any:
        found = target(value, known)
        return type(found) is kind and found == constant

    return run


def joined(function: Callable[[Any, Any], Any], left: One, right: One) -> One:
    """A function of two values."""
    return lambda value, known: function(left(value, known), right(value, known))


def piped(left: One, right: One) -> One:
    """`left | right`"""
    return lambda value, known: right(left(value, known), known)


def sliced(target: One, first: int | None, last: int | None) -> One:
    """`target[first:last]`"""

    def run(value: Any, known: dict[str, Any]) -> Any:
        found = target(value, known)
        if type(found) is str or type(found) is list:
            return found[first:last]
        if found is None:
            return None
        raise UnsureError

    return run


def written(parts: list[One]) -> One:
    """A string of parts."""
    return lambda value, known: "".join(to_text(part(value, known)) for part in parts)


def constructed(pairs: list[tuple[One, One]]) -> One:
    """`{key: value, ...}`"""

    def run(value: Any, known: dict[str, Any]) -> Any:
        made = {}
        for key, part in pairs:
            name = key(value, known)
            if type(name) is not str:
                raise UnsureError
            made[name] = part(value, known)
        return made

    return run


def collected(inner: Many | None) -> One:
    """`[inner]`"""
    if inner is None:
        return lambda value, _: []
    return lambda value, known: list(inner(value, known))


def choice(test: One, yes: One, no: One) -> One:
    """`if test then yes else no end`"""
    return lambda value, known: (yes if truth(test(value, known)) else no)(value, known)


def bound(source: One, name: str, body: One) -> One:
    """`source as $name | body`"""
    return lambda value, known: body(value, {**known, name: source(value, known)})


def operation(operator: str, left: One, right: One) -> One:
    """An operator between two values."""
    if operator == "//":

        def alternative(value: Any, known: dict[str, Any]) -> Any:
            found = left(value, known)
            return right(value, known) if found is None or found is False else found

        return alternative
    if operator == "and":
        return lambda value, known: truth(left(value, known)) and truth(right(value, known))
    if operator == "or":
        return lambda value, known: truth(left(value, known)) or truth(right(value, known))
    return joined(OPERATORS[operator], left, right)


def mapped(inner: Many) -> One:
    """`map(inner)`"""

    def run(value: Any, known: dict[str, Any]) -> Any:
        return [part for item in _items(value) for part in inner(item, known)]

    return run


def with_entries(inner: Many) -> One:
    """`with_entries(inner)`, of entries that stay {key, value}."""

    def run(value: Any, known: dict[str, Any]) -> Any:
        if type(value) is not dict:
            raise UnsureError
        made = {}
        for key, part in value.items():
            for entry in inner({"key": key, "value": part}, known):
                if type(entry) is not dict or entry.keys() != {"key", "value"} or type(entry["key"]) is not str:
                    raise UnsureError
                made[entry["key"]] = entry["value"]
        return made

    return run


def extreme(key: One, *, greatest: bool) -> One:
    """The greatest or least item by a key; of several jq takes the last greatest and the first least."""

    def run(value: Any, known: dict[str, Any]) -> Any:
        best, best_key = None, None
        for place, item in enumerate(_items(value)):
            own = key(item, known)
            if not place or (not less(own, best_key) if greatest else less(own, best_key)):
                best, best_key = item, own
        return best

    return run


def _items(value: Any) -> list[Any]:
    # An object's order is libjq's own.
    if type(value) is not list:
        raise UnsureError
    return value


def alone(one: One) -> Many:
    """The one output as all outputs."""

    def run(value: Any, known: dict[str, Any]) -> Iterator[Any]:
        yield one(value, known)

    return run


def both(left: Many, right: Many) -> Many:
    """`left, right`"""

    def run(value: Any, known: dict[str, Any]) -> Iterator[Any]:
        yield from left(value, known)
        yield from right(value, known)

    return run


def each(target: One, optional: bool) -> Many:
    """`target[]`"""

    def run(value: Any, known: dict[str, Any]) -> Iterator[Any]:
        found = target(value, known)
        if type(found) is list:
            yield from found
        elif not (optional and type(found) is not dict):
            raise UnsureError

    return run


def through(left: Many, right: Many) -> Many:
    """`left | right`"""

    def run(value: Any, known: dict[str, Any]) -> Iterator[Any]:
        for item in left(value, known):
            yield from right(item, known)

    return run


def bound_each(source: Many, name: str, body: Many) -> Many:
    """`source as $name | body`"""

    def run(value: Any, known: dict[str, Any]) -> Iterator[Any]:
        for item in source(value, known):
            yield from body(value, {**known, name: item})

    return run


def either(test: One, yes: Many, no: Many) -> Many:
    """`if test then yes else no end`"""

    def run(value: Any, known: dict[str, Any]) -> Iterator[Any]:
        yield from (yes if truth(test(value, known)) else no)(value, known)

    return run


def alternative(left: Many, right: Many) -> Many:
    """All outputs of `left` that are neither false nor null, else those of `right`."""

    def run(value: Any, known: dict[str, Any]) -> Iterator[Any]:
        found = [item for item in left(value, known) if truth(item)]
        yield from found or right(value, known)

    return run


def selected(test: One) -> Many:
    """`select(test)`"""

    def run(value: Any, known: dict[str, Any]) -> Iterator[Any]:
        if truth(test(value, known)):
            yield value

    return run


def refused(_: Any, __: dict[str, Any]) -> Iterator[Any]:
    """`error`: libjq knows its messages."""
    raise UnsureError
