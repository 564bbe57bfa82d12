"""The calculations of the specs, with the types of what they see and give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from portcfg.model import Body, Document, Path
from portcfg.rules.blueprints.calculation_reads import reads
from portcfg.rules.blueprints.ways import CALCULATIONS, members
from portcfg.rules.fields import Field, Shape
from portcfg.rules.jq_types import (
    ANY,
    ARRAY,
    BOOLEAN,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Type,
    array_of,
    object_of,
    text,
)
from portcfg.rules.jq_types_infer import Clash, learned
from portcfg.rules.jqtext import jq_mistake
from portcfg.rules.portal import Portal
from portcfg.sync.jq_checks import parsed
from portcfg.sync.jq_tree import Node

TYPES = {"number": NUMBER, "string": STRING, "boolean": BOOLEAN, "object": OBJECT, "array": ARRAY}
# What to do about operands that don't go together.
CONVERT = "convert with tostring or tonumber, or read another property"
# What is known of values: a type, an array and the type of its items, or an enum and its texts.
Known = tuple[str, ...]
# Of what these hold little is published (port-api.md §2.1).
VAGUE = frozenset({"labeled-url", "proto", "timer", "blueprints"})


@dataclass(frozen=True)
class Calculation:
    """One that compiles; `tree` is None where only libjq understands it."""

    document: Document
    name: str
    body: Body
    shape: Shape
    tree: Node | None

    @property
    def path(self) -> Path:
        """Where its jq stands."""
        return (*CALCULATIONS, self.name, "calculation")

    @property
    def reads(self) -> list[tuple[str, str]]:
        """(section, name) of what it certainly reads."""
        return list(reads(self.tree)) if self.tree is not None else []

    def gives(self, *, present: bool) -> tuple[Type, tuple[Clash, ...]]:
        """(the type of its value, operations that always fail); `present` if every property has a value."""
        program = self.body["calculation"]
        fields = self.shape.fields.values()
        named = tuple((each.name, shape) for each in fields if each.name in program and (shape := _shape(each)))
        return _gives(program, named, present)


def calculations(portal: Portal) -> Iterator[Calculation]:
    """Every calculation that compiles."""
    for document, name, body in members(portal, CALCULATIONS):
        if not jq_mistake(body["calculation"]):
            shape = portal.shapes[document.ref.identifier]
            yield Calculation(document, name, body, shape, parsed(body["calculation"]))


@lru_cache(maxsize=4096)
def _gives(program: str, named: tuple[tuple[str, Known], ...], present: bool) -> tuple[Type, tuple[Clash, ...]]:
    """Blueprints share calculations, and rules ask for the same ones."""
    properties = {name: _type(shape) if present else _type(shape) | NULL for name, shape in named}
    entity = {"identifier": STRING, "blueprint": STRING, "properties": object_of(properties, True)}
    found, clashes = learned(program, object_of(entity, True), {})
    return found, tuple(clashes)


def _shape(each: Field) -> Known:
    """What is certain of a property's values; () for nothing."""
    body = each.body
    if each.section == "calculation" or "calculation" in body or each.format in VAGUE:
        return ()
    if each.type == "string" and "enum" in body:
        texts = all(isinstance(value, str) for value in body["enum"])
        return ("enum", *body["enum"]) if texts else ()
    if each.type == "array" and each.section == "property":
        items = body.get("items") or {}
        return ("array", "" if items.get("format") in VAGUE else str(items.get("type")))
    return (each.type,) if each.type in TYPES else ()


def _type(shape: Known) -> Type:
    kind, *more = shape
    if kind == "enum":
        return text(*more)
    return array_of(TYPES.get(more[0], ANY)) if kind == "array" and more else TYPES[kind]
