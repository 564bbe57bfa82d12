"""Ways over relations, and what is at their end, as far as the specs can tell.

What is external, or Port's own, may have anything. A name that a part had before a rename is PC206's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.kinds.base import members_of
from portcfg.model import Body, Document, Path
from portcfg.rules.fields import SECTIONS, Field, Shape, Way, renamed
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal

# What is computed, by the section that holds it.
CALCULATIONS, AGGREGATIONS = SECTIONS["calculation"], SECTIONS["aggregation"]


def astray(portal: Portal, way: Way) -> tuple[str, str] | None:
    """(message, hint) for a path over what is no relation."""
    if not way.broken:
        return None
    message = f"the path goes over {way.broken!r}, which is no relation of {way.at}"
    return message, meant(way.broken, portal.shapes[way.at].relations, "relations")


def lacks(portal: Portal, blueprint: str, name: str) -> bool:
    """Whether a blueprint certainly has nothing of this name, relations aside."""
    shape = portal.shapes.get(blueprint)
    return bool(shape and shape.is_whole and name not in shape.fields and name not in renamed(shape))


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
