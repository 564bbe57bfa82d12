"""What is made of a stream's rows while they come in: fragments of entities, and tables for lookups."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Protocol

from portcfg.sync.fragments import Fragment
from portcfg.sync.jq_programs import Batch, JqError, RowError, RowProgram, RowValues, Scope
from portcfg.sync.jq_text import lookups, variables
from portcfg.sync.mapper import MapperTools, ResourceMapper
from portcfg.sync.privacy import Pseudonyms
from portcfg.sync.spec import Lookup, Stream, SyncMapping, SyncResource


class Taker(Protocol):
    """Who takes the rows of one reading."""

    def feed(self, batch: Batch) -> None:
        """One batch."""
        ...

    def finish(self) -> None:
        """The end of the stream."""
        ...


class Mapped:
    """The fragments that the resources of one stream make, and the mappers that made them."""

    def __init__(self, mapping: SyncMapping, stream: str, tools: MapperTools, pseudonyms: Pseudonyms | None) -> None:
        self.mappers = [
            ResourceMapper(resource, order, tools)
            for order, resource in enumerate(mapping.resources)
            if resource.stream == stream
        ]
        self.fragments: list[Fragment] = []
        self._pseudonyms = pseudonyms

    def feed(self, batch: Batch) -> None:
        """One batch."""
        if self._pseudonyms:
            batch = Batch(batch.window, self._pseudonyms.row(batch.rows))
        for mapper in self.mappers:
            self.fragments.extend(mapper.feed(batch))

    def finish(self) -> None:
        """What only the end of the stream gives."""
        for mapper in self.mappers:
            self.fragments.extend(mapper.finish())


class LookupRows:
    """Rows for lookups: each becomes an entry of `$lookup.<name>[key]`, a list of values in row order.

    With `keep` the batches are kept, for resources of the same stream.
    """

    def __init__(self, lookups: Iterable[Lookup], scope: Scope, keep: bool) -> None:
        self._programs = {
            lookup.name: RowProgram({"key": lookup.key, "value": lookup.value}, scope) for lookup in lookups
        }
        self.tables: dict[str, dict[str, list[Any]]] = {name: {} for name in self._programs}
        self.batches: list[Batch] = []
        self._keep = keep

    def feed(self, batch: Batch) -> None:
        """One batch."""
        if self._keep:
            self.batches.append(batch)
        for name, program in self._programs.items():
            for result in program.run(batch):
                if isinstance(result, RowError):
                    raise JqError(f"lookup {name}: {result.expression}: {result.message}")
                if isinstance(result, RowValues) and isinstance(result.values[0], str):
                    self.tables[name].setdefault(result.values[0], []).append(result.values[1])

    def finish(self) -> None:
        """Nothing is left to do."""


def lookups_of(resource: SyncResource, stream: Stream) -> set[str] | None:
    """The names of the lookups that a resource or its stream uses; None when it may be any of them."""
    used: set[str] = set()
    if "$lookup" in json.dumps([stream.body, stream.query_params]):
        return None
    dedupe = (stream.dedupe.by, stream.dedupe.keep) if stream.dedupe else ()
    for text in [*resource.expressions(), stream.rows, stream.day, *dedupe]:
        named = lookups(text)
        if "lookup" in variables(text) and not named:
            return None
        used |= named
    return used
