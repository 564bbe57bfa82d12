"""Findings about a mapping that need neither the source nor Port: what `validate` and `parse_mapping` report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema

from portcfg.model import Path
from portcfg.sync import jq_text, ocean_checks
from portcfg.sync.aliases import alias_problems
from portcfg.sync.findings import Finding
from portcfg.sync.findings import as_list as _list
from portcfg.sync.findings import as_mapping as _mapping
from portcfg.sync.jq_programs import RESERVED_VARIABLES, syntax_error
from portcfg.sync.spec import AGGREGATORS, MERGE_RULES

_UNDEFINED = re.compile(r"\$(\w+) is not defined")
_VARIABLE_HINT = "these names are taken: " + ", ".join(f"${name}" for name in sorted(RESERVED_VARIABLES))


def mapping_problems(body: Any, path_prefix: Path = ()) -> Iterator[Finding]:
    """(path, message, hint) for each: jq that doesn't compile, forbidden names, unknown streams and lookups,
    aggregators that don't exist, two writers of one property without a merge rule
    (in a mapping of Ocean's grammar alone the last one counts, as there).

    `body` is a mapping file's content: an object, or a bare list of resources (then paths begin with an index). Shapes
    that the JSON Schema refuses are passed over, since they are reported there.
    """
    whole = body if isinstance(body, Mapping) else {"resources": body if isinstance(body, list) else []}
    runs_here = whole.get("runner", "portcfg") == "portcfg"
    for path, message, hint in _findings(whole, runs_here):
        yield (*path_prefix, *(path if isinstance(body, Mapping) else path[1:])), message, hint


def _findings(body: Mapping[str, Any], runs_here: bool) -> Iterator[Finding]:
    names = jq_variables(_mapping(body.get("vars")))
    yield from (
        (("vars", name), f"`{name}` can't be a variable of the mapping", _VARIABLE_HINT)
        for name in _mapping(body.get("vars"))
        if name in RESERVED_VARIABLES
    )
    unset: set[str] = set()
    for path, text in expressions(body, runs_here):
        yield from _expression_problems(path, text, names, unset)
    if runs_here:
        yield from _unfit_variables(body)
        yield from _unknown_names(body)
        yield from ocean_checks.path_parameters(body)
        yield from ocean_checks.environment_read(body)
        yield from _aggregators(body)
        yield from _windows_without_day(body)
        yield from _groups_of_several_days(body)
        yield from () if ocean_checks.is_stock(body) else _two_writers(body)
        yield from _unknown_report(body)
        yield from alias_problems(body, _mapping(body.get("vars")))


def jq_variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Those that jq can name. The project's variables are shared with other kinds, so `api-name` is just not seen."""
    return {name: value for name, value in variables.items() if jq_text.plain_path(f".{name}")}


def _unfit_variables(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Values that the mapping's own `variables` don't allow. Those that are not set are found where they are read."""
    values = _mapping(body.get("vars"))
    for name, schema in _mapping(body.get("variables")).items():
        if name not in values or not isinstance(schema, Mapping):
            continue
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as wrong:
            yield ("variables", name), f"is no JSON Schema: {_short(wrong.message)}", ""
            continue
        for error in jsonschema.Draft202012Validator(schema).iter_errors(values[name]):
            where = ".".join(map(str, ("vars", name, *error.absolute_path)))
            yield ("variables", name), f"`{where}`: {_unfit(error)}", str(schema.get("description", ""))


def _unfit(error: jsonschema.ValidationError) -> str:
    if error.validator == "type" and error.validator_value == "boolean" and isinstance(error.instance, str):
        return f"{_short(error.instance)!r} is text, not true or false; write true or false"
    return _short(error.message)


def _expression_problems(path: Path, text: str, names: Mapping[str, Any], unset: set[str]) -> Iterator[Finding]:
    expression = jq_text.normalise(text)
    if jq_text.plain_path(expression):
        return
    if message := jq_text.complaint(expression):
        yield path, f"{message} in `{_short(expression)}`", "an expression sees its row, `vars`, $window and $lookup"
    elif message := syntax_error(expression, [*names, *unset]):
        if missing := _UNDEFINED.fullmatch(message):
            # Told once, where it is read first; then the rest of the expression is looked at.
            unset.add(missing[1])
            hint = f"add `{missing[1]}` under `vars`; an expression also sees its row, $window and $lookup"
            yield path, f"`vars.{missing[1]}` isn't set in portcfg.yaml", hint
            yield from _expression_problems(path, text, names, unset)
            return
        yield path, f"jq can't compile `{_short(expression)}`: {message}", "try it with `jq` on one row"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:117] + "..."


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
    yield from _strings((*path, "pagination"), stream.get("pagination"), ("more", "next", "total"))
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


def _unknown_names(body: Mapping[str, Any]) -> Iterator[Finding]:
    streams = sorted(map(str, _mapping(body.get("streams"))))
    hint = f"streams: {', '.join(streams) or 'none'}"
    for index, resource in enumerate(_list(body.get("resources"))):
        name = _mapping(_mapping(resource).get("selector")).get("stream")
        if name is not None and name not in streams:
            yield ("resources", index, "selector", "stream"), f"there is no stream `{name}`", hint
    for name, lookup in _mapping(body.get("lookups")).items():
        if _mapping(lookup).get("stream") not in streams:
            yield ("lookups", name, "stream"), f"there is no stream `{_mapping(lookup).get('stream')}`", hint
    yield from _unknown_lookups(body)


def _unknown_lookups(body: Mapping[str, Any]) -> Iterator[Finding]:
    known = _mapping(body.get("lookups"))
    for path, text in expressions(body):
        for name in jq_text.lookups(jq_text.normalise(text)):
            if name not in known:
                yield path, f"there is no lookup `{name}`", f"lookups: {', '.join(map(str, known)) or 'none'}"


def _aggregators(body: Mapping[str, Any]) -> Iterator[Finding]:
    for index, resource in enumerate(_list(body.get("resources"))):
        selector = _mapping(_mapping(resource).get("selector"))
        path: Path = ("resources", index, "selector", "aggregate")
        yield from _aggregate_tree(path, _mapping(selector.get("aggregate")))
        if selector.get("aggregate") and not selector.get("group_by"):
            yield path, "`aggregate` needs `group_by`", "say by what the rows are grouped, such as the day"


def _windows_without_day(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Windows that say no day where others do: those decide for all which days a run reads."""
    found: dict[Path, Mapping[str, Any]] = {}
    for name, stream in _mapping(body.get("streams")).items():
        found["streams", str(name), "window"] = _mapping(_mapping(stream).get("window", {"day": None}))
    for index, resource in enumerate(_list(body.get("resources"))):
        selector = _mapping(_mapping(resource).get("selector"))
        found["resources", index, "selector", "window"] = _mapping(selector.get("window", {"day": None}))
    if any(window.get("day") is not None for window in found.values()):
        for path in (path for path, window in found.items() if "day" not in window):
            hint = "say what the day of its rows is, such as `day: .date`; or take `day` out of all windows"
            yield path, "says no `day`, while another window does", hint


def _groups_of_several_days(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Groups of a stream with a `day` that don't go by it: a run over some days would overwrite the whole."""
    streams = _mapping(body.get("streams"))
    for index, resource in enumerate(_list(body.get("resources"))):
        selector = _mapping(_mapping(resource).get("selector"))
        stream = selector if selector.get("stream") is None else _mapping(streams.get(str(selector["stream"])))
        day = _mapping(stream.get("window")).get("day")
        groups = [jq_text.normalise(str(text)) for text in _mapping(selector.get("group_by")).values()]
        if day is not None and groups and jq_text.normalise(str(day)) not in groups:
            yield (
                ("resources", index, "selector", "group_by"),
                f"doesn't group by the stream's day, `{day}`, and a run reads only the days that it needs",
                f"add it, such as `date: {day}`; or take `window.day` out, and every run reads all days",
            )


def _aggregate_tree(path: Path, tree: Mapping[str, Any]) -> Iterator[Finding]:
    for field, spec in tree.items():
        if not isinstance(spec, Mapping):
            yield (*path, field), "says no aggregator", f"such as `{{sum: .{field}}}`"
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


def _two_writers(body: Mapping[str, Any]) -> Iterator[Finding]:
    """A property that two resources write by different expressions, without a rule for when they differ."""
    seen: dict[tuple[str, str], tuple[int, str]] = {}
    merge = _mapping(body.get("merge"))
    for index, blueprint, kind, name, text in _writers(body):
        rule = _mapping(merge.get(blueprint)).get(name)
        first = seen.setdefault((blueprint, name), (index, text))
        if first[1] != text and first[0] != index and rule is None:
            path: Path = ("resources", index, "port", "entity", "mappings", kind, name)
            yield (
                path,
                f"resources[{first[0]}] writes `{blueprint}.{name}` too, in another way",
                f"say which value counts: `merge: {{{blueprint}: {{{name}: {'|'.join(MERGE_RULES)}}}}}`",
            )


def _unknown_report(body: Mapping[str, Any]) -> Iterator[Finding]:
    """What `report` sums and no resource writes."""
    written = {(blueprint, name) for _, blueprint, kind, name, _ in _writers(body) if kind == "properties"}
    written |= {(name, field) for name, fields in _mapping(body.get("fill")).items() for field in _mapping(fields)}
    for blueprint, names in _mapping(body.get("report")).items():
        for index, name in enumerate(_list(names)):
            if (blueprint, str(name).partition(".")[0]) not in written:
                yield ("report", blueprint, index), f"no resource writes `{blueprint}.{name}`", ""


def _writers(body: Mapping[str, Any]) -> Iterator[tuple[int, str, str, str, str]]:
    for index, resource in enumerate(_list(body.get("resources"))):
        mapping = _mapping(_mapping(_mapping(resource).get("port")).get("entity")).get("mappings")
        entity = _mapping(mapping)
        blueprint = str(entity.get("blueprint", "")).strip("'\" ")
        for kind in ("properties", "relations"):
            for name, text in _mapping(entity.get(kind)).items():
                yield index, blueprint, kind, str(name), json.dumps(text)
