"""Reading jq programs without running them: names used, forbidden names, quotes, balance.

A mapping's jq runs inside the sync job, whose environment holds secrets, and several expressions are put together into
one program. So names that reach outside the row are refused, and an expression must be closed in itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
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
    """The text can't be a jq expression; `at` is where that shows."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True)
class Token:
    """One token and where it begins; the code inside a string's `\\(...)` comes as tokens before the string."""

    text: str
    kind: str  # "string", "code" or "blank"
    at: int = 0


@lru_cache(maxsize=4096)
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
        raise JqTextError("a closing bracket has no opening one", end)
    return found


def _scan(text: str, at: int, nested: bool) -> tuple[list[Token], int]:
    found: list[Token] = []
    open_brackets: list[tuple[str, int]] = [("(", at - 1)] if nested else []
    while at < len(text):
        if text[at] == '"':
            inner, end = _string(text, at)
            found += [*inner, Token(text[at:end], "string", at)]
            at = end
            continue
        token = _TOKEN.match(text, at).group()  # type: ignore[union-attr]  # the pattern ends with any character
        if token in _PAIRS:
            if nested and len(open_brackets) == 1 and token == ")":
                return found, at
            if not open_brackets or open_brackets.pop()[0] != _PAIRS[token]:
                raise JqTextError(f"`{token}` closes nothing", at)
        elif token in "([{":
            open_brackets.append((token, at))
        found.append(Token(token, "blank" if token.isspace() or token[0] == "#" else "code", at))
        at += len(token)
    if open_brackets:
        raise JqTextError(f"`{open_brackets[-1][0]}` is not closed", open_brackets[-1][1])
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
    raise JqTextError("a string is not closed", start)


def refused(expression: str) -> list[Token]:
    """Where names stand that a mapping must not use. `{env: ...}` is only a key, and `.env` only a field."""
    code = [token for token in tokens(expression) if token.kind == "code"]
    following = [*(token.text for token in code[1:]), ""]
    pairs = zip(code, following, strict=False)
    return [token for token, then in pairs if token.text in REFUSED and not _is_key(token.text, then)]


def _is_key(name: str, then: str) -> bool:
    return then == ":" and not name.startswith("$")


def _with_next(code: list[str]) -> Iterator[tuple[str, str]]:
    yield from pairwise([*code, ""])


def variables(expression: str) -> frozenset[str]:
    """The `$names` that occur, without the dollar."""
    return frozenset(token.text[1:] for token in tokens(expression) if token.kind == "code" and token.text[0] == "$")


def broken(expression: str) -> JqTextError | None:
    """Why the text isn't closed in itself, if it isn't."""
    try:
        tokens(expression)
    except JqTextError as error:
        return error
    return None


def lookups(expression: str) -> frozenset[str]:
    """The names in `$lookup.<name>`."""
    try:
        code = [token.text for token in tokens(expression) if token.kind == "code"]
    except JqTextError:
        return frozenset()
    return frozenset(then[1:] for name, then in _with_next(code) if name == "$lookup" and then.startswith("."))
