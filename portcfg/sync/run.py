"""One sync, start to end: read the source, make entities, compare with Port, write what changed.

Nothing is deleted. A blueprint that a failed resource writes is held back as a whole, because each of its entities may
lack what that resource would have said; a resource whose stream is not in the plan says nothing, and the rest goes on.
A run that was cut off is finished by the next one: it compares anew and writes what is still missing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from portcfg.client import PortReader, PortWriter
from portcfg.errors import UsageError
from portcfg.retry import RetryPolicy
from portcfg.sync.deliver import Delivery, Tally
from portcfg.sync.entities import filled, made_of
from portcfg.sync.fragments import Entity
from portcfg.sync.intake import Failed, Intake, Reader
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.report import Progress, SyncReport
from portcfg.sync.source import SourceClient
from portcfg.sync.spec import SyncMapping
from portcfg.sync.targets import Blueprints, check_resources, missing_fields, raise_missing, read_blueprints
from portcfg.sync.windows import DEFAULT_DAYS, DayRange, day_range


@dataclass(frozen=True)
class SyncOptions:
    """How to run. Days are UTC; `now` is in epoch seconds and frozen for the run; `retry` carries the clocks."""

    first_day: date | None = None
    last_day: date | None = None
    days: int | None = None
    dry_run: bool = False
    now: float = field(default_factory=time.time)
    retry: RetryPolicy = field(default_factory=RetryPolicy)


def run_sync(
    mapping: SyncMapping,
    source_env: Mapping[str, str],
    port: PortReader,
    options: SyncOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
    source: SourceClient | None = None,
    quarantine: Quarantine | None = None,
) -> SyncReport:
    """Run the mapping. `source_env` holds the values of the environment variables that `source.auth` names.

    `source` takes the place of the HTTP client made of the mapping's `source`; `quarantine` keeps what is rejected.

    Raises PortcfgError when nothing could be begun: days that make no sense, a missing key, a source that refuses every
    stream, a Port that doesn't give its blueprints, blueprints that don't have what the mapping writes. Everything
    else, a Port that fails later on included, is in the report, whose `exit_code` says how it ended.
    """
    options = options or SyncOptions()
    if not options.dry_run and not isinstance(port, PortWriter):
        raise UsageError("this session with Port can only read; a sync that writes needs a PortWriter")
    days = day_range(options.now, options.first_day, options.last_day, options.days, default_days(mapping))
    client = source or SourceClient(mapping.source, source_env, options.retry)
    report = progress or (lambda _: None)
    client.on_wait = lambda reason, seconds: report(Progress("wait", reason, math.ceil(seconds)))
    quarantine = quarantine or Quarantine()
    quarantine.begin(mapping, options.now, days.first.isoformat(), days.last.isoformat())
    try:
        return _Run(mapping, client, port, options, days, report, quarantine).run()
    finally:
        client.close()
        quarantine.close(options.retry.wall())


def default_days(mapping: SyncMapping) -> int:
    """How many days a run covers when nobody says: the longest window of the mapping's streams."""
    return max((stream.window.days for stream in mapping.streams.values() if stream.window), default=DEFAULT_DAYS)


class _Run:
    def __init__(
        self,
        mapping: SyncMapping,
        source: SourceClient,
        port: PortReader,
        options: SyncOptions,
        days: DayRange,
        progress: Callable[[Progress], None],
        quarantine: Quarantine,
    ) -> None:
        self._quarantine = quarantine
        self._mapping = mapping
        self._source = source
        self._port = port
        self._options = options
        self._days = days
        self._progress = progress
        self._tallies: dict[str, Tally] = {}

    def run(self) -> SyncReport:
        started, requests = self._options.retry.monotonic(), self._port.requests_made
        blueprints = read_blueprints(self._port)
        check_resources(self._mapping.resources, blueprints)
        intake = self._read(blueprints)
        self._quarantine.silent = partial(_silent, intake)
        by_blueprint = self._entities(intake)
        raise_missing(missing_fields((item for items in by_blueprint.values() for item in items), blueprints))
        dry_run, quarantine = self._options.dry_run, self._quarantine
        delivery = Delivery(self._port, self._mapping, blueprints, self._tallies, self._progress, dry_run, quarantine)
        delivery.deliver(by_blueprint, partial(_silent, intake))
        dropped = [f"{text} ({count})" for text, count in delivery.dropped.items()]
        seconds = self._options.retry.monotonic() - started
        return self._report(intake, dropped, self._port.requests_made - requests, seconds)

    def _read(self, blueprints: Blueprints) -> Intake:
        now, quarantine = self._options.now, self._quarantine
        return Reader(self._mapping, self._source, self._days, now, self._progress, quarantine, blueprints).read()

    def _entities(self, intake: Intake) -> dict[str, list[Entity]]:
        """Merged entities by blueprint, without the blueprints that are held back."""
        self._count_fragments(intake)
        held = self._held(intake.failed)
        fragments = [item for item in intake.fragments if item.blueprint not in held]
        broken = {key: again for key, again in intake.broken.items() if key[0] not in held}
        found: dict[str, list[Entity]] = {}
        for entity in made_of(fragments, broken, self._mapping.merge, self._quarantine):
            found.setdefault(entity.blueprint, []).append(entity)
        return {name: [filled(item, self._fill(intake, name)) for item in items] for name, items in found.items()}

    def _count_fragments(self, intake: Intake) -> None:
        for resource in self._mapping.resources:
            if resource.blueprint:
                self._tally(resource.blueprint)
        for fragment in intake.fragments:
            self._tally(fragment.blueprint).fragments += 1
        for mapper in intake.mappers:
            if mapper.count.no_identifier and mapper.resource.blueprint:
                self._tally(mapper.resource.blueprint).skipped["without an identifier"] += mapper.count.no_identifier

    def _held(self, failed: list[Failed]) -> set[str]:
        """The blueprints of failed resources; all of them when one could write any, since its rows name it."""
        streams: dict[str, dict[str, None]] = {}
        for item in failed:
            for name in [item.resource.blueprint] if item.resource.blueprint else list(self._tallies):
                streams.setdefault(name, {})[item.stream] = None
        for name, causes in streams.items():
            self._tally(name).held = f"{' and '.join(causes)} could not be read to the end"
        return set(streams)

    def _fill(self, intake: Intake, blueprint: str) -> dict[str, Any]:
        """The fill values whose every writer was read: only then does silence mean zero."""
        silent = _silent(intake, blueprint)
        return {name: value for name, value in self._mapping.fill.get(blueprint, {}).items() if name not in silent}

    def _tally(self, blueprint: str) -> Tally:
        return self._tallies.setdefault(blueprint, Tally())

    def _report(self, intake: Intake, dropped: list[str], port_requests: int, seconds: float) -> SyncReport:
        windowed = any(self._mapping.streams[item.name].window for item in intake.streams)
        asked = self._options.first_day or self._options.last_day or self._options.days
        notices = (
            [] if windowed or not asked else ["no stream has a `window`: the days that were asked for changed nothing"]
        )
        return SyncReport(
            mapping=self._mapping.identifier,
            dry_run=self._options.dry_run,
            first_day=self._days.first.isoformat() if windowed else "",
            last_day=self._days.last.isoformat() if windowed else "",
            streams=tuple(intake.streams),
            blueprints=tuple(
                tally.report(name, self._quarantine.rejected_in(name)) for name, tally in sorted(self._tallies.items())
            ),
            rejected=self._quarantine.groups(),
            quarantine=self._quarantine.kept,
            notices=(*intake.notices, *notices, *dropped),
            source_requests=sum(self._source.requests_made.values()),
            source_retries=self._source.retries,
            port_requests=port_requests,
            seconds=seconds,
        )


def _silent(intake: Intake, blueprint: str) -> frozenset[str]:
    """Properties and relations with a writer that was not read: no value there means nothing."""
    unread = [resource for resource in intake.unread if resource.blueprint in ("", blueprint)]
    return frozenset(name for item in unread for name in (*item.entity.properties, *item.entity.relations))
