"""PC324: expressions that fail for every row."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Path
from portcfg.rules.jq_rows import raw_row, row_types, variables_of
from portcfg.rules.jq_types import Type
from portcfg.rules.jq_types_infer import learned
from portcfg.rules.mappings.configs import Config, configs, gently, ungrouped
from portcfg.rules.mappings.endpoints import requests_of
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.sync.jq_text import normalise

_HINT = "make one type of both, such as `(.n | tostring)`; the types are from the stream's `shape`, `rows` and groups"


def check(portal: Portal) -> Iterator[Found]:
    """Two operands that no operator takes, where the expression has no other way out."""
    for each in portal.inferred:
        for clash in each.clashes[:1]:
            yield each.written.found(f"{clash.message}: no row gets through", _HINT)
    for config in configs(portal):
        names = variables_of(config.body)
        for path, text, row in _before(config, portal) if config.runs_here else ():
            type_, clashes = learned(normalise(text), row, names)
            if clashes and not type_.kinds:
                yield Found(config.document, path, f"{clashes[0].message}: no row gets through", _HINT)


def _before(config: Config, portal: Portal) -> Iterator[tuple[Path, str, Type]]:
    """(path, expression, what it sees) of what makes the rows: `rows` of streams, and groups."""
    for request in requests_of(config, portal):
        if isinstance(request.said.get("rows"), str):
            yield (*request.path, "rows"), request.said["rows"], raw_row(request.said)
    for (path, selector), row in zip(config.selectors(), row_types(ungrouped(config.body)), strict=True):
        for name, text in (selector.get("group_by") or {}).items():
            if isinstance(text, str):
                yield (*path, "group_by", name), text, row


RULE = Rule("PC324", gently(check))
