"""PC213: an operation within a calculation that never works."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.calculations import CONVERT, calculations
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """The rest may still give something: another branch, or what stands behind `//`."""
    for each in calculations(portal):
        gives, clashes = each.gives(present=True)
        if gives.kinds and clashes:
            message = f"in the calculation {each.name!r}, {clashes[0].message}"
            yield Found(each.document, each.path, message, CONVERT)


RULE = Rule("PC213", check, "warning")
