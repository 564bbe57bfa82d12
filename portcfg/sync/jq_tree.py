"""The part of jq that can be run without libjq, as a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class UnsupportedError(Exception):
    """libjq has to run this expression."""


@dataclass(frozen=True)
class Identity:
    """`.`"""


@dataclass(frozen=True)
class Literal:
    """A number, string, true, false or null; constant arrays and objects are constructions."""

    value: Any


@dataclass(frozen=True)
class Text:
    """A string with `\\(...)` in it: texts and expressions, in turn."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Variable:
    """`$name`"""

    name: str


@dataclass(frozen=True)
class Index:
    """`target[key]`, and `.name` with a literal key."""

    target: Node
    key: Node


@dataclass(frozen=True)
class Slice:
    """`target[first:last]`, both whole numbers or absent."""

    target: Node
    first: int | None
    last: int | None


@dataclass(frozen=True)
class Iterate:
    """`target[]`; with `optional`, `target[]?`."""

    target: Node
    optional: bool


@dataclass(frozen=True)
class Pipe:
    """`left | right`"""

    left: Node
    right: Node


@dataclass(frozen=True)
class Comma:
    """`left, right`"""

    left: Node
    right: Node


@dataclass(frozen=True)
class Binary:
    """An operator between two values: arithmetic, comparison, `and`, `or`, `//`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class If:
    """`if test then yes else no end`; `no` is Identity where there is no `else`."""

    test: Node
    yes: Node
    no: Node


@dataclass(frozen=True)
class Bind:
    """`source as $name | body`"""

    source: Node
    name: str
    body: Node


@dataclass(frozen=True)
class Array:
    """`[inner]`; None is the empty array."""

    inner: Node | None


@dataclass(frozen=True)
class Object:
    """`{key: value, ...}`"""

    pairs: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True)
class Call:
    """`name` or `name(argument; ...)`"""

    name: str
    arguments: tuple[Node, ...]


Node = (
    Identity | Literal | Text | Variable | Index | Slice | Iterate | Pipe | Comma | Binary | If | Bind | Array | Object
    | Call
)  # fmt: skip
