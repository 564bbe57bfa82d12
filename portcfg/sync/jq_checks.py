"""What is wrong with the jq of a mapping before a row is read: it doesn't compile, or names what it must not or can't.

Most expressions are understood by jq_parse, which takes microseconds where libjq takes milliseconds; libjq is asked
about all others.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from portcfg.model import Path
from portcfg.sync import jq_text
from portcfg.sync.findings import Finding, as_mapping
from portcfg.sync.jq_expressions import expressions
from portcfg.sync.jq_names import known_to_jq, names_of
from portcfg.sync.jq_parse import parse
from portcfg.sync.jq_programs import RESERVED_VARIABLES
from portcfg.sync.jq_syntax import syntax_mistake
from portcfg.sync.jq_tree import Node, UnsupportedError

_UNDEFINED = re.compile(r"\$(\w+) is not defined")
# What an expression sees beside its variables.
_GIVEN = frozenset({"window", "page", "lookup", "ENV"})
# The longest text that a finding shows.
_SHOWN = 120
# (topic, place in the expression, message, hint)
Told = tuple[str, int, str, str]


@dataclass(frozen=True)
class Mistake:
    """One mistake in an expression: what and where in its text it is, in characters."""

    topic: str  # "jq", "forbidden" or "unset"
    path: Path
    text: str
    at: int
    message: str
    hint: str

    @property
    def finding(self) -> Finding:
        """Without the place in the text."""
        return self.path, self.message, self.hint


def jq_mistakes(body: Mapping[str, Any], runs_here: bool) -> Iterator[Mistake]:
    """Every mistake in the expressions of a mapping. A variable that isn't set is told once, where it is read first."""
    names = frozenset(jq_variables(as_mapping(body.get("vars"))))
    unset: set[str] = set()
    for path, text in expressions(body, runs_here):
        expression = jq_text.normalise(text)
        if not jq_text.plain_path(expression):
            for topic, at, message, hint in _mistakes(expression, names, unset):
                yield Mistake(topic, path, text, _raw(text, expression, at), message, hint)


def jq_variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Those that jq can name. The project's variables are shared with other kinds, so `api-name` is just not seen."""
    return {name: value for name, value in variables.items() if jq_text.plain_path(f".{name}")}


@lru_cache(maxsize=4096)
def parsed(expression: str) -> Node | None:
    """The tree of an expression, None where only libjq understands it."""
    try:
        return parse(expression)
    except (UnsupportedError, RecursionError):
        return None


def _mistakes(expression: str, names: frozenset[str], unset: set[str]) -> Iterator[Told]:
    if told := _text_mistake(expression):
        yield told
    else:
        yield from _compile_mistakes(expression, names, unset)


@lru_cache(maxsize=4096)
def _text_mistake(expression: str) -> Told | None:
    """What shows before jq is asked."""
    if error := jq_text.broken(expression):
        return "jq", error.at, f"{error} in `{short(expression)}`", "close it, or take it out"
    if tokens := jq_text.refused(expression):
        message = f"`{tokens[0].text}` is not allowed in a mapping: `{short(expression)}`"
        return "forbidden", tokens[0].at, message, "an expression sees its row, `vars`, $window and $lookup"
    return None


def _compile_mistakes(expression: str, names: frozenset[str], unset: set[str]) -> Iterator[Told]:
    message, at = _mistake(expression, names | unset)
    if missing := _UNDEFINED.fullmatch(message):
        unset.add(missing[1])
        close = difflib.get_close_matches(missing[1], [*names, *_GIVEN], 1)
        hint = f"did you mean ${close[0]}? Otherwise" if close else ""
        hint = f"{hint} add `{missing[1]}` under `vars`; an expression also sees its row, $window and $lookup".strip()
        yield "unset", at, f"`vars.{missing[1]}` isn't set in portcfg.yaml", hint
        # Then the rest of the expression is looked at.
        yield from _compile_mistakes(expression, names, unset)
    elif message:
        yield "jq", at, f"jq can't compile `{short(expression)}`: {message}", "try it with `jq` on one row"


@lru_cache(maxsize=4096)
def _mistake(expression: str, names: frozenset[str]) -> tuple[str, int]:
    """jq's message and where in the expression; ("", 0) for none."""
    tree = parsed(expression)
    if tree is not None and _certain(tree, names):
        return "", 0
    return syntax_mistake(expression, sorted(names))


def _certain(tree: Node, names: Iterable[str]) -> bool:
    try:
        variables, calls = names_of(tree)
    except (UnsupportedError, RecursionError):
        return False
    return variables <= {*names, *_GIVEN} and calls <= known_to_jq()


def _raw(text: str, expression: str, at: int) -> int:
    """`at` in the text as it is written. `normalise` strips it, and can make two characters of a quote."""
    before = len(text) - len(text.lstrip())
    return before + at if len(text.strip()) == len(expression) else before


def reserved_variables(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Variables by names that every expression has already."""
    hint = "these names are taken: " + ", ".join(f"${name}" for name in sorted(RESERVED_VARIABLES))
    for name in as_mapping(body.get("vars")):
        if name in RESERVED_VARIABLES:
            yield ("vars", name), f"`{name}` can't be a variable of the mapping", hint


def lookup_problems(body: Mapping[str, Any]) -> Iterator[Finding]:
    """`$lookup.<name>` of a look-up that isn't there."""
    known = as_mapping(body.get("lookups"))
    for path, text in expressions(body):
        if "$lookup" in text:
            for name in sorted(jq_text.lookups(jq_text.normalise(text)) - set(known)):
                yield path, f"there is no lookup `{name}`", f"lookups: {', '.join(map(str, known)) or 'none'}"


def short(text: str) -> str:
    """One line of a text that a finding shows."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
