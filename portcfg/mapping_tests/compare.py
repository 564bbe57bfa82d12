"""What was made against what was expected, field by field, and how well the cases cover what a mapping writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portcfg.mapping_tests.calculations import Miscalculated
from portcfg.mapping_tests.case import place_of
from portcfg.model import MISSING, Path, Position
from portcfg.sync.compare import same_value

# entities, a blueprint, an identifier: what is shorter is a group of them, and told one by one.
ENTITY = 3
_TYPES: Mapping[type, str] = {str: "string", bool: "boolean", int: "number", float: "number", dict: "object"}


@dataclass(frozen=True)
class Difference:
    """One field: what `expected.yaml` says at `place`, and what was made; MISSING where there is none."""

    path: Path
    expected: Any
    made: Any
    place: Position


@dataclass(frozen=True)
class Field:
    """In how many of the `entities` a property or relation has a value, and of which types."""

    filled: int
    entities: int
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """How the case of a `file` went. `error` is why it could not be run; `updated`: its expected file was rewritten."""

    name: str
    mapping: str
    differences: tuple[Difference, ...] = ()
    unused: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    error: str = ""
    updated: bool = False
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    written: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    miscalculated: tuple[Miscalculated, ...] = ()
    file: str = ""

    @property
    def passed(self) -> bool:
        """Whether all is as expected (or is from now on), what was recorded was asked for, and calculations work."""
        differs = self.differences and not self.updated
        return not (differs or self.unused or self.unanswered or self.miscalculated or self.error)


def differences(expected: Any, made: Any, places: Mapping[Path, Position], path: Path = ()) -> Iterator[Difference]:
    """Every field that differs, at its place in the expected file or that of what holds it."""
    sides = [{} if side is MISSING and len(path) < ENTITY else side for side in (expected, made)]
    if all(isinstance(side, dict) for side in sides):
        expected, made = sides
        for key in dict.fromkeys((*expected, *made)):
            yield from differences(expected.get(key, MISSING), made.get(key, MISSING), places, (*path, key))
    elif isinstance(expected, list) and isinstance(made, list) and len(expected) == len(made):
        for index, (one, other) in enumerate(zip(expected, made, strict=True)):
            yield from differences(one, other, places, (*path, index))
    elif (expected is MISSING) != (made is MISSING) or not same_value(expected, made):
        yield Difference(path, expected, made, place_of(places, path))


def coverage(results: Iterable[Result]) -> dict[str, dict[str, dict[str, Field]]]:
    """By mapping, blueprint, and field that the mapping writes: how the entities of its cases fill it."""
    entities: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    written: dict[str, dict[str, dict[str, None]]] = {}
    for result in results:
        for name, fields in result.written.items():
            written.setdefault(result.mapping, {}).setdefault(name, {}).update(dict.fromkeys(fields))
        for name, found in (result.body.get("entities") or {}).items():
            entities.setdefault(result.mapping, {}).setdefault(name, []).extend(found.values())
    return {
        mapping: {
            name: {item: _filled(item, entities.get(mapping, {}).get(name, [])) for item in fields}
            for name, fields in blueprints.items()
        }
        for mapping, blueprints in written.items()
    }


def _filled(name: str, entities: Sequence[Mapping[str, Any]]) -> Field:
    values = [value for entity in entities if (value := _value(entity, name)) not in (None, [])]
    return Field(len(values), len(entities), tuple(sorted({_TYPES.get(type(value), "array") for value in values})))


def _value(entity: Mapping[str, Any], name: str) -> Any:
    said = {**(entity.get("relations") or {}), **(entity.get("properties") or {})}
    return said.get(name)
