"""A stream read once: windows, pages, shaped rows, no duplicates; handed on in batches, so that memory stays flat.

A page is asked for while the one before is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from portcfg.errors import IncompleteError
from portcfg.sync.aliases import renamed
from portcfg.sync.daycount import DayCount, DayCounter
from portcfg.sync.flight import ahead
from portcfg.sync.jq_programs import BATCH_ROWS, Batch, RowError, RowExpander, RowProgram, RowValues, Scope
from portcfg.sync.paging import Ask, Pager
from portcfg.sync.spec import Dedupe, Stream
from portcfg.sync.watching import Doubt
from portcfg.sync.windows import DayRange, Window, slices

# Raw rows kept of a stream, for Port's mapping editor; as many as Ocean sends.
EXAMPLES = 5
_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode
# What a row that failed is handed to: why, its window, the row.
Refuse = Callable[[RowError, Any, Any], None]


@dataclass
class StreamCount:
    """What was read, for the report. Filled while the stream is read.

    `left_out` are raw rows of which `rows` made none, and rows of days that were not asked for; `summed`: some resource
    groups the rows. `expected` are the rows of the windows so far, 0 where the source doesn't say. `days` are the rows
    by UTC day, once all are read, where the stream says how to tell.
    """

    rows: int = 0
    shaped: int = 0
    left_out: int = 0
    duplicates: int = 0
    total: int | None = None
    expected: int = 0
    pages: int = 0
    truncated: bool = False
    refuse: Refuse = lambda error, window, row: None
    summed: bool = False
    days: dict[str, DayCount] = field(default_factory=dict)
    examples: list[Any] = field(default_factory=list)

    def reject(self, error: RowError, window: Any, row: Any) -> None:
        """Hand on a row that failed; raises IncompleteError where its absence would make a sum too small."""
        self.refuse(error, window, row)
        if self.summed:
            raise IncompleteError(
                f"a row could not be read, and sums are made of these rows: {error.text}",
                hint="nothing that depends on this stream was written",
            )


class StreamReader:
    """Reads one stream over the days of the run."""

    def __init__(
        self,
        stream: Stream,
        scope: Scope,
        ask: Ask,
        seen: Callable[[StreamCount], None],
        summed: bool,
        aliases: Mapping[str, str] | None = None,
        accepted: frozenset[Doubt] = frozenset(),
    ) -> None:
        """`accepted` are the doubts of earlier readings, see Pager."""
        self._stream = stream
        self._scope = scope
        self._pager = Pager(stream, scope, ask, accepted)
        self._expander = RowExpander(stream.rows, scope) if stream.rows else None
        self._seen = seen
        self._aliases = aliases or {}
        self._windows: list[Window] = []
        self._totals: list[int | None] = []
        self.count = StreamCount(summed=summed)

    def batches(self, days: DayRange, now: float) -> Iterator[Batch]:
        """All rows; raises ApiError or IncompleteError, after which what came before must not be used."""
        batches = self._shaped(days, now)
        if self._stream.dedupe:
            batches = self._deduped(batches, Deduper(self._stream.dedupe, self._scope, self.count.reject))
        if self._stream.day:
            batches = self._by_day(batches, DayCounter(self._stream.day, self._scope, self.count.reject))
        for batch in batches:
            self.count.shaped += len(batch.rows)
            yield batch

    def _deduped(self, batches: Iterator[Batch], deduper: Deduper) -> Iterator[Batch]:
        for batch in batches:
            yield deduper.feed(batch)
            self.count.duplicates = deduper.dropped
        yield from deduper.finish()

    def _by_day(self, batches: Iterator[Batch], counter: DayCounter) -> Iterator[Batch]:
        for batch in batches:
            before = counter.left_out
            yield Batch(batch.window, counter.feed(batch.window, batch.rows))
            self.count.left_out += counter.left_out - before
        self.count.days = counter.counts(self._windows, self._totals)

    def _shaped(self, days: DayRange, now: float) -> Iterator[Batch]:
        if self._stream.window is not None:
            self._windows = list(slices(days, self._stream.window, now))
        windows: Sequence[Window | None] = self._windows or [None]
        for window in windows:
            seen = window.as_json() if window else None
            for rows in self._raw(window):
                batch = Batch(seen, rows)
                yield self._expand(batch) if self._expander else batch
        self._pager.check()

    def _raw(self, window: Window | None) -> Iterator[list[Any]]:
        total: int | None = None
        for page in ahead(self._pager.pages(window)):
            self.count.pages += 1
            self.count.rows += len(page.rows)
            self.count.truncated |= page.more_unread
            self.count.examples += page.rows[: EXAMPLES - len(self.count.examples)]
            total = page.total
            self.count.expected = (self.count.total or 0) + (total or 0)
            self._seen(self.count)
            for start in range(0, len(page.rows), BATCH_ROWS):
                rows = page.rows[start : start + BATCH_ROWS]
                yield renamed(rows, self._aliases) if self._aliases else rows
        self._totals.append(total)
        if total is not None:
            self.count.total = (self.count.total or 0) + total

    def _expand(self, batch: Batch) -> Batch:
        assert self._expander is not None
        rows: list[Any] = []
        for row, result in zip(batch.rows, self._expander.run(batch), strict=True):
            if isinstance(result, RowError):
                self.count.reject(result, batch.window, row)
            else:
                self.count.left_out += not result
                rows += result
        return Batch(batch.window, rows)


class Deduper:
    """Drops rows with a key seen before; a key that is null is no key. With `keep` the rows are held until `finish`
    (memory by key); without it only a 16-byte digest of each key is."""

    def __init__(self, spec: Dedupe, scope: Scope, reject: Refuse) -> None:
        slots = {"dedupe.by": spec.by, "dedupe.keep": spec.keep or "null"}
        self._program = RowProgram(slots, scope)
        self._hold = bool(spec.keep)
        self._reject = reject
        self._seen: set[bytes] = set()
        self._kept: dict[str, tuple[Any, Any, Any]] = {}
        self.dropped = 0

    def feed(self, batch: Batch) -> Batch:
        """The rows of a batch that need not wait for later ones."""
        rows = []
        for key, keep, row in self._keyed(batch):
            if not key:
                rows.append(row)
            elif self._hold:
                self._hold_greatest(key, keep, row, batch.window)
            elif self._is_new(key):
                rows.append(row)
        return Batch(batch.window, rows)

    def finish(self) -> Iterator[Batch]:
        """The rows that were held, by window."""
        by_window: dict[str, Batch] = {}
        for _, window, row in self._kept.values():
            by_window.setdefault(_canonical(window), Batch(window, [])).rows.append(row)
        for batch in by_window.values():
            for start in range(0, len(batch.rows), BATCH_ROWS):
                yield Batch(batch.window, batch.rows[start : start + BATCH_ROWS])

    def _is_new(self, key: str) -> bool:
        digest = blake2b(key.encode(), digest_size=16).digest()
        new = digest not in self._seen
        self._seen.add(digest)
        self.dropped += not new
        return new

    def _hold_greatest(self, key: str, keep: Any, row: Any, window: Any) -> None:
        rank, before = order_key(keep), self._kept.get(key)
        self.dropped += before is not None
        # Of equals the row's text decides, so that the order of the pages doesn't.
        if before is None or rank > before[0] or (rank == before[0] and _canonical(row) > _canonical(before[2])):
            self._kept[key] = (rank, window, row)

    def _keyed(self, batch: Batch) -> Iterator[tuple[str, Any, Any]]:
        """(key, keep, row) of each row; the key is '' where it is null, or a list of nulls."""
        for row, result in zip(batch.rows, self._program.run(batch), strict=True):
            if isinstance(result, RowValues):
                key, keep = result.values
                parts = key if isinstance(key, list) else [key]
                yield "" if all(part is None for part in parts) else _canonical(key), keep, row
            elif isinstance(result, RowError):
                self._reject(result, batch.window, row)


def order_key(value: Any) -> tuple[int, Any]:
    """A total order over JSON scalars, as jq sorts them: null, booleans, numbers, strings, then the rest as text."""
    if value is None or isinstance(value, bool):
        return (0 if value is None else 1, value or False)
    if isinstance(value, int | float):
        return (2, value)
    return (3, value) if isinstance(value, str) else (4, _canonical(value))
