"""PC708: a folder and a page of one identifier."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Ref
from portcfg.rules.portal import Portal
from portcfg.rules.project.sidebar import FOLDERS, IN_SIDEBAR, bodies_of
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port's sidebar has one item of each identifier."""
    bodies = bodies_of(portal)
    for document in (each for each in portal.documents if each.kind in IN_SIDEBAR):
        ref = document.ref
        twins = (Ref(kind, ref.identifier) for kind in FOLDERS if kind != ref.kind)
        for twin in (twin for twin in twins if twin in bodies):
            message = f"{twin} has the same identifier"
            yield Found(document, ("identifier",), message, "Port's sidebar has one item of each")


RULE = Rule("PC708", check)
