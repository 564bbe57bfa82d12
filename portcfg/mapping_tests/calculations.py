"""Calculations of blueprints on the entities that a case makes, by jq itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from portcfg.kinds.blueprint_reads import WHOLE
from portcfg.model import Document, Project
from portcfg.rules.blueprints.calculations import Calculation, calculations
from portcfg.rules.jqtext import jq_value
from portcfg.shape import value_mistake
from portcfg.validate import portal_of

# So many entities each calculation is run on.
TRIED = 200
Entities = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Miscalculated:
    """A calculation of a blueprint that doesn't give what it says, with an entity of which that is so."""

    blueprint: str
    name: str
    entity: str
    message: str


def miscalculated(blueprints: Sequence[Mapping[str, Any]], entities: Entities) -> Iterator[Miscalculated]:
    """Calculations that fail on all entities that have what they read, or give one of them a value of another type.

    `entities` are by blueprint and identifier. Calculations that read more than properties of their own are left out:
    a case has no mirrors and no aggregations.
    """
    documents = [Document("blueprint", dict(body), "", {}) for body in blueprints]
    for each in calculations(portal_of(documents, Project(""))):
        blueprint = each.document.ref.identifier
        found = list(islice(_entities(each, entities.get(blueprint, {})), TRIED))
        if found and (mistake := _mistake(each, found)):
            yield Miscalculated(blueprint, each.name, *mistake)


def _entities(each: Calculation, made: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(identifier, what jq sees) of the entities in which all that a calculation reads has a value."""
    fields = each.shape.fields
    read = [name for section, name in each.reads if section == "properties"]
    own = all(name in fields and fields[name].section == "property" for name in read)
    if not read or len(each.reads) > len(read) or not own or WHOLE.search(each.body["calculation"]):
        return
    for identifier, entity in made.items():
        properties = entity.get("properties") or {}
        if all(properties.get(name) is not None for name in read):
            yield identifier, {"identifier": identifier, **entity}


def _mistake(each: Calculation, found: Sequence[tuple[str, dict[str, Any]]]) -> tuple[str, str] | None:
    """(entity, what is wrong)"""
    given = [(identifier, *jq_value(each.body["calculation"], entity)) for identifier, entity in found]
    for identifier, value, _ in given:
        if value is not None and (mistake := value_mistake(value, each.body)):
            return identifier, mistake
    identifier, _, why = given[0]
    return (identifier, f"fails on every entity: {why}") if all(why for _, _, why in given) else None
