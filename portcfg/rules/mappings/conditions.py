"""PC338: a condition that isn't true or false."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.model import Path
from portcfg.rules.jq_rows import given, row_types, variables_of
from portcfg.rules.jq_types import ANY, Type
from portcfg.rules.mappings.configs import Config, configs
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """`selector.query` of every resource."""
    for config in configs(portal):
        for path, text, type_ in queries(config):
            if type_.kinds and "boolean" not in type_.kinds:
                message = f"`{text}` is {type_.named}, where true or false is due: every row is rejected"
                yield Found(config.document, path, message, 'compare it with something, such as `.state == "open"`')


def queries(config: Config) -> Iterator[tuple[Path, Any, Type]]:
    """(path, query, what it gives). It is asked before rows are grouped."""
    names = variables_of(config.body)
    ungrouped = [_ungrouped(resource) for resource in config.body.get("resources") or []]
    rows = row_types({**config.body, "resources": ungrouped}) if config.runs_here else [ANY] * len(ungrouped)
    for index, (resource, row) in enumerate(zip(ungrouped, rows, strict=True)):
        query = (resource.get("selector") or {}).get("query")
        if query is not None:
            path = (*config.prefix, "resources", index, "selector", "query")
            yield path, query, given(query, row, names)


def _ungrouped(resource: dict[str, Any]) -> dict[str, Any]:
    selector = resource.get("selector") or {}
    return {**resource, "selector": {key: value for key, value in selector.items() if key != "group_by"}}


RULE = Rule("PC338", check)
