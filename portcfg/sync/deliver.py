"""The writing half of a run: check, compare with Port, relate, write what changed.

All blueprints are compared before the first is written, so that an entity may relate to any other of the run. Where
Port fails, that blueprint is held back; where it can't be reached any more, all that come after. Both are in the
report, and the next run goes on from there, because it compares anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from portcfg.client import PortReader, PortWriter
from portcfg.sync.compare import Fields, Live, changed_body, fields_of, read_live, whole_fields
from portcfg.sync.emptied import emptied, refusal
from portcfg.sync.entities import Checks, instant
from portcfg.sync.estimate import bulk_requests
from portcfg.sync.flight import PARALLELISM
from portcfg.sync.fragments import Entity, Refused
from portcfg.sync.holding import Guard
from portcfg.sync.owner import user_agent
from portcfg.sync.parcels import Part, Sent
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.report import DayTotals, Progress
from portcfg.sync.settling import settle
from portcfg.sync.spec import SyncMapping
from portcfg.sync.tally import Tally
from portcfg.sync.targets import Blueprints, Targets, relate, writing_order
from portcfg.sync.totals import day_totals
from portcfg.sync.write import Body, BulkWriter

Silent = Callable[[str], frozenset[str]]
IDLE = "idle (their resource says `creates: false`)"
FOUND = "found by a search, so that it can't be told whether Port has newer values; a sync writes them"
LATER = "written in Port after the run that these are of"
LACKS = "it was written without a relation to something that was rejected"


class Delivery:
    """Delivers the entities of a run; `tallies`, the quarantine and `dropped` say what became of them,
    and in a dry run `bulk_requests` what it takes to write them.

    A blueprint of which many values would be emptied is held back, but for `allow_nulls` (`blueprint.property`).
    `written_by` (epoch seconds) is for entities of an earlier run: what Port has of a later moment stays.
    """

    def __init__(
        self,
        port: PortReader,
        mapping: SyncMapping,
        blueprints: Blueprints,
        tallies: dict[str, Tally],
        progress: Callable[[Progress], None],
        dry_run: bool,
        quarantine: Quarantine | None = None,
        written_by: float | None = None,
        parallelism: int = PARALLELISM,
        allow_nulls: Collection[str] = (),
    ) -> None:
        self._parallelism = parallelism
        self._allow_nulls = allow_nulls
        self._written_by = written_by
        self._quarantine = quarantine or Quarantine()
        self._port = port
        self._mapping = mapping
        self._blueprints = blueprints
        self._tallies = tallies
        self._progress = progress
        self._dry_run = dry_run
        self._targets = Targets(port)
        self._guard = Guard(tallies)
        self._sent: list[Sent] = []
        self._planned: list[Part] = []
        self.dropped: Counter[str] = Counter()
        self.bulk_requests: dict[str, int] = {}

    def deliver(self, entities: Mapping[str, list[Entity]], silent: Silent) -> None:
        """All entities, given by blueprint. `silent` are a blueprint's fields with a writer that was not read."""
        parts = self._relate(self._compared(entities, silent))
        for part in parts:
            self._guard.do(part.name, partial(self._write, part, silent(part.name)))
        settle(self._sent, self._blueprints, self._guard)
        for sent in self._sent:
            self._count(sent)

    def _compared(self, entities: Mapping[str, list[Entity]], silent: Silent) -> list[Part]:
        """The blueprints in their order of writing, with what Port has of them, which is read side by side."""
        parts: list[Part] = []

        def compare(name: str) -> None:
            self._progress(Progress("compare", name, 0, len(fit[name])))
            self._compare(Part(name, fit[name], live[name].result()), silent(name), parts)

        fit = {name: self._fit(entities[name], self._blueprints[name]) for name in entities}
        pool = ThreadPoolExecutor(self._parallelism, "portcfg")
        try:
            live = {name: pool.submit(self._live, name, some, len(fit)) for name, some in fit.items()}
            for name in writing_order(entities, self._blueprints):
                self._tallies[name].entities = len(entities[name])
                self._guard.do(name, partial(compare, name))
        finally:
            pool.shutdown(cancel_futures=True)
        return parts

    def _compare(self, part: Part, silent: frozenset[str], parts: list[Part]) -> None:
        name, fit, live = part.name, part.entities, part.live
        tally = self._tallies[name]
        self._progress(Progress("compare", name, len(fit), len(fit)))
        # What some fragment creates, and updates of what is there already.
        part.entities = [entity for entity in fit if entity.creates or entity.search or entity.identifier in live]
        if len(part.entities) < len(fit):
            tally.skipped[IDLE] += len(fit) - len(part.entities)
        nulls = emptied(part.entities, live, silent)
        tally.held = refusal(name, (item for item in nulls if f"{name}.{item.name}" not in self._allow_nulls))
        if not tally.held:
            self._targets.add(name, (entity.identifier for entity in part.entities if not entity.search))
            parts.append(part)

    def _live(self, name: str, entities: list[Entity], blueprints: int) -> Live:
        fields = replace(self._fields(name, entities), more=() if self._written_by is None else ("$updatedAt",))
        share = max(1, self._parallelism // blueprints)
        return read_live(self._port, self._blueprints[name], entities, fields, share)

    def _fields(self, name: str, entities: list[Entity], silent: frozenset[str] = frozenset()) -> Fields:
        # Where some writer was not read nobody knows what an entity is and nothing else.
        whole = self._mapping.override and not silent
        return whole_fields(self._blueprints[name]) if whole else fields_of(entities)

    def _is_later(self, live: Mapping[str, Any] | None) -> bool:
        if self._written_by is None or live is None:
            return False
        moment = instant(str(live.get("updatedAt")))
        # Where Port doesn't say, what it has stays.
        return moment is None or moment.timestamp() > self._written_by

    def _fit(self, entities: list[Entity], blueprint: Mapping[str, Any]) -> list[Entity]:
        fit, checks = [], Checks.of(blueprint)
        for entity in entities:
            # What only fills in is checked too: a wrong type is wrong wherever it comes from.
            if problem := checks.problem(entity):
                self._refuse("schema", entity, *problem)
            else:
                fit.append(entity)
        return fit

    def _refuse(self, where: str, entity: Entity, about: str, reason: str) -> None:
        self._quarantine.reject_entity(Refused(where, entity.blueprint, entity.identifier, reason, about, entity))

    def _relate(self, parts: list[Part]) -> list[Part]:
        """Relate all; again for as long as a rejected entity may have been the target of others."""
        while True:
            parts = [part for part in parts if self._guard.do(part.name, partial(self._relate_one, part))]
            gone = {part.name: {refused.identifier for refused in part.related.refused} for part in parts}
            self._quarantine.lost.update((name, each) for name, identifiers in gone.items() for each in identifiers)
            if not any(self._targets.remove(name, identifiers) for name, identifiers in gone.items()):
                break
        for part in parts:
            for refused in part.related.refused:
                self._quarantine.reject_entity(refused)
            for entity in part.related.lacking:
                # A replay that writes what it was to relate to also makes the relation.
                self._quarantine.keep_entity(Refused("relations", part.name, entity.identifier, LACKS, "", entity))
            self.dropped += part.related.dropped
        return parts

    def _relate_one(self, part: Part) -> None:
        # Blueprints of this mapping: their identifiers were made safe, and so must be what relates to them.
        others = (item.blueprint for item in (*self._mapping.resources, *self._mapping.left_out))
        written = set(self._blueprints) & {*self._tallies, *others}
        lost = self._quarantine.lost
        part.related = relate(part.entities, self._blueprints[part.name], self._mapping, self._targets, written, lost)

    def _write(self, part: Part, silent: frozenset[str]) -> None:
        tally, entities = self._tallies[part.name], part.related.entities
        known = set(self._blueprints[part.name].get("relations") or {})
        fields = self._fields(part.name, entities, silent).narrowed(known, silent)
        changed = (changed_body(entity, part.live.get(entity.identifier), fields) for entity in entities)
        differing = [body for body in changed if body]
        tally.unchanged = len(entities) - len(differing)
        searched = frozenset(entity.identifier for entity in entities if entity.search)
        bodies = [body for body in differing if not self._stays(part, body, searched, tally)]
        asked = frozenset(body["identifier"] for body in bodies)
        if self._dry_run or not isinstance(self._port, PortWriter):
            self._planned.append(part)
            self.bulk_requests |= bulk_requests(part.name, bodies)
            tally.updated = sum(body["identifier"] in part.live or body["identifier"] in searched for body in bodies)
            tally.created = len(bodies) - tally.updated
            return
        done = 0

        def wrote(count: int) -> None:
            nonlocal done
            done += count
            self._progress(Progress("write", part.name, done, len(bodies)))

        writer = BulkWriter(
            self._port,
            part.name,
            wrote,
            part.related.creating,
            searched,
            override=fields.whole,
            parallelism=self._workers(part.name),
            user_agent=user_agent(self._mapping.identifier),
        )
        sent = Sent(part, writer, asked)
        self._sent.append(sent)
        sent.writer.write(bodies)

    def _workers(self, name: str) -> int:
        """One where entities relate to others of their blueprint, which are to be there first."""
        relations = self._blueprints[name].get("relations") or {}
        return 1 if any(item.get("target") == name for item in relations.values()) else self._parallelism

    def _stays(self, part: Part, body: Body, searched: frozenset[str], tally: Tally) -> bool:
        """Whether what Port has is kept, in a run that writes what an earlier one couldn't."""
        if self._written_by is not None and body["identifier"] in searched:
            tally.skipped[FOUND] += 1
            return True
        later = self._is_later(part.live.get(body["identifier"]))
        if later:
            tally.skipped[LATER] += 1
        return later

    def _count(self, sent: Sent) -> None:
        tally, written = self._tallies[sent.name], sent.writer.written
        tally.created, tally.updated = len(written.created), len(written.updated - written.created)
        for entity in sent.part.related.entities:
            if why := written.refused.get(entity.identifier):
                self._refuse("write", entity, *why)
        if left := sent.missing - set(written.refused):
            tally.held += f"; {len(left)} of {len(sent.asked)} entities were not written"

    def totals(self) -> list[DayTotals]:
        """What the mapping's `report` asks for, of the entities that Port has (or would have, in a dry run)."""
        found = [(part, set[str]()) for part in self._planned] + [(sent.part, sent.missing) for sent in self._sent]
        return [
            total
            for part, missing in found
            if part.name in self._mapping.report
            for total in day_totals(
                (entity for entity in part.related.entities if entity.identifier not in missing),
                self._blueprints[part.name],
                self._mapping.report[part.name],
            )
        ]
