"""PC229: a required relation of one of Port's own blueprints."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.ways import members
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """They take relations that aren't required (port-api.md §2.1): Port itself makes their entities."""
    for document, name, relation in members(portal, ("relations",)):
        if relation.get("required") and not portal.shapes[document.ref.identifier].is_whole:
            message = f"relation {name!r} of Port's own {document.ref.identifier} is required"
            yield Found(document, ("relations", name, "required"), message, "remove `required`")


RULE = Rule("PC229", check)
