"""`aggregate` of a mapping: aggregators that don't exist, or take something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.model import Path
from portcfg.sync.findings import Finding
from portcfg.sync.findings import as_list as _list
from portcfg.sync.findings import as_mapping as _mapping
from portcfg.sync.spec import AGGREGATORS


def aggregator_problems(body: Mapping[str, Any]) -> Iterator[Finding]:
    for index, resource in enumerate(_list(body.get("resources"))):
        selector = _mapping(_mapping(resource).get("selector"))
        path: Path = ("resources", index, "selector", "aggregate")
        yield from _aggregate_tree(path, _mapping(selector.get("aggregate")))
        if selector.get("aggregate") and not selector.get("group_by"):
            yield path, "`aggregate` needs `group_by`", "say by what the rows are grouped, such as the day"


def _aggregate_tree(path: Path, tree: Mapping[str, Any]) -> Iterator[Finding]:
    for field, spec in tree.items():
        if not isinstance(spec, Mapping):
            yield (
                (*path, field),
                f"`{field}` says no aggregator",
                f"such as `{{sum: .{field}}}`; there are {', '.join(AGGREGATORS)}",
            )
        elif is_aggregator(spec):
            yield from _one_aggregator((*path, field), *next(iter(spec.items())))
        else:
            yield from _aggregate_tree((*path, field), spec)


def is_aggregator(spec: Mapping[str, Any]) -> bool:
    """Whether `{name: argument}` is an aggregator, not an object with a field of that name."""
    name, argument = next(iter(spec.items())) if len(spec) == 1 else ("", None)
    return name in AGGREGATORS and (name in ("latest", "object") or not isinstance(argument, Mapping))


def _one_aggregator(path: Path, name: str, argument: Any) -> Iterator[Finding]:
    needs = {"latest": {"by", "value"}, "object": {"key", "value"}}.get(name)
    if needs is None:
        if not isinstance(argument, str | bool | int):
            yield (*path, name), f"`{name}` takes one jq expression", ""
    elif not isinstance(argument, Mapping) or set(argument) != needs:
        yield (*path, name), f"`{name}` takes {{{', '.join(sorted(needs))}}}", ""
    elif name == "object":
        yield from _aggregate_tree((*path, name, "value"), _mapping(argument["value"]))
