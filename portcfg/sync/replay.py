"""`sync replay`: what a run quarantined, mapped and checked again as things are today, and written where it fits now.

What is kept is as old as its run. So an entity that Port has as it was written after that run is left alone, which
goes by its `updatedAt` and the run's end (or, of a killed run, its beginning). Values are added and replaced, never
cleared, and `fill` is applied only where all of an entity is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from pathlib import Path

from portcfg.client import PortReader
from portcfg.errors import UsageError
from portcfg.sync.deliver import Delivery
from portcfg.sync.entities import doubt_of, filled, made_of
from portcfg.sync.fragments import Entity, Fragment, Key
from portcfg.sync.jq_programs import BATCH_ROWS, Batch, RowError, RowExpander, Scope
from portcfg.sync.mapper import MapperTools, ResourceMapper
from portcfg.sync.privacy import Pseudonyms, pseudonyms_of, without_users
from portcfg.sync.quarantine import (
    Contents,
    Line,
    Quarantine,
    kept_lines,
    mapping_digest,
    scan,
    uses_lookups,
    with_kept,
)
from portcfg.sync.report import Progress, SyncReport, with_traffic
from portcfg.sync.spec import SyncMapping, SyncResource
from portcfg.sync.tally import Tally
from portcfg.sync.targets import Blueprints, missing_fields, raise_missing, read_blueprints

AGAIN = "only a sync of its days can write it"


def replay(
    mapping: SyncMapping,
    file: Path,
    port: PortReader,
    quarantine: Quarantine,
    dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None,
    env: Mapping[str, str] | None = None,
) -> SyncReport:
    """Write what can be written of `file`; the rest goes to `quarantine`, whose reasons are today's.

    A second time changes nothing. Raises PortcfgError for a file that isn't one, or another mapping's, and, like
    `run_sync`, when the blueprints don't have what the mapping writes, or `env` no key that `privacy` needs.
    """
    contents = scan(file)
    if contents.mapping != mapping.identifier:
        raise UsageError(f"{file} was kept by the mapping {contents.mapping!r}, not {mapping.identifier!r}")
    pseudonyms = pseudonyms_of(mapping.privacy, env or {})
    key = pseudonyms.fingerprint if pseudonyms else ""
    if contents.key != key:
        hint = f"read its days again: portcfg sync --since {contents.first_day} --until {contents.last_day}"
        raise UsageError(f"{file} was kept with another key for pseudonyms, or without one", hint)
    quarantine.begin(mapping, contents.read_at, contents.first_day, contents.last_day, key)
    try:
        return _Replay(mapping, contents, port, quarantine, dry_run, progress or (lambda _: None), pseudonyms).run(file)
    finally:
        # What is left is as old as it was.
        quarantine.close(contents.written_by)


@dataclass
class _Found:
    """What the lines give: fragments, and entities that were whole already."""

    fragments: list[Fragment] = field(default_factory=list)
    entities: dict[Key, Entity] = field(default_factory=dict)
    broken: dict[Key, bool] = field(default_factory=dict)


class _Replay:
    def __init__(
        self,
        mapping: SyncMapping,
        contents: Contents,
        port: PortReader,
        quarantine: Quarantine,
        dry_run: bool,
        progress: Callable[[Progress], None],
        pseudonyms: Pseudonyms | None,
    ) -> None:
        self._mapping = mapping
        self._contents = contents
        self._port = port
        self._quarantine = quarantine
        self._dry_run = dry_run
        self._progress = progress
        self._pseudonyms = pseudonyms
        variables = pseudonyms.addresses(mapping.variables) if pseudonyms else mapping.variables
        self._scope = Scope(variables, contents.read_at)
        self._changed = mapping_digest(mapping) != contents.digest
        self._mappers: dict[str, ResourceMapper] = {}
        self._tallies: dict[str, Tally] = {}
        self._found = _Found()

    def run(self, file: Path) -> SyncReport:
        before = self._port.traffic()
        blueprints = read_blueprints(self._port)
        self._quarantine.silent = lambda name: frozenset(self._contents.silent.get(name, ()))
        self._find(file, blueprints)
        entities = self._entities(blueprints)
        raise_missing(missing_fields((item for items in entities.values() for item in items), blueprints))
        self._tallies.update({name: Tally() for name in entities})
        delivery = Delivery(
            *(self._port, self._mapping, blueprints, self._tallies, self._progress, self._dry_run, self._quarantine),
            written_by=self._contents.written_by,
        )
        # Nothing is cleared: what is kept may be half of what there is to say.
        delivery.deliver(entities, lambda name: _names(entities[name]))
        return with_traffic(self._report(delivery), self._port.traffic().since(before))

    def _report(self, delivery: Delivery) -> SyncReport:
        blueprints = [
            replace(tally.report(name), rejected=self._quarantine.rejected_in(name))
            for name, tally in sorted(self._tallies.items())
        ]
        windowed = any(stream.window for stream in self._mapping.streams.values())
        report = SyncReport(
            mapping=self._mapping.identifier,
            dry_run=self._dry_run,
            first_day=self._contents.first_day if windowed else "",
            last_day=self._contents.last_day if windowed else "",
            blueprints=tuple(blueprints),
            notices=(
                *self._notices(),
                *(f"{text} ({count})" for text, count in delivery.dropped.items()),
            ),
        )
        return with_kept(report, self._quarantine)

    def _notices(self) -> Iterator[str]:
        if self._changed:
            yield "the mapping is not the one that these were kept with"

    def _find(self, file: Path, blueprints: Blueprints) -> None:
        found = self._found
        tools = MapperTools(self._scope, None, self._quarantine, doubt_of(blueprints, self._mapping.merge))
        for order, resource in enumerate(self._mapping.resources):
            self._mappers[resource.label] = ResourceMapper(resource, order, tools)
        for (entry, *_), lines in groupby(self._lines(file), _kind):
            while chunk := list(islice(lines, BATCH_ROWS)):
                found.fragments += self._raw(chunk) if entry == "raw" else self._mapped(entry, chunk)
        for mapper in self._mappers.values():
            for key, again in mapper.failures.broken.items():
                found.broken[key] = again and found.broken.get(key, True)

    def _lines(self, file: Path) -> Iterator[Line]:
        """The rows to map again. Entities and fragments are found as they are; what can't be made again is left."""
        for line in kept_lines(file):
            if line["entry"] == "entity":
                self._entity(line)
            elif line["entry"] == "parts":
                for part in line["parts"]:
                    origin = part.pop("origin")
                    if origin:
                        yield {**line, **origin}
                    else:
                        self._found.fragments.append(Fragment(**part))
            elif line["entry"] != "end":
                yield from self._row(line)

    def _entity(self, line: Line) -> None:
        if line["where"] == "identifier" and self._changed:
            # What it would be called now only its row could tell.
            self._leave(line, f"{line['reason']}; {AGAIN}")
        else:
            entity = Entity(**line["entity"])
            # The first line has all relations; a later one may lack those that could not be made.
            self._found.entities.setdefault((entity.blueprint, entity.identifier), entity)

    def _row(self, line: Line) -> Iterator[Line]:
        key = (line["blueprint"], line["identifier"])
        if line["entry"] == "evidence":
            self._leave(line, f"{line['reason']}; {AGAIN}")
        elif key[1] and line["entry"] == "item" and key not in self._contents.whole:
            self._leave(line, f"{line['reason']}; its run was stopped or lacked rows: {AGAIN}")
        else:
            yield line

    def _leave(self, line: Line, reason: str) -> None:
        if line["entry"] == "item" and line["identifier"]:
            # What else there is of its entity stays with it.
            self._found.broken[line["blueprint"], line["identifier"]] = True
        kept = {name: value for name, value in line.items() if name != "parts"} | {"reason": reason}
        self._quarantine.copy(kept, AGAIN in reason)

    def _raw(self, lines: list[Line]) -> Iterator[Fragment]:
        stream = self._mapping.streams.get(lines[0]["stream"])
        users = [item for item in self._mapping.resources if stream and item.stream == stream.name]
        texts = [stream.rows if stream else "", *(text for item in users for text in item.expressions())]
        if stream is None or uses_lookups(texts) or any(item.group_by for item in users):
            for line in lines:
                self._leave(line, f"{line['reason']}; {AGAIN}")
            return
        batch = _batch(lines)
        results = RowExpander(stream.rows, self._scope).run(batch) if stream.rows else [[row] for row in batch.rows]
        for line, result in zip(lines, results, strict=True):
            if isinstance(result, RowError):
                self._leave(line, result.text)
                continue
            for resource in users:
                yield from self._mappers[resource.label].map_again(Batch(batch.window, result), "row")

    def _mapped(self, entry: str, lines: list[Line]) -> Iterator[Fragment]:
        resource = self._resource(lines[0])
        if resource is None or uses_lookups(resource.expressions()) or (entry == "row" and resource.group_by):
            missing = "the mapping has no such resource any more" if resource is None else AGAIN
            for line in lines:
                self._leave(line, f"{line['reason']}; {missing}")
            return
        yield from self._mappers[resource.label].map_again(_batch(lines), entry)

    def _resource(self, line: Line) -> SyncResource | None:
        """The resource by its label or, where others were put before it, by kind and stream."""
        label, stream = line["resource"], line["stream"]
        own = [item for item in self._mapping.resources if item.stream == stream]
        same = [item for item in own if item.label == label]
        alike = [item for item in own if item.label.rpartition(" (")[0] == label.rpartition(" (")[0]]
        return same[0] if same else alike[0] if len(alike) == 1 else None

    def _entities(self, blueprints: Blueprints) -> dict[str, list[Entity]]:
        by_blueprint: dict[str, list[Entity]] = {}
        found = self._found
        made_anew = {*found.broken, *((item.blueprint, item.identifier) for item in found.fragments)}
        whole = [entity for key, entity in found.entities.items() if key not in made_anew]
        rules, last_wins = self._mapping.merge, self._mapping.last_wins
        for entity in made_of(found.fragments, found.broken, rules, self._quarantine, whole, last_wins):
            if self._pseudonyms:
                entity = without_users(entity, blueprints.get(entity.blueprint, {}))
            by_blueprint.setdefault(entity.blueprint, []).append(self._filled(entity))
        return by_blueprint

    def _filled(self, entity: Entity) -> Entity:
        if (entity.blueprint, entity.identifier) not in self._contents.whole:
            return entity
        silent = self._contents.silent.get(entity.blueprint, frozenset())
        values = self._mapping.fill.get(entity.blueprint, {})
        return filled(entity, {name: value for name, value in values.items() if name not in silent})


def _kind(line: Line) -> tuple[str, str, str, str]:
    """What rows that are mapped together have in common."""
    return line["entry"], line["stream"], line["resource"], json.dumps(line["window"], sort_keys=True)


def _batch(lines: list[Line]) -> Batch:
    return Batch(lines[0]["window"], [line["row"] for line in lines])


def _names(entities: Iterable[Entity]) -> frozenset[str]:
    return frozenset(name for entity in entities for name in (*entity.properties, *entity.relations))
