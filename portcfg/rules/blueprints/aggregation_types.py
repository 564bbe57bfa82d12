"""PC218: an aggregation adds up what are no numbers, or goes by a time that is none."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.ways import AGGREGATIONS, field_of, members
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """What isn't of a known type, be it the end of a mirror, is let through."""
    for document, name, aggregation in members(portal, AGGREGATIONS):
        spec, target = aggregation["calculationSpec"], aggregation["target"]
        used = field_of(portal, target, spec.get("property"))
        if used and used.type not in ("", "number"):
            message = f"{spec['func']} of {used.name!r}, which is of type {used.type}"
            hint = "aggregate a number, or count entities: `calculationBy: entities`"
            yield Found(document, (*AGGREGATIONS, name, "calculationSpec", "property"), message, hint)
        time = field_of(portal, target, spec.get("measureTimeBy"))
        if time and time.type and not time.is_date:
            message = f"{time.name!r} is of type {time.type}, and no date"
            hint = "measure by a property of format date-time, or by $createdAt or $updatedAt"
            yield Found(document, (*AGGREGATIONS, name, "calculationSpec", "measureTimeBy"), message, hint)


RULE = Rule("PC218", check, "warning")
