"""PC207: a `migrate` that isn't valid jq, or reads what Port doesn't have."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds import KINDS
from portcfg.rules.inside import place_inside
from portcfg.rules.jqtext import jq_fault, jq_outside
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port runs it on every entity that has a value to move."""
    for document in portal.documents:
        for name, text in KINDS[document.kind].renaming.migrate(document.body).items():
            path = ("schema", "properties", name, "migrate")
            mistake, at = jq_fault(text)
            if mistake:
                inside = place_inside(document, path, text, at, portal.texts)
                message = f"the migrate of {name!r} isn't valid jq: {mistake}"
                yield Found(document, path, message, "try it with `jq` on one entity", inside)
                continue
            outside, at = jq_outside(text)
            if outside:
                inside = place_inside(document, path, text, at, portal.texts)
                message = f"the migrate of {name!r} reads `{outside}`, which Port doesn't have"
                yield Found(document, path, message, "take the value from `.properties` or `.relations`", inside)


RULE = Rule("PC207", check)
