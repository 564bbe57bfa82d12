"""Calculations run by jq itself on entities made up for them.

Only properties whose values all behave alike are made up: numbers, flags, enums and dates. Whether jq works on other
text depends on what stands in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.kinds.blueprint_reads import WHOLE
from portcfg.rules.blueprints.calculations import Calculation
from portcfg.rules.fields import Field
from portcfg.rules.jq_types_calls import PLAIN
from portcfg.rules.jqtext import jq_value
from portcfg.sync.jq_names import names_of
from portcfg.sync.jq_tree import UnsupportedError

NUMBERS = (2.5, 1, 0, -1, 86400)
DATES = ("2024-02-29T10:30:00.000Z", "2024-02-29T10:30:00Z", "2024-02-29", "2024-02-29T10:30:00+02:00")
# Entities for each calculation; the first that works is enough.
ENTITIES = 6
# Functions that are done at once, whatever they are given, and fail on the same in all versions of jq.
QUICK = frozenset(PLAIN) | {
    *("contains", "endswith", "first", "has", "in", "index", "inside", "join", "last", "map"),
    *("select", "split", "startswith", "strftime", "strptime", "test"),
}


def failure(each: Calculation) -> str:
    """Why it fails on all entities made up for it; empty if it works on one, or none can be made up."""
    if not _may_run(each):
        return ""
    used = [name for section, name in each.reads if section == "properties"]
    values = {name: _values(each.shape.fields[name]) for name in used if name in each.shape.fields}
    if len(values) < len(used) or len(each.reads) > len(used) or not all(values.values()):
        return ""
    why = ""
    for entity in _entities(values):
        _, why = jq_value(each.body["calculation"], entity)
        if not why:
            return ""
    return why


def _may_run(each: Calculation) -> bool:
    """Whether it has functions, as of all else the types tell, and ends soon.

    `*` makes long texts of short ones; where all properties are taken at once, none of them is known.
    """
    program = each.body["calculation"]
    if each.tree is None or WHOLE.search(program) or "*" in program:
        return False
    try:
        calls = {call.split("/")[0] for call in names_of(each.tree)[1]}
    except (UnsupportedError, RecursionError):
        return False
    return bool(calls) and calls <= QUICK


def _values(each: Field) -> tuple[Any, ...]:
    if each.section in ("calculation", "mirror") or each.type not in ("number", "boolean", "string"):
        return ()
    if "enum" in each.body:
        return tuple(each.body["enum"])
    return {"number": NUMBERS, "boolean": (True, False)}.get(each.type, DATES if each.is_date else ())


def _entities(values: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    for number in range(ENTITIES):
        properties = {name: each[number % len(each)] for name, each in values.items()}
        yield {"identifier": "e", "title": "E", "blueprint": "b", "properties": properties, "relations": {}}
