"""PC223: the same value twice in an enum."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.properties import described, same
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.unchecked import list_at


def check(portal: Portal) -> Iterator[Found]:
    """One of the two was meant to be another."""
    for document, path, called, body in described(portal):
        values = list_at(body, "enum")
        seen: set[tuple[type, str]] = set()
        for index, value in enumerate(values):
            key = (type(value), str(value))
            if key in seen and any(same(value, other) for other in values[:index]):
                message = f"the enum of the {called} has {value!r} twice"
                yield Found(document, (*path, "enum", index), message, "take one out")
            seen.add(key)


RULE = Rule("PC223", check, "warning")
