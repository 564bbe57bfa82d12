"""`retention` and `prune` of a mapping, checked without Port: what tells an entity's day, and whether what the source
has no more of can be told at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portcfg.model import Path
from portcfg.sync import jq_text
from portcfg.sync.findings import Finding, as_list, as_mapping

RETENTION, PRUNE = "retention", "prune"
_CONSTANT = re.compile(r'"([^"\\]*)"')
_MIDNIGHT = re.compile(r'(.+?)\s*\+\s*"T[0-9:.]+Z"')


@dataclass(frozen=True)
class _Writer:
    """One entity mapping of a resource, with the stream that feeds it. `blueprint` is '' where it is an expression."""

    path: Path
    blueprint: str
    entity: Mapping[str, Any]
    stream_name: str
    stream: Mapping[str, Any]
    group_by: Mapping[str, Any]


def deletion_problems(body: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with `retention` and `prune`."""
    writers = list(_writers(body))
    for key in (RETENTION, PRUNE):
        for blueprint, raw in as_mapping(body.get(key)).items():
            path: Path = (key, str(blueprint))
            own = [item for item in writers if item.blueprint == blueprint]
            if not own:
                yield path, f"no resource writes `{blueprint}`", "a sync deletes only what its mapping makes"
                continue
            yield from _property_problems(path, raw, own)
            if key == PRUNE:
                yield from _unsure(path, [item for item in writers if item.blueprint in ("", blueprint)])


def date_problems(body: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Properties of `retention` and `prune` that are no date-times; `schemas` are the properties of each blueprint that
    is known."""
    for key in (RETENTION, PRUNE):
        for blueprint in as_mapping(body.get(key)):
            name, known = day_property(body, key, str(blueprint)), schemas.get(str(blueprint))
            if name and known is not None and as_mapping(known.get(name)).get("format") != "date-time":
                hint = "name another property, or make it `type: string` with `format: date-time`"
                yield (
                    (key, str(blueprint)),
                    f"`{blueprint}.{name}`, by which entities are deleted, is no date-time",
                    hint,
                )


def day_property(body: Mapping[str, Any], key: str, blueprint: str) -> str:
    """The property that tells an entity's day: the one that is named, else one that is made of the stream's day; ''
    where there is none."""
    named = as_mapping(as_mapping(body.get(key)).get(blueprint)).get("property")
    own = [item for item in _writers(body) if item.blueprint == blueprint]
    return str(named) if named else _derived(own)


def _property_problems(path: Path, raw: Any, writers: list[_Writer]) -> Iterator[Finding]:
    named = as_mapping(raw).get("property")
    if named is not None and not any(named in as_mapping(item.entity.get("properties")) for item in writers):
        yield (*path, "property"), f"no resource writes `{path[-1]}.{named}`", ""
    elif named is None and not _derived(writers):
        value = "{days: N, property: NAME}" if path[0] == RETENTION else "{within: window, property: NAME}"
        yield (
            path,
            f"which property tells the day of a `{path[-1]}`? None is the stream's day in all resources that write it",
            f"name the date-time property whose UTC day is that of the rows: `{path[-1]}: {value}`",
        )


def _derived(writers: list[_Writer]) -> str:
    """The first property that every writer makes of its stream's day: only then the two are surely the same."""
    names = [list(as_mapping(item.entity.get("properties"))) for item in writers]
    first = names[0] if names else []
    return next((str(name) for name in first if all(_is_day(item, name) for item in writers)), "")


def _is_day(writer: _Writer, name: str) -> bool:
    day = as_mapping(writer.stream.get("window")).get("day")
    found = _moment_of(str(as_mapping(writer.entity.get("properties")).get(name)), writer.group_by)
    return day is not None and found == jq_text.normalise(str(day))


def _moment_of(text: str, group_by: Mapping[str, Any], midnight: bool = False) -> str:
    """The day's expression in `day + "T00:00:00Z"`, as the stream's rows have it; '' for anything else."""
    expression = jq_text.normalise(text).strip()
    if found := _MIDNIGHT.fullmatch(expression):
        expression, midnight = found[1], True
    if expression.startswith(".") and expression[1:] in group_by:
        return _moment_of(str(group_by[expression[1:]]), {}, midnight)
    return expression if midnight and not group_by else ""


def _unsure(path: Path, writers: list[_Writer]) -> Iterator[Finding]:
    """Why nobody could tell that the source no longer has an entity."""
    for item in writers:
        stream = f"stream `{item.stream_name}`, which feeds it,"
        if not item.blueprint:
            yield path, f"{_place(item)} may write it, too: its blueprint is an expression", ""
        elif as_mapping(item.stream.get("window")).get("day") is None:
            yield path, f"{stream} doesn't say of which day a row is", "add `window: {day: ...}`"
        elif as_mapping(item.stream.get("path_parameters")):
            yield path, f"{stream} has path parameters, and nobody can tell that none of their values is missing", ""
        elif not as_mapping(item.stream.get("pagination")).get("total"):
            hint = (
                "without it a row that is missing can't be told from one that is gone: add `pagination: {total: ...}`"
            )
            yield path, f"{stream} doesn't state how many rows there are", hint
        elif not isinstance(item.entity.get("identifier"), str):
            yield path, f"{_place(item)} finds its entity by a search, so that it isn't known which one it is", ""


def _place(writer: _Writer) -> str:
    return f"resources[{writer.path[1]}]"


def _writers(body: Mapping[str, Any]) -> Iterator[_Writer]:
    streams = as_mapping(body.get("streams"))
    for index, resource in enumerate(as_list(body.get("resources"))):
        selector = as_mapping(as_mapping(resource).get("selector"))
        name = selector.get("stream")
        stream = selector if name is None else as_mapping(streams.get(str(name)))
        label = str(as_mapping(resource).get("kind") if name is None else name)
        mappings = as_mapping(as_mapping(as_mapping(resource).get("port")).get("entity")).get("mappings")
        for entity in map(as_mapping, as_list(mappings) or [mappings]):
            constant = _CONSTANT.fullmatch(jq_text.normalise(str(entity.get("blueprint", ""))).strip())
            named = constant[1] if constant else ""
            group_by = as_mapping(selector.get("group_by"))
            yield _Writer(("resources", index), named, entity, label, stream, group_by)
