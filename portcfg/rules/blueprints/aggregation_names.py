"""PC217: an aggregation reads what its target doesn't have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.model import Body, Path
from portcfg.rules.blueprints.ways import AGGREGATIONS, lacks, members, names_of
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.queries import rules_of
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """The property, the time and the query are those of the target."""
    for document, name, aggregation in members(portal, AGGREGATIONS):
        target = aggregation["target"]
        for key in ("property", "measureTimeBy"):
            used = aggregation["calculationSpec"].get(key)
            if isinstance(used, str) and lacks(portal, target, used):
                yield Found(document, (*AGGREGATIONS, name, "calculationSpec", key), *_told(portal, target, used))
        for path, rule in queried((*AGGREGATIONS, name, "query"), aggregation.get("query")):
            used = rule["property"]
            if lacks(portal, target, used) and used not in portal.shapes[target].relations:
                yield Found(document, (*path, "property"), *_told(portal, target, used))


def queried(path: Path, query: Any) -> Iterator[tuple[Path, Body]]:
    """(path, rule) of each rule about a property that it names by itself, without a way over relations."""
    for below, rule in rules_of(query) if isinstance(query, dict) else ():
        if isinstance(rule.get("property"), str):
            yield (*path, *below), rule


def _told(portal: Portal, target: str, name: str) -> tuple[str, str]:
    names = names_of(portal.shapes[target])
    return f"{target} has no property {name!r}", meant(name, names, "properties")


RULE = Rule("PC217", check)
