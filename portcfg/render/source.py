"""A line of a spec file with carets under the place of a finding, as wide as it is shown."""

from __future__ import annotations

import re
import unicodedata

from portcfg.render.safe import plain
from portcfg.secret_forms import starred

TAB = "    "
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s,:\[\]{}()|\"']+")
_WIDE = frozenset({"W", "F"})
_COMBINING = frozenset({"Mn", "Me"})
CUT = "…"
# Characters to each side of a place that are looked at; far more than are shown.
NEAR = 500


# What may be a secret, by its look: letters of both cases, or a prefix that vendors use, and digits; a URL's user; and
# what stands behind a key that says so. Rather too much than too little: a place is found by what is around it, too.
# What rules find as a secret is one in any case.
_TOKEN = re.compile(r"(?<![\w+/=-])[\w+/=-]{20,}")
_PREFIX = re.compile(r"gh[a-z]_|github_pat_|xox|crsr_|key_|sk-|pk_|AKIA|glpat-|eyJ")
_URL_USER = re.compile(r"(?<=://)[^/\s@\"']+(?=@)")
_AFTER_KEY = re.compile(
    r"(?i)(?:password|passwd|secret|api_?key|private_?key|authorization)[\"']?\s*[:=]\s*[\"']?"
    r"(?:bearer |basic )?([^\s\"'{}\[\],$.|]{6,})"
)


def masked(line: str) -> str:
    """`line` with what may be a secret as stars, but for its first letters; as long as it was."""
    line = _TOKEN.sub(lambda found: _starred(found[0]) if _looks_secret(found[0]) else found[0], line)
    line = _URL_USER.sub(lambda found: _starred(found[0], 0), line)
    return starred(_AFTER_KEY.sub(lambda found: found[0][: -len(found[1])] + _kept_name(found[1]), line))


def _looks_secret(text: str) -> bool:
    mixed = text != text.lower() and text != text.upper() and any(map(str.isdigit, text))
    return mixed or _PREFIX.match(text) is not None


def _kept_name(value: str) -> str:
    """The name of an environment variable is none."""
    return value if re.fullmatch(r"[A-Z][A-Z0-9_]*", value) else _starred(value, 0)


def _starred(text: str, kept: int = 4) -> str:
    return text[:kept] + "*" * (len(text) - kept)


def word_at(line: str, column: int) -> int:
    """How many characters the word has that begins at `column`, which counts from 1; at least one."""
    found = _WORD.match(line, column - 1)
    return len(found[0]) if found else 1


def excerpt(line: str, column: int, width: int) -> tuple[str, str]:
    """`line` as it may be printed, cut to about `width` columns around `column`, and the carets that go below it."""
    # A file without line breaks is one line of megabytes.
    near = max(0, column - 1 - NEAR)
    line, column = masked(line[near : column + NEAR]), column - near
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
