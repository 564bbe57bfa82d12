"""One part of a run: its days read, made into entities, compared with Port, written and recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

from portcfg.client import PortReader, PortWriter
from portcfg.sync.certainty import unsure
from portcfg.sync.days import SYNC_BLUEPRINT, DayBook
from portcfg.sync.deliver import Delivery
from portcfg.sync.entities import filled, made_of
from portcfg.sync.estimate import bulk_requests
from portcfg.sync.fragments import Entity, overwritten
from portcfg.sync.holding import held_back
from portcfg.sync.intake import Intake, Reader
from portcfg.sync.options import SyncOptions
from portcfg.sync.privacy import Pseudonyms, without_users
from portcfg.sync.quarantine import Quarantine, with_kept
from portcfg.sync.report import Progress, StreamStatus, SyncReport
from portcfg.sync.retention import Deletions
from portcfg.sync.source import SourceClient
from portcfg.sync.spec import SyncMapping
from portcfg.sync.tally import Tally
from portcfg.sync.targets import Blueprints, missing_fields, raise_missing
from portcfg.sync.windows import DayRange


@dataclass(frozen=True)
class Means:
    """What all parts of a run work with."""

    source: SourceClient
    port: PortReader
    options: SyncOptions
    progress: Callable[[Progress], None]
    quarantine: Quarantine
    pseudonyms: Pseudonyms | None
    deleted: Quarantine
    examples: dict[str, list[Any]] = field(default_factory=dict)


class PartRun:
    """One part of a run: `run` it once."""

    def __init__(
        self,
        mapping: SyncMapping,
        days: DayRange,
        means: Means,
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
        """Do it all; the report is of these days. Raises PortcfgError for what the blueprints lack."""
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
