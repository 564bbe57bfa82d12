"""Types of JSON values, as far as they can be told without one: what a jq expression may give.

A Type is a set that holds every value that may come, and maybe more: what isn't known is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

KINDS = frozenset({"null", "boolean", "number", "string", "array", "object"})
# More texts than this are just text.
MOST_TEXTS = 50


@dataclass(frozen=True)
class Type:
    """`kinds` of values. Of arrays `items`, None for any; of objects the known `fields` (null: or missing), and `more`
    if there may be others; of strings all `texts` that there can be, None for any."""

    kinds: frozenset[str]
    items: Type | None = None
    fields: Mapping[str, Type] = field(default_factory=dict)
    more: bool = True
    texts: frozenset[str] | None = None

    def only(self, *kinds: str) -> Type:
        """The part of these kinds."""
        return replace(self, kinds=self.kinds & set(kinds))

    def without(self, *kinds: str) -> Type:
        """All but these kinds."""
        return replace(self, kinds=self.kinds - set(kinds))

    def get(self, name: str) -> Type:
        """What `.name` gives of an object of this type."""
        return self.fields.get(name, ANY if self.more else NULL)

    @property
    def values(self) -> Type:
        """What the values of an object's keys can be."""
        return ANY if self.more else union(self.fields.values())

    def __or__(self, other: Type) -> Type:
        if self is other or not other.kinds:
            return self
        if not self.kinds:
            return other
        if KINDS in (self.kinds, other.kinds) and not self.fields and not other.fields:
            return ANY
        arrays, objects, strings = (self._both(other, kind) for kind in ("array", "object", "string"))
        return Type(
            self.kinds | other.kinds,
            items=_joined([each.items for each in arrays]),
            fields=_fields(objects),
            more=any(each.more for each in objects),
            texts=_texts(strings),
        )

    def _both(self, other: Type, kind: str) -> list[Type]:
        return [each for each in (self, other) if kind in each.kinds]

    @property
    def named(self) -> str:
        """For people: `string`, `number or null`, `unknown`."""
        if self.kinds == KINDS:
            return "unknown"
        return " or ".join(sorted(self.kinds - {"null"}) + (["null"] if "null" in self.kinds else [])) or "nothing"

    def holds(self, value: Any) -> bool:
        """Whether a JSON value is one of these."""
        if kind_of(value) not in self.kinds:
            return False
        if isinstance(value, str):
            return self.texts is None or value in self.texts
        if isinstance(value, list):
            return self.items is None or all(self.items.holds(item) for item in value)
        if isinstance(value, dict):
            known = all(each.holds(value.get(name)) for name, each in self.fields.items())
            return known and (self.more or value.keys() <= self.fields.keys())
        return True


def kind_of(value: Any) -> str:
    """The kind of a JSON value, in jq's words."""
    if value is None:
        return "null"
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, "boolean"),
        (int | float, "number"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    )
    return next(name for kind, name in kinds if isinstance(value, kind))


ANY = Type(KINDS)
NOTHING = Type(frozenset(), more=False)
NULL, BOOLEAN, NUMBER, STRING = (Type(frozenset({name})) for name in ("null", "boolean", "number", "string"))
OBJECT = Type(frozenset({"object"}))
ARRAY = Type(frozenset({"array"}))


def array_of(items: Type | None) -> Type:
    """An array; None for any items."""
    return Type(frozenset({"array"}), items=items)


def object_of(fields: Mapping[str, Type], more: bool = False) -> Type:
    """An object with these fields, which may be null or missing where their type says so."""
    return Type(frozenset({"object"}), fields=fields, more=more)


def text(*texts: str) -> Type:
    """One of these strings."""
    return Type(frozenset({"string"}), texts=frozenset(texts))


def union(types: Iterable[Type]) -> Type:
    """Any of the types."""
    return reduce(Type.__or__, types, NOTHING)


def type_of(value: Any) -> Type:
    """The type of a constant: a string's text and an object's fields are known, an array's items as one type."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return array_of(union(map(type_of, value)))
    if isinstance(value, Mapping):
        return object_of({str(key): type_of(item) for key, item in value.items()})
    return Type(frozenset({kind_of(value)}))


def merged(left: Type, right: Type) -> Type:
    """`left + right` of two objects."""
    fields = {name: each for name, each in left.fields.items() if name not in right.fields and not right.more}
    for name, each in right.fields.items():
        # A field that may be missing on the right leaves what the left one has.
        fields[name] = each | left.get(name) if "null" in each.kinds else each
    return object_of(fields, left.more or right.more)


def _joined(types: list[Type | None]) -> Type | None:
    known = [each for each in types if each is not None]
    return union(known) if len(known) == len(types) else None


def _fields(objects: list[Type]) -> Mapping[str, Type]:
    names = {name for each in objects for name in each.fields}
    found = {name: union(each.get(name) for each in objects) for name in sorted(names)}
    return {name: each for name, each in found.items() if each.kinds != KINDS or not any(o.more for o in objects)}


def _texts(strings: list[Type]) -> frozenset[str] | None:
    if not strings or any(each.texts is None for each in strings):
        return None
    every = frozenset(text for each in strings for text in each.texts or ())
    return every if len(every) <= MOST_TEXTS else None
