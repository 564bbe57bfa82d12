"""One resource at work: batches of rows in, fragments of entities and rejected rows out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from portcfg.errors import IncompleteError
from portcfg.sync.aggregate import Groups, compile_aggregate
from portcfg.sync.fragments import Fragment
from portcfg.sync.jq_programs import (
    BATCH_ROWS,
    RowError,
    RowExpander,
    RowProgram,
    RowValues,
    Scope,
    batch_text,
)
from portcfg.sync.report import Reject
from portcfg.sync.spec import ItemsToParse, SyncResource
from portcfg.sync.streams import Batch, Deduper

_HEAD = ("identifier", "blueprint", "title", "icon", "team", "selector.creates")


@dataclass
class MapperCount:
    """What a resource did with its rows, for the report."""

    rows: int = 0
    left_out: int = 0
    no_identifier: int = 0
    fragments: int = 0
    duplicates: int = 0
    several_outputs: dict[str, int] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)


class ResourceMapper:
    """Feed it every batch of its stream, then `finish`; both give fragments."""

    def __init__(self, resource: SyncResource, order: int, scope: Scope, run_window: Any) -> None:
        self.resource = resource
        self.count = MapperCount()
        self._order = order
        self._run_window = run_window
        self._items = RowExpander(_items_expression(resource.items), scope) if resource.items else None
        self._deduper = Deduper(resource.dedupe, scope, self._reject_row) if resource.dedupe else None
        self._grouping = _Grouping(resource, scope) if resource.group_by else None
        query = "true" if self._grouping else resource.query
        self._entity = RowProgram(_entity_slots(resource), scope, query)

    def feed(self, batch: Batch, text: str) -> Iterator[Fragment]:
        """The fragments of a batch (those of groups and held rows come later). `text` is the batch, serialised once."""
        if self._items:
            batch = Batch(batch.window, self._parsed_items(text))
            text = batch.text()
        if self._deduper:
            batch = self._deduper.feed(batch)
            text = batch.text()
        yield from self._mapped(batch, text)

    def notices(self) -> list[str]:
        """What a person should know of how the rows were used."""
        label, dropped, dedupe = self.resource.label, self.count.duplicates, self.resource.dedupe
        found = [
            f"{label}: `{name}` gave several values {times} times; the first was used"
            for name, times in self.count.several_outputs.items()
        ]
        if dropped and dedupe:
            kept = f"the one with the greatest `{dedupe.keep}`" if dedupe.keep else "the first"
            found.append(f"{label}: {dropped} row(s) with a `{dedupe.by}` that another one has, too; {kept} was used")
        return found

    def _mapped(self, batch: Batch, text: str) -> Iterator[Fragment]:
        self.count.rows += len(batch.rows)
        if self._grouping:
            self._group(batch, text)
        else:
            yield from self._fragments(text)

    def finish(self) -> Iterator[Fragment]:
        """The fragments of held rows and of the groups, once the stream is read to its end."""
        if self._deduper:
            for batch in self._deduper.finish():
                yield from self._mapped(batch, batch.text())
            self.count.duplicates = self._deduper.dropped
        if self._grouping:
            yield from self._finished(self._grouping.groups)

    def _finished(self, groups: Groups) -> Iterator[Fragment]:
        for group, reason in sorted(groups.poisoned.items()):
            self._reject(group, f"a row of this group failed, so the group is not written: {reason}")
        rows = groups.rows()
        for start in range(0, len(rows), BATCH_ROWS):
            chunk = rows[start : start + BATCH_ROWS]
            yield from self._fragments(batch_text(self._run_window, chunk))

    def _parsed_items(self, text: str) -> list[Any]:
        assert self._items is not None
        rows: list[Any] = []
        for result in self._items.run(text):
            if isinstance(result, RowError):
                self._reject("", f"itemsToParse: {result.message}")
            else:
                rows += result
        return rows

    def _group(self, batch: Batch, text: str) -> None:
        assert self._grouping is not None
        for row, result in zip(batch.rows, self._grouping.program.run(text), strict=True):
            if result is None:
                self.count.left_out += 1
            elif isinstance(result, RowValues):
                self._grouping.add(result.values)
            else:
                self._failed_row(batch, row, result)

    def _failed_row(self, batch: Batch, row: Any, error: RowError) -> None:
        assert self._grouping is not None
        message = f"{error.expression}: {error.message}"
        (keys,) = self._grouping.keys.run(batch_text(batch.window, [row]))
        if isinstance(keys, RowValues):
            self._grouping.groups.poison(keys.values, message)
        else:
            # Whichever group it belongs to would come out too small.
            raise IncompleteError(f"{self.resource.label}: a row's group can't be told: {message}")

    def _fragments(self, text: str) -> Iterator[Fragment]:
        for result in self._entity.run(text):
            if result is None:
                self.count.left_out += 1
            elif isinstance(result, RowError):
                self._reject("", f"{result.expression}: {result.message}")
            elif fragment := self._fragment(result):
                self.count.fragments += 1
                yield fragment

    def _fragment(self, result: RowValues) -> Fragment | None:
        identifier, blueprint, title, icon, team, creates = result.values[: len(_HEAD)]
        for name in result.several:
            self.count.several_outputs[name] = self.count.several_outputs.get(name, 0) + 1
        if not identifier or not blueprint:
            self.count.no_identifier += 1
            return None
        if not isinstance(identifier, str) or not isinstance(blueprint, str):
            self._reject(json.dumps(identifier), "identifier and blueprint must be strings")
            return None
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
            creates=creates is not False,
        )

    def _reject_row(self, reason: str) -> None:
        self._reject("", reason)

    def _reject(self, identifier: str, reason: str) -> None:
        self.count.rejects.append(Reject(self.resource.label, self.resource.blueprint, identifier, reason))


class _Grouping:
    """The program that gives a row's keys and values, and the groups they are folded into."""

    def __init__(self, resource: SyncResource, scope: Scope) -> None:
        aggregation = compile_aggregate(resource.aggregate)
        key_slots = {f"group_by.{name}": text for name, text in resource.group_by.items()}
        value_slots = {f"aggregate.{name}": text for name, text in aggregation.expressions.items()}
        self.keys = RowProgram(key_slots, scope)
        self.program = RowProgram({**key_slots, **value_slots}, scope, resource.query)
        self.groups = Groups(tuple(resource.group_by), aggregation)
        self._width = len(key_slots)

    def add(self, values: list[Any]) -> None:
        self.groups.add(values[: self._width], values[self._width :])


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
