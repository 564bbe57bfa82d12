"""jq that stands in a blueprint and that Port runs."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Document, Path
from portcfg.rules.inside import place_inside
from portcfg.rules.jqtext import jq_fault, jq_outside
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found


def refused(portal: Portal, document: Document, path: Path, text: str, called: str) -> Iterator[Found]:
    """Why the jq at `path` doesn't compile, or else what it reads that Port doesn't have."""
    mistake, at = jq_fault(text)
    outside, where = ("", 0) if mistake else jq_outside(text)
    if mistake:
        inside = place_inside(document, path, text, at, portal.texts)
        yield Found(document, path, f"{called} isn't valid jq: {mistake}", "try it with `jq` on one entity", inside)
    elif outside:
        inside = place_inside(document, path, text, where, portal.texts)
        message = f"{called} reads `{outside}`, which Port doesn't have"
        yield Found(document, path, message, "take the value from `.properties` or `.relations`", inside)
