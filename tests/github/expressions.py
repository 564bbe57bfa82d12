"""GitHub's expressions: what stands between `${{` and `}}`, as far as the workflows use it; anything else is an error.

Source of what they mean: https://docs.github.com/actions/reference/workflows-and-actions/expressions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

TOKENS = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*')
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<sign>&&|\|\||==|!=|[!().,\[\]])
    )""",
    re.VERBOSE,
)
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
WORDS = {"true": True, "false": False, "null": None}
# Contexts in which what isn't there is empty, as are outputs; elsewhere it is a slip of the workflow's author.
LOOSE = {"github.event", "inputs", "secrets", "vars"}
Functions = Mapping[str, Callable[..., Any]]


class ExpressionError(ValueError):
    """An expression that GitHub would refuse, or that this evaluator doesn't know."""


def evaluate(text: str, contexts: Mapping[str, Any], functions: Functions = {}) -> Any:  # noqa: B006 (never changed)
    """The value of one expression, without its `${{ }}`."""
    return _Evaluator(text, contexts, functions).whole()


def fill(text: Any, contexts: Mapping[str, Any], functions: Functions = {}) -> Any:  # noqa: B006 (never changed)
    """`text` with its expressions evaluated: the value itself where the text is nothing else, else a text."""
    if not isinstance(text, str):
        return text
    if (whole := EXPRESSION.fullmatch(text.strip())) and "${{" not in whole[1]:
        return evaluate(whole[1], contexts, functions)
    return EXPRESSION.sub(lambda found: as_text(evaluate(found[1], contexts, functions)), text)


def truth(value: Any) -> bool:
    """Whether GitHub takes `value` for true: not empty, 0, false or null."""
    return value not in ("", 0, False, None)


def as_text(value: Any) -> str:
    """A value as GitHub writes it into a text."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, Mapping | list):
        raise ExpressionError(f"{value!r} can't be part of a text")
    return str(value)


def _same(left: Any, right: Any) -> bool:
    # Texts are compared without their case; other types are cast to numbers, which the workflows don't need.
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if type(left) is not type(right) and None not in (left, right):
        raise ExpressionError(f"{left!r} is compared with {right!r}, of another type")
    # null is equal to the empty text: both are 0 as numbers.
    return bool((left or "") == (right or "")) if None in (left, right) else bool(left == right)


def _format(text: str, *values: Any) -> str:
    return re.sub(r"\{(\d+)\}", lambda found: as_text(values[int(found[1])]), text)


COMMON: Functions = {
    "format": _format,
    "fromJSON": json.loads,
    "toJSON": lambda value: json.dumps(value, indent=2),
    "contains": lambda text, part: as_text(part).lower() in as_text(text).lower(),
    "startsWith": lambda text, part: as_text(text).lower().startswith(as_text(part).lower()),
}


class _Evaluator:
    """A recursive descent over the tokens of one expression."""

    def __init__(self, text: str, contexts: Mapping[str, Any], functions: Functions) -> None:
        self._text, self._contexts, self._functions = text, contexts, {**COMMON, **functions}
        self._tokens = _tokens(text)

    def whole(self) -> Any:
        value = self._either()
        if self._tokens:
            raise ExpressionError(f"{self._text!r}: {self._tokens[0]!r} isn't understood")
        return value

    def _take(self, *wanted: str) -> str:
        if self._tokens and self._tokens[0] in wanted:
            return self._tokens.pop(0)
        return ""

    def _expect(self, wanted: str) -> None:
        if not self._take(wanted):
            raise ExpressionError(f"{self._text!r}: {wanted!r} is missing")

    def _either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value if truth(value) else other
        return value

    def _both(self) -> Any:
        value = self._equal()
        while self._take("&&"):
            other = self._equal()
            value = other if truth(value) else value
        return value

    def _equal(self) -> Any:
        value = self._single()
        while sign := self._take("==", "!="):
            value = _same(value, self._single()) == (sign == "==")
        return value

    def _single(self) -> Any:
        if self._take("!"):
            return not truth(self._single())
        if self._take("("):
            value = self._either()
            self._expect(")")
            return value
        if not self._tokens:
            raise ExpressionError(f"{self._text!r} ends too early")
        token = self._tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if re.fullmatch(r"-?\d+(\.\d+)?", token):
            return json.loads(token)
        if token in WORDS:
            return WORDS[token]
        return self._call(token) if self._take("(") else self._looked_up(token)

    def _call(self, name: str) -> Any:
        if name not in self._functions:
            raise ExpressionError(f"{self._text!r}: there is no function {name!r} here")
        arguments = []
        while not self._take(")"):
            arguments.append(self._either())
            if not self._take(","):
                self._expect(")")
                break
        return self._functions[name](*arguments)

    def _looked_up(self, name: str) -> Any:
        if name not in self._contexts:
            raise ExpressionError(f"{self._text!r}: there is no context {name!r} here")
        path, value = name, self._contexts[name]
        while sign := self._take(".", "["):
            key = self._tokens.pop(0) if sign == "." else self._either()
            if sign == "[":
                self._expect("]")
            value = self._below(value, path, key)
            path = f"{path}.{key}"
        return value

    def _below(self, value: Any, path: str, key: Any) -> Any:
        loose = path.endswith(".outputs") or any(path == known or path.startswith(f"{known}.") for known in LOOSE)
        if isinstance(value, Mapping) and key in value:
            return value[key]
        if loose and (value is None or isinstance(value, Mapping)):
            return None
        raise ExpressionError(f"{self._text!r}: {path} has no {key!r}")


def _tokens(text: str) -> list[str]:
    found, position = [], 0
    while position < len(text.rstrip()):
        token = TOKENS.match(text, position)
        if token is None:
            raise ExpressionError(f"{text!r}: {text[position:]!r} isn't understood")
        found.append(str(token[token.lastgroup or 0]))
        position = token.end()
    return found
