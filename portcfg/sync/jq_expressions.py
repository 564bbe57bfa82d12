"""Where jq stands in a mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.model import Path
from portcfg.sync.findings import as_list as _list
from portcfg.sync.findings import as_mapping as _mapping


def expressions(body: Mapping[str, Any], runs_here: bool = True) -> Iterator[tuple[Path, str]]:
    """Every jq string of a mapping with its path."""
    for name, stream in _mapping(body.get("streams")).items():
        yield from _stream_expressions(("streams", name), _mapping(stream))
    for name, lookup in _mapping(body.get("lookups")).items():
        yield from _strings(("lookups", name), lookup, ("key", "value"))
    for index, resource in enumerate(_list(body.get("resources"))):
        yield from _resource_expressions(("resources", index), _mapping(resource), runs_here)


def _stream_expressions(path: Path, stream: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    yield from _strings(path, stream, ("data_path", "rows"))
    yield from _strings((*path, "pagination"), stream.get("pagination"), ("more", "next", "total", "same"))
    yield from _strings((*path, "dedupe"), stream.get("dedupe"), ("by", "keep"))
    yield from _strings((*path, "window"), stream.get("window"), ("day",))
    for name, parameter in _mapping(stream.get("path_parameters")).items():
        below = (*path, "path_parameters", name)
        yield from _strings(below, parameter, ("field", "filter"))
        yield from _stream_expressions(below, _mapping(parameter))
    if isinstance(stream.get("body"), str):
        yield (*path, "body"), stream["body"]
    for key in ("body", "query_params"):
        yield from _templates((*path, key), stream.get(key))


def _templates(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """The leaves of an object body or of query parameters that are jq: `$...` strings and `{jq: ...}`."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            is_jq = isinstance(item, str) and (item.startswith("$") or set(value) == {"jq"})
            yield from [((*path, key), item)] if is_jq else _templates((*path, key), item)
    for index, item in enumerate(_list(value)):
        yield from _templates((*path, index), item)


def _resource_expressions(path: Path, resource: Mapping[str, Any], runs_here: bool) -> Iterator[tuple[Path, str]]:
    selector = _mapping(resource.get("selector"))
    yield from _strings((*path, "selector"), selector, ("query", "creates"))
    if runs_here:
        yield from _stream_expressions((*path, "selector"), selector)
        yield from _tree((*path, "selector", "group_by"), selector.get("group_by"))
        yield from _tree((*path, "selector", "aggregate"), selector.get("aggregate"))
    port = _mapping(resource.get("port"))
    yield from _strings((*path, "port"), port, ("itemsToParse",))
    mappings = _mapping(port.get("entity")).get("mappings")
    base = (*path, "port", "entity", "mappings")
    if isinstance(mappings, list):
        for index, mapping in enumerate(mappings):
            yield from _tree((*base, index), mapping)
    else:
        yield from _tree(base, mappings)


def _strings(path: Path, value: Any, keys: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    for key in keys:
        text = _mapping(value).get(key)
        if isinstance(text, str) and text:
            yield (*path, key), text


def _tree(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """All strings below: group_by, aggregate, and an entity's mappings with Ocean's search queries."""
    if isinstance(value, str) and value:
        yield path, value
    children = value.items() if isinstance(value, Mapping) else enumerate(_list(value))
    for key, item in children:
        yield from _tree((*path, key), item)
