"""PC201: a calculation that isn't valid jq."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.ways import members
from portcfg.rules.inside import place_inside
from portcfg.rules.jqtext import jq_fault
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port refuses it, and with it the whole blueprint."""
    for document, name, part in members(portal, ("calculationProperties",)):
        text = part["calculation"]
        mistake, at = jq_fault(text)
        if mistake:
            path = ("calculationProperties", name, "calculation")
            message = f"the calculation {name!r} isn't valid jq: {mistake}"
            inside = place_inside(document, path, text, at, portal.texts)
            yield Found(document, path, message, "try it with `jq` on one entity", inside)


RULE = Rule("PC201", check)
