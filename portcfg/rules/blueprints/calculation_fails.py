"""PC211: a calculation that fails whatever its properties hold."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.calculations import CONVERT, calculations
from portcfg.rules.blueprints.generated import failure
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port shows nothing for the value then, and says nothing."""
    for each in calculations(portal):
        gives, clashes = each.gives(present=True)
        why = "" if gives.kinds else clashes[0].message if clashes else "it gives no value"
        if why := why or failure(each):
            message = f"the calculation {each.name!r} fails for every entity that has all it reads: {why}"
            yield Found(each.document, each.path, message, CONVERT)


RULE = Rule("PC211", check)
