"""What several rules know of parents and siblings in the sidebar."""

from __future__ import annotations

from collections.abc import Mapping

from portcfg.kinds import KINDS
from portcfg.model import Body, Ref
from portcfg.rules.portal import Portal

IN_SIDEBAR = tuple(kind.name for kind in KINDS.values() if kind.parents)
FOLDERS = tuple(kind.name for kind in KINDS.values() if kind.parents == (kind.name,))

Bodies = Mapping[Ref, Body]


def bodies_of(portal: Portal) -> Bodies:
    """The folders and pages of the specs."""
    return {document.ref: document.body for document in portal.documents if document.kind in IN_SIDEBAR}


def named(name: object, kinds: tuple[str, ...], bodies: Bodies) -> Ref | None:
    """The folder or page of the specs that a name means."""
    found = (Ref(kind, name) for kind in kinds if isinstance(name, str) and Ref(kind, name) in bodies)
    return next(found, None)


def leads_back(ref: Ref, key: str, bodies: Bodies) -> bool:
    """Whether `parent`, or `after`, followed from one to the next, comes back to where it began."""
    seen: set[Ref] = set()
    now = named(bodies[ref].get(key), IN_SIDEBAR, bodies)
    while now and now not in seen:
        seen.add(now)
        now = named(bodies[now].get(key), IN_SIDEBAR, bodies)
    return ref in seen
