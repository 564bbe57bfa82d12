"""The type of the rows that a resource's expressions see: from `shape` and samples by `rows`, items and groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from portcfg.rules.jq_types import ANY, ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, STRING, Type, array_of, object_of, union
from portcfg.rules.jq_types_calls import elements
from portcfg.rules.jq_types_infer import Variables, infer
from portcfg.rules.samples import Request, asks_kinds, request_to
from portcfg.sync.findings import as_list, as_mapping
from portcfg.sync.group_checks import is_aggregator
from portcfg.sync.jq_text import normalise

_NAME = re.compile(r"\.([A-Za-z_]\w*)")
_KINDS: Mapping[type, Type] = {bool: BOOLEAN, int: NUMBER, float: NUMBER, str: STRING, list: ARRAY, dict: OBJECT}
_WINDOW = object_of(
    {
        **dict.fromkeys(("first_day", "last_day", "start_date", "end_date", "start_iso", "end_iso"), STRING),
        **dict.fromkeys(("days", "start_ms", "end_ms"), NUMBER),
    }
)


def variables_of(body: Mapping[str, Any]) -> Variables:
    """What every expression sees beside its row. Of a variable only the kind counts: it may differ by environment."""
    given = as_mapping(body.get("vars"))
    return {**{name: _KINDS.get(type(value), ANY) for name, value in given.items()}, "window": _WINDOW}


def row_types(body: Mapping[str, Any], seen: Mapping[Request, Type] | None = None) -> list[Type]:
    """The type of the rows of each resource of a mapping that portcfg runs. `seen` is what samples show of rows as the
    source gives them."""
    known = seen or {}
    names = variables_of(body)
    hidden = as_mapping(body.get("privacy"))
    streams = {
        str(name): _hidden(_stream_row(as_mapping(stream).get("path"), as_mapping(stream), names, known), hidden)
        for name, stream in as_mapping(body.get("streams")).items()
    }
    found = []
    for resource in map(as_mapping, as_list(body.get("resources"))):
        selector = as_mapping(resource.get("selector"))
        if selector.get("stream") is None:
            row = _hidden(_stream_row(resource.get("kind"), selector, names, known), hidden)
        else:
            row = streams.get(str(selector["stream"]), ANY)
        found.append(_row(resource, row, names))
    return found


def given(text: Any, row: Type, names: Variables) -> Type:
    """What an expression as it stands in a spec gives: text, or a value that YAML made of `true` or `1`.

    One that always fails gives ANY: it is told by itself, and what is made of it isn't to blame.
    """
    if not isinstance(text, str):
        return _KINDS.get(type(text), ANY)
    found = infer(normalise(text), row, names)
    return found if found.kinds else ANY


def _row(resource: Mapping[str, Any], row: Type, names: Variables) -> Type:
    selector = as_mapping(resource.get("selector"))
    row = _with_items(row, as_mapping(resource.get("port")), names)
    groups = as_mapping(selector.get("group_by"))
    if not groups:
        return row
    keys = {str(name): given(text, row, names) for name, text in groups.items()}
    return object_of({**keys, **_aggregated(as_mapping(selector.get("aggregate")), row, names)})


def raw_row(stream: Mapping[str, Any], seen: Type = ANY) -> Type:
    """A row as the source gives it, which `rows` sees. `shape` says what a field is, `seen` what else there is."""
    shape = {str(key): _shaped(str(said)) for key, said in as_mapping(stream.get("shape")).items()}
    inner = {name: seen.fields[name] for name in shape if name in seen.fields}
    stated = {
        **shape,
        **{name: replace(shape[name], items=each.items, fields=each.fields) for name, each in inner.items()},
    }
    return object_of({**seen.fields, **stated}, more=True) if shape else seen


def _stream_row(path: Any, stream: Mapping[str, Any], names: Variables, known: Mapping[Request, Type]) -> Type:
    # What `rows` makes of each kind of row can't be told apart.
    seen = ANY if asks_kinds(stream.get("rows")) else known.get(request_to(path, stream), ANY)
    raw = raw_row(stream, seen)
    row = given(stream["rows"], raw, names) if stream.get("rows") else raw
    # The values of the path's parameters are put into each row.
    return replace(row, more=True) if stream.get("path_parameters") else row


def _shaped(said: str) -> Type:
    kinds = frozenset(said.rstrip("?").split("|")) | (frozenset({"null"}) if said.endswith("?") else frozenset())
    return Type(kinds)


def _hidden(row: Type, privacy: Mapping[str, Any]) -> Type:
    """The row after pseudonyms: some fields become text, some null, at any depth."""
    texts, dropped = ({str(name) for name in as_list(privacy.get(key))} for key in ("fields", "drop"))
    fields = {}
    for name, each in row.fields.items():
        inner = _hidden(each, privacy)
        fields[name] = inner | (STRING if name in texts else inner) | (NULL if name in dropped else inner)
    return replace(row, fields=fields, items=_hidden(row.items, privacy) if row.items else None)


def _with_items(row: Type, port: Mapping[str, Any], names: Variables) -> Type:
    """The row with one item of a list, and without the list."""
    text = port.get("itemsToParse")
    if not text:
        return row
    item = elements(given(text, row, names).only("array"))
    gone = set(_NAME.findall(str(text)))
    fields = {name: each for name, each in row.fields.items() if name not in gone}
    return object_of({**fields, str(port.get("itemsToParseName", "item")): item}, more=True)


def _aggregated(tree: Mapping[str, Any], row: Type, names: Variables) -> dict[str, Type]:
    return {str(name): _field(spec, row, names) for name, spec in tree.items()}


def _field(spec: Any, row: Type, names: Variables) -> Type:
    if isinstance(spec, Mapping) and is_aggregator(spec):
        return _aggregator(*next(iter(spec.items())), row, names)
    # What is no aggregator is told elsewhere, and nothing is known of it.
    fields = isinstance(spec, Mapping) and all(isinstance(each, Mapping) for each in spec.values())
    return object_of(_aggregated(spec, row, names)) if fields else ANY


def _aggregator(name: str, argument: Any, row: Type, names: Variables) -> Type:
    if name in ("count", "count_distinct"):
        return NUMBER
    if name == "object":
        return OBJECT
    if name in ("sum", "any"):
        return union([NUMBER if name == "sum" else BOOLEAN, NULL])
    value = given(as_mapping(argument).get("value") if name == "latest" else argument, row, names)
    return array_of(value.without("null")) if name == "collect" else value | NULL
