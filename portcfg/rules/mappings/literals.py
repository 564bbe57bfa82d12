"""PC325 and PC326: constants that the property doesn't take: no date-time, not one of an enum."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.fields import Field
from portcfg.rules.inferred import Inferred
from portcfg.rules.jq_types import Type
from portcfg.rules.mappings.unknown_names import property_of
from portcfg.rules.portal import Portal


def constants(portal: Portal) -> Iterator[tuple[Inferred, Field, Type]]:
    """Properties whose expression gives constant texts alone; with the type of a list's items for a list."""
    for each in portal.inferred:
        written = each.written
        ours = written.section == "properties"
        field = property_of(portal, written.blueprint, written.name) if ours else None
        given = each.type.items if field and field.type == "array" and each.type.items else each.type
        if field and given.kinds & {"string"} and given.texts is not None:
            yield each, field, given
