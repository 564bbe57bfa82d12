"""Paths that are joined into an identifier and have no value: jq makes `@b` of `.a + "@" + .b` where `.a` is null.

One typo so gives every entity another identifier, and Port a second set of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from portcfg.sync.jq_parse import parse
from portcfg.sync.jq_tree import Binary, Call, Identity, Index, Literal, Node, Pipe, Text, UnsupportedError

_NAME = re.compile(r"[A-Za-z_]\w*")


class NullParts:
    """Shown every row that has an identifier, it knows which joined paths were null in all of them."""

    def __init__(self, identifier: str) -> None:
        self._open = joined_paths(identifier)
        self._rows = 0

    def see(self, row: Any) -> None:
        """One row that has an identifier."""
        self._rows += 1
        if self._open:
            self._open = tuple(path for path in self._open if _is_null(row, path))

    def problem(self) -> str:
        """The first path that never had a value, in words, or ''."""
        if not self._rows or not self._open:
            return ""
        text = "".join(f".{key}" for key in self._open[0])
        return (
            f"`{text}` in its identifier is null for all {self._rows:,} row(s); is it what the rows call it? If it is "
            f'meant: `({text} // "")`'
        )


def joined_paths(expression: str) -> tuple[tuple[str, ...], ...]:
    """The plain paths that `+` and `\\(...)` join; none of what only libjq understands."""
    try:
        tree = parse(expression)
    except (UnsupportedError, RecursionError):
        return ()
    return tuple(dict.fromkeys(_parts(tree))) if isinstance(tree, Binary | Text | Pipe) else ()


def _parts(node: Node) -> Iterator[tuple[str, ...]]:
    if isinstance(node, Binary) and node.operator == "+":
        yield from (*_parts(node.left), *_parts(node.right))
    elif isinstance(node, Text):
        for part in node.parts:
            yield from _parts(part)
    elif isinstance(node, Pipe) and node.right == Call("tostring", ()):
        yield from _parts(node.left)
    elif path := _path(node):
        yield path


def _path(node: Node) -> tuple[str, ...]:
    """The names of a path such as `.a.b`; empty for anything else."""
    names: list[str] = []
    while isinstance(node, Index) and isinstance(node.key, Literal) and _is_name(node.key.value):
        names.insert(0, node.key.value)
        node = node.target
    return tuple(names) if isinstance(node, Identity) else ()


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and _NAME.fullmatch(key) is not None


def _is_null(row: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        row = row.get(key) if isinstance(row, dict) else None
    return row is None
