"""What a blueprint has under which name, and of which type: mirrors and calculations included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from portcfg.kinds import KINDS
from portcfg.kinds.blueprint import is_system
from portcfg.model import Body, Document, Path

# What every entity has (port-api.md §3.2); `$team` is the owning teams.
META: Mapping[str, tuple[str, str]] = {
    "$identifier": ("string", ""),
    "$title": ("string", ""),
    "$icon": ("string", ""),
    "$blueprint": ("string", ""),
    "$team": ("array", ""),
    "$createdAt": ("string", "date-time"),
    "$updatedAt": ("string", "date-time"),
    "$createdBy": ("string", "user"),
    "$updatedBy": ("string", "user"),
}
# How the sections that share one set of names are called in a finding.
SECTIONS: Mapping[str, Path] = {
    "property": ("schema", "properties"),
    "mirror": ("mirrorProperties",),
    "calculation": ("calculationProperties",),
    "aggregation": ("aggregationProperties",),
}


@dataclass(frozen=True)
class Field:
    """One name of a blueprint: `section` is a key of SECTIONS, `relation` or `meta`.

    `type` is JSON Schema's, "" where it can't be known offline; `body` is what the spec says of it, and for a mirror
    that of the property at the end of its path.
    """

    name: str
    section: str
    type: str = ""
    format: str = ""
    body: Body = field(default_factory=dict)
    path: Path = ()

    @property
    def is_date(self) -> bool:
        """Whether it can be an axis of time."""
        return (self.type, self.format) == ("string", "date-time")


@dataclass(frozen=True)
class Shape:
    """The names of one blueprint; relations have names of their own. `fields` includes META."""

    document: Document
    fields: Mapping[str, Field]
    relations: Mapping[str, Field]

    @property
    def is_whole(self) -> bool:
        """Whether the specs say all that it has; of Port's own blueprints they say what they add."""
        return not is_system(self.document.ref.identifier)

    def target(self, relation: str) -> str:
        """The blueprint that a relation leads to, "" for no relation."""
        return str(self.relations[relation].body.get("target", "")) if relation in self.relations else ""


def shapes_of(blueprints: Mapping[str, Document]) -> dict[str, Shape]:
    """The Shape of each blueprint."""
    plain = {name: _plain(document) for name, document in blueprints.items()}
    return {
        name: replace(shape, fields={key: _resolved(each, name, plain) for key, each in shape.fields.items()})
        for name, shape in plain.items()
    }


def _plain(document: Document) -> Shape:
    """A Shape whose mirrors have no type yet."""
    body = document.body
    relations = {
        name: Field(name, "relation", "array" if relation.get("many") else "string", "", relation, ("relations", name))
        for name, relation in (body.get("relations") or {}).items()
    }
    meta = {name: Field(name, "meta", type_, format_) for name, (type_, format_) in META.items()}
    return Shape(document, meta | {each.name: each for each in _members(body)}, relations)


def _members(body: Body) -> Iterator[Field]:
    for section, path in SECTIONS.items():
        holder: Any = body
        for key in path:
            holder = (holder or {}).get(key)
        for name, member in (holder or {}).items():
            type_ = "number" if section == "aggregation" else str(member.get("type", ""))
            yield Field(name, section, type_, str(member.get("format", "")), member, (*path, name))


def _resolved(
    each: Field, blueprint: str, plain: Mapping[str, Shape], seen: frozenset[tuple[str, str]] = frozenset()
) -> Field:
    """A mirror with the type of what is at the end of its path, over as many mirrors as lie between."""
    if each.section != "mirror" or (blueprint, each.name) in seen:
        return each
    *relations, last = str(each.body.get("path", "")).split(".")
    way = follow(blueprint, relations, plain)
    found = plain[way.end].fields.get(last) if way.end in plain else None
    found = _resolved(found, way.end, plain, seen | {(blueprint, each.name)}) if found else None
    if not found or (found.section == "mirror" and not found.type):
        return each
    type_, format_ = ("array", "") if way.many else (found.type, found.format)
    return Field(each.name, "mirror", type_, format_, found.body, each.path)


@dataclass(frozen=True)
class Way:
    """Where relations lead: `end` is a blueprint, "" where it isn't known; `many` if one of them is.

    `broken` is the name of no relation of `at`, "" for none.
    """

    end: str
    many: bool = False
    at: str = ""
    broken: str = ""


def follow(start: str, relations: Sequence[str], shapes: Mapping[str, Shape]) -> Way:
    """Where relations lead to from a blueprint. What is external, or Port's own, may have any; and a name that a part
    had before a rename breaks no way: PC206 tells it."""
    many = False
    for name in relations:
        shape = shapes.get(start)
        if shape is None:
            return Way("", many)
        if name not in shape.relations:
            told = not shape.is_whole or name in renamed(shape)
            return Way("", many) if told else Way("", many, start, name)
        many = many or bool(shape.relations[name].body.get("many"))
        start = shape.target(name)
    return Way(start, many)


def renamed(shape: Shape) -> frozenset[str]:
    """The names that parts of a blueprint had before."""
    return frozenset(each.old for each in KINDS["blueprint"].renaming.asked(shape.document.body))
