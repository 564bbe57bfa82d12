"""libjq's own word on an expression that doesn't compile, and where in its text that shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import jq

from portcfg.sync.jq_programs import GUARD, first_line

_POSITION = re.compile(r" at <top-level>, line (\d+), column (\d+):")


def syntax_mistake(expression: str, names: Iterable[str] = ()) -> tuple[str, int]:
    """What jq says against an expression that may use `$window`, `$page`, `$lookup` and `names`, and where in it.

    ("", 0) where it compiles. The place is that of a character, the last one where something is missing at the end.
    """
    args = dict.fromkeys([*names, "window", "page", "lookup", "portcfg_now"])
    closed = _error(f"{GUARD}({expression}\n)", args)
    # By itself it may fail elsewhere: brackets make of an end that comes too early one at a bracket that nobody wrote.
    alone = _error(GUARD + expression, args) if closed else None
    error = alone or closed
    return (first_line(error), _place(str(error), expression)) if error else ("", 0)


def _error(program: str, args: Mapping[str, Any]) -> ValueError | None:
    try:
        jq.compile(program, args=args)
    except ValueError as error:
        return error
    return None


def _place(message: str, expression: str) -> int:
    """jq counts lines and bytes from 1, of the whole program."""
    found = _POSITION.search(message.splitlines()[0])
    if found is None:
        return 0
    lines = (GUARD + expression).encode().split(b"\n")
    line = min(int(found[1]), len(lines))
    before = b"\n".join([*lines[: line - 1], lines[line - 1][: int(found[2]) - 1]])
    at = len(before.decode(errors="replace")) - len(GUARD)
    return max(0, min(at, len(expression.rstrip()) - 1))
