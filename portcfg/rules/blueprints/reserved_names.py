"""PC228: a name that portcfg needs itself while values move."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds.base import members_of
from portcfg.kinds.blueprint_loose import MARK
from portcfg.kinds.blueprint_moves import TEMPORARY
from portcfg.kinds.blueprint_renames import PROPERTIES, RELATIONS
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """A part of such a name is taken for one that an apply has left half done."""
    for document in portal.blueprints.values():
        for section in (PROPERTIES, RELATIONS):
            for name in members_of(document.body, section):
                if name == MARK or name.startswith(TEMPORARY):
                    message = f"{name!r} is a name that portcfg itself uses while values move"
                    yield Found(document, (*section, name), message, "choose another name")


RULE = Rule("PC228", check)
