"""What a YAML parser says of a text that it can't read -> where the mistake is, and what to do, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Line and column from 0, as parsers count.
Mark = tuple[int, int]

QUOTES = {'"': "double", "'": "single"}
BRACKETS = {"[": "]", "{": "}"}
_TAB = "a tab; YAML indents with blanks"
_TAB_HINT = "replace the tabs before the text of this line by blanks, two for each level"


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
    if "end of stream" in problem and opening in QUOTES:
        hint = f"close it with {opening} where the text ends"
        return Said(f"the {QUOTES[opening]} quote that opens here isn't closed", began, hint)
    if "expected ',' or" in problem and opening in BRACKETS:
        hint = f"write {BRACKETS[opening]} where it ends, or a comma where one is missing"
        return Said(f"the {opening} that opens here isn't closed", began, hint)
    if "could not find expected ':'" in problem:
        hint = "write `key: value`, or indent the text further than the key that it belongs to"
        return Said("a key without a colon", began, hint)
    return _of_line(lines, problem, mark)


def _of_line(lines: Sequence[str], problem: str, mark: Mark) -> Said | None:
    before, rest = _at(lines, mark)
    if "mapping values are not allowed" in problem:
        if ": " in before:
            return Said("a second `: ` in one line", mark, "put text that has a colon and a blank in it in quotes")
        return Said(
            "a key indented further than the line before allows", mark, "line it up with the keys it belongs to"
        )
    if "cannot start any token" in problem:
        return Said(f"text can't begin with {rest[:1]} here", mark, "put the text in quotes")
    if "expected key" in problem or "expected '-' indicator" in problem:
        return _misaligned(before, rest, mark)
    return None


def _misaligned(before: str, rest: str, mark: Mark) -> Said:
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
