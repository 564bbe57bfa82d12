"""PC703: the blueprint of the ledger in the specs."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Ref
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """portcfg makes it itself, and would delete its own record with it."""
    for document in portal.everything:
        if document.ref == Ref("blueprint", LEDGER_BLUEPRINT):
            message = f"{LEDGER_BLUEPRINT} is where portcfg keeps its own record; specs can't have it"
            yield Found(document, ("identifier",), message, "take it out, or give it another name")


RULE = Rule("PC703", check)
