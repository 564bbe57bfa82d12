"""The reading half of a run: every stream once, lookups first, each stream failing alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from portcfg.errors import ApiError, IncompleteError, TerminalApiError
from portcfg.sync.fragments import Fragment
from portcfg.sync.jq_programs import JqError, RowError, RowProgram, RowValues, Scope
from portcfg.sync.jq_text import variables
from portcfg.sync.mapper import ResourceMapper
from portcfg.sync.report import Progress, Reject, StreamReport, StreamStatus
from portcfg.sync.source import SourceClient
from portcfg.sync.spec import Lookup, Stream, SyncMapping, SyncResource
from portcfg.sync.streams import StreamCount, StreamReader
from portcfg.sync.windows import DayRange, window

Report = Callable[[Progress], None]
REFUSED_STATUSES = (401, 403)


@dataclass
class Intake:
    """What the source gave. `failed` are resources whose stream or lookup could not be read to its end."""

    fragments: list[Fragment] = field(default_factory=list)
    streams: list[StreamReport] = field(default_factory=list)
    mappers: list[ResourceMapper] = field(default_factory=list)
    failed: list[SyncResource] = field(default_factory=list)
    unread: list[SyncResource] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    refusals: list[TerminalApiError] = field(default_factory=list)


class Reader:
    """Reads the streams of a mapping over the days of a run."""

    def __init__(self, mapping: SyncMapping, source: SourceClient, days: DayRange, now: float, report: Report) -> None:
        self._mapping = mapping
        self._source = source
        self._days = days
        self._now = now
        self._report = report
        self._run_window = window(days, 0, now).as_json()
        self._scope = Scope(mapping.variables, now)
        self._lookup_failed = False
        self.intake = Intake()

    def read(self) -> Intake:
        """Everything; raises the source's refusal when it let no stream through."""
        self._read_lookups()
        used = {resource.stream: None for resource in self._mapping.resources}
        for name in used:
            self._read_stream(self._mapping.streams[name])
        if self.intake.refusals and not any(item.status is StreamStatus.READ for item in self.intake.streams):
            raise self.intake.refusals[0]
        self.intake.notices += [
            f"{item.name}: not in your plan ({item.message}); the rest goes on"
            for item in self.intake.streams
            if item.status is StreamStatus.NOT_IN_PLAN
        ]
        return self.intake

    def _read_lookups(self) -> None:
        tables: dict[str, dict[str, list[Any]]] = {lookup.name: {} for lookup in self._mapping.lookups}
        for name in {lookup.stream: None for lookup in self._mapping.lookups}:
            stream = self._mapping.streams[name]
            wanted = [lookup for lookup in self._mapping.lookups if lookup.stream == name]
            rows = _LookupRows(wanted, self._scope)
            status = self._consume(stream, [], rows)
            if status is StreamStatus.READ:
                tables.update(rows.tables)
            self._lookup_failed |= status is StreamStatus.FAILED
        self._scope = Scope({**self._mapping.variables, "lookup": tables}, self._now)

    def _read_stream(self, stream: Stream) -> None:
        mappers = [
            ResourceMapper(resource, order, self._scope, self._run_window)
            for order, resource in enumerate(self._mapping.resources)
            if resource.stream == stream.name
        ]
        fragments: list[Fragment] = []
        sink = _MapperRows(mappers, fragments)
        status = self._consume(stream, [mapper.resource for mapper in mappers], sink)
        if status is StreamStatus.READ:
            for mapper in mappers:
                fragments += mapper.finish()
            self._keep(mappers, fragments)

    def _keep(self, mappers: Sequence[ResourceMapper], fragments: list[Fragment]) -> None:
        self.intake.mappers += mappers
        self.intake.fragments += fragments
        for mapper in mappers:
            self.intake.rejects += mapper.count.rejects
            label = mapper.resource.label
            for name, times in mapper.count.several_outputs.items():
                self.intake.notices.append(f"{label}: `{name}` gave several values {times} times; the first was used")
            stream = self._mapping.streams[mapper.resource.stream]
            if self._lookup_failed and _uses_lookup(mapper.resource, stream):
                self.intake.failed.append(mapper.resource)

    def _consume(self, stream: Stream, resources: list[SyncResource], sink: _Sink) -> StreamStatus:
        """Read one stream into the sink, and report how it went."""
        requests_before = sum(self._source.requests_made.values())
        reader: StreamReader | None = None
        status, message = StreamStatus.READ, ""
        try:
            summed = any(resource.group_by for resource in resources)
            reader = StreamReader(stream, self._scope, self._source.ask, partial(self._progress, stream), summed)
            for batch in reader.batches(self._days, self._now):
                sink.feed(batch)
        except (ApiError, IncompleteError, JqError) as error:
            status, message = self._outcome(stream, reader, error), error.message
        requests = sum(self._source.requests_made.values()) - requests_before
        count = reader.count if reader else StreamCount()
        self._note(stream, count, status)
        self.intake.streams.append(_report(stream.name, status, requests, count, message))
        if status is StreamStatus.FAILED:
            self.intake.failed += resources
        elif status is StreamStatus.NOT_IN_PLAN:
            self.intake.unread += resources
        return status

    def _outcome(self, stream: Stream, reader: StreamReader | None, error: Exception) -> StreamStatus:
        refused = isinstance(error, TerminalApiError) and error.status in REFUSED_STATUSES
        nothing_read = reader is not None and reader.count.pages == 0
        if not (refused and nothing_read):
            return StreamStatus.FAILED
        assert isinstance(error, TerminalApiError)
        self.intake.refusals.append(error)
        return StreamStatus.FAILED if stream.required else StreamStatus.NOT_IN_PLAN

    def _note(self, stream: Stream, count: StreamCount, status: StreamStatus) -> None:
        if status is StreamStatus.READ:
            self.intake.rejects += [Reject(f"stream {stream.name}", "", "", reason) for reason in count.rejected]
        if count.truncated:
            self.intake.notices.append(
                f"{stream.name}: the source says there are more rows than this one page; give it `pagination`"
            )

    def _progress(self, stream: Stream, count: StreamCount) -> None:
        self._report(Progress("read", stream.name, count.rows, count.total or 0))


class _Sink:
    """Takes the batches of a stream."""

    def feed(self, batch: Any) -> None:
        """One batch."""
        raise NotImplementedError


class _MapperRows(_Sink):
    """Rows for resources: each batch is serialised once for all of them."""

    def __init__(self, mappers: Sequence[ResourceMapper], fragments: list[Fragment]) -> None:
        self._mappers = mappers
        self._fragments = fragments

    def feed(self, batch: Any) -> None:
        text = batch.text()
        for mapper in self._mappers:
            self._fragments += mapper.feed(batch, text)


class _LookupRows(_Sink):
    """Rows for lookups: each becomes an entry of `$lookup.<name>[key]`, a list of values in row order."""

    def __init__(self, lookups: Iterable[Lookup], scope: Scope) -> None:
        self._programs = {
            lookup.name: RowProgram({"key": lookup.key, "value": lookup.value}, scope) for lookup in lookups
        }
        self.tables: dict[str, dict[str, list[Any]]] = {name: {} for name in self._programs}

    def feed(self, batch: Any) -> None:
        for name, program in self._programs.items():
            for result in program.run(batch.text()):
                if isinstance(result, RowError):
                    raise JqError(f"lookup {name}: {result.expression}: {result.message}")
                if isinstance(result, RowValues) and isinstance(result.values[0], str):
                    self.tables[name].setdefault(result.values[0], []).append(result.values[1])


def _uses_lookup(resource: SyncResource, stream: Stream) -> bool:
    return any("lookup" in variables(text) for text in [*resource.expressions(), stream.rows])


def _report(name: str, status: StreamStatus, requests: int, count: StreamCount, message: str) -> StreamReport:
    report = StreamReport(name, status, requests, count.pages, count.rows, message=message)
    return replace(report, kept=count.shaped, duplicates=count.duplicates, total=count.total)
