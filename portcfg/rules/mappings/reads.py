"""Which fields of its row an expression reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from portcfg.rules.jq_types_calls import WITH_ITEM
from portcfg.sync.jq_tree import Binary, Bind, Call, Identity, If, Index, Literal, Node, Pipe

# The row as a whole is read.
WHOLE = ""


def read_fields(node: Node) -> frozenset[str]:
    """The first names of the paths that begin at the row; with WHOLE where the row itself is used."""
    return frozenset(path[0] if path else WHOLE for path in paths(node))


def paths(node: Any) -> Iterator[tuple[str, ...]]:
    """The paths that begin at the row, () for the row itself. What is behind a pipe reads something else."""
    match node:
        case Identity():
            yield ()
        case Index(_, Literal(str())) if (path := path_of(node)) is not None:
            yield path
        case Pipe(left, right):
            yield from paths(left)
            yield from paths(right) if isinstance(left, Identity) else ()
        case Call(name, arguments):
            # The input of a function without arguments is what it works on.
            yield from ((),) if not arguments or name in WITH_ITEM else ()
            yield from (path for argument in arguments for path in paths(argument) if name not in WITH_ITEM)
        case tuple():
            yield from (path for item in node for path in paths(item))
        case _ if hasattr(node, "__dataclass_fields__"):
            yield from (path for each in fields(node) for path in paths(getattr(node, each.name)))


def path_of(node: Node) -> tuple[str, ...] | None:
    """The names of a plain path such as `.a.b`, () for `.`; None for anything else."""
    match node:
        case Identity():
            return ()
        case Index(target, Literal(str() as name)):
            before = path_of(target)
            return None if before is None else (*before, name)
    return None


def unguarded(node: Any, guards: frozenset[tuple[str, ...]] = frozenset()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(operator, path) of operands of `-`, `*` and `/` that no test around them looks at.

    What stands before `//` may fail, and behind a pipe the row is out of sight.
    """
    match node:
        case Binary("//", _, right):
            yield from unguarded(right, guards)
        case Binary(operator, left, right):
            for operand in (left, right) if operator in ("-", "*", "/") else ():
                path = path_of(operand)
                if path and path not in guards:
                    yield operator, path
            yield from unguarded(left, guards)
            # In `.a and .b / .a` the first is a test of the second.
            yield from unguarded(right, guards | (frozenset(paths(left)) if operator in ("and", "or") else frozenset()))
        case If(test, yes, no):
            inside = guards | frozenset(paths(test))
            yield from unguarded(test, guards)
            yield from (found for branch in (yes, no) for found in unguarded(branch, inside))
        case Pipe(left, _):
            yield from unguarded(left, guards)
        case Bind(source, _, body):
            yield from (found for part in (source, body) for found in unguarded(part, guards))
        case Call() | None:
            return
        case tuple():
            yield from (found for item in node for found in unguarded(item, guards))
        case _ if hasattr(node, "__dataclass_fields__"):
            yield from (found for each in fields(node) for found in unguarded(getattr(node, each.name), guards))


def several(node: Node) -> bool:
    """Whether there is surely, or most likely, more than one result: `.a, .b`, or `.list[]` with nothing to choose."""
    from_list = type(node).__name__
    match node:
        case Pipe(left, right):
            return (several(left) and _passes(right)) or several(right)
        case Index(target, _):
            return several(target)
        case Bind(_, _, body):
            return several(body)
    return from_list in ("Comma", "Iterate")


def _passes(node: Node) -> bool:
    """Whether a filter gives one result for each that comes in; `select` and the like choose."""
    match node:
        case Call(name, _):
            return name in _ONE_EACH
        case Pipe(left, right):
            return _passes(left) and _passes(right)
        case Binary("//", _, _) | If():
            return False
    return True


_ONE_EACH = frozenset(
    ["ascii_downcase", "ascii_upcase", "length", "tostring", "tonumber", "trim", "type", "floor", "round", "tojson",
     "todate", "split", "sub", "gsub", "ltrimstr", "rtrimstr", "test", "startswith", "endswith", "not", "keys"]
)  # fmt: skip
