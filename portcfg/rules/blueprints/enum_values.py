"""PC222: a value in an enum that the property can't have."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.properties import described
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.unchecked import list_at
from portcfg.shape import value_mistake


def check(portal: Portal) -> Iterator[Found]:
    """Port takes a value only if both the enum and the rest allow it."""
    for document, path, called, body in described(portal):
        rest = {key: part for key, part in body.items() if key != "enum"}
        for index, value in enumerate(list_at(body, "enum")):
            if mistake := value_mistake(value, rest):
                message = f"the enum of the {called} has what it can't be: {mistake}"
                yield Found(document, (*path, "enum", index), message, "write it as the type says, or take it out")


RULE = Rule("PC222", check, "warning")
