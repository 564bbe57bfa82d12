"""The record of every stream and day, kept in Port as entities of SYNC_BLUEPRINT; one of a stream that is refused, and
one of a stream without days that lookups use.

It says what was read and written to its end, so that the next run knows what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

from portcfg.client import PortReader, PortWriter
from portcfg.errors import ApiError
from portcfg.sync.coverage import OPEN, REFUSED, SETTLED, DayRecord, Known, StreamDays, state_of
from portcfg.sync.daycount import DayCount
from portcfg.sync.entities import instant, safe_identifier
from portcfg.sync.spec import SyncMapping
from portcfg.sync.write import BulkWriter, create_blueprint

SYNC_BLUEPRINT = "portcfg_sync_day"
SHOWN_CHANGES = 10
# The state of a stream without days: that it was read, once or many times.
READ = "read"
_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_STATES = {OPEN: "yellow", SETTLED: "green", REFUSED: "lightGray", READ: "green"}
BLUEPRINT_BODY: dict[str, Any] = {
    "identifier": SYNC_BLUEPRINT,
    "title": "portcfg sync day",
    "icon": "Clock",
    "description": "Which days `portcfg sync` has read, stream by stream. Kept by portcfg itself; a record that is "
    "deleted is made again, by reading its day again.",
    "schema": {
        "properties": {
            "mapping": {**_TEXT, "title": "Mapping"},
            "stream": {**_TEXT, "title": "Stream", "description": "What was asked for at the source"},
            "day": {**_TIME, "title": "Day (UTC)"},
            "rows": {"type": "number", "title": "Rows", "description": "Rows of this day that were used"},
            "state": {
                **_TEXT,
                "title": "State",
                "description": "settled: read when no more could come; open: will be read again; not in plan: the "
                "source refused the stream up to this day; read: a stream without days was read",
                "enum": list(_STATES),
                "enumColors": _STATES,
            },
            "total": {
                "type": "number",
                "title": "Rows stated",
                "description": "What the source said it has in the days asked for at once, all of which was read",
            },
            "window": {**_TEXT, "title": "Days asked for at once"},
            "digest": {**_TEXT, "title": "Digest", "description": "Changes when any row of the day does"},
            "read_at": {**_TIME, "title": "Read at", "description": "When the day was first read as it is here"},
            "run": {**_TEXT, "title": "Run"},
        },
        "required": ["mapping", "stream", "day", "state"],
    },
}


@dataclass(frozen=True)
class Records:
    """What Port has: the days of the streams that have any, and which streams without days were ever read."""

    days: Known
    tables: frozenset[str]


def read_records(port: PortReader, mapping: SyncMapping, now: float, exists: bool) -> Records:
    """What is recorded of the mapping's streams: one request for each 1,000 records, and none where the blueprint
    doesn't exist.

    The record of a day from after `now` (epoch seconds) was made by a clock that was wrong, and says nothing.
    """
    streams, undated = recorded_streams(mapping), table_streams(mapping)
    tables: set[str] = set()
    days: dict[str, dict[date, DayRecord]] = {name: {} for name in streams}
    refused: dict[str, date] = {}
    for entity in _entities(port, mapping.identifier) if (streams or undated) and exists else ():
        properties = entity.get("properties") or {}
        if properties.get("stream") in undated and properties.get("state") != REFUSED:
            tables.add(properties["stream"])
        record, stream = _record(properties)
        if stream not in days or record is None or record.read_at > now:
            continue
        if record.state == REFUSED:
            refused[stream] = record.day
        else:
            days[stream][record.day] = record
    return Records({name: StreamDays(days[name], refused.get(name)) for name in streams}, frozenset(tables))


def recorded_streams(mapping: SyncMapping) -> list[str]:
    """The streams of which days are recorded: those that say what a row's day is, and are used."""
    used = {*(item.stream for item in mapping.resources), *(item.stream for item in mapping.lookups)}
    return [name for name, stream in mapping.streams.items() if stream.day and name in used]


def table_streams(mapping: SyncMapping) -> frozenset[str]:
    """The streams without days that lookups use: what their rows are used for is lost without them."""
    return frozenset(item.stream for item in mapping.lookups if not mapping.streams[item.stream].day)


def _entities(port: PortReader, mapping: str) -> Iterator[dict[str, Any]]:
    query = {"combinator": "and", "rules": [{"property": "mapping", "operator": "=", "value": mapping}]}
    wanted = ["$identifier", "stream", "day", "rows", "digest", "state", "read_at"]
    return port.entities(SYNC_BLUEPRINT, include=wanted, query=query)


def _record(properties: Mapping[str, Any]) -> tuple[DayRecord | None, str]:
    """A record and its stream; None for one that somebody has damaged, which is as good as none."""
    day, read_at = instant(str(properties.get("day"))), instant(str(properties.get("read_at")))
    rows, state = properties.get("rows"), str(properties.get("state"))
    if day is None or read_at is None or state not in _STATES or (rows is None and state != REFUSED):
        return None, ""
    record = DayRecord(day.date(), int(rows or 0), str(properties.get("digest")), state, read_at.timestamp())
    return record, str(properties.get("stream"))


@dataclass
class DayBook:
    """Writes down the days of one run, which `run` names. `known` are the days that were recorded before it, `read` the
    streams that were ever read, by this run, too; `exists` says whether Port has the blueprint."""

    mapping: SyncMapping
    known: Known
    read: set[str]
    now: float
    run: str
    exists: bool

    @classmethod
    def of(cls, mapping: SyncMapping, records: Records, now: float, run: str, exists: bool) -> DayBook:
        """The book at the beginning of a run."""
        read = {*records.tables, *(name for name, stream in records.days.items() if stream.days)}
        return cls(mapping, records.days, read, now, run, exists)

    def first_read(self, streams: Iterable[str]) -> list[str]:
        """Which of the streams that were just read have no days, feed lookups, and were never read before."""
        new = sorted(table_streams(self.mapping) & set(streams) - self.read)
        self.read.update(streams)
        return new

    def changed_days(self, read: Mapping[str, Mapping[str, DayCount]]) -> list[str]:
        """What differs from a day that was settled, in words: late data, or a mapping that reads it otherwise."""
        found = [
            f"{stream} {day}: settled with {before.rows:,} row(s), and now has {count.rows:,}"
            + (", of which some differ" if before.rows == count.rows else "")
            for stream, counts in read.items()
            for day, count in counts.items()
            if (before := self._before(stream, day)) and before.state == SETTLED and before.digest != count.digest
        ]
        more = [f"... and {len(found) - SHOWN_CHANGES:,} more settled days that are not as they were"]
        return [*found[:SHOWN_CHANGES], *(more if len(found) > SHOWN_CHANGES else [])]

    def record(self, port: PortWriter, wanted: list[dict[str, Any]]) -> str:
        """Write the records. Returns why some of it isn't recorded, or ''."""
        try:
            if wanted and not self.exists:
                create_blueprint(port, BLUEPRINT_BODY)
                self.exists = True
            writer = BulkWriter(port, SYNC_BLUEPRINT)
            writer.write(wanted)
        except ApiError as error:
            return error.message
        return next((reason for _, reason in writer.written.refused.values()), "")

    def wanted(
        self, read: Mapping[str, Mapping[str, DayCount]], refused: Sequence[str], tables: Sequence[str], last: date
    ) -> list[dict[str, Any]]:
        """The records that aren't in Port as they should be: of the days that were read and written, by stream, of
        streams that are refused up to the day `last`, and of `tables`, streams without days that were first read."""
        bodies = [self._body(name, day, count) for name, days in read.items() for day, count in days.items()]
        bodies += [self._dayless(name, last, REFUSED) for name in refused if self._is_news(name, last)]
        bodies += [self._dayless(name, last, READ) for name in tables]
        return [body for body in bodies if body]

    def _before(self, stream: str, day: str) -> DayRecord | None:
        return self.known[stream].days.get(date.fromisoformat(day)) if stream in self.known else None

    def missed(self, refused: Sequence[str]) -> list[str]:
        """What a person should know of streams that are refused though they were read before."""
        return [
            f"{name}: refused, though it was read until {max(self.known[name].days)}; once it is allowed again, a run "
            "reads all days since (if it never will be, take it out of the mapping)"
            for name in refused
            if self._was_read(name)
        ]

    def _was_read(self, stream: str) -> bool:
        return stream in self.known and bool(self.known[stream].days)

    def _is_news(self, stream: str, day: date) -> bool:
        # One that was read is in the plan: its days are still to be read.
        if stream not in self.known or self._was_read(stream):
            return False
        until = self.known[stream].refused_until
        return until is None or until < day

    def _body(self, stream: str, day: str, count: DayCount) -> dict[str, Any]:
        """The record of a day; empty where the one in Port says the same."""
        before = self._before(stream, day)
        state = state_of(date.fromisoformat(day), self.now, self.mapping.settle_days)
        if before and (before.rows, before.digest, before.state) == (count.rows, count.digest, state):
            return {}
        more = {"rows": count.rows, "total": count.total, "window": count.window, "digest": count.digest}
        return self._entity(f"{self.mapping.identifier}:{stream}:{day}", stream, day, state, more)

    def _dayless(self, stream: str, day: date, state: str) -> dict[str, Any]:
        return self._entity(f"{self.mapping.identifier}:{stream}", stream, day.isoformat(), state, {})

    def _entity(self, name: str, stream: str, day: str, state: str, more: Mapping[str, Any]) -> dict[str, Any]:
        properties = {
            "mapping": self.mapping.identifier,
            "stream": stream,
            "day": f"{day}T00:00:00Z",
            "state": state,
            "read_at": datetime.fromtimestamp(self.now, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "run": self.run,
            **more,
        }
        title = f"{self.mapping.identifier} {stream} {day}"
        return {"identifier": _identifier(name), "title": title, "properties": properties}


def _identifier(name: str) -> str:
    """`name` in Port's alphabet; where that changes it, with a mark that keeps different names apart."""
    safe = safe_identifier(name)
    return safe if safe == name else f"{safe}:{blake2b(name.encode(), digest_size=4).hexdigest()}"
