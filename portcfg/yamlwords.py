"""What a YAML or JSON parser says of a text that it can't read -> where the mistake is, what to do, in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Line and column from 0, as parsers count.
Mark = tuple[int, int]

QUOTES = {'"': "double", "'": "single"}
BRACKETS = {"[": "]", "{": "}"}
CLOSING = tuple(BRACKETS.values())
_TAB = "a tab; YAML indents with blanks"
_TAB_HINT = "replace the tabs before the text of this line by blanks, two for each level"
_QUOTE = "put the text in quotes"
_BACKSLASH = r"take single quotes, in which a backslash is itself; or write \\ for it"
_TOKEN = re.compile(r"\\.|[^\s,\]}]*")


@dataclass(frozen=True)
class Token:
    """What a parser says of a token (one of `signs`), and what to say: `token` is all of it, `sign` how it begins.

    `from_begin`: the token stands where the parser began, and not where it stopped.
    """

    signs: Sequence[str]
    message: str
    hint: str
    from_begin: bool = False


TOKENS = (
    Token(["undefined alias"], "{token} repeats what nothing marks", f"mark that by &name, further up; or {_QUOTE}"),
    Token(["second occurrence"], "{token} marks a second thing", "give each its own name"),
    Token(["unknown escape"], "{token} means nothing in double quotes", _BACKSLASH),
    Token(["hexdecimal", "hexadecimal"], r"the number behind \x, \u or \U isn't whole", _BACKSLASH),
    Token(["entries are not allowed"], "a list can't begin here", f"write it below the key; or {_QUOTE}"),
    Token(
        ["comment or line break", "indentation indicator"],
        "a block of text begins in the line below its {sign}",
        f"move the text there; or, where it begins with a {{sign}} itself, {_QUOTE}",
        from_begin=True,
    ),
    Token(
        ["tag handle", "expected '>'"], "the tag {token} isn't supported", f"remove it; or {_QUOTE}", from_begin=True
    ),
    Token(["directive"], "a line can't begin with % here", _QUOTE, from_begin=True),
    Token(["alphabetic or numeric"], "text can't begin with {sign} here", _QUOTE, from_begin=True),
    Token(["cannot start any token", "node content"], "text can't begin with {sign} here", _QUOTE),
)


# What json says, as it begins -> what that is, and what to do.
JSON: Mapping[str, tuple[str, str]] = {
    "Expecting value": ("a value is due here", "text stands in double quotes, and null is for nothing"),
    "Expecting property name": ("a key is due here, in double quotes", ""),
    "Expecting ':'": ("a colon is missing here", ""),
    "Expecting ','": ("a comma is missing here", ""),
    "Unterminated string": ("the double quote that opens here isn't closed", ""),
    "Invalid control": ("a line break or control character inside a text", r"write \n for a line break"),
    "Invalid \\": ("a backslash that means nothing", r"write \\ for it"),
    "Extra data": ("something stands behind the end", "JSON has no comments; keep them in YAML"),
}


@dataclass(frozen=True)
class Said:
    """A mistake in plain words, its place and what to do."""

    message: str
    mark: Mark
    hint: str


def in_plain_words(text: str, problem: str, mark: Mark, began: Mark) -> Said | None:
    """What the parser's `problem` at `mark`, in something that `began`, comes from; None where nobody can tell."""
    lines = text.split("\n")
    before, opening = _at(lines, mark)[0], _at(lines, began)[1][:1]
    if not before.strip() and "\t" in _indentation(lines, mark):
        return Said(_TAB, (mark[0], _indentation(lines, mark).index("\t")), _TAB_HINT)
    if any(sign in problem for sign in ("end of stream", "document indicator")) and opening in QUOTES:
        hint = f"close it with {opening} where the text ends"
        return Said(f"the {QUOTES[opening]} quote that opens here isn't closed", began, hint)
    if "expected ',' or" in problem and opening in BRACKETS:
        hint = f"write {BRACKETS[opening]} where it ends, or a comma where one is missing"
        return Said(f"the {opening} that opens here isn't closed", began, hint)
    if "could not find expected ':'" in problem:
        hint = "write `key: value`, or indent the text further than the key that it belongs to"
        return Said("a key without a colon", began, hint)
    return _of_line(lines, problem, mark) or _of_token(lines, problem, mark, began)


def json_words(problem: str) -> tuple[str, str]:
    """(what the JSON parser's `problem` is, what to do)"""
    return next((said for sign, said in JSON.items() if problem.startswith(sign)), (problem, ""))


def _of_line(lines: Sequence[str], problem: str, mark: Mark) -> Said | None:
    before, rest = _at(lines, mark)
    if "mapping values are not allowed" in problem:
        if ": " in before:
            return Said("a second `: ` in one line", mark, "put text that has a colon and a blank in it in quotes")
        return Said(
            "a key indented further than the line before allows", mark, "line it up with the keys it belongs to"
        )
    if any(sign in problem for sign in ("expected key", "expected '-' indicator", "expected <document start>")):
        return _misaligned(before, rest, mark)
    if "node content" in problem and not rest.strip():
        return Said("the text ends where a value is due", mark, "write the value, and close what is open")
    return None


def _of_token(lines: Sequence[str], problem: str, mark: Mark, began: Mark) -> Said | None:
    found = next((each for each in TOKENS if any(sign in problem for sign in each.signs)), None)
    if found is None:
        return None
    place = began if found.from_begin else mark
    rest = _at(lines, place)[1]
    token = _TOKEN.match(rest)
    words = {"sign": rest[:1], "token": token[0] if token else ""}
    return Said(found.message.format(**words), place, found.hint.format(**words))


def _misaligned(before: str, rest: str, mark: Mark) -> Said:
    if rest[:1] in CLOSING:
        return Said(f"{rest[:1]} closes nothing", mark, f"take it out; or {_QUOTE}")
    if before.strip():
        hint = "put the whole text in quotes, and double a quote inside single ones ('it''s')"
        return Said(f"{rest[:1]} stands behind a text or a list that has ended", mark, hint)
    hint = "indent it as far as the lines that it belongs with; keys and `- ` don't mix"
    return Said("this line doesn't fit to those above it", mark, hint)


def _at(lines: Sequence[str], mark: Mark) -> tuple[str, str]:
    """What stands before a place in its line, and from it on."""
    line = lines[mark[0]] if mark[0] < len(lines) else ""
    return line[: mark[1]], line[mark[1] :]


def _indentation(lines: Sequence[str], mark: Mark) -> str:
    line = lines[mark[0]] if mark[0] < len(lines) else ""
    return line[: len(line) - len(line.lstrip())]
