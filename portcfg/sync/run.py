"""One sync, start to end: read the source, make entities, compare with Port, write what changed, record the days.

Nothing is deleted but by the mapping's `retention` and `prune`. A blueprint that a failed resource writes is held back
as a whole, because each of its entities may lack what that resource would have said; a resource whose stream is not in
the plan says nothing, and the rest goes on. A run that was cut off is finished by the next one: it compares anew and
writes what is still missing. Where streams say which day a row is of, a run reads the days that are missing or may
still change, unless days are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

from portcfg.client import PortReader, PortWriter
from portcfg.errors import UsageError
from portcfg.masking import Mask
from portcfg.sync.certainty import unsure
from portcfg.sync.choice import days_to_read, default_days, part_days, share_notices, shared
from portcfg.sync.coverage import Known, gap_days
from portcfg.sync.days import SYNC_BLUEPRINT, DayBook, read_records
from portcfg.sync.deliver import Delivery
from portcfg.sync.entities import filled, made_of
from portcfg.sync.estimate import bulk_requests, paced_seconds
from portcfg.sync.examples import check_examples, send_examples
from portcfg.sync.flight import in_turn
from portcfg.sync.fragments import Entity, overwritten
from portcfg.sync.holding import held_back
from portcfg.sync.intake import Intake, Reader
from portcfg.sync.options import SyncOptions
from portcfg.sync.parts import run_parts, undated_streams
from portcfg.sync.privacy import Pseudonyms, pseudonyms_of, without_users
from portcfg.sync.quarantine import Quarantine, with_kept
from portcfg.sync.record import with_record
from portcfg.sync.report import Progress, StreamStatus, SyncReport, with_traffic
from portcfg.sync.retention import Deletions, check_dates
from portcfg.sync.source import SourceClient
from portcfg.sync.spec import SyncMapping
from portcfg.sync.tally import Tally
from portcfg.sync.targets import Blueprints, check_resources, missing_fields, raise_missing, read_blueprints
from portcfg.sync.valuecount import unusual
from portcfg.sync.windows import DayRange, day_range

__all__ = ["SyncOptions", "run_sync"]

SETTLED = "every one of these days is settled; nothing was read"


@dataclass(frozen=True)
class _Means:
    """What all parts of a run work with."""

    source: SourceClient
    port: PortReader
    options: SyncOptions
    progress: Callable[[Progress], None]
    quarantine: Quarantine
    pseudonyms: Pseudonyms | None
    deleted: Quarantine
    examples: dict[str, list[Any]] = field(default_factory=dict)


def run_sync(
    mapping: SyncMapping,
    source_env: Mapping[str, str],
    port: PortReader,
    options: SyncOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
    source: SourceClient | None = None,
    quarantine: Quarantine | None = None,
    deleted: Quarantine | None = None,
) -> SyncReport:
    """Run the mapping. `source_env` has the values of the environment variables that `source.auth` and `privacy` name.

    `source` takes the place of the HTTP client made of the mapping's `source`; `quarantine` keeps what is rejected,
    `deleted` what is deleted.

    Raises PortcfgError when nothing could be begun: days that make no sense, a missing key, a source that refuses every
    stream, a Port that doesn't give its blueprints, blueprints that don't have what the mapping writes. Everything
    else, a Port that fails later on included, is in the report, whose `exit_code` says how it ended.
    """
    options = options or SyncOptions()
    if not options.dry_run and not isinstance(port, PortWriter):
        raise UsageError("this session with Port can only read; a sync that writes needs a PortWriter")
    check_examples(mapping, options.send_examples, options.dry_run)
    if options.missing_only and not options.asks_for_days:
        raise UsageError("a run that was asked for no days reads what is missing anyway", "give --since, too")
    pseudonyms = pseudonyms_of(mapping.privacy, source_env)
    whole = day_range(options.now, options.first_day, options.last_day, options.days, default_days(mapping))
    mapping, span = shared(mapping, options.streams, options.slice, whole, options.fixes_days)
    if span is None:
        return _nothing_to_do(mapping, options, whole, "there are more slices than days; this one has none")
    client = source or SourceClient(mapping.source, source_env, options.retry)
    # Waits for the source are told from the thread that reads ahead.
    report = in_turn(progress or (lambda _: None))
    client.on_wait = lambda reason, seconds: report(Progress("wait", reason, math.ceil(seconds)))
    means = _Means(client, port, options, report, quarantine or Quarantine(), pseudonyms, deleted or Quarantine())
    means.quarantine.mask = client.mask
    try:
        return _run_days(mapping, span, means)
    finally:
        client.close()
        means.quarantine.close(options.retry.wall())
        means.deleted.close(options.retry.wall())


def _run_days(mapping: SyncMapping, span: DayRange, means: _Means) -> SyncReport:
    """Choose the days, of `span` where days were asked for, and run them part by part."""
    port, source, options = means.port, means.source, means.options
    started, before = options.retry.monotonic(), port.traffic()
    blueprints = read_blueprints(port)
    check_resources(mapping.resources, blueprints)
    raise_missing(check_dates(mapping, blueprints))
    records = read_records(port, mapping, options.now, SYNC_BLUEPRINT in blueprints)
    known = records.days
    book = DayBook.of(mapping, records, options.now, options.run, SYNC_BLUEPRINT in blueprints)
    todo = days_to_read(mapping, span, known, options.asks_for_days, options.missing_only)
    whole = DayRange(todo[0].first, todo[-1].last) if todo else span
    key = means.pseudonyms.fingerprint if means.pseudonyms else ""
    for kept in (means.quarantine, means.deleted):
        kept.begin(mapping, options.now, whole.first.isoformat(), whole.last.isoformat(), key)
    deletions = Deletions(
        *(port, mapping, blueprints, options.now, means.progress, options.dry_run, options.allow_deletions),
        means.deleted,
    )
    source.keep_answers(mapping.streams[name].path for name in undated_streams(mapping) if len(todo) > 1)

    def run_part(part: SyncMapping, days: DayRange) -> SyncReport:
        return _Run(part, days, means, blueprints, book, deletions).run()

    done = (
        run_parts(mapping, todo, run_part, means.progress) if todo else _nothing_to_do(mapping, options, span, SETTLED)
    )
    # Of a sliced run one job deletes what is too old for all.
    held = {item.blueprint for item in done.blueprints if item.held}
    others = bool(options.slice and options.slice.number > 1)
    stays = () if others or port.halted else deletions.retain(held)
    notices = (*done.notices, *stays, *unusual(done.resources, mapping.dropped_values()))
    done = deletions.into(replace(done, notices=notices))
    examples = send_examples(port, mapping, means.examples, source.secrets) if options.send_examples else ()
    done = replace(
        done,
        blueprints=tuple(replace(b, rejected=means.quarantine.rejected_in(b.blueprint)) for b in done.blueprints),
        notices=(*done.notices, *_notices(mapping, options, known, todo), *examples),
        settings=mapping.settings,
        source_requests=sum(source.requests_made.values()),
        requests_by_path=dict(source.requests_made),
        source_retries=sum(source.retries.values()),
        retries_by_path=dict(source.retries),
        paced_seconds=paced_seconds(source.requests_made, mapping.source.rate_limits),
        seconds=options.retry.monotonic() - started,
    )
    done = Mask(port.secrets).value(source.mask.value(with_traffic(done, port.traffic().since(before))))
    done = with_record(port, done, options.now, options.link) if mapping.record_run else done
    return with_traffic(done, port.traffic().since(before))


def _nothing_to_do(mapping: SyncMapping, options: SyncOptions, span: DayRange, notice: str) -> SyncReport:
    first, last = span.first.isoformat(), span.last.isoformat()
    return SyncReport(mapping.identifier, options.dry_run, first, last, notices=(notice,))


def _notices(mapping: SyncMapping, options: SyncOptions, known: Known, todo: list[DayRange]) -> list[str]:
    """What a person should know of the days that were chosen."""
    found = [*mapping.notices, *share_notices(mapping)]
    if mapping.privacy:
        found.append("people are under pseudonyms: nothing is related to Port's users; what was written before stays")
    if not options.asks_for_days and todo and (gap := gap_days(known, todo[-1].last)):
        found.append(f"{len(gap)} day(s) that were missing are read now, from {gap[0]} to {gap[-1]}")
    if len(todo) > 1:
        found.append(f"read in {len(todo)} parts of at most {part_days(mapping)} days, one after the other")
    return found


class _Run:
    """One part of a run."""

    def __init__(
        self,
        mapping: SyncMapping,
        days: DayRange,
        means: _Means,
        blueprints: Blueprints,
        book: DayBook,
        deletions: Deletions,
    ) -> None:
        self._mapping = mapping
        self._days = days
        self._means = means
        self._blueprints = blueprints
        self._book = book
        self._deletions = deletions
        self._port, self._options, self._quarantine = means.port, means.options, means.quarantine
        self._tallies: dict[str, Tally] = {}
        self._record_requests: dict[str, int] = {}

    def run(self) -> SyncReport:
        blueprints = self._blueprints
        intake = self._read(blueprints)
        self._quarantine.silent = partial(_silent, intake)
        self._means.examples.update({**intake.examples, **self._means.examples})
        by_blueprint = self._entities(intake)
        raise_missing(missing_fields((item for items in by_blueprint.values() for item in items), blueprints))
        dry_run, quarantine = self._options.dry_run, self._quarantine
        delivery = Delivery(
            *(self._port, self._mapping, blueprints, self._tallies, self._means.progress, dry_run, quarantine),
            parallelism=self._options.parallelism,
            allow_nulls=self._options.allow_nulls,
        )
        delivery.deliver(self._deletions.young(by_blueprint, self._tallies), partial(_silent, intake))
        dropped = [f"{text} ({count})" for text, count in delivery.dropped.items()]
        stays = self._deletions.prune(self._days, by_blueprint, partial(self._unsure, intake))
        report = self._report(intake, [*dropped, *stays, *self._record_days(intake)])
        writes = {**delivery.bulk_requests, **self._record_requests}
        return replace(report, totals=tuple(delivery.totals()), port_writes=writes)

    def _unsure(self, intake: Intake, blueprint: str) -> str:
        return unsure(self._mapping, intake, self._tally(blueprint), self._quarantine, blueprint)

    def _record_days(self, intake: Intake) -> list[str]:
        """Write down the days of the streams of which all was written; what a person should know of them."""
        notices = self._book.changed_days(intake.days)
        read = {name: days for name, days in intake.days.items() if self._is_delivered(name)}
        refused = [item.name for item in intake.streams if item.status is StreamStatus.NOT_IN_PLAN]
        notices += self._book.missed(refused)
        tables = self._book.first_read(intake.days)
        wanted = self._book.wanted(read, refused, tables, self._refused_until)
        if self._options.dry_run or not isinstance(self._port, PortWriter):
            self._record_requests = bulk_requests(SYNC_BLUEPRINT, wanted)
            return notices
        if problem := self._book.record(self._port, wanted):
            notices.append(f"these days could not be recorded, so they will be read again: {problem}")
        return notices

    @property
    def _refused_until(self) -> date:
        """All slices of a run say the same of a stream that is refused."""
        return (self._options.slice and self._options.last_day) or self._days.last

    def _is_delivered(self, stream: str) -> bool:
        """Whether no blueprint that the stream feeds was held back, nor anything left to what another stream says."""
        if stream in self._mapping.unfinished:
            return False
        fed = {item.blueprint for item in self._mapping.resources if item.stream == stream}
        return not any(tally.held for name, tally in self._tallies.items() if name in fed or "" in fed)

    def _read(self, blueprints: Blueprints) -> Intake:
        means = self._means
        return Reader(
            *(self._mapping, means.source, self._days, self._options.now, means.progress, self._quarantine),
            blueprints,
            means.pseudonyms,
            self._book.read,
        ).read()

    def _entities(self, intake: Intake) -> dict[str, list[Entity]]:
        """Merged entities by blueprint, without the blueprints that are held back."""
        self._count_fragments(intake)
        held = held_back(intake, tuple(self._tallies))
        for name, why in held.items():
            self._tally(name).held = why
        fragments = [item for item in intake.fragments if item.blueprint not in held]
        broken = {key: again for key, again in intake.broken.items() if key[0] not in held}
        found: dict[str, list[Entity]] = {}
        last_wins = self._mapping.last_wins
        intake.notices += overwritten(fragments) if last_wins else []
        for entity in made_of(fragments, broken, self._mapping.merge, self._quarantine, last_wins=last_wins):
            if self._means.pseudonyms:
                entity = without_users(entity, self._blueprints.get(entity.blueprint, {}))
            found.setdefault(entity.blueprint, []).append(entity)
        return {name: [filled(item, self._fill(intake, name)) for item in items] for name, items in found.items()}

    def _count_fragments(self, intake: Intake) -> None:
        for resource in self._mapping.resources:
            if resource.blueprint:
                self._tally(resource.blueprint)
        for fragment in intake.fragments:
            self._tally(fragment.blueprint).fragments += 1
        for mapper in intake.mappers:
            skipped = mapper.resource.nameless != "reject" and mapper.resource.blueprint
            if mapper.count.no_identifier and skipped:
                self._tally(mapper.resource.blueprint).skipped["without an identifier"] += mapper.count.no_identifier

    def _fill(self, intake: Intake, blueprint: str) -> dict[str, Any]:
        """The fill values whose every writer was read: only then does silence mean zero."""
        silent = _silent(intake, blueprint)
        return {name: value for name, value in self._mapping.fill.get(blueprint, {}).items() if name not in silent}

    def _tally(self, blueprint: str) -> Tally:
        return self._tallies.setdefault(blueprint, Tally())

    def _report(self, intake: Intake, notices: list[str]) -> SyncReport:
        windowed = any(self._mapping.streams[item.name].window for item in intake.streams)
        if not windowed and self._options.asks_for_days:
            notices = ["no stream has a `window`: the days that were asked for changed nothing", *notices]
        report = SyncReport(
            mapping=self._mapping.identifier,
            dry_run=self._options.dry_run,
            first_day=self._days.first.isoformat() if windowed else "",
            last_day=self._days.last.isoformat() if windowed else "",
            streams=tuple(intake.streams),
            resources=tuple(mapper.report() for mapper in intake.mappers),
            blueprints=tuple(tally.report(name) for name, tally in sorted(self._tallies.items())),
            notices=(*intake.notices, *notices),
        )
        return with_kept(report, self._quarantine)


def _silent(intake: Intake, blueprint: str) -> frozenset[str]:
    """Properties and relations with a writer that was not read: no value there means nothing."""
    unread = [resource for resource in intake.unread if resource.blueprint in ("", blueprint)]
    return frozenset(name for item in unread for name in (*item.entity.properties, *item.entity.relations))
