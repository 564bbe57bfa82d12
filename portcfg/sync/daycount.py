"""The rows of a stream counted by UTC day, with a digest each that tells whether a day is as it was before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any

from portcfg.sync import jq_text
from portcfg.sync.jq_programs import Batch, Expression, JqError, RowError, RowProgram, RowValues, Scope
from portcfg.sync.windows import Window

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DIGEST_BYTES = 16
WHERE = "window.day"
_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class DayCount:
    """One day of a stream as it was read: its rows, their digest, and of the window that it was read in the total that
    the source stated (None if it states none), as `2026-03-02 to 2026-03-04`."""

    rows: int
    digest: str
    total: int | None
    window: str


class DayCounter:
    """Counts the shaped rows by the stream's `window.day`. Rows of days that their window wasn't asked for are left
    out: the other rows of such a day weren't read, and it must not be written as if it were whole."""

    def __init__(self, day: str, scope: Scope, reject: Callable[[RowError, Any, Any], None]) -> None:
        self._path = Expression(day, scope) if jq_text.plain_path(day) else None
        self._program = RowProgram({WHERE: day}, scope)
        self._reject = reject
        self._rows: dict[str, int] = {}
        self._sums: dict[str, int] = {}
        self.left_out = 0

    def feed(self, window: Mapping[str, Any], rows: list[Any]) -> list[Any]:
        """The rows that are of the window's days, all counted."""
        kept = []
        for row, found in zip(rows, self._days(window, rows), strict=True):
            if isinstance(found, RowError):
                self._reject(found, window, row)
            elif not isinstance(found, str) or not _DAY.match(found):
                self._reject(RowError("window.day", f"{_canonical(found)[:40]} is no day"), window, row)
            elif window["first_day"] <= found[:10] <= window["last_day"]:
                self._count(found[:10], row)
                kept.append(row)
            else:
                self.left_out += 1
        return kept

    def counts(self, windows: Sequence[Window], totals: Sequence[int | None]) -> dict[str, DayCount]:
        """Every day of the windows, those without rows too; `totals` are what the source stated for each window."""
        found = {}
        stated: dict[str, int | None] = {}
        for window, total in zip(windows, totals, strict=True):
            asked = f"{window.first_day} to {window.last_day}"
            # Several requests may be for the same days.
            before = stated.get(asked, 0)
            total = stated[asked] = None if before is None or total is None else before + total
            for number in range(window.days):
                day = (date.fromisoformat(window.first_day) + timedelta(days=number)).isoformat()
                digest = f"{self._sums.get(day, 0):0{_DIGEST_BYTES * 2}x}"
                found[day] = DayCount(self._rows.get(day, 0), digest, total, asked)
        return found

    def _days(self, window: Mapping[str, Any], rows: list[Any]) -> Iterator[Any]:
        """What the expression gives for each row, or the RowError."""
        if self._path is None:
            results = self._program.run(Batch(window, rows))
            yield from (item.values[0] if isinstance(item, RowValues) else item for item in results)
            return
        # Without the cost of handing the rows to jq.
        for row in rows:
            try:
                yield self._path.one(row, window)
            except JqError as error:
                yield RowError(WHERE, error.message)

    def _count(self, day: str, row: Any) -> None:
        # A sum doesn't depend on the order of the pages, and unlike an exclusive or it doesn't lose equal rows.
        value = int.from_bytes(blake2b(_canonical(row).encode(), digest_size=_DIGEST_BYTES).digest(), "big")
        self._rows[day] = self._rows.get(day, 0) + 1
        self._sums[day] = (self._sums.get(day, 0) + value) % (1 << (8 * _DIGEST_BYTES))
