"""PC207: a `migrate` that isn't valid jq, or reads what Port doesn't have."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds import KINDS
from portcfg.kinds.blueprint_renames import PROPERTIES
from portcfg.rules.blueprints.port_jq import refused
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port runs it on every entity that has a value to move."""
    for document in portal.documents:
        for name, text in KINDS[document.kind].renaming.migrate(document.body).items():
            yield from refused(portal, document, (*PROPERTIES, name, "migrate"), text, f"the migrate of {name!r}")


RULE = Rule("PC207", check)
