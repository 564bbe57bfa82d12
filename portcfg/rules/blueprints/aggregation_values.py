"""PC230: an aggregation asks for a value that its property never has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.model import Body
from portcfg.rules.blueprints.aggregation_names import queried
from portcfg.rules.blueprints.properties import same
from portcfg.rules.blueprints.ways import AGGREGATIONS, field_of, members
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.unchecked import list_at


def check(portal: Portal) -> Iterator[Found]:
    """Only where an enum says all values that there are."""
    for document, name, aggregation in members(portal, AGGREGATIONS):
        for path, rule in queried((*AGGREGATIONS, name, "query"), aggregation.get("query")):
            field = field_of(portal, aggregation["target"], rule["property"])
            enum = list_at(field.body, "enum") if field and field.type == "string" else []
            for value in _asked(rule) if enum else ():
                if not any(same(value, each) for each in enum):
                    message = f"{rule['property']!r} of {aggregation['target']} is never {value!r}"
                    yield Found(document, (*path, "value"), message, meant(str(value), map(str, enum), "values"))


def _asked(rule: Body) -> list[Any]:
    """The values of which an entity must have one."""
    value, sign = rule.get("value"), rule.get("operator")
    if sign == "in" and isinstance(value, list):
        return value
    return [value] if sign == "=" and not isinstance(value, dict | list) else []


RULE = Rule("PC230", check, "warning")
