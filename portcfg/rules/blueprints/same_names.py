"""PC208: two parts of a blueprint under one name."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds.base import members_of
from portcfg.rules.fields import SECTIONS
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """An entity has all of them in one map, so one hides the other; relations have names of their own."""
    for document in portal.blueprints.values():
        first: dict[str, str] = {}
        for section, path in SECTIONS.items():
            for name in members_of(document.body, path):
                other = first.setdefault(name, section)
                if other != section:
                    message = f"the {section} {name!r} has the name of a {other}"
                    yield Found(document, (*path, name), message, "an entity has one value under a name: rename one")


RULE = Rule("PC208", check)
