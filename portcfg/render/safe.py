"""Names and values come from files and from Port; nothing in them may act on a terminal or a pull request comment."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from portcfg.model import MISSING, Path

MAX_VALUE = 200
# Control characters act on terminals. Format characters (Cf) hide: bidirectional overrides show text in another order
# than it is read (CVE-2021-42574), and zero-width ones make two names look alike.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and marks of no width, which are in none of these categories (Unicode's Default_Ignorable_Code_Point); the
# selectors of how an emoji looks may stay.
_NO_WIDTH = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")


def plain(text: str) -> str:
    """`text` on one line, with control and direction characters shown as escapes."""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if unicodedata.category(character) in _HIDDEN or character in _NO_WIDTH:
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, f"\\u{ord(character):04x}")
    return character


def shown(value: Any) -> str:
    """A value of a field, as short JSON."""
    if value is MISSING:
        return "(absent)"
    return shortened(plain(json.dumps(value, ensure_ascii=False, sort_keys=True)), MAX_VALUE)


def shortened(text: str, length: int) -> str:
    """`text`, cut to `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def dotted(path: Path) -> str:
    """A key path for people: `schema.properties.total_cents.title`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{plain(str(part))}" for part in path)
    return "".join(parts).removeprefix(".")


def code(text: str) -> str:
    """A markdown code span that nothing in `text` can leave; mentions and references in it stay dead."""
    clean = plain(text).replace("`", "ˋ").replace("|", "¦")
    return f"`{clean or ' '}`"


def fenced(text: str, language: str = "") -> str:
    """A markdown code block whose fence is longer than any run of backticks in `text`."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
