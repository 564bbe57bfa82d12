"""PC706: a folder or page that would stand below, or come after, itself."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.portal import Portal
from portcfg.rules.project.sidebar import IN_SIDEBAR, bodies_of, leads_back
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Such a tree, or order, doesn't exist."""
    bodies = bodies_of(portal)
    for document in (each for each in portal.documents if each.kind in IN_SIDEBAR):
        ref = document.ref
        for key in ("parent", "after"):
            if leads_back(ref, key, bodies):
                message = f"{ref} can't be placed by `{key}: {bodies[ref][key]}`, which leads back to it"
                yield Found(document, (key,), message, "break the circle")


RULE = Rule("PC706", check)
