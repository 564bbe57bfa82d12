"""Reading jq programs without running them: names used, forbidden names, quotes, balance.

A mapping's jq runs inside the sync job, whose environment holds secrets, and several expressions are put together into
one program. So names that reach outside the row are refused, and an expression must be closed in itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

# They read the environment (secrets), other rows, other files, or end the process.
REFUSED = frozenset(
    {
        *(
            "env",
            "$ENV",
            "input",
            "inputs",
            "debug",
            "stderr",
            "input_filename",
            "input_line_number",
            "halt",
            "halt_error",
        ),
        *("include", "import", "modulemeta", "get_search_list", "$__loc__", "$__prog_args"),
    }
)
PLAIN_PATH = re.compile(r"(\.[A-Za-z_][A-Za-z0-9_]*)+")
_LITERAL = r'("[^"\\]*"|-?\d+(\.\d+)?|true|false|null)'
_ONE_OUTPUT = re.compile(rf"({PLAIN_PATH.pattern}(\s*(//|==|!=)\s*{_LITERAL})?|{_LITERAL})")
_TOKEN = re.compile(r"\s+|#[^\n]*|\$\w+|\.[A-Za-z_]\w*|@?[A-Za-z_]\w*(?:::\w+)*|\d+(?:\.\d+)?|.", re.DOTALL)
_PAIRS = {")": "(", "]": "[", "}": "{"}


class JqTextError(ValueError):
    """The text can't be a jq expression."""


@dataclass(frozen=True)
class Token:
    """One token; the code inside a string's `\\(...)` comes as tokens of its own before the string."""

    text: str
    kind: str  # "string", "code" or "blank"


def plain_path(expression: str) -> bool:
    """Whether the expression is only a path such as `.a.b`: always one output, or an error."""
    return PLAIN_PATH.fullmatch(expression) is not None


def one_output(expression: str) -> bool:
    """Whether the text shows that there is exactly one output, or an error: paths, literals, `.a // 0`, `.a == "x"`."""
    return _ONE_OUTPUT.fullmatch(expression) is not None


def normalise(expression: str) -> str:
    """Ocean lets `'text'` stand for `"text"`; outside of strings a single quote means nothing else in jq."""
    if "'" not in expression:
        return expression.strip()
    return "".join(_requote(piece) for piece in _pieces(expression)).strip()


def _pieces(expression: str) -> list[str]:
    return re.findall(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|#[^\n]*|[^"\'#]+|["\']', expression, re.DOTALL)


def _requote(piece: str) -> str:
    quoted = len(piece) > 1 and piece[0] == piece[-1] == "'"
    return json.dumps(piece[1:-1], ensure_ascii=False) if quoted else piece


def tokens(expression: str) -> list[Token]:
    """All tokens; raises JqTextError when a string or bracket isn't closed."""
    found, end = _scan(expression, 0, nested=False)
    if end != len(expression):
        raise JqTextError("a closing bracket has no opening one")
    return found


def _scan(text: str, at: int, nested: bool) -> tuple[list[Token], int]:
    found: list[Token] = []
    open_brackets: list[str] = []
    while at < len(text):
        if text[at] == '"':
            inner, end = _string(text, at)
            found += [*inner, Token(text[at:end], "string")]
            at = end
            continue
        token = _TOKEN.match(text, at).group()  # type: ignore[union-attr]  # the pattern ends with any character
        if token in _PAIRS:
            if not open_brackets and nested and token == ")":
                return found, at
            if not open_brackets or open_brackets.pop() != _PAIRS[token]:
                raise JqTextError(f"`{token}` closes nothing")
        elif token in "([{":
            open_brackets.append(token)
        at += len(token)
        found.append(Token(token, "blank" if token.isspace() or token[0] == "#" else "code"))
    if open_brackets or nested:
        raise JqTextError(f"`{open_brackets[-1] if open_brackets else '('}` is not closed")
    return found, at


def _string(text: str, start: int) -> tuple[list[Token], int]:
    inner: list[Token] = []
    at = start + 1
    while at < len(text):
        if text.startswith("\\(", at):
            code, at = _scan(text, at + 2, nested=True)
            inner += code
            at += 1
        elif text[at] == "\\":
            at += 2
        elif text[at] == '"':
            return inner, at + 1
        else:
            at += 1
    raise JqTextError("a string is not closed")


def refused_names(expression: str) -> list[str]:
    """Names that a mapping must not use. `{env: ...}` is only a key, and `.env` only a field."""
    code = [token.text for token in tokens(expression) if token.kind == "code"]
    return sorted({name for name, then in _with_next(code) if name in REFUSED and not _is_key(name, then)})


def _is_key(name: str, then: str) -> bool:
    return then == ":" and not name.startswith("$")


def _with_next(code: list[str]) -> Iterator[tuple[str, str]]:
    yield from pairwise([*code, ""])


def variables(expression: str) -> frozenset[str]:
    """The `$names` that occur, without the dollar."""
    return frozenset(token.text[1:] for token in tokens(expression) if token.kind == "code" and token.text[0] == "$")


def complaint(expression: str) -> str:
    """What is wrong with the text before jq is asked, or ''."""
    try:
        refused = refused_names(expression)
    except JqTextError as error:
        return str(error)
    return f"`{refused[0]}` is not allowed in a mapping" if refused else ""


def lookups(expression: str) -> frozenset[str]:
    """The names in `$lookup.<name>`."""
    try:
        code = [token.text for token in tokens(expression) if token.kind == "code"]
    except JqTextError:
        return frozenset()
    return frozenset(then[1:] for name, then in _with_next(code) if name == "$lookup" and then.startswith("."))
