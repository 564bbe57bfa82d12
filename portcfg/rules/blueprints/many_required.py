"""PC203: a relation that is many and required."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port refuses the two together (port-api.md §2.1)."""
    for document in portal.blueprints.values():
        for name, relation in (document.body.get("relations") or {}).items():
            if relation.get("many") and relation.get("required"):
                message = f"relation {name!r} is many and required"
                yield Found(document, ("relations", name), message, "Port refuses the two together")


RULE = Rule("PC203", check)
