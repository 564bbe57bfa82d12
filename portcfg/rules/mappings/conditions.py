"""PC338: a condition that isn't true or false."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Any

from portcfg.model import Path
from portcfg.rules.jq_rows import given, row_types, variables_of
from portcfg.rules.jq_types import ANY
from portcfg.rules.mappings.configs import Config, configs, gently, ungrouped
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """`selector.query` of every resource, which is asked before rows are grouped."""
    for config in configs(portal):
        names = variables_of(config.body)
        rows = row_types(ungrouped(config.body)) if config.runs_here else repeat(ANY)
        for (path, query), row in zip(queries(config), rows, strict=False):
            type_ = given(query, row, names)
            if type_.kinds and "boolean" not in type_.kinds:
                message = f"`{query}` is {type_.named}, where true or false is due: every row is rejected"
                yield Found(config.document, path, message, 'compare it with something, such as `.state == "open"`')


def queries(config: Config) -> Iterator[tuple[Path, Any]]:
    """(path, query) of every resource; true where there is none."""
    for path, selector in config.selectors():
        yield (*path, "query"), selector.get("query", "true")


RULE = Rule("PC338", gently(check))
