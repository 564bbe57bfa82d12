"""PC201: a calculation that isn't valid jq, or reads what Port doesn't have."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.port_jq import refused
from portcfg.rules.blueprints.ways import CALCULATIONS, members
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port refuses it, and with it the whole blueprint."""
    for document, name, part in members(portal, CALCULATIONS):
        path = (*CALCULATIONS, name, "calculation")
        yield from refused(portal, document, path, part["calculation"], f"the calculation {name!r}")


RULE = Rule("PC201", check)
