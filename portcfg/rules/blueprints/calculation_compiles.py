"""PC201: a calculation that isn't valid jq, or reads what Port doesn't have."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.ways import members
from portcfg.rules.inside import place_inside
from portcfg.rules.jqtext import jq_fault, jq_outside
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port refuses it, and with it the whole blueprint."""
    for document, name, part in members(portal, ("calculationProperties",)):
        text = part["calculation"]
        path = ("calculationProperties", name, "calculation")
        mistake, at = jq_fault(text)
        if mistake:
            message = f"the calculation {name!r} isn't valid jq: {mistake}"
            inside = place_inside(document, path, text, at, portal.texts)
            yield Found(document, path, message, "try it with `jq` on one entity", inside)
            continue
        outside, at = jq_outside(text)
        if outside:
            message = f"the calculation {name!r} reads `{outside}`, which Port doesn't have"
            inside = place_inside(document, path, text, at, portal.texts)
            yield Found(document, path, message, "take the value from `.properties`", inside)


RULE = Rule("PC201", check)
