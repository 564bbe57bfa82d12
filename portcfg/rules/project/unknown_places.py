"""PC704: a parent or sibling that isn't known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcfg.kinds import KINDS
from portcfg.model import Ref
from portcfg.rules.nearest import nearest
from portcfg.rules.portal import Portal
from portcfg.rules.project.sidebar import IN_SIDEBAR
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """It must be in the specs, or declared external."""
    for document in (each for each in portal.documents if each.kind in IN_SIDEBAR):
        for key, kinds in (("parent", KINDS[document.kind].parents), ("after", IN_SIDEBAR)):
            name = document.body.get(key)
            if name and not any(Ref(kind, name) in portal.known for kind in kinds):
                message = f"there is no {' or '.join(kinds)} {name!r} in the specs"
                yield Found(document, (key,), message, _hint(portal, name, kinds))


def _hint(portal: Portal, name: str, kinds: Sequence[str]) -> str:
    names = [ref.identifier for ref in portal.known if ref.kind in kinds]
    guess = nearest(name, names)
    hint = f"did you mean {guess!r}? " if guess else ""
    folders = " or ".join(f"external.{KINDS[kind].folder}" for kind in kinds)
    return f"{hint}if it lives only in Port, declare it in {portal.project.file} under {folders}"


RULE = Rule("PC704", check)
