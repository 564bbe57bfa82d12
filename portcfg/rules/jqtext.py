"""jq that doesn't compile: shared by the rules that look at jq that Port runs."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import jq

from portcfg.sync.jq_checks import parsed
from portcfg.sync.jq_names import known_to_jq, names_of
from portcfg.sync.jq_text import JqTextError, refused
from portcfg.sync.jq_tree import UnsupportedError

# What jq reads beside its input. Port has no environment and no lines.
_OUTSIDE = ("env", "$ENV", "input_line_number")
# A field or a function of this name.
_OWN = re.compile(r"[{,]\s*env\s*[,}]|\bdef\s+env\b")
_POSITION = re.compile(r" at <top-level>, line (\d+), column (\d+):")


def jq_mistake(text: str) -> str:
    """Why `text` doesn't compile, in one line; empty if it does."""
    return jq_fault(text)[0]


@lru_cache(maxsize=4096)
def jq_fault(text: str) -> tuple[str, int]:
    """(why `text` doesn't compile, the character where that shows); ("", 0) if it does."""
    if _surely_compiles(text):
        return "", 0
    try:
        jq.compile(text)
    except ValueError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        message = lines[0].removeprefix("jq: error: ") if lines else "jq can't compile it"
        return _POSITION.sub("", message), _place(message, text)
    return "", 0


def jq_outside(text: str) -> tuple[str, int]:
    """(what jq that compiles reads beside its input, the character where it stands); ("", 0) for nothing."""
    if not any(name in text for name in _OUTSIDE):
        return "", 0
    used = _used(text)
    if used is None and _OWN.search(text):
        return "", 0
    try:
        names = [token for token in refused(text) if token.text in (_OUTSIDE if used is None else used)]
    except JqTextError:
        return "", 0
    return (names[0].text, names[0].at) if names else ("", 0)


def _used(text: str) -> set[str] | None:
    """Those of _OUTSIDE that are certainly used: `{env}` is a field. None where only libjq understands the text."""
    tree = parsed(text)
    if tree is None:
        return None
    try:
        variables, calls = names_of(tree)
    except (UnsupportedError, RecursionError):
        return None
    return {name for name in _OUTSIDE if f"{name}/0" in calls or (name[0] == "$" and name[1:] in variables)}


def _surely_compiles(text: str) -> bool:
    """Most jq needs no libjq, which takes milliseconds."""
    tree = parsed(text)
    try:
        variables, calls = names_of(tree) if tree is not None else ({""}, set())
    except (UnsupportedError, RecursionError):
        return False
    return not variables and calls <= known_to_jq()


def _place(message: str, text: str) -> int:
    """jq counts lines and bytes from 1."""
    found = _POSITION.search(message)
    if found is None:
        return 0
    lines = text.encode().split(b"\n")
    line = min(int(found[1]), len(lines))
    before = b"\n".join([*lines[: line - 1], lines[line - 1][: int(found[2]) - 1]])
    return max(0, min(len(before.decode(errors="replace")), len(text.rstrip()) - 1))


def jq_value(text: str, value: Any) -> tuple[Any, str]:
    """(the first result of jq that compiles, None for none; why it fails, in one line, empty if it works)"""
    try:
        results = _compiled(text).input_value(value).all()
    except ValueError as error:
        return None, str(error).splitlines()[0]
    return (results[0] if results else None), ""


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Any:
    return jq.compile(text)
