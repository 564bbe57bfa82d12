"""Which names an expression uses: the variables that it doesn't bind itself, and the functions that it calls."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import fields
from functools import cache
from typing import Any

import jq

from portcfg.sync.jq_tree import Bind, Call, Literal, Node, Object, Text, UnsupportedError, Variable


def names_of(tree: Node) -> tuple[frozenset[str], frozenset[str]]:
    """(variables without the dollar, functions as `name/arguments`).

    Raises UnsupportedError for keys of objects that libjq may work out, and refuse, while it compiles.
    """
    variables: set[str] = set()
    calls: set[str] = set()
    _collect(tree, frozenset(), variables, calls)
    return frozenset(variables), frozenset(calls)


def _collect(node: Any, bound: Set[str], variables: set[str], calls: set[str]) -> None:
    match node:
        case Variable(name):
            variables |= {name} - bound
        case Bind(source, name, body):
            _collect(source, bound, variables, calls)
            _collect(body, bound | {name}, variables, calls)
        case tuple():
            for item in node:
                _collect(item, bound, variables, calls)
        case Object(pairs):
            for key, value in pairs:
                if not isinstance(key, Text) and not (isinstance(key, Literal) and isinstance(key.value, str)):
                    raise UnsupportedError("a key that isn't plain")
                _collect((key, value), bound, variables, calls)
        case _ if hasattr(node, "__dataclass_fields__"):
            if isinstance(node, Call):
                calls.add(f"{node.name}/{len(node.arguments)}")
            for each in fields(node):
                _collect(getattr(node, each.name), bound, variables, calls)


@cache
def known_to_jq() -> frozenset[str]:
    """The functions that libjq has, as `name/arguments`."""
    return frozenset(jq.compile("builtins").input_value(None).first())
