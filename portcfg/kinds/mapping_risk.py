"""What a change of a mapping does to the entities that it keeps up to date, and which properties mappings write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portcfg.diff import canonical
from portcfg.kinds.risk_base import ENTITIES, Count, Impact, Part, ReadBy, Reader, Risk, has_value, query_names
from portcfg.model import Body, Change, Ref, Resource, State

LITERAL = re.compile(r"""["']([^"'\\]+)["']""")


@dataclass(frozen=True)
class _Fill:
    """One entity mapping of a resource: the blueprints it may fill, and how."""

    label: str
    blueprints: frozenset[str]
    rows: str
    mapping: Body

    @property
    def names(self) -> set[str]:
        """The properties and relations that it writes."""
        return {*_section(self.mapping, "properties"), *_section(self.mapping, "relations")}


def _section(body: Body, key: str) -> Body:
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def _fills(body: Body | None) -> list[_Fill]:
    config = (body or {}).get("config")
    resources = config.get("resources") if isinstance(config, dict) else None
    found = []
    for number, resource in enumerate(resources if isinstance(resources, list) else [], start=1):
        if isinstance(resource, dict):
            port = _section(resource, "port")
            rows = canonical([resource.get("selector"), port.get("itemsToParse")])
            label = f"resource {number} ({resource.get('kind')})"
            found += [_Fill(label, _literals(part), rows, part) for part in _entity_mappings(port)]
    return found


def _entity_mappings(port: Body) -> list[Body]:
    value = _section(port, "entity").get("mappings")
    return [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, dict)]


def _literals(mapping: Body) -> frozenset[str]:
    """The blueprints that the jq names literally; others can't be known before it runs."""
    text = mapping.get("blueprint")
    return frozenset(LITERAL.findall(text)) if isinstance(text, str) else frozenset()


def reads(resource: Resource, state: State) -> Iterator[tuple[Part, Reader]]:
    """Every blueprint, property and relation that the mapping writes, or searches by."""
    labels: dict[Part, dict[str, None]] = {}
    for fill in _fills(resource.body):
        for part in _parts(fill, state):
            labels.setdefault(part, {})[fill.label] = None
    for part, found in labels.items():
        yield part, Reader("mapping", f"{resource.ref}: {', '.join(found)}")


def _parts(fill: _Fill, state: State) -> Iterator[Part]:
    searched = {*_searched(fill.mapping.get("identifier")), *_searched(fill.mapping.get("team"))}
    for blueprint in sorted(fill.blueprints):
        ref = Ref("blueprint", blueprint)
        yield ref, ""
        yield from ((ref, name) for name in sorted(fill.names | searched))
        relations = (state[ref].body.get("relations") or {}) if ref in state else {}
        for name, query in _section(fill.mapping, "relations").items():
            target = relations.get(name, {}).get("target")
            yield from ((Ref("blueprint", target), used) for used in _searched(query) if target)


def _searched(query: Any) -> list[str]:
    """The properties in a search that stands for an identifier; they are jq, so in quotes."""
    return [name.strip().strip("'\"") for name in query_names(query)]


def impacts(change: Change, state: State, read_by: ReadBy) -> Iterator[Impact]:
    """What is no longer written, or written from other rows. Entities are deleted by Ocean only, never by portcfg."""
    if change.before is None:
        return
    old, new = _fills(change.before), _fills(change.after)
    ocean = change.after is not None and _runs_in_ocean(change.before)
    for blueprint in sorted(_blueprints(old)):
        before = [fill for fill in old if blueprint in fill.blueprints]
        after = [fill for fill in new if blueprint in fill.blueprints]
        if after:
            yield from _changed(blueprint, before, after, ocean)
            yield from _unwritten(blueprint, before, after, state, read_by)
        else:
            yield from _abandoned(blueprint, ocean, read_by)


def _runs_in_ocean(body: Body) -> bool:
    return bool((body.get("config") or {}).get("runner") == "ocean")


def _blueprints(fills: list[_Fill]) -> set[str]:
    return {blueprint for fill in fills for blueprint in fill.blueprints}


def _written_elsewhere(blueprint: str, name: str, read_by: ReadBy) -> bool:
    return any(reader.what == "mapping" for reader in read_by(Ref("blueprint", blueprint), name))


def _abandoned(blueprint: str, ocean: bool, read_by: ReadBy) -> Iterator[Impact]:
    count = Count(blueprint)
    if ocean:
        reason = f"no resource fills `{blueprint}` any more: Ocean deletes those that it wrote of {ENTITIES}"
        yield Impact(Risk.DESTRUCTIVE, reason, count)
    elif not _written_elsewhere(blueprint, "", read_by):
        reason = f"nothing fills `{blueprint}` any more: {ENTITIES} will not be updated"
        yield Impact(Risk.BREAKING, reason, count)


def _changed(blueprint: str, before: list[_Fill], after: list[_Fill], ocean: bool) -> Iterator[Impact]:
    left_out = "deleted by Ocean" if ocean else "not updated"
    if not {fill.rows for fill in before} <= {fill.rows for fill in after}:
        reason = f"changes which rows become `{blueprint}`: of {ENTITIES}, those left out will be {left_out}"
        yield Impact(Risk.BREAKING, reason, Count(blueprint))
    if not _identifiers(before) <= _identifiers(after):
        reason = f"changes the identifiers in `{blueprint}`: of {ENTITIES}, those with an old one will be {left_out}"
        yield Impact(Risk.BREAKING, reason, Count(blueprint))


def _identifiers(fills: list[_Fill]) -> set[str]:
    return {canonical(fill.mapping.get("identifier")) for fill in fills}


def _unwritten(
    blueprint: str, before: list[_Fill], after: list[_Fill], state: State, read_by: ReadBy
) -> Iterator[Impact]:
    """Properties that keep their last value, since nothing writes them; relations in the same way."""
    ref = Ref("blueprint", blueprint)
    body = state[ref].body if ref in state else {}
    properties = (body.get("schema") or {}).get("properties") or {}
    gone = {name for fill in before for name in fill.names} - {name for fill in after for name in fill.names}
    for name in sorted(gone):
        known = name in properties or name in (body.get("relations") or {})
        if not known or _written_elsewhere(blueprint, name, read_by):
            continue
        rule = has_value(name) if name in properties else {"relation": name, "operator": "isNotEmpty"}
        reason = f"nothing writes `{name}` of `{blueprint}` any more: the last value stays in {ENTITIES}"
        yield Impact(Risk.BREAKING, reason, Count(blueprint, (rule,)), read_by(ref, name))
