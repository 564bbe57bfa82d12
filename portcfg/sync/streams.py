"""A stream read once: windows, pages, shaped rows, no duplicates; handed on in batches, so that memory stays flat."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from portcfg.errors import IncompleteError
from portcfg.sync.jq_programs import BATCH_ROWS, RowError, RowExpander, RowProgram, RowValues, Scope, batch_text
from portcfg.sync.paging import Ask, Pager
from portcfg.sync.spec import Dedupe, Stream
from portcfg.sync.windows import DayRange, Window, slices


@dataclass(frozen=True)
class Batch:
    """Rows of one window, and the same once serialised for jq."""

    window: Any
    rows: list[Any]

    def text(self) -> str:
        """`[$window, rows]` as JSON."""
        return batch_text(self.window, self.rows)


@dataclass
class StreamCount:
    """What was read, for the report. Filled while the stream is read. `summed`: some resource groups the rows."""

    rows: int = 0
    shaped: int = 0
    duplicates: int = 0
    total: int | None = None
    pages: int = 0
    truncated: bool = False
    rejected: list[str] = field(default_factory=list)
    summed: bool = False

    def reject(self, message: str) -> None:
        """Note a row that failed; raises IncompleteError where its absence would make a sum too small."""
        if self.summed:
            raise IncompleteError(
                f"a row could not be read, and sums are made of these rows: {message}",
                hint="nothing that depends on this stream was written",
            )
        self.rejected.append(message)


class StreamReader:
    """Reads one stream over the days of the run."""

    def __init__(
        self, stream: Stream, scope: Scope, ask: Ask, seen: Callable[[StreamCount], None], summed: bool
    ) -> None:
        self._stream = stream
        self._scope = scope
        self._pager = Pager(stream, scope, ask)
        self._expander = RowExpander(stream.rows, scope) if stream.rows else None
        self._seen = seen
        self.count = StreamCount(summed=summed)

    def batches(self, days: DayRange, now: float) -> Iterator[Batch]:
        """All rows; raises ApiError or IncompleteError, after which what came before must not be used."""
        batches = self._shaped(days, now)
        if self._stream.dedupe:
            batches = Deduper(self._stream.dedupe, self._scope, self.count).run(batches)
        for batch in batches:
            self.count.shaped += len(batch.rows)
            yield batch

    def _shaped(self, days: DayRange, now: float) -> Iterator[Batch]:
        windows: Sequence[Window | None] = [None]
        if self._stream.window is not None:
            windows = list(slices(days, self._stream.window, now))
        for window in windows:
            seen = window.as_json() if window else None
            for rows in self._raw(window):
                batch = Batch(seen, rows)
                yield self._expand(batch) if self._expander else batch

    def _raw(self, window: Window | None) -> Iterator[list[Any]]:
        total: int | None = None
        for page in self._pager.pages(window):
            self.count.pages += 1
            self.count.rows += len(page.rows)
            self.count.truncated |= page.more_unread
            total = page.total
            self._seen(self.count)
            for start in range(0, len(page.rows), BATCH_ROWS):
                yield page.rows[start : start + BATCH_ROWS]
        if total is not None:
            self.count.total = (self.count.total or 0) + total

    def _expand(self, batch: Batch) -> Batch:
        assert self._expander is not None
        rows: list[Any] = []
        for result in self._expander.run(batch.text()):
            if isinstance(result, RowError):
                self.count.reject(f"rows: {result.message}")
            else:
                rows += result
        return Batch(batch.window, rows)


class Deduper:
    """Drops rows with a key seen before. With `keep` the rows are held until the end of the stream (memory by key);
    without it only a 16-byte digest of each key is."""

    def __init__(self, spec: Dedupe, scope: Scope, count: StreamCount) -> None:
        slots = {"dedupe.by": spec.by, "dedupe.keep": spec.keep or "null"}
        self._program = RowProgram(slots, scope)
        self._hold = bool(spec.keep)
        self._count = count

    def run(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches without the duplicates."""
        return self._greatest(batches) if self._hold else self._first(batches)

    def _first(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        seen: set[bytes] = set()
        for batch in batches:
            rows = []
            for key, _, row in self._keyed(batch):
                digest = blake2b(key.encode(), digest_size=16).digest()
                if digest in seen:
                    self._count.duplicates += 1
                else:
                    seen.add(digest)
                    rows.append(row)
            yield Batch(batch.window, rows)

    def _greatest(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        kept: dict[str, tuple[tuple[Any, str], Any, Any]] = {}
        for batch in batches:
            for key, keep, row in self._keyed(batch):
                rank = (order_key(keep), _canonical(row))
                self._count.duplicates += key in kept
                if key not in kept or rank > kept[key][0]:
                    kept[key] = (rank, batch.window, row)
        by_window: dict[str, Batch] = {}
        for _, window, row in kept.values():
            by_window.setdefault(_canonical(window), Batch(window, [])).rows.append(row)
        for batch in by_window.values():
            for start in range(0, len(batch.rows), BATCH_ROWS):
                yield Batch(batch.window, batch.rows[start : start + BATCH_ROWS])

    def _keyed(self, batch: Batch) -> Iterator[tuple[str, Any, Any]]:
        for row, result in zip(batch.rows, self._program.run(batch.text()), strict=True):
            if isinstance(result, RowValues):
                yield _canonical(result.values[0]), result.values[1], row
            elif isinstance(result, RowError):
                self._count.reject(f"{result.expression}: {result.message}")


def order_key(value: Any) -> tuple[int, Any]:
    """A total order over JSON scalars, as jq sorts them: null, booleans, numbers, strings, then the rest as text."""
    if value is None or isinstance(value, bool):
        return (0 if value is None else 1, value or False)
    if isinstance(value, int | float):
        return (2, value)
    return (3, value) if isinstance(value, str) else (4, _canonical(value))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
