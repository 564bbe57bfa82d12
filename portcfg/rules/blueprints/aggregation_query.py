"""PC220: the query of an aggregation that Port refuses."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.ways import AGGREGATIONS, members
from portcfg.rules.portal import Portal
from portcfg.rules.queries import query_mistakes
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """With the query Port refuses the whole blueprint; an empty one is refused, too (port-api.md §2.1)."""
    for document, name, aggregation in members(portal, AGGREGATIONS):
        path = (*AGGREGATIONS, name, "query")
        if not aggregation.get("query", True):
            yield Found(document, path, "the query is empty", "leave it out")
        elif "query" in aggregation:
            for place, message, hint in query_mistakes(aggregation["query"], path):
                yield Found(document, place, message, hint)


RULE = Rule("PC220", check)
