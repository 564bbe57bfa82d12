"""PC342: aggregators over values that they don't take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.model import Path
from portcfg.rules.jq_rows import given, row_types, variables_of
from portcfg.rules.jq_types import Type
from portcfg.rules.jq_types_infer import Variables
from portcfg.rules.mappings.configs import configs, ungrouped
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.sync.findings import as_mapping
from portcfg.sync.group_checks import is_aggregator

_TAKES: Mapping[str, frozenset[str]] = {
    "sum": frozenset({"number"}),
    "any": frozenset({"boolean"}),
    "min": frozenset({"number", "string", "boolean"}),
    "max": frozenset({"number", "string", "boolean"}),
}


def check(portal: Portal) -> Iterator[Found]:
    """Null says nothing, and is always taken."""
    for config in configs(portal):
        names = variables_of(config.body)
        rows = row_types(ungrouped(config.body)) if config.runs_here else []
        for (path, selector), row in zip(config.selectors(), rows, strict=False):
            tree = selector.get("aggregate") or {}
            for place, name, value in _aggregators((*path, "aggregate"), tree, row, names):
                kinds = value.kinds - {"null"}
                if kinds and kinds.isdisjoint(_TAKES.get(name, kinds)):
                    takes = " or ".join(sorted(_TAKES[name]))
                    message = f"`{name}` takes {takes}, and this gives {value.without('null').named}"
                    hint = "`| tonumber` makes a number of text" if takes == "number" else "take another aggregator"
                    yield Found(config.document, place, f"{message}: no group is written", hint)


def _aggregators(path: Path, tree: Any, row: Type, names: Variables) -> Iterator[tuple[Path, str, Type]]:
    """(path, aggregator, what it is given)"""
    for field, spec in tree.items() if isinstance(tree, Mapping) else ():
        if isinstance(spec, Mapping) and is_aggregator(spec):
            name, argument = next(iter(spec.items()))
            if name == "object":
                yield from _aggregators((*path, field, name, "value"), as_mapping(argument).get("value"), row, names)
            elif name != "latest":
                yield (*path, field, name), name, given(argument, row, names)
        else:
            yield from _aggregators((*path, field), spec, row, names)


RULE = Rule("PC342", check)
