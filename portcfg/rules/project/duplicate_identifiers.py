"""PC701: two specs of one resource."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Document, Ref
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Only one could be applied."""
    first: dict[Ref, Document] = {}
    for document in portal.everything:
        ref = document.ref
        if ref.identifier and ref in first:
            message = f"{ref} is specified twice; the other stands in {first[ref].place(('identifier',)).file}"
            yield Found(document, ("identifier",), message, "keep one, or rename one")
        first.setdefault(ref, document)


RULE = Rule("PC701", check)
