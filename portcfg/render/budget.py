"""What goes into a text of limited size: everything in its shortest form, then ever longer ones while they fit.

Sizes are bytes of UTF-8, of which no count of characters is larger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# What stands between two things: an empty line, or a comma and a space.
BETWEEN = 2
CUT = ".."


def size(text: str) -> int:
    """The bytes of a text, and of what parts it from the next; nothing for none."""
    return len(text.encode()) + BETWEEN if text else 0


def fitted(items: Sequence[Sequence[str]], room: int) -> list[int]:
    """For each item, of its forms from the shortest to the longest, the index of the one that there is room for.

    `items` are in order of importance; all get a longer form before one gets the next. The shortest forms are taken
    in any case.
    """
    chosen = [0] * len(items)
    left = room - sum(size(forms[0]) for forms in items)
    for level in range(1, max(map(len, items), default=0)):
        for number, forms in enumerate(items):
            if level < len(forms):
                more = size(forms[level]) - size(forms[chosen[number]])
                if more <= left:
                    chosen[number], left = level, left - more
    return chosen


def widest(sizes: Iterable[int], room: int) -> int:
    """The most that each of some things may take, so that all of them fit; those that need less leave more."""
    rest = sorted(sizes)
    for number, needed in enumerate(rest):
        share = room // (len(rest) - number)
        if needed > share:
            return max(share, 0)
        room -= needed
    return rest[-1] if rest else 0


def middle_cut(text: str, width: int) -> str:
    """`text`, with its middle left out where it is longer than `width` bytes."""
    data = text.encode()
    if len(data) <= width:
        return text
    kept = max(width - len(CUT), 0)
    head, tail = data[: (kept + 1) // 2], data[len(data) - kept // 2 :]
    return f"{head.decode(errors='ignore')}{CUT if width >= len(CUT) else ''}{tail.decode(errors='ignore')}"
