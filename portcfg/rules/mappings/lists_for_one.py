"""PC328: a list in a relation to one entity."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.unknown_names import known
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Where the expression can't give anything but a list."""
    for each in portal.inferred:
        written = each.written
        shape = known(portal, written.blueprint)
        relation = shape.relations.get(written.name) if shape and written.section == "relations" else None
        if relation and not relation.body.get("many") and each.type.without("null").kinds == {"array"}:
            message = f"the relation {written.name!r} leads to one entity, and this gives a list"
            yield written.found(message, "take one, such as `.[0]`; or let it be `many: true`")


RULE = Rule("PC328", check, "warning")
