"""One resource at work: batches of rows in, fragments of entities and rejected rows out.

Half of an entity must not be written, or what the other half would say looks like nothing, which `fill` makes 0. So
where a row fails, the entity that it belongs to is `broken`; where that can't be told the resource is `partial`: what
it alone would say is left as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from portcfg.sync.failures import Failures
from portcfg.sync.fragments import Fragment, search_text
from portcfg.sync.grouping import Grouping
from portcfg.sync.identifier_parts import NullParts
from portcfg.sync.jq_programs import (
    BATCH_ROWS,
    Batch,
    RowError,
    RowExpander,
    RowProgram,
    RowValues,
    Scope,
)
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.report import ResourceReport
from portcfg.sync.spec import SKIP_NAMELESS, ItemsToParse, SyncResource
from portcfg.sync.streams import Deduper
from portcfg.sync.valuecount import ValueCounts

_HEAD = ("identifier", "blueprint", "title", "icon", "team", "selector.creates")


@dataclass
class MapperCount:
    """What a resource did with its rows, for the report."""

    rows: int = 0
    left_out: int = 0
    no_identifier: int = 0
    fragments: int = 0
    duplicates: int = 0


@dataclass(frozen=True)
class MapperTools:
    """What all mappers of a run share. `doubt` says of a fragment whether its entity will likely be refused."""

    scope: Scope
    run_window: Any
    quarantine: Quarantine = field(default_factory=Quarantine)
    doubt: Callable[[Fragment], bool] = lambda _: False


class ResourceMapper:
    """Feed it every batch of its stream, then `finish`; both give fragments."""

    def __init__(self, resource: SyncResource, order: int, tools: MapperTools) -> None:
        self.resource = resource
        self.count = MapperCount()
        self._order = order
        self._tools = tools
        scope = tools.scope
        self._items = RowExpander(_items_expression(resource.items), scope) if resource.items else None
        self._grouping = Grouping(resource, scope) if resource.group_by else None
        query = "true" if self._grouping else resource.query
        slots = _entity_slots(resource)
        self._entity = RowProgram(slots, scope, query)
        key = RowProgram({name: slots[name] for name in ("blueprint", "identifier")}, scope)
        self.failures = Failures(resource, tools.quarantine, key)
        self._deduper = Deduper(resource.dedupe, scope, self.failures.unordered) if resource.dedupe else None
        self._values = ValueCounts(slots)
        self._null_parts = NullParts(slots["identifier"])

    def feed(self, batch: Batch) -> Iterator[Fragment]:
        """The fragments of a batch (those of groups and held rows come later)."""
        if self._items:
            batch = Batch(batch.window, self._parsed_items(batch))
        if self._deduper:
            batch = self._deduper.feed(batch)
        yield from self._mapped(batch)

    def map_again(self, batch: Batch, entry: str) -> Iterator[Fragment]:
        """The fragments of rows that were kept: of a `row` as `feed` does, of an `item` without what comes before."""
        if entry == "row" and self._items:
            batch = Batch(batch.window, self._parsed_items(batch))
        self.count.rows += len(batch.rows)
        yield from self._fragments(batch)

    def notices(self) -> list[str]:
        """What a person should know of how the rows were used."""
        label, dropped, dedupe = self.resource.label, self.count.duplicates, self.resource.dedupe
        if not dropped or not dedupe:
            return []
        kept = f"the one with the greatest `{dedupe.keep}`" if dedupe.keep else "the first"
        return [f"{label}: rows with a `{dedupe.by}` that another one has, too; {kept} was used ({dropped})"]

    def problem(self) -> str:
        """Why none of its entities can be what is meant, or ''."""
        count, label = self.count, self.resource.label
        if count.no_identifier and not count.fragments and self.resource.nameless != "expect":
            return (
                f"{label}: `{self.resource.entity.identifier}` names none of its {count.no_identifier:,} row(s); is it "
                f"what the rows call it? If it is meant: `{SKIP_NAMELESS}: true` in its selector"
            )
        parts = self._null_parts.problem()
        return f"{label}: {parts}" if parts else ""

    def report(self) -> ResourceReport:
        """The counts."""
        count, entity = self.count, self.resource.entity
        names = [
            *(f"properties.{name}" for name in entity.properties),
            *(f"relations.{name}" for name in entity.relations),
        ]
        return ResourceReport(
            resource=self.resource.label,
            blueprint=self.resource.blueprint,
            rows=count.rows,
            mapped=self._values.rows,
            left_out=count.left_out,
            without_identifier=count.no_identifier,
            fragments=count.fragments,
            values=self._values.report([*(["title"] if entity.title else []), *names]),
        )

    def _mapped(self, batch: Batch) -> Iterator[Fragment]:
        self.count.rows += len(batch.rows)
        if self._grouping:
            self._group(batch)
        else:
            yield from self._fragments(batch)

    def finish(self) -> Iterator[Fragment]:
        """The fragments of held rows and of the groups, once the stream is read to its end."""
        if self._deduper:
            for batch in self._deduper.finish():
                yield from self._mapped(batch)
            self.count.duplicates = self._deduper.dropped
        if self._grouping:
            yield from self._finished(self._grouping)

    def _finished(self, grouping: Grouping) -> Iterator[Fragment]:
        window = self._tools.run_window
        for group, reason in sorted(grouping.groups.poisoned.items()):
            message = f"a row of this group failed, so the group is not written: {reason}"
            self.failures.group(window, group, grouping.key_row(group), message)
        rows = grouping.groups.rows()
        for start in range(0, len(rows), BATCH_ROWS):
            yield from self._fragments(Batch(window, rows[start : start + BATCH_ROWS]))

    def _parsed_items(self, batch: Batch) -> list[Any]:
        assert self._items is not None
        rows: list[Any] = []
        for row, result in zip(batch.rows, self._items.run(batch), strict=True):
            if isinstance(result, RowError):
                error = replace(result, expression="itemsToParse")
                self.failures.reject("evidence" if self._grouping else "row", batch.window, row, error)
                self.failures.lost(error)
            else:
                rows += result
        return rows

    def _group(self, batch: Batch) -> None:
        assert self._grouping is not None
        for row, result in zip(batch.rows, self._grouping.program.run(batch), strict=True):
            if result is None:
                self.count.left_out += 1
            elif not isinstance(result, RowValues):
                self._failed_row(self._grouping, batch, row, result)
            elif problem := self._grouping.add(result.values):
                self.failures.keep(batch.window, row, RowError("aggregate", problem))

    def _failed_row(self, grouping: Grouping, batch: Batch, row: Any, error: RowError) -> None:
        self.failures.keep(batch.window, row, error)
        (keys,) = grouping.keys.run(Batch(batch.window, [row]))
        if not isinstance(keys, RowValues):
            raise self.failures.no_group(error)
        grouping.groups.poison(keys.values, error.text)

    def _fragments(self, batch: Batch) -> Iterator[Fragment]:
        for row, result in zip(batch.rows, self._entity.run(batch), strict=True):
            if result is None:
                self.count.left_out += 1
            elif isinstance(result, RowError):
                self._values.failed(result)
                self.failures.failed(batch.window, row, result)
            elif fragment := self._fragment(batch.window, row, result):
                self.count.fragments += 1
                yield self._with_origin(fragment, batch.window, row)

    def _fragment(self, window: Any, row: Any, result: RowValues) -> Fragment | None:
        identifier, blueprint, title, icon, team, creates = result.values[: len(_HEAD)]
        self._values.add(result)
        search = self.resource.entity.search
        if search:
            identifier = search_text(identifier)
        if not identifier or not blueprint:
            self._nameless(window, row, "identifier" if blueprint else "blueprint")
            return None
        if not isinstance(identifier, str) or not isinstance(blueprint, str):
            shown = json.dumps([identifier, blueprint])[:80]
            error = RowError("identifier", f"identifier and blueprint must be strings, not {shown}")
            self.failures.reject("item", window, row, error)
            return None
        self._null_parts.see(row)
        middle = len(_HEAD) + len(self.resource.entity.properties)
        return Fragment(
            blueprint=blueprint,
            identifier=identifier,
            order=self._order,
            title=title,
            icon=icon,
            team=team,
            properties=dict(zip(self.resource.entity.properties, result.values[len(_HEAD) : middle], strict=True)),
            relations=dict(zip(self.resource.entity.relations, result.values[middle:], strict=True)),
            # What Port has to find must be there.
            creates=creates is not False and not search,
            search=search,
        )

    def _nameless(self, window: Any, row: Any, lacking: str) -> None:
        self.count.no_identifier += 1
        if self.resource.nameless == "reject":
            self.failures.nameless(window, row, lacking)

    def _with_origin(self, fragment: Fragment, window: Any, row: Any) -> Fragment:
        doubtful = self._tools.doubt(fragment)
        return replace(fragment, origin=self.failures.origin("item", window, row)) if doubtful else fragment


def _entity_slots(resource: SyncResource) -> dict[str, str]:
    entity = resource.entity
    head = (entity.identifier, entity.blueprint, entity.title, entity.icon, entity.team, resource.creates)
    return {
        **{name: text or "null" for name, text in zip(_HEAD, head, strict=True)},
        **{f"properties.{name}": text or "null" for name, text in entity.properties.items()},
        **{f"relations.{name}": text or "null" for name, text in entity.relations.items()},
    }


def _items_expression(items: ItemsToParse) -> str:
    rest = f"delpaths([path({items.path}\n)])" if items.strip else "."
    return (
        f"(try ({rest}) catch .) as $portcfg_rest | . as $portcfg_row | ({items.path}\n) | "
        'if type == "array" then .[] else error("itemsToParse gave " + type + " where an array is due") end | '
        f'(if ($portcfg_rest | type) == "object" then $portcfg_rest else $portcfg_row end) + {{{items.name}: .}}'
    )
