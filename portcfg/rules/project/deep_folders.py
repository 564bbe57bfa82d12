"""PC707: folders deeper than Port nests them."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds.folder import MAX_LEVELS
from portcfg.model import Ref
from portcfg.rules.portal import Portal
from portcfg.rules.project.sidebar import FOLDERS, Bodies, bodies_of
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Counted as far as the specs know what is above."""
    bodies = bodies_of(portal)
    for document in (each for each in portal.documents if each.kind in FOLDERS):
        levels = _levels(document.ref, bodies)
        if len(levels) > MAX_LEVELS:
            message = f"{' > '.join(reversed(levels))} are {len(levels)} levels of folders"
            yield Found(document, ("parent",), message, f"Port takes {MAX_LEVELS}")


def _levels(ref: Ref, bodies: Bodies) -> list[str]:
    levels, now = [ref.identifier], bodies[ref].get("parent")
    while now and now not in levels:
        levels.append(now)
        now = bodies.get(Ref(ref.kind, now), {}).get("parent")
    return levels


RULE = Rule("PC707", check)
