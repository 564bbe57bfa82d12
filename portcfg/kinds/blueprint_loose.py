"""The form that a blueprint has while values move: nothing in it refuses an entity that Port holds already.

Port checks an entity whenever a migration writes it, and entities may break what was narrowed since they were written
(port-api.md §2.1). So `required` and all limits step aside, and the specs' own body brings them back. A property
without values marks a blueprint in this form, so that whoever finds one knows whose doing it is.
"""

from __future__ import annotations

from typing import Any

from portcfg.kinds.base import members_of
from portcfg.kinds.blueprint_renames import PROPERTIES, RELATIONS, with_members
from portcfg.model import Body

# No part has this as its temporary name: those go on after another `_`.
MARK = "_portcfg"
MARKED: Body = {"type": "string", "title": "portcfg: values are moving", "description": "Goes with the next apply."}
# What may refuse a value; `type` and `format` may, too, but can't be changed, and hold for all values there are.
LIMITS = frozenset(
    {
        "enum",
        "enumColors",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minItems",
        "maxItems",
        "uniqueItems",
        "properties",
        "patternProperties",
        "additionalProperties",
        "required",
    }
)


def loose(body: Body) -> Body:
    """`body` less all that could refuse an entity. Port's own blueprints stay: a PATCH wouldn't bring it all back."""
    if _system(body):
        return body
    properties = {name: loose_property(member) for name, member in members_of(body, PROPERTIES).items()}
    relations = {name: {**member, "required": False} for name, member in members_of(body, RELATIONS).items()}
    schema = {key: value for key, value in (body.get("schema") or {}).items() if key != "required"}
    return {**body, "schema": {**schema, "properties": properties}, "relations": relations}


def loose_property(member: Body) -> Body:
    """A property's shape less its limits, and those of its items."""
    shape = _unlimited(member)
    return {**shape, "items": _unlimited(shape["items"])} if isinstance(shape.get("items"), dict) else shape


def _unlimited(shape: Body) -> Body:
    return {key: value for key, value in shape.items() if key not in LIMITS}


def marked(body: Body) -> Body:
    """`body` with the mark, unless it is one of Port's own."""
    return body if _system(body) else with_members(body, PROPERTIES, {**members_of(body, PROPERTIES), MARK: MARKED})


def is_marked(live: Body) -> bool:
    """Whether values are moving in a blueprint, or were when an apply was stopped."""
    return MARK in members_of(live, PROPERTIES)


def _system(body: Body) -> bool:
    found: Any = body.get("identifier")
    return str(found).startswith("_")
