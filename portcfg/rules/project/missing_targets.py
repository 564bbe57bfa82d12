"""PC702: a reference to a resource that isn't known."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds import KINDS
from portcfg.model import Ref
from portcfg.rules.nearest import nearest
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """What is referred to must be in the specs, Port's own, or declared external."""
    for document in portal.documents:
        for path, ref in KINDS[document.kind].references(document.body):
            if ref not in portal.known and not KINDS[ref.kind].system(ref.identifier):
                message = f"there is no {ref.kind} {ref.identifier!r} in the specs"
                yield Found(document, path, message, _hint(portal, ref))


def _hint(portal: Portal, ref: Ref) -> str:
    names = [other.identifier for other in portal.known if other.kind == ref.kind]
    guess = nearest(ref.identifier, names)
    hint = f"did you mean {guess!r}? " if guess else ""
    return (
        f"{hint}if it lives only in Port, declare it in {portal.project.file} under external.{KINDS[ref.kind].folder}"
    )


RULE = Rule("PC702", check)
