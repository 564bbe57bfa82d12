"""The reading half of a run: every stream once, lookups first, each stream failing alone."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from portcfg.errors import ApiError, IncompleteError, TerminalApiError
from portcfg.sync.daycount import DayCount
from portcfg.sync.entities import doubt_of
from portcfg.sync.fragments import Fragment, Key, Origin
from portcfg.sync.jq_programs import Batch, JqError, RowError, Scope
from portcfg.sync.mapper import MapperTools, ResourceMapper
from portcfg.sync.privacy import Pseudonyms
from portcfg.sync.quarantine import Mark, Quarantine
from portcfg.sync.report import Progress, Reject, StreamReport, StreamStatus
from portcfg.sync.source import SourceClient
from portcfg.sync.spec import Stream, SyncMapping, SyncResource
from portcfg.sync.streams import StreamCount, StreamReader
from portcfg.sync.taking import LookupRows, Mapped, Taker, lookups_of
from portcfg.sync.watching import ChangedError, Doubt
from portcfg.sync.windows import DayRange, window

Report = Callable[[Progress], None]
Took = TypeVar("Took", bound=Taker)
# How often a stream is read, at most, that changes while it is.
READINGS = 3
REFUSED_STATUSES = (401, 403)
WAS_READ = (
    "it was read before, and what looks into it would be written as if nothing were there, so it isn't; if your plan "
    "will never have it again, delete what `portcfg_sync_day` in Port has of this stream"
)


@dataclass(frozen=True)
class Failed:
    """A resource that lacks rows or a lookup, because `stream` could not be read to its end."""

    resource: SyncResource
    stream: str


@dataclass
class Intake:
    """What the source gave. `unread` are resources that may lack rows: their stream is not in the plan, or a row failed
    of which nobody knows where it belongs. `broken` are entities of which a row failed (see ResourceMapper). `days` are
    by stream, then by day. `examples` are the first raw rows of each stream.
    """

    fragments: list[Fragment] = field(default_factory=list)
    streams: list[StreamReport] = field(default_factory=list)
    mappers: list[ResourceMapper] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    unread: list[SyncResource] = field(default_factory=list)
    broken: dict[Key, bool] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    days: dict[str, Mapping[str, DayCount]] = field(default_factory=dict)
    examples: dict[str, list[Any]] = field(default_factory=dict)


@dataclass
class _Reading:
    """One stream while it is read. `rows` are kept for the resources of a stream that is read for a lookup first."""

    stream: Stream
    status: StreamStatus = StreamStatus.READ
    message: str = ""
    requests: int = 0
    count: StreamCount = field(default_factory=StreamCount)
    rows: list[Batch] = field(default_factory=list)
    partial: bool = False


class Reader:
    """Reads the streams of a mapping over the days of a run. `read_before` are the streams that were ever read."""

    def __init__(
        self,
        mapping: SyncMapping,
        source: SourceClient,
        days: DayRange,
        now: float,
        report: Report,
        quarantine: Quarantine | None = None,
        blueprints: Mapping[str, Mapping[str, Any]] | None = None,
        pseudonyms: Pseudonyms | None = None,
        read_before: Container[str] = (),
    ) -> None:
        self._mapping = mapping
        self._read_before = read_before
        self._source = source
        self._days = days
        self._now = now
        self._report = report
        self._run_window = window(days, 0, now).as_json()
        self._scope = Scope(mapping.variables, now)
        self._readings: dict[str, _Reading] = {}
        self._refusals: list[TerminalApiError] = []
        self._quarantine = quarantine or Quarantine()
        self._pseudonyms = pseudonyms
        # What the resources see; the streams' own expressions see people as they are.
        self._shown = self._scope
        self._doubt = doubt_of(blueprints or {}, mapping.merge)
        self.intake = Intake(unread=list(mapping.left_out))

    def read(self) -> Intake:
        """Everything; raises the source's refusal when it refused every stream."""
        self._read_lookups()
        for name in {resource.stream: None for resource in self._mapping.resources}:
            self._read_stream(name)
        for reading in self._readings.values():
            self._note(reading)
        if self._refusals and len(self._refusals) == len(self._readings):
            self._refusals[0].message = self._told(self._refusals[0].message)
            raise self._refusals[0]
        return self.intake

    def _read_lookups(self) -> None:
        tables: dict[str, dict[str, list[Any]]] = {lookup.name: {} for lookup in self._mapping.lookups}
        for name in {lookup.stream: None for lookup in self._mapping.lookups}:
            wanted = [lookup for lookup in self._mapping.lookups if lookup.stream == name]
            reading = self._begin(name)
            shared = any(resource.stream == name for resource in self._mapping.resources)
            taken = self._consume(reading, partial(LookupRows, wanted, self._scope, shared))
            reading.rows = taken.batches
            if reading.status is StreamStatus.READ:
                tables.update(taken.tables)
        self._scope = self._shown = Scope({**self._mapping.variables, "lookup": tables}, self._now)
        if self._pseudonyms:
            shown = self._pseudonyms.addresses(self._mapping.variables)
            self._shown = Scope({**shown, "lookup": self._pseudonyms.row(tables)}, self._now)

    def _read_stream(self, name: str) -> None:
        before = self._readings.get(name)
        reading = before or self._begin(name)
        tools = MapperTools(self._shown, self._run_window, self._quarantine, self._doubt)
        taker = partial(Mapped, self._mapping, name, tools, self._pseudonyms)
        taken = taker()
        if before is None:
            taken = self._consume(reading, taker)
        elif reading.status is StreamStatus.READ:
            self._attempt(reading, lambda: _replay(reading.rows, taken))
        if reading.status is StreamStatus.READ:
            self._keep(taken.mappers, taken.fragments)
        elif reading.status is StreamStatus.FAILED:
            self.intake.failed += [Failed(mapper.resource, name) for mapper in taken.mappers]
        else:
            self.intake.unread += [mapper.resource for mapper in taken.mappers]

    def _keep(self, mappers: list[ResourceMapper], fragments: list[Fragment]) -> None:
        self.intake.mappers += mappers
        self.intake.fragments += fragments
        for mapper in mappers:
            for key, again in mapper.failures.broken.items():
                self.intake.broken[key] = again and self.intake.broken.get(key, True)
            if mapper.failures.partial or self._readings[mapper.resource.stream].partial:
                self.intake.unread.append(mapper.resource)
            self.intake.notices += mapper.notices()
            if lacking := self._failed_lookup(mapper.resource):
                self.intake.failed.append(Failed(mapper.resource, lacking))

    def _failed_lookup(self, resource: SyncResource) -> str:
        """The failed stream of a lookup that the resource uses, or ''."""
        used = lookups_of(resource, self._mapping.streams[resource.stream])
        streams = [lookup.stream for lookup in self._mapping.lookups if used is None or lookup.name in used]
        return next((name for name in streams if self._readings[name].status is StreamStatus.FAILED), "")

    def _begin(self, name: str) -> _Reading:
        reading = self._readings[name] = _Reading(self._mapping.streams[name])
        return reading

    def _consume(self, reading: _Reading, taker: Callable[[], Took]) -> Took:
        """Ask for one stream, feed its batches to a taker, and note how it went.

        A stream that changes meanwhile is read once more, by a new taker and a new count: what was taken before is a
        mixture.
        """
        requests_before = sum(self._source.requests_made.values())
        mark, accepted = self._quarantine.mark(), frozenset[Doubt]()
        for left in reversed(range(READINGS)):
            taken = taker()
            changed = self._attempt(reading, partial(self._take, reading, taken, accepted))
            if changed is None or not left:
                break
            accepted |= changed.doubts
            self._begin_again(reading, changed, mark)
        reading.requests = sum(self._source.requests_made.values()) - requests_before
        return taken

    def _take(self, reading: _Reading, taken: Taker, accepted: frozenset[Doubt]) -> None:
        stream = reading.stream
        summed = any(item.group_by for item in self._mapping.resources if item.stream == stream.name)
        progress = partial(self._progress, stream)
        aliases = self._mapping.aliases
        reader = StreamReader(stream, self._scope, self._source.ask, progress, summed, aliases, accepted)
        reading.count = reader.count
        reader.count.refuse = partial(self._refused_row, reading)
        for batch in reader.batches(self._days, self._now):
            taken.feed(batch)
        taken.finish()

    def _begin_again(self, reading: _Reading, changed: ChangedError, mark: Mark) -> None:
        self.intake.notices.append(f"{self._told(changed.message)}; it was read once more from the first page")
        reading.status, reading.message, reading.partial = StreamStatus.READ, "", False
        self._quarantine.back_to(mark)
        self._source.forget(reading.stream.path)

    def _refused_row(self, reading: _Reading, error: RowError, window: Any, row: Any) -> None:
        reading.partial = True
        name = reading.stream.name
        # A row that isn't in a sum can be made again; which of several rows counts can't be told from one of them.
        again = error.expression == "rows" and not reading.count.summed
        reason = error.text
        if self._pseudonyms:
            # Of a pseudonym `rows` couldn't tell the team any more.
            again, row, reason = False, self._pseudonyms.row(row), self._pseudonyms.text(reason)
        entry = "raw" if again else "evidence"
        reject = Reject(f"stream {name}", "", "", reason, error.expression)
        self._quarantine.reject_row(reject, Origin(entry, name, "", window, row))

    def _attempt(self, reading: _Reading, work: Callable[[], None]) -> ChangedError | None:
        """Do it and note how it went; the error where reading again may help."""
        try:
            work()
        except RecursionError:
            reading.status, reading.message = StreamStatus.FAILED, "an answer is nested too deeply to be read"
        except (ApiError, IncompleteError, JqError) as error:
            reading.status, reading.message = StreamStatus.FAILED, self._told(_with_hint(error.message, error.hint))
            if isinstance(error, TerminalApiError) and error.status in REFUSED_STATUSES and reading.count.pages == 0:
                self._refused(reading, error)
            return error if isinstance(error, ChangedError) else None
        return None

    def _refused(self, reading: _Reading, error: TerminalApiError) -> None:
        """A stream that isn't in the plan, unless the run can't do without it."""
        stream = reading.stream
        # Told first is what the run can't do without.
        self._refusals.insert(0 if stream.required else len(self._refusals), error)
        if any(item.stream == stream.name for item in self._mapping.lookups) and stream.name in self._read_before:
            reading.message = self._told(_with_hint(error.message, WAS_READ))
        elif not stream.required:
            reading.status, reading.message = StreamStatus.NOT_IN_PLAN, self._told(error.message)

    def _told(self, message: str) -> str:
        """A message as people may see it: without the key, which a value may hold, and without addresses."""
        shown = self._source.mask.text(message)
        return self._pseudonyms.text(shown.replace("%40", "@")) if self._pseudonyms else shown

    def _note(self, reading: _Reading) -> None:
        name, count, intake = reading.stream.name, reading.count, self.intake
        intake.examples[name] = count.examples
        if reading.status is StreamStatus.READ:
            intake.days[name] = count.days
        elif reading.status is StreamStatus.NOT_IN_PLAN:
            intake.notices.append(f"{name}: not in your plan ({reading.message}); the rest goes on")
        if count.truncated:
            intake.notices.append(
                f"{name}: the source says there are more rows than this one page; give it `pagination`"
            )
        intake.streams.append(
            StreamReport(
                name=name,
                status=reading.status,
                requests=reading.requests,
                pages=count.pages,
                rows=count.rows,
                kept=count.shaped,
                duplicates=count.duplicates,
                total=count.total,
                message=reading.message,
                left_out=count.left_out,
                days={day: counted.rows for day, counted in count.days.items()},
            )
        )

    def _progress(self, stream: Stream, count: StreamCount) -> None:
        self._report(Progress("read", stream.name, count.rows, count.expected, count.pages))


def _replay(batches: list[Batch], taken: Taker) -> None:
    for batch in batches:
        taken.feed(batch)
    taken.finish()


def _with_hint(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message
