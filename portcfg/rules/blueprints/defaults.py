"""PC224: a default that the property doesn't take."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds.blueprint_renames import PROPERTIES
from portcfg.rules.blueprints.ways import members
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.shape import value_mistake


def check(portal: Portal) -> Iterator[Found]:
    """An entity that is written without a value would get one that Port refuses."""
    for document, name, body in members(portal, PROPERTIES):
        if body.get("default") is not None and (mistake := value_mistake(body["default"], body)):
            message = f"the default of the property {name!r} doesn't fit it: {mistake}"
            yield Found(document, (*PROPERTIES, name, "default"), message, "write it as the property says")


RULE = Rule("PC224", check, "warning")
