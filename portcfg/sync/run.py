"""One sync, start to end: read the source, make entities, compare with Port, write what changed.

Nothing is deleted. A blueprint that a failed resource writes is held back as a whole, because each of its entities may
lack what that resource would have said; a resource whose stream is not in the plan says nothing, and the rest goes on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from portcfg.client import PortReader, PortWriter
from portcfg.errors import UsageError
from portcfg.retry import RetryPolicy
from portcfg.sync.compare import Live, changed_body, fields_of, read_live
from portcfg.sync.entities import filled, schema_problem, with_safe_identifiers
from portcfg.sync.fragments import Entity, merge
from portcfg.sync.intake import Intake, Reader
from portcfg.sync.report import BlueprintReport, Progress, Reject, SyncReport
from portcfg.sync.source import SourceClient
from portcfg.sync.spec import SyncMapping, SyncResource
from portcfg.sync.targets import (
    Blueprints,
    Targets,
    check_resources,
    missing_fields,
    raise_missing,
    read_blueprints,
    relate,
    writing_order,
)
from portcfg.sync.windows import DEFAULT_DAYS, DayRange, day_range
from portcfg.sync.write import Body, BulkWriter


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
) -> SyncReport:
    """Run the mapping. `source_env` holds the values of the environment variables that `source.auth` names.

    `source` takes the place of the HTTP client made of the mapping's `source`.

    Raises PortcfgError when nothing could be done: a missing key, a source or Port that refuses it, blueprints that
    don't have what the mapping writes. Everything else is in the report, whose `exit_code` says how it ended.
    """
    options = options or SyncOptions()
    if not options.dry_run and not isinstance(port, PortWriter):
        raise UsageError("this session with Port can only read; a sync that writes needs a PortWriter")
    days = day_range(options.now, options.first_day, options.last_day, options.days or default_days(mapping))
    client = source or SourceClient(mapping.source, source_env, options.retry)
    try:
        return _Run(mapping, client, port, options, days, progress or (lambda _: None)).run()
    finally:
        client.close()


def default_days(mapping: SyncMapping) -> int:
    """How many days a run covers when nobody says: the longest window of the mapping's streams."""
    return max((stream.window.days for stream in mapping.streams.values() if stream.window), default=DEFAULT_DAYS)


@dataclass
class _Tally:
    """Counts of one blueprint while the run goes on."""

    fragments: int = 0
    entities: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    held: str = ""


class _Run:
    def __init__(
        self,
        mapping: SyncMapping,
        source: SourceClient,
        port: PortReader,
        options: SyncOptions,
        days: DayRange,
        progress: Callable[[Progress], None],
    ) -> None:
        self._mapping = mapping
        self._source = source
        self._port = port
        self._options = options
        self._days = days
        self._progress = progress
        self._targets = Targets(port)
        self._tallies: dict[str, _Tally] = {}
        self._rejects: list[Reject] = []
        self._notices: list[str] = []
        self._dropped: Counter[str] = Counter()
        self._writers: list[tuple[str, BulkWriter]] = []

    def run(self) -> SyncReport:
        started, requests = self._options.retry.monotonic(), self._port.requests_made
        blueprints = read_blueprints(self._port)
        check_resources(self._mapping.resources, blueprints)
        reader = Reader(self._mapping, self._source, self._days, self._options.now, self._progress)
        intake = reader.read()
        self._rejects += intake.rejects
        by_blueprint = self._entities(intake)
        raise_missing(missing_fields((item for items in by_blueprint.values() for item in items), blueprints))
        for name in writing_order(by_blueprint, blueprints):
            self._blueprint(name, by_blueprint[name], blueprints, self._silent(intake, name))
        self._finish_writing()
        seconds = self._options.retry.monotonic() - started
        return self._report(intake, self._port.requests_made - requests, seconds)

    def _entities(self, intake: Intake) -> dict[str, list[Entity]]:
        """Merged entities by blueprint, without the blueprints that are held back."""
        self._count_fragments(intake)
        held = self._held(intake.failed)
        fragments = [item for item in intake.fragments if item.blueprint not in held and "" not in held]
        entities, rejects = merge(fragments, self._mapping.merge)
        entities, unfit = with_safe_identifiers(entities)
        self._rejects += [*rejects, *unfit]
        found: dict[str, list[Entity]] = {}
        for entity in entities:
            found.setdefault(entity.blueprint, []).append(entity)
        return {name: [filled(item, self._fill(intake, name)) for item in items] for name, items in found.items()}

    def _count_fragments(self, intake: Intake) -> None:
        for resource in self._mapping.resources:
            self._tally(resource.blueprint)
        for fragment in intake.fragments:
            self._tally(fragment.blueprint).fragments += 1
        for mapper in intake.mappers:
            if mapper.count.no_identifier:
                skipped = self._tally(mapper.resource.blueprint).skipped
                skipped["no identifier"] += mapper.count.no_identifier

    def _held(self, failed: list[SyncResource]) -> set[str]:
        for resource in failed:
            self._tally(resource.blueprint).held = f"{resource.stream} could not be read to its end"
        # A failed resource whose blueprint depends on its rows may have written anything.
        return {resource.blueprint for resource in failed}

    def _silent(self, intake: Intake, blueprint: str) -> frozenset[str]:
        """Properties and relations with a writer that was not read: no value there means nothing."""
        unread = [resource for resource in intake.unread if resource.blueprint in ("", blueprint)]
        return frozenset(name for item in unread for name in (*item.entity.properties, *item.entity.relations))

    def _fill(self, intake: Intake, blueprint: str) -> dict[str, Any]:
        """The fill values whose every writer was read: only then does silence mean zero."""
        silent = self._silent(intake, blueprint)
        return {name: value for name, value in self._mapping.fill.get(blueprint, {}).items() if name not in silent}

    def _blueprint(self, name: str, entities: list[Entity], blueprints: Blueprints, silent: frozenset[str]) -> None:
        """Check, relate, compare and write one blueprint's entities."""
        blueprint, tally = blueprints[name], self._tally(name)
        tally.entities = len(entities)
        fit = self._fit(entities, blueprint)
        fields = fields_of(fit)
        self._progress(Progress("compare", name, 0, len(fit)))
        live = read_live(self._port, blueprint, fit, fields) if fit else {}
        self._progress(Progress("compare", name, len(fit), len(fit)))
        wanted = self._wanted(fit, live, tally)
        related = relate(wanted, blueprint, self._mapping, self._targets, set(blueprints) & set(self._tallies))
        self._rejects += related.rejects
        self._dropped += related.dropped
        fields = fields_of(related.entities).narrowed(set(blueprint.get("relations") or {}), silent)
        bodies = [
            body for entity in related.entities if (body := changed_body(entity, live.get(entity.identifier), fields))
        ]
        tally.unchanged = len(related.entities) - len(bodies)
        self._targets.add(name, (entity.identifier for entity in related.entities))
        self._write(name, bodies, live, related.create_missing)

    def _fit(self, entities: list[Entity], blueprint: Mapping[str, Any]) -> list[Entity]:
        fit = []
        for entity in entities:
            # What only fills in is checked too: a wrong type is wrong wherever it comes from.
            problem = schema_problem(entity, blueprint)
            if problem and entity.creates:
                self._rejects.append(Reject("schema", entity.blueprint, entity.identifier, problem))
            elif not problem:
                fit.append(entity)
        return fit

    def _wanted(self, entities: list[Entity], live: Live, tally: _Tally) -> list[Entity]:
        """Entities that some fragment creates, and updates of what is there already."""
        wanted = [entity for entity in entities if entity.creates or entity.identifier in live]
        if len(wanted) < len(entities):
            tally.skipped["nothing creates it"] += len(entities) - len(wanted)
        return wanted

    def _write(self, name: str, bodies: list[Body], live: Live, create_missing: bool) -> None:
        tally = self._tally(name)
        if self._options.dry_run or not isinstance(self._port, PortWriter):
            tally.updated = sum(body["identifier"] in live for body in bodies)
            tally.created = len(bodies) - tally.updated
            return
        done = 0

        def wrote(count: int) -> None:
            nonlocal done
            done += count
            self._progress(Progress("write", name, done, len(bodies)))

        writer = BulkWriter(self._port, name, create_missing, wrote)
        writer.write(bodies)
        self._writers.append((name, writer))

    def _finish_writing(self) -> None:
        for name, writer in self._writers:
            writer.write_deferred()
            tally = self._tally(name)
            tally.created, tally.updated = len(writer.written.created), len(writer.written.updated)
            refused = writer.written.refused.items()
            self._rejects += [Reject("write", name, identifier, reason) for identifier, reason in refused]

    def _tally(self, blueprint: str) -> _Tally:
        return self._tallies.setdefault(blueprint, _Tally())

    def _report(self, intake: Intake, port_requests: int, seconds: float) -> SyncReport:
        notices = [*intake.notices, *self._notices, *(f"{text} ({count})" for text, count in self._dropped.items())]
        return SyncReport(
            mapping=self._mapping.identifier,
            dry_run=self._options.dry_run,
            first_day=self._days.first.isoformat(),
            last_day=self._days.last.isoformat(),
            streams=tuple(intake.streams),
            blueprints=tuple(self._blueprint_report(name) for name in sorted(self._tallies) if name),
            rejects=tuple(self._rejects),
            notices=tuple(notices),
            source_requests=sum(self._source.requests_made.values()),
            source_retries=self._source.retries,
            port_requests=port_requests,
            seconds=seconds,
        )

    def _blueprint_report(self, name: str) -> BlueprintReport:
        tally = self._tallies[name]
        return BlueprintReport(
            blueprint=name,
            fragments=tally.fragments,
            entities=tally.entities,
            created=tally.created,
            updated=tally.updated,
            unchanged=tally.unchanged,
            rejected=sum(reject.blueprint == name for reject in self._rejects),
            skipped=dict(tally.skipped),
            held=tally.held,
        )
