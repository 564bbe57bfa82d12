"""Ways over relations, and what is at their end, as far as the specs can tell.

What is external, or Port's own, may have anything. A name that a part had before a rename is PC206's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from portcfg.kinds import KINDS
from portcfg.kinds.base import members_of
from portcfg.model import Body, Document, Path
from portcfg.rules.fields import Field, Shape
from portcfg.rules.portal import Portal


@dataclass(frozen=True)
class Way:
    """`end` is a blueprint, "" where it isn't known. `broken` is the name of no relation of `at`, "" for none."""

    end: str
    at: str = ""
    broken: str = ""


def follow(portal: Portal, start: str, relations: Sequence[str]) -> Way:
    """Where relations lead to from a blueprint."""
    for name in relations:
        shape = portal.shapes.get(start)
        if shape is None:
            return Way("")
        if name not in shape.relations:
            told = not shape.is_whole or name in renamed(shape)
            return Way("") if told else Way("", start, name)
        start = shape.target(name)
    return Way(start)


def lacks(portal: Portal, blueprint: str, name: str) -> bool:
    """Whether a blueprint certainly has nothing of this name, relations aside."""
    shape = portal.shapes.get(blueprint)
    return bool(shape and shape.is_whole and name not in shape.fields and name not in renamed(shape))


def renamed(shape: Shape) -> frozenset[str]:
    """The names that parts of a blueprint had before."""
    return frozenset(each.old for each in KINDS["blueprint"].renaming.asked(shape.document.body))


def names_of(shape: Shape) -> list[str]:
    """The names of what a blueprint has, without those that every entity has."""
    return [name for name in shape.fields if not name.startswith("$")]


def members(portal: Portal, section: Path) -> Iterator[tuple[Document, str, Body]]:
    """(document, name, body) of each member of a section, of all blueprints."""
    for document in portal.blueprints.values():
        for name, body in members_of(document.body, section).items():
            yield document, name, body


def field_of(portal: Portal, blueprint: str, name: Any) -> Field | None:
    """What a blueprint has under a name, None where that isn't known."""
    shape = portal.shapes.get(blueprint)
    return shape.fields.get(str(name)) if shape else None
