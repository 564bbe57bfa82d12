"""A line of a spec file with carets under the place of a finding, as wide as it is shown."""

from __future__ import annotations

import re
import unicodedata

from portcfg.render.safe import plain

TAB = "    "
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s,:\[\]{}()|\"']+")
_WIDE = frozenset({"W", "F"})
_COMBINING = frozenset({"Mn", "Me"})
CUT = "…"


def word_at(line: str, column: int) -> int:
    """How many characters the word has that begins at `column`, which counts from 1; at least one."""
    found = _WORD.match(line, column - 1)
    return len(found[0]) if found else 1


def excerpt(line: str, column: int, width: int) -> tuple[str, str]:
    """`line` as it may be printed, cut to about `width` columns around `column`, and the carets that go below it."""
    begin = min(max(column - 1, 0), len(line))
    word = line[begin : begin + word_at(line, begin + 1)]
    end = begin + len(word)
    start = max(0, begin - width // 3) if end > width or _columns(line[:end]) > width else 0
    lead = (CUT if start else "") + _shown(line[start:begin])
    rest = _fitted(line[begin:], width - _columns(lead))
    carets = min(_columns(word), _columns(rest)) or 1
    return (lead + rest).rstrip(), " " * _columns(lead) + "^" * carets


def _fitted(text: str, width: int) -> str:
    """As much of `text`, as it may be printed, as goes into so many columns."""
    kept, used = "", 0
    for character in text:
        shown = _shown(character)
        used += _columns(shown)
        if used > width:
            return kept + CUT
        kept += shown
    return kept


def _shown(text: str) -> str:
    return plain(text.replace("\t", TAB))


def _columns(text: str) -> int:
    """How many columns a terminal takes for it, once it is shown."""
    return sum(map(_width, _shown(text)))


def _width(character: str) -> int:
    if unicodedata.category(character) in _COMBINING:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
