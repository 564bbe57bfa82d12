"""PC202: `required` names what is no property."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds.base import members_of
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port refuses such a schema."""
    for document in portal.blueprints.values():
        properties = members_of(document.body, ("schema", "properties"))
        # Of Port's own blueprints the specs need not say what Port has.
        known = portal.shapes[document.ref.identifier].is_whole
        for index, name in enumerate((document.body.get("schema") or {}).get("required") or ()):
            if known and name not in properties:
                message = f"required names {name!r}, which is no property"
                yield Found(document, ("schema", "required", index), message, meant(name, properties, "properties"))


RULE = Rule("PC202", check)
