"""The calculations of the specs, with the types of what they see and give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portcfg.model import Body, Document, Path
from portcfg.rules.blueprints.calculation_reads import reads
from portcfg.rules.blueprints.ways import members
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
        return ("calculationProperties", self.name, "calculation")

    @property
    def reads(self) -> list[tuple[str, str]]:
        """(section, name) of what it certainly reads."""
        return list(reads(self.tree)) if self.tree is not None else []

    def gives(self, *, present: bool) -> tuple[Type, list[Clash]]:
        """(the type of its value, operations that always fail); `present` if every property has a value."""
        return learned(self.body["calculation"], _entity(self.shape, NULL if not present else None), {})


def calculations(portal: Portal) -> Iterator[Calculation]:
    """Every calculation that compiles."""
    for document, name, body in members(portal, ("calculationProperties",)):
        if not jq_mistake(body["calculation"]):
            shape = portal.shapes[document.ref.identifier]
            yield Calculation(document, name, body, shape, parsed(body["calculation"]))


def _entity(shape: Shape, missing: Type | None) -> Type:
    properties = {
        name: of if missing is None else of | missing
        for name, of in ((name, type_of_field(each)) for name, each in shape.fields.items())
        if of != ANY and not name.startswith("$")
    }
    known = {"identifier": STRING, "blueprint": STRING, "properties": object_of(properties, more=True)}
    return object_of(known, more=True)


def type_of_field(each: Field) -> Type:
    """The type of a property's values, where there is one; ANY where Port's specs don't make it certain."""
    body = each.body
    if each.section == "calculation" or "calculation" in body or each.format in VAGUE:
        return ANY
    if each.type == "string" and "enum" in body:
        return text(*body["enum"]) if all(isinstance(value, str) for value in body["enum"]) else ANY
    if each.type == "array" and each.section == "property":
        items = body.get("items") or {}
        vague = items.get("format") in VAGUE
        return array_of(ANY if vague else TYPES.get(str(items.get("type")), ANY))
    return TYPES.get(each.type, ANY)
