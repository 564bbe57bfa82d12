"""PC204: a mirror whose path begins with no relation."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """A path goes over relations; the first is the blueprint's own."""
    for document in portal.of_kind("blueprint"):
        relations = document.body.get("relations") or {}
        for name, mirror in (document.body.get("mirrorProperties") or {}).items():
            first = mirror["path"].split(".")[0]
            if first not in relations:
                hint = f"the relations are: {', '.join(relations) or 'none'}"
                message = f"the path begins with {first!r}, which is no relation"
                yield Found(document, ("mirrorProperties", name, "path"), message, hint)


RULE = Rule("PC204", check)
