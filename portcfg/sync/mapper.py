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

from portcfg.errors import IncompleteError
from portcfg.sync.fragments import Fragment, Key, Origin, search_text
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
from portcfg.sync.report import Reject, ResourceReport
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
    """Feed it every batch of its stream, then `finish`; both give fragments.

    `broken` are the entities of which a row failed, with whether the rows that failed are enough to make them again.
    """

    def __init__(self, resource: SyncResource, order: int, tools: MapperTools) -> None:
        self.resource = resource
        self.count = MapperCount()
        self.broken: dict[Key, bool] = {}
        self.partial = False
        self._order = order
        self._tools = tools
        scope = tools.scope
        self._items = RowExpander(_items_expression(resource.items), scope) if resource.items else None
        self._deduper = Deduper(resource.dedupe, scope, self._not_deduped) if resource.dedupe else None
        self._grouping = Grouping(resource, scope) if resource.group_by else None
        query = "true" if self._grouping else resource.query
        slots = _entity_slots(resource)
        self._entity = RowProgram(slots, scope, query)
        self._key = RowProgram({name: slots[name] for name in ("blueprint", "identifier")}, scope)
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
            self._tools.quarantine.count(self._because("groups", message, ("", group)))
            self._break(window, grouping.key_row(group), again=False)
        rows = grouping.groups.rows()
        for start in range(0, len(rows), BATCH_ROWS):
            yield from self._fragments(Batch(window, rows[start : start + BATCH_ROWS]))

    def _parsed_items(self, batch: Batch) -> list[Any]:
        assert self._items is not None
        rows: list[Any] = []
        for row, result in zip(batch.rows, self._items.run(batch), strict=True):
            if isinstance(result, RowError):
                error = replace(result, expression="itemsToParse")
                self._reject_row("evidence" if self._grouping else "row", batch.window, row, error)
                self._lost(error)
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
                self._keep_evidence(batch, row, RowError("aggregate", problem))

    def _failed_row(self, grouping: Grouping, batch: Batch, row: Any, error: RowError) -> None:
        self._keep_evidence(batch, row, error)
        (keys,) = grouping.keys.run(Batch(batch.window, [row]))
        if not isinstance(keys, RowValues):
            # Whichever group it belongs to would come out too small.
            raise IncompleteError(f"{self.resource.label}: a row's group can't be told: {error.text}")
        grouping.groups.poison(keys.values, error.text)

    def _fragments(self, batch: Batch) -> Iterator[Fragment]:
        for row, result in zip(batch.rows, self._entity.run(batch), strict=True):
            if result is None:
                self.count.left_out += 1
            elif isinstance(result, RowError):
                self._failed_item(batch.window, row, result)
            elif fragment := self._fragment(batch.window, row, result):
                self.count.fragments += 1
                yield self._with_origin(fragment, batch.window, row)

    def _failed_item(self, window: Any, row: Any, error: RowError) -> None:
        self._values.failed(error)
        key = self._break(window, row, again=True)
        self._reject_row("item", window, row, error, key)

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
            self._reject_row("item", window, row, error)
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
            # It may be a part of any entity.
            self.partial = True
            reason = (
                f"it has no value; rows that are meant to be left out: `selector.query`, or `{SKIP_NAMELESS}: true`"
            )
            self._reject_row("item", window, row, RowError(lacking, reason))

    def _with_origin(self, fragment: Fragment, window: Any, row: Any) -> Fragment:
        return replace(fragment, origin=self._origin("item", window, row)) if self._tools.doubt(fragment) else fragment

    def _break(self, window: Any, row: Any, again: bool) -> Key:
        """Mark the entity of a row that failed; ('', '') when nobody knows which it is."""
        (key,) = self._key.run(Batch(window, [row])) if row is not None else (None,)
        if isinstance(key, RowValues) and all(isinstance(value, str) and value for value in key.values):
            blueprint, identifier = key.values
            self.broken[blueprint, identifier] = again and self.broken.get((blueprint, identifier), True)
            return blueprint, identifier
        self.partial = True
        return "", ""

    def _not_deduped(self, error: RowError, window: Any, row: Any) -> None:
        # Which of several rows counts can't be told, and so the row alone can't be used later either.
        self._reject_row("evidence", window, row, error)
        self._lost(error)

    def _lost(self, error: RowError) -> None:
        """A row is missing, whose entity or group can't be told."""
        self.partial = True
        if self._grouping:
            raise IncompleteError(f"{self.resource.label}: a row's group can't be told: {error.text}")

    def _keep_evidence(self, batch: Batch, row: Any, error: RowError) -> None:
        origin = self._origin("evidence", batch.window, row)
        self._tools.quarantine.keep_row(self._because(error.expression, error.text), origin)

    def _reject_row(self, entry: str, window: Any, row: Any, error: RowError, key: Key = ("", "")) -> None:
        reject = self._because(error.expression, error.text, key)
        self._tools.quarantine.reject_row(reject, self._origin(entry, window, row))

    def _because(self, about: str, reason: str, key: Key = ("", "")) -> Reject:
        return Reject(self.resource.label, key[0] or self.resource.blueprint, key[1], reason, about)

    def _origin(self, entry: str, window: Any, row: Any) -> Origin:
        return Origin(entry, self.resource.stream, self.resource.label, window, row)


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
