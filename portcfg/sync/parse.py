"""`parse_mapping`: a mapping's body -> SyncMapping, or all problems found at once."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from portcfg.errors import InvalidSpecsError, Problem
from portcfg.sync import jq_text
from portcfg.sync.aliases import aliases_of
from portcfg.sync.checks import mapping_problems
from portcfg.sync.deletion_checks import day_property
from portcfg.sync.findings import Finding
from portcfg.sync.jq_checks import jq_variables
from portcfg.sync.ocean_checks import is_stock, not_to_override, notices
from portcfg.sync.privacy import PrivacySpec, is_private, privacy_problems
from portcfg.sync.spec import (
    SKIP_NAMELESS,
    Auth,
    Dedupe,
    DeletionLimits,
    EntityMapping,
    ItemsToParse,
    Lookup,
    Pagination,
    PathParameter,
    Retention,
    SourceSpec,
    Stream,
    SyncMapping,
    SyncResource,
)
from portcfg.sync.windows import DEFAULT_DAYS, SETTLE_DAYS, WindowSpec

INLINE_KEYS = ("method", "body", "query_params", "headers", "data_path", "path_parameters", "pagination", "window",
               "rows", "dedupe", "shape", "required")  # fmt: skip


def parse_mapping(config: Mapping[str, Any] | Sequence[Any], variables: Mapping[str, Any] | None = None) -> SyncMapping:
    """The mapping to run; `variables` are the project's vars, which the mapping's own override.

    Raises InvalidSpecsError with every problem. A bare list is a list of resources.
    """
    body: dict[str, Any] = dict(config) if isinstance(config, Mapping) else {"resources": list(config)}
    merged = {**(variables or {}), **body.get("vars", {})}
    findings = [*mapping_problems({**body, "vars": merged}), *_not_runnable(body)]
    if findings:
        raise InvalidSpecsError([_problem(str(body.get("identifier", "mapping")), finding) for finding in findings])
    streams, resources = _resources(body)
    missing = body.get("missing_relations", {})
    return SyncMapping(
        identifier=str(body.get("identifier", "")),
        source=_source(body["source"]),
        streams=streams,
        resources=tuple(resources),
        lookups=tuple(_lookup(name, raw) for name, raw in body.get("lookups", {}).items()),
        merge=body.get("merge", {}),
        fill=body.get("fill", {}),
        missing_relations={} if isinstance(missing, str) else missing,
        missing_default=missing if isinstance(missing, str) else _missing_default(body),
        variables=jq_variables(merged),
        settle_days=body.get("settle_days", SETTLE_DAYS),
        report={name: tuple(properties) for name, properties in body.get("report", {}).items()},
        record_run=bool(body.get("record_run", False)),
        last_wins=is_stock(body),
        override=body.get("enableMergeEntity", True) is False,
        aliases=aliases_of(body, merged),
        privacy=_privacy(body["privacy"]) if is_private(body) else None,
        settings=_settings(body, merged),
        notices=tuple(notices(body)),
        retention={
            name: Retention(raw["days"], day_property(body, "retention", name))
            for name, raw in body.get("retention", {}).items()
        },
        prune={name: day_property(body, "prune", name) for name in body.get("prune", {})},
        guards=DeletionLimits(**body.get("guards", {})),
    )


def _missing_default(body: Mapping[str, Any]) -> str:
    """What holds for relations that `missing_relations` doesn't name: Ocean's flag, which is true where it is absent.

    Beside a `missing_relations` of one's own an absent flag says nothing, and a missing target is a finding.
    """
    return "create" if body.get("createMissingRelatedEntities", "missing_relations" not in body) else "quarantine"


def _problem(name: str, finding: Finding) -> Problem:
    path, message, hint = finding
    where = ".".join(map(str, path))
    return Problem(name, 0, 0, "mapping", f"{where}: {message}" if where else message, hint)


def _not_runnable(body: Mapping[str, Any]) -> list[Finding]:
    """What is fine to keep in Port but can't be run here."""
    found: list[Finding] = []
    if body.get("runner", "portcfg") != "portcfg":
        found.append((("runner",), f"`{body['runner']}` runs this mapping, not portcfg", "set `runner: portcfg`"))
    if not isinstance(body.get("source"), Mapping) or not body["source"].get("base_url"):
        hint = "say where to read: `source: {base_url: https://..., auth: {type: ...}}`"
        found.append((("source",), "the mapping has no source.base_url", hint))
    return [*found, *not_to_override(body), *privacy_problems(body)]


def _settings(body: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, str | bool]:
    """The variables that are one choice of few, by their own schema."""
    choices = (name for name, schema in body.get("variables", {}).items() if _is_choice(schema))
    return {name: variables[name] for name in choices if name in variables}


def _is_choice(schema: Mapping[str, Any]) -> bool:
    return "enum" in schema or schema.get("type") == "boolean"


def _privacy(raw: Mapping[str, Any]) -> PrivacySpec:
    names = (tuple(raw.get(key, ())) for key in ("fields", "drop"))
    return PrivacySpec(raw["key_env"], raw.get("keep_domain", False), *names)


def _source(raw: Mapping[str, Any]) -> SourceSpec:
    return SourceSpec(
        base_url=str(raw["base_url"]).rstrip("/"),
        auth=Auth(**raw.get("auth", {})),
        rate_limits=raw.get("rate_limits", {}),
        timeout=float(raw.get("timeout", 60)),
        max_answer_mib=int(raw.get("max_answer_mib", 64)),
    )


def _resources(body: Mapping[str, Any]) -> tuple[dict[str, Stream], list[SyncResource]]:
    streams = {name: _stream(name, raw, raw["path"]) for name, raw in body.get("streams", {}).items()}
    resources: list[SyncResource] = []
    for number, raw in enumerate(body.get("resources", []), 1):
        selector = raw.get("selector", {})
        name = selector.get("stream")
        if not name:
            name = _inline_stream(raw["kind"], selector, streams)
        mappings = _entity_mappings(raw)
        for position, mapping in enumerate(mappings, 1):
            suffix = f".{position}" if len(mappings) > 1 else ""
            nameless = "expect" if selector.get(SKIP_NAMELESS) else "skip" if is_stock(body) else "reject"
            resources.append(_resource(f"{raw['kind']} ({number}{suffix})", name, raw, mapping, nameless))
    return streams, resources


def _entity_mappings(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    mappings = raw["port"]["entity"]["mappings"]
    return list(mappings) if isinstance(mappings, list) else [mappings]


def _inline_stream(kind: str, selector: Mapping[str, Any], streams: dict[str, Stream]) -> str:
    """The name of a resource's own request among the streams: its kind. Equal requests are one stream."""
    raw = {key: selector[key] for key in INLINE_KEYS if key in selector}
    names = itertools.chain([kind], (f"{kind} ({number})" for number in itertools.count(2)))
    name = next(name for name in names if name not in streams or streams[name] == _stream(name, raw, kind))
    streams[name] = _stream(name, raw, kind)
    return name


def _stream(name: str, raw: Mapping[str, Any], path: str) -> Stream:
    window, dedupe, pages = raw.get("window"), raw.get("dedupe"), raw.get("pagination")
    body = raw.get("body")
    return Stream(
        name=name,
        path="/" + path.lstrip("/"),
        method=str(raw.get("method", "GET")).upper(),
        body=jq_text.normalise(body) if isinstance(body, str) else body,
        query_params=raw.get("query_params", {}),
        headers=raw.get("headers", {}),
        data_path=_text(raw.get("data_path")),
        pagination=_pagination(pages) if pages else None,
        window=_window(window) if window is not None else None,
        rows=_text(raw.get("rows")),
        dedupe=_dedupe(dedupe),
        shape=raw.get("shape", {}),
        required=bool(raw.get("required", False)),
        parameter=next((_parameter(name, *item) for item in raw.get("path_parameters", {}).items()), None),
    )


def _parameter(stream: str, name: str, raw: Mapping[str, Any]) -> PathParameter:
    source = _stream(f"{stream}, values of {name}", raw, raw["endpoint"])
    return PathParameter(name, source, _text(raw["field"]), _text(raw.get("filter")))


def _window(raw: Mapping[str, Any]) -> WindowSpec:
    later = raw.get("later_days", 0)
    day, later_days = _text(raw.get("day")), None if later == "now" else later
    return WindowSpec(raw.get("days", DEFAULT_DAYS), raw.get("margin_days", 0), day, later_days)


def _dedupe(raw: Mapping[str, Any] | None) -> Dedupe | None:
    return Dedupe(_text(raw["by"]), _text(raw.get("keep"))) if raw else None


def _pagination(raw: Mapping[str, Any]) -> Pagination:
    names = {"in": "place"}
    values = {names.get(key, key): value for key, value in raw.items()}
    return Pagination(**{**values, **{key: _text(raw.get(key)) for key in ("more", "next", "total", "same")}})


def _lookup(name: str, raw: Mapping[str, Any]) -> Lookup:
    return Lookup(name, raw["stream"], _text(raw["key"]), _text(raw["value"]))


def _resource(
    label: str, stream: str, raw: Mapping[str, Any], mapping: Mapping[str, Any], nameless: str
) -> SyncResource:
    selector, port = raw.get("selector", {}), raw["port"]
    items = port.get("itemsToParse")
    return SyncResource(
        label=label,
        stream=stream,
        entity=_entity(mapping),
        query=_text(selector.get("query", "true")),
        group_by={name: _text(text) for name, text in selector.get("group_by", {}).items()},
        aggregate=selector.get("aggregate", {}),
        creates=_text(selector.get("creates", "true")),
        nameless=nameless,
        # Without `stream` it belongs to the resource's own request.
        dedupe=_dedupe(selector.get("dedupe")) if selector.get("stream") else None,
        items=ItemsToParse(
            _text(items), port.get("itemsToParseName", "item"), port.get("itemsToParseTopLevelTransform", True)
        )
        if items
        else None,
    )


def _entity(raw: Mapping[str, Any]) -> EntityMapping:
    return EntityMapping(
        identifier=_query_jq(raw["identifier"]),
        blueprint=_text(raw["blueprint"]),
        title=_text(raw.get("title")),
        icon=_text(raw.get("icon")),
        team=_query_jq(raw.get("team")),
        properties={name: _text(text) for name, text in (raw.get("properties") or {}).items()},
        relations={name: _query_jq(text) for name, text in (raw.get("relations") or {}).items()},
        search=isinstance(raw["identifier"], Mapping),
    )


def _text(value: Any) -> str:
    """An expression as text. YAML turns `true` and `1` into values, which mean the same in jq."""
    if value is None or value == "":
        return ""
    return jq_text.normalise(value) if isinstance(value, str) else json.dumps(value)


def _query_jq(value: Any) -> str:
    """An identifier, team or relation: jq, or Ocean's search query with jq as its leaves, then jq that builds it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: ({_query_jq(item)}\n)" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(f"({_query_jq(item)}\n)" for item in value) + "]"
    return _text(value)
