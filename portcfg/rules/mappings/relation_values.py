"""PC327: what is no identifier in a relation."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.configs import gently
from portcfg.rules.mappings.unknown_names import known
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

_HINT = "a relation takes the target's identifier, which is text; `| tostring` makes text of a number"


def check(portal: Portal) -> Iterator[Found]:
    """Numbers, true and false; alone or in a list."""
    for each in portal.inferred:
        written = each.written
        shape = known(portal, written.blueprint)
        if written.section != "relations" or not shape or written.name not in shape.relations:
            continue
        given = each.type.without("null")
        items = given.items.without("null") if given.kinds == {"array"} and given.items else given
        if items.kinds and items.kinds <= {"number", "boolean"}:
            message = f"the relation {written.name!r} takes an identifier, and this gives {items.named}"
            yield written.found(message, _HINT)


RULE = Rule("PC327", gently(check))
