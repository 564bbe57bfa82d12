"""PC231: ownership that is inherited in a circle."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.fields import follow
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Somebody has to own something in the end (port-api.md §2.1)."""
    for document in portal.blueprints.values():
        if circle := _circle(portal, document.ref.identifier):
            message = f"the ownership is inherited in a circle: {' from '.join(circle)}"
            yield Found(document, ("ownership", "path"), message, "one of them has to be Direct")


def _circle(portal: Portal, start: str) -> list[str]:
    """The blueprints that lead back to `start`, both ends included; empty if none does."""
    passed = [start]
    while (document := portal.blueprints.get(passed[-1])) is not None:
        ownership = document.body.get("ownership") or {}
        if ownership.get("type") != "Inherited" or not ownership.get("path"):
            break
        end = follow(passed[-1], str(ownership["path"]).split("."), portal.shapes).end
        if end == start:
            return [*passed, end]
        if end in passed:
            break
        passed.append(end)
    return []


RULE = Rule("PC231", check)
