"""Whether a source stays as it is while its pages are read.

If it doesn't, pages that are counted from the front shift: a row is read twice, or not at all, and the count of what
was read may meet the total all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portcfg.errors import IncompleteError
from portcfg.sync.windows import Window

# A place where a page begins with what the one before ended with: which pages, the page's number, its total, the rows.
Doubt = tuple[str, Window | None, int, int | None, str]


class ChangedError(IncompleteError):
    """The source changed while its pages were read, or may have, for the `doubts`: reading them all again may help."""

    def __init__(self, message: str, hint: str, doubts: frozenset[Doubt] = frozenset()) -> None:
        super().__init__(message, hint)
        self.doubts = doubts


@dataclass(frozen=True)
class Page:
    """The rows of one page, and what the source says about the whole (None if it says nothing)."""

    number: int
    rows: list[Any]
    total: int | None = None
    more_unread: bool = False


class Watch:
    """What the pages so far said alike, and looked like. `changed` says that the problem found is a change."""

    def __init__(self) -> None:
        self.changed = False
        self._said: tuple[Any, Any] | None = None
        self._marks: set[tuple[str, ...]] = set()

    def problem(self, page: Page, same: Any) -> str:
        """Why the page doesn't go together with those before it, or ''. `same` is what all of them must say alike."""
        said = (page.total, same)
        if self._said not in (None, said):
            assert self._said is not None
            self.changed = True
            old, new = next(pair for pair in zip(self._said, said, strict=True) if pair[0] != pair[1])
            return f"there were {old} on the page before, and now there are {new}: the source changed while it was read"
        self._said = said
        # Of a page of one row, and of what can't be told from its neighbours, nothing can be said.
        mark = tuple(repr(page.rows[at]) for at in (0, len(page.rows) // 2, -1)) if len(page.rows) > 1 else ()
        again = len(set(mark)) > 1 and mark in self._marks
        self._marks.add(mark)
        return "the page is the same as the one before, or as an earlier one" if again else ""


def shared_rows(before: list[Any], rows: list[Any]) -> int:
    """How many rows at the end of a page are those at the beginning of the next."""
    last = before[-1:]
    return next((n for n, row in enumerate(rows, 1) if [row] == last and before[-n:] == rows[:n]), 0)


def no_progress(before: tuple[Any, list[Any]], answer: Any, rows: list[Any]) -> bool:
    """Whether a page says nothing new. One row may well be followed by its equal: then the whole answers count."""
    return before[1] == rows and (len(rows) != 1 or before[0] == answer)
