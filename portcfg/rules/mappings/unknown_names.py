"""PC320: properties that the blueprint doesn't have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from portcfg.model import Path
from portcfg.rules.fields import Field, Shape
from portcfg.rules.mappings.configs import Config, configs, gently
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

_COMPUTED = ("mirror", "calculation", "aggregation")


def check(portal: Portal) -> Iterator[Found]:
    """What mappings write, and what `fill` and `merge` name."""
    return unknown(portal, "properties")


def unknown(portal: Portal, section: str) -> Iterator[Found]:
    """Names of a section ("properties", "relations") that the blueprint doesn't have."""
    for written in portal.written:
        shape = known(portal, written.blueprint) if written.section == section else None
        if shape and (complaint := _complaint(shape, section, written.name)):
            yield written.found(*complaint)
    relations = {(each.blueprint, each.name) for each in portal.written if each.section == "relations"}
    for config in configs(portal):
        for path, blueprint, named, name in _named(config, relations):
            shape = known(portal, blueprint) if named == section else None
            if shape and (complaint := _complaint(shape, section, name)):
                yield Found(config.document, (*config.prefix, *path), *complaint)


def known(portal: Portal, blueprint: str) -> Shape | None:
    """What a blueprint has, None where the specs don't say all: it is only in Port, or one of Port's own."""
    return None if blueprint.startswith("_") else portal.shapes.get(blueprint)


def property_of(portal: Portal, blueprint: str, name: str) -> Field | None:
    """A property that can be written, None where there is none or nobody knows."""
    shape = known(portal, blueprint)
    field = shape.fields.get(name) if shape else None
    return field if field and field.section == "property" else None


def _properties_of(shape: Shape) -> dict[str, Field]:
    """The properties that can be written."""
    return {name: each for name, each in shape.fields.items() if each.section == "property"}


def _complaint(shape: Shape, section: str, name: str) -> tuple[str, str] | None:
    """(message, hint)"""
    blueprint = shape.document.ref.identifier
    if section == "relations" and name not in shape.relations:
        hint = f"{name!r} is a property" if name in _properties_of(shape) else ""
        return f"{blueprint} has no relation {name!r}", hint or _meant(name, shape.relations, "relations")
    what = shape.fields[name].section if name in shape.fields else ""
    if section != "properties" or what == "property":
        return None
    if what in _COMPUTED:
        return (
            f"{name!r} of {blueprint} is a {what} property, which Port works out",
            "nobody can write it: leave it out",
        )
    hint = f"{name!r} is a relation: put it under `relations`" if name in shape.relations else ""
    return f"{blueprint} has no property {name!r}", hint or _meant(name, _properties_of(shape), "properties")


def _meant(name: str, fields: Mapping[str, Field], called: str) -> str:
    titled = next((key for key, each in fields.items() if each.body.get("title") == name), "")
    return f"{name!r} is the title of {titled!r}" if titled else meant(name, fields, called)


def _named(config: Config, relations: Set[tuple[str, str]]) -> Iterator[tuple[Path, str, str, str]]:
    """(path, blueprint, section, name) of all that is named beside the resources; `relations` are those written."""
    for key in ("fill", "merge"):
        for blueprint, names in _mapping(config.body.get(key)).items():
            for name in _mapping(names):
                # A rule may be that of a relation, too.
                section = "relations" if key == "merge" and (blueprint, name) in relations else "properties"
                yield (key, blueprint, name), blueprint, section, name
    for dotted in _mapping(config.body.get("missing_relations")):
        blueprint, _, name = dotted.partition(".")
        yield ("missing_relations", dotted), blueprint, "relations", name


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


RULE = Rule("PC320", gently(check))
