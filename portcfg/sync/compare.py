"""Live entities, read once and only as far as needed, and what of ours differs from them."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from portcfg.client import PortReader
from portcfg.sync.entities import instant
from portcfg.sync.flight import side_by_side
from portcfg.sync.fragments import Entity
from portcfg.sync.targets import identifier_chunks

Live = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Fields:
    """What a blueprint's mappings write, and so what is compared.

    `silent` are those with a writer that was not read: having no value then is no reason to clear a live one. `more`
    is what is read besides. With `whole` these are all that the blueprint has, and what an entity doesn't say it
    shall not have, but for the `defaults` that Port fills in by itself.
    """

    properties: tuple[str, ...]
    relations: tuple[str, ...]
    title: bool
    icon: bool
    team: bool
    silent: frozenset[str] = frozenset()
    more: tuple[str, ...] = ()
    whole: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def include(self) -> list[str]:
        """The `include` of a search. Relations stand beside properties there."""
        meta = [f"${name}" for name in ("title", "icon", "team") if getattr(self, name)]
        return ["$identifier", *self.more, *meta, *self.properties, *self.relations]

    def narrowed(self, known: Container[str], silent: frozenset[str]) -> Fields:
        """Only with relations that the live blueprint knows, and with what is `silent`."""
        return replace(self, relations=tuple(name for name in self.relations if name in known), silent=silent)


def fields_of(entities: Sequence[Entity]) -> Fields:
    """The fields that any of the entities has, in a stable order."""
    return Fields(
        properties=tuple(sorted({name for entity in entities for name in entity.properties})),
        relations=tuple(sorted({name for entity in entities for name in entity.relations})),
        title=any(entity.title is not None for entity in entities),
        icon=any(entity.icon is not None for entity in entities),
        team=any(entity.team is not None for entity in entities),
    )


def whole_fields(blueprint: Mapping[str, Any]) -> Fields:
    """All fields of a blueprint, for mappings that say what an entity is and nothing else."""
    properties = (blueprint.get("schema") or {}).get("properties") or {}
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    relations = tuple(sorted(blueprint.get("relations") or {}))
    return Fields(tuple(sorted(properties)), relations, True, True, True, whole=True, defaults=defaults)


def read_live(
    port: PortReader, blueprint: Mapping[str, Any], entities: Sequence[Entity], fields: Fields, parallelism: int = 1
) -> Live:
    """The live twins of the entities (and perhaps others), by identifier.

    Where a required date-time property spans all of them, its range is read: N/1,000 requests, and history outside of
    the range is not. Those that are not in it, being new or of another day till now, are asked for by identifier,
    `parallelism` requests at once.
    """
    include = fields.include()

    def search(query: dict[str, Any]) -> dict[str, Mapping[str, Any]]:
        live = port.entities(blueprint["identifier"], include=include, query=query)
        return {entity["identifier"]: entity for entity in live}

    spanning = _date_range(blueprint, entities)
    found = search(spanning) if spanning else {}
    named = (entity.identifier for entity in entities if not entity.search)
    calls = (partial(search, query) for query in identifier_chunks(name for name in named if name not in found))
    for live in side_by_side(calls, parallelism):
        found.update(live)
    return found


def day_property(blueprint: Mapping[str, Any]) -> str:
    """The first required date-time property, which every entity has; '' without one."""
    schema = blueprint.get("schema") or {}
    properties = schema.get("properties") or {}
    required = schema.get("required") or []
    return next((name for name in required if properties.get(name, {}).get("format") == "date-time"), "")


def _date_range(blueprint: Mapping[str, Any], entities: Sequence[Entity]) -> dict[str, Any] | None:
    name = day_property(blueprint)
    moments = [instant(str(entity.properties.get(name))) for entity in entities] if name else []
    known = [moment for moment in moments if moment]
    if not known or len(known) < len(moments):
        return None
    bounds = ((">=", min(known)), ("<=", max(known)))
    rules = [{"property": name, "operator": sign, "value": _utc(moment)} for sign, moment in bounds]
    return {"combinator": "and", "rules": rules}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def changed_body(entity: Entity, live: Mapping[str, Any] | None, fields: Fields) -> dict[str, Any] | None:
    """The body that brings the live entity in line, or None when it is. Nulls are sent only to clear a value.

    An entity that nothing creates only adds: what it doesn't name stays.
    """
    if entity.search:
        # What Port has of it isn't known, so nulls go out as well: they clear.
        return {**_body(entity, {}, {}), **_with_nulls(entity, fields)}
    if live is None:
        return _body(entity, {}, {})
    had, had_related = live.get("properties") or {}, live.get("relations") or {}
    names, related_names = fields.properties, fields.relations
    if not entity.creates:
        names, related_names = tuple(entity.properties), tuple(entity.relations)
    properties = _said(entity.properties, names, fields.silent, (None,))
    relations = _said(entity.relations, related_names, fields.silent, (None, []))
    same = (
        all(_same(name, value, had.get(name), fields) for name, value in properties.items())
        and all(_same_relation(value, had_related.get(name)) for name, value in relations.items())
        and _same_meta(entity, live, fields.whole)
    )
    if same:
        return None
    cleared = {name: None for name, value in properties.items() if value is None and had.get(name) is not None}
    unrelated = {name: value for name, value in relations.items() if not value and had_related.get(name)}
    return _body(entity, cleared, unrelated)


def _said(values: Mapping[str, Any], names: Sequence[str], silent: Container[str], nothing: Any) -> dict[str, Any]:
    """The values by name, without those that say nothing because their writer was not read."""
    said = {name: values.get(name) for name in names}
    return {name: value for name, value in said.items() if name not in silent or value not in nothing}


def _body(entity: Entity, cleared: Mapping[str, Any], unrelated: Mapping[str, Any]) -> dict[str, Any]:
    meta = {"title": entity.title, "icon": entity.icon, "team": entity.team}
    body: dict[str, Any] = {"identifier": entity.identifier}
    body.update({name: value for name, value in meta.items() if value is not None})
    said = {name: value for name, value in entity.properties.items() if value is not None}
    body["properties"] = {**said, **cleared}
    related = {name: value for name, value in entity.relations.items() if value}
    if related or unrelated:
        body["relations"] = {**related, **unrelated}
    return body


def _with_nulls(entity: Entity, fields: Fields) -> dict[str, Any]:
    return {
        "properties": _said(entity.properties, tuple(entity.properties), fields.silent, (None,)),
        "relations": _said(entity.relations, tuple(entity.relations), fields.silent, (None, [])),
    }


def _same(name: str, value: Any, live: Any, fields: Fields) -> bool:
    return same_value(value, live) or (value is None and name in fields.defaults and fields.defaults[name] == live)


def _same_meta(entity: Entity, live: Mapping[str, Any], whole: bool) -> bool:
    for ours, theirs in ((entity.title, live.get("title")), (entity.icon, live.get("icon"))):
        if ours != theirs and (whole or ours is not None):
            return False
    return (entity.team is None and not whole) or _same_relation(entity.team, live.get("team"))


def same_value(ours: Any, live: Any) -> bool:
    """Equal as Port stores it: null is absent, 1 is 1.0 (but not true), and dates are equal as instants."""
    if isinstance(ours, bool) or isinstance(live, bool):
        return ours is live
    if isinstance(ours, dict) and isinstance(live, dict):
        return all(same_value(ours.get(key), live.get(key)) for key in {*ours, *live})
    if isinstance(ours, list) and isinstance(live, list):
        return len(ours) == len(live) and all(map(same_value, ours, live))
    if ours == live:
        return True
    if isinstance(ours, str) and isinstance(live, str) and "T" in ours:
        moment = instant(ours)
        return moment is not None and moment == instant(live)
    return False


def _same_relation(ours: Any, live: Any) -> bool:
    if isinstance(ours, dict):
        # Only Port knows what a search query finds, so one that found something is taken as unchanged: otherwise each
        # run would write every entity again. It is asked anew whenever another value of the entity changes.
        return bool(live)
    return _as_set(ours) == _as_set(live)


def _as_set(value: Any) -> set[str]:
    items = value if isinstance(value, list) else [value]
    return {str(item) for item in items if item is not None}
