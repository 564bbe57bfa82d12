"""PC705: something that is to come after what stands below another parent."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.portal import Portal
from portcfg.rules.project.sidebar import IN_SIDEBAR, bodies_of, named
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Only siblings have an order."""
    bodies = bodies_of(portal)
    for document in (each for each in portal.documents if each.kind in IN_SIDEBAR):
        ref = document.ref
        sibling = named(bodies[ref].get("after"), IN_SIDEBAR, bodies)
        both_say = sibling and "parent" in bodies[ref] and "parent" in bodies[sibling]
        if sibling and both_say and bodies[sibling]["parent"] != bodies[ref]["parent"]:
            message = f"{ref} is to come after {sibling.identifier!r}, which has another parent"
            yield Found(document, ("after",), message, "give both the same `parent`")


RULE = Rule("PC705", check)
