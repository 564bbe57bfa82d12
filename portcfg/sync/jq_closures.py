"""jq expressions as Python closures: for what most mappings are made of several times as fast as libjq.

`closures` gives None for an expression that it can't run, and a closure raises UnsureError on a value with which it
can't be sure to do what libjq does. Either way libjq runs it, so that the result is the same; differential tests look
for a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from portcfg.sync.jq_combine import (
    Many,
    One,
    alone,
    alternative,
    both,
    bound,
    bound_each,
    choice,
    collected,
    constructed,
    each,
    either,
    equals,
    extreme,
    field,
    field_of,
    joined,
    mapped,
    operation,
    piped,
    refused,
    selected,
    sliced,
    through,
    with_entries,
    written,
)
from portcfg.sync.jq_parse import parse
from portcfg.sync.jq_tree import (
    Array,
    Binary,
    Bind,
    Call,
    Comma,
    Identity,
    If,
    Index,
    Iterate,
    Literal,
    Node,
    Object,
    Pipe,
    Slice,
    Text,
    UnsupportedError,
    Variable,
)
from portcfg.sync.jq_values import PLAIN, WITH_VALUE, index, output

# No variable can be called so.
NOW = "now()"
SINGLE_CALLS = frozenset({*PLAIN, *WITH_VALUE, "map", "max_by", "min_by", "now", "with_entries"})


@dataclass(frozen=True)
class Closures:
    """Expressions that can be run on a row, one after the other. `single` says which have one output, always."""

    single: tuple[bool, ...]
    runs: tuple[Callable[[Any, dict[str, Any]], Any], ...]

    def values(self, row: Any, known: dict[str, Any]) -> list[Any]:
        """The output of each, or, where there may be none or several, the list of its outputs. Raises UnsureError."""
        return [run(row, known) for run in self.runs]


def closures(expressions: Iterable[str], names: Iterable[str]) -> Closures | None:
    """The expressions, which may use the variables `names`; None where libjq has to run one of them."""
    known = frozenset(names)
    try:
        trees = [parse(text) for text in expressions]
        single = tuple(map(_single, trees))
        runs = [
            _valued(tree, known) if one else _collected(tree, known) for tree, one in zip(trees, single, strict=True)
        ]
    except (UnsupportedError, RecursionError):
        return None
    return Closures(single, tuple(runs))


def known_variables(variables: Mapping[str, Any], now: float, window: Any) -> dict[str, Any]:
    """What the closures of a run see: its variables, `now` in epoch seconds, and $window."""
    return {**variables, "window": window, NOW: now}


def _valued(tree: Node, names: frozenset[str]) -> One:
    one = _one(tree, names)

    def run(row: Any, known: dict[str, Any]) -> Any:
        value = one(row, known)
        kind = type(value)
        return value if kind is str or value is None or kind is bool else output(value)

    return run


def _collected(tree: Node, names: frozenset[str]) -> One:
    many = _many(tree, names)
    return lambda row, known: [output(value) for value in many(row, known)]


def _single(node: Node) -> bool:
    """Whether the node has one output whatever the input, errors apart."""
    match node:
        case Comma() | Iterate():
            return False
        case Call(name):
            return name in SINGLE_CALLS
        case Array():
            return True
        case Binary("//", left, right):
            return _single(left) and _single(right)
        case Index(target, _) | Slice(target):
            return _single(target)
        case Pipe(left, right):
            return _single(left) and _single(right)
        case Bind(source, _, body):
            return _single(source) and _single(body)
        case If(_, yes, no):
            return _single(yes) and _single(no)
    # Of these `_one` takes no other operands.
    return True


def _one(node: Node, names: frozenset[str]) -> One:
    """Raises UnsupportedError for a node that may have no output, or several."""
    if not _single(node):
        raise UnsupportedError("not one output")
    match node:
        case Identity():
            return lambda value, _: value
        case Literal(constant):
            return lambda value, _: constant
        case Variable(name):
            if name not in names:
                raise UnsupportedError(f"${name}")
            return lambda _, known: known[name]
        case Index(Identity(), Literal(str() as key)):
            return field(key)
        case Index(target, Literal(str() as key)):
            return field_of(_one(target, names), key)
        case Index(target, key):
            return joined(index, _one(target, names), _one(key, names))
        case Slice(target, first, last):
            return sliced(_one(target, names), first, last)
        case Pipe(left, right):
            return piped(_one(left, names), _one(right, names))
        case Text(parts):
            return written([_one(part, names) for part in parts])
        case Object(pairs):
            return constructed([(_one(key, names), _one(value, names)) for key, value in pairs])
        case Array(inner):
            return collected(_many(inner, names) if inner else None)
        case If(test, yes, no):
            return choice(_one(test, names), _one(yes, names), _one(no, names))
        case Bind(source, name, body):
            return bound(_one(source, names), name, _one(body, names | {name}))
        case Binary("==", left, Literal(str() | bool() | None as constant)):
            return equals(_one(left, names), constant)
        case Binary(operator, left, right):
            return operation(operator, _one(left, names), _one(right, names))
        case Call(name, arguments):
            return _call(name, arguments, names)
    raise UnsupportedError(type(node).__name__)


def _call(name: str, arguments: tuple[Node, ...], names: frozenset[str]) -> One:
    match name, arguments:
        case _, () if name in PLAIN:
            function = PLAIN[name]
            return lambda value, _: function(value)
        case "now", ():
            return lambda _, known: known[NOW]
        case _, (argument,) if name in WITH_VALUE:
            return joined(WITH_VALUE[name], lambda value, _: value, _one(argument, names))
        case "map", (argument,):
            return mapped(_many(argument, names))
        case "with_entries", (argument,):
            return with_entries(_many(argument, names))
        case "max_by" | "min_by", (argument,):
            return extreme(_one(argument, names), greatest=name == "max_by")
    raise UnsupportedError(f"{name}/{len(arguments)}")


def _many(node: Node, names: frozenset[str]) -> Many:
    match node:
        case _ if _single(node):
            return alone(_one(node, names))
        case Comma(left, right):
            return both(_many(left, names), _many(right, names))
        case Iterate(target, optional):
            return each(_one(target, names), optional)
        case Pipe(left, right):
            return through(_many(left, names), _many(right, names))
        case Bind(source, name, body):
            return bound_each(_many(source, names), name, _many(body, names | {name}))
        case If(test, yes, no):
            return either(_one(test, names), _many(yes, names), _many(no, names))
        case Index(target, key) if isinstance(target, Iterate):
            return through(_many(target, names), alone(_one(Index(Identity(), _free(key)), names)))
        case Binary("//", left, right):
            return alternative(_many(left, names), _many(right, names))
        case Call("empty", ()):
            return lambda value, known: iter(())
        case Call("select", (argument,)):
            return selected(_one(argument, names))
        case Call("error", _):
            return refused
    raise UnsupportedError(type(node).__name__)


def _free(key: Node) -> Node:
    """A key that doesn't depend on the input, which is another one behind an iteration."""
    if isinstance(key, Literal | Variable):
        return key
    raise UnsupportedError("a key that depends on the input")
