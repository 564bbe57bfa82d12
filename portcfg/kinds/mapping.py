"""Mappings: an integration in Port, its `config` being the mapping (facts: port-api.md §2.9, §5 and §6.32-34)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.kinds.base import Kind, without_empty
from portcfg.kinds.matching import matched_mapping
from portcfg.kinds.order import in_order
from portcfg.model import Body, Path, Project, Ref

# Keys of a spec that are the integration's own; all others are its config.
OWN_KEYS = {"identifier": "installationId", "type": "installationAppType", "title": "title", "version": "version"}
# The keys of a config whose texts are jq, as good as all of them.
JQ_KEYS = frozenset({"resources", "streams", "lookups"})
# What only a mapping has that portcfg runs.
RUN_HERE = frozenset({"source", "streams"})
PASSED_KEYS = ("changelogDestination",)
# What only portcfg's commands read.
LOCAL_KEYS = ("ocean",)
# Ocean writes these out although nobody set them (port-api.md §5.2).
FLAG_DEFAULTS: Mapping[str, Any] = {
    "deleteDependentEntities": True,
    "createMissingRelatedEntities": True,
    "enableMergeEntity": True,
    "entityDeletionThreshold": 0.9,
}
PORT_DEFAULTS: Mapping[str, Any] = {"itemsToParseName": "item", "itemsToParseTopLevelTransform": True}


def compile_mapping(body: Body, project: Project) -> Body:
    """A mapping spec as the integration that Port stores."""
    integration = {port_key: body[key] for key, port_key in OWN_KEYS.items() if key in body}
    integration.setdefault("installationAppType", "custom")
    integration |= {key: body[key] for key in PASSED_KEYS if key in body}
    config = {key: value for key, value in body.items() if key not in (*OWN_KEYS, *PASSED_KEYS, *LOCAL_KEYS)}
    if "config" in config:
        return {**integration, "config": config["config"]}
    if project.mapping_source and "source" not in config and config.get("runner") != "ocean":
        config = {"source": dict(project.mapping_source), **config}
    return {**integration, "config": config}


def decompile_mapping(body: Body, project: Project) -> Body:
    """The spec of a live integration: the keys of its config beside its own where portcfg knows who runs it.

    All others keep Port's own form, which takes nothing from the project and says nothing about who runs them.
    """
    spec = {key: body[port_key] for key, port_key in OWN_KEYS.items() if body.get(port_key) not in (None, "")}
    spec |= without_empty({key: body.get(key) for key in PASSED_KEYS})
    config = _lean(body.get("config") or {})
    known = set(MAPPING.schema()["properties"]) - {*OWN_KEYS, *PASSED_KEYS, *LOCAL_KEYS, "config", "$include"}
    ours = RUN_HERE & config.keys() and ("source" in config or not project.mapping_source)
    says_who = config.get("runner") == "ocean" or ours
    if says_who and "resources" in config and set(config) <= known:
        return {**spec, **config}
    return {**spec, "config": in_order(config, MAPPING.schema())}


def _lean(config: Body) -> Body:
    """A config less what Ocean fills in; its texts stay to the letter."""
    lean = {key: value for key, value in config.items() if key not in FLAG_DEFAULTS or FLAG_DEFAULTS[key] != value}
    if config.get("resources"):
        lean["resources"] = [_resource(resource) for resource in config["resources"]]
    return lean


def recognises(body: Body) -> bool:
    """Whether some JSON object is an integration, or the config of one (Ocean's `port-app-config.yml`)."""
    config = body["config"] if isinstance(body.get("config"), dict) else body
    return "installationId" in body or is_ocean_list(config.get("resources") or [])


def from_file(body: Body, name: str) -> Body:
    """An integration as Port would answer it; a bare config is that of an Ocean which goes by the name."""
    if "installationId" in body:
        return body
    if not OWN_KEYS.keys().isdisjoint(body):
        return compile_mapping({"identifier": name, **body}, Project(""))
    config = body["config"] if isinstance(body.get("config"), dict) else body
    runner = {} if RUN_HERE & config.keys() else {"runner": "ocean"}
    return {"installationId": name, "installationAppType": name, "config": {**runner, **config}}


def comparable(body: Body) -> Body:
    """The integration's declared fields, without Ocean's default flags and the white space around jq."""
    shaped = without_empty({key: body.get(key) for key in (*OWN_KEYS.values(), *PASSED_KEYS, "config")})
    config = copy.deepcopy(body.get("config") or {})
    for key, default in FLAG_DEFAULTS.items():
        if config.get(key) == default:
            del config[key]
    config["resources"] = [_selector(_resource(resource)) for resource in config.get("resources") or []]
    return {**shaped, "config": {key: _stripped(part) if key in JQ_KEYS else part for key, part in config.items()}}


def _resource(resource: Any) -> Any:
    """A resource less what Ocean fills in, and with a list of one mapping as that mapping."""
    mappings = [_mapping(part) for part in _mappings(resource)]
    if not any(mappings):
        return resource
    port = {key: value for key, value in resource["port"].items() if PORT_DEFAULTS.get(key) != value}
    port["entity"] = {**port["entity"], "mappings": mappings[0] if len(mappings) == 1 else mappings}
    return {**resource, "port": port}


def _selector(resource: Any) -> Any:
    """A resource without the empty list that Ocean's model writes out."""
    if not isinstance(resource, dict) or (resource.get("selector") or {}).get("exportEnvVariables") != []:
        return resource
    selector = {key: value for key, value in resource["selector"].items() if key != "exportEnvVariables"}
    return {**resource, "selector": selector}


def _mapping(part: Any) -> Any:
    empty_sections = ("properties", "relations")
    return {key: value for key, value in part.items() if value or key not in empty_sections} if part else part


def _mappings(resource: Any) -> list[Any]:
    """The entity mappings of a resource of any shape: Port takes one, or a list of them."""
    value = resource
    for key in ("port", "entity", "mappings"):
        value = value.get(key) if isinstance(value, dict) else None
    parts = value if isinstance(value, list) else [value]
    return [part if isinstance(part, dict) else {} for part in parts]


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_stripped(part) for part in value]
    return value.strip() if isinstance(value, str) else value


def references(body: Body) -> Iterator[tuple[Path, Ref]]:
    """The blueprints that the mapping writes to, where they are named literally (`'"service"'`)."""
    prefix: Path = ("config",) if "config" in body else ()
    config = body.get("config", body)
    resources = config.get("resources") if isinstance(config, dict) else None
    for index, resource in enumerate(resources if isinstance(resources, list) else []):
        for part in _mappings(resource):
            name = part.get("blueprint")
            text = name.strip() if isinstance(name, str) else ""
            literal = text.strip("'\"")
            if literal and text[0] in "'\"" and '"' not in literal:
                path = (*prefix, "resources", index, "port", "entity", "mappings", "blueprint")
                yield path, Ref("blueprint", literal)


def is_ocean_list(value: list[Any]) -> bool:
    """Whether a list in a file is one mapping's `resources`, as Port's docs print them."""
    return bool(value) and all(isinstance(item, dict) and {"kind", "port"} <= item.keys() for item in value)


def headers(body: Body) -> Mapping[str, str]:
    """A write makes Ocean resync; when portcfg runs the mapping there is nothing to wake (port-api.md §2.9)."""
    return {} if body.get("config", {}).get("runner") == "ocean" else {"x-skip-resync": "true"}


def parts(body: Body) -> Iterator[tuple[str, list[str]]]:
    """The blueprints that it fills, and the streams that it reads."""
    config = body.get("config") or {}
    yield "fills", sorted({ref.identifier for _, ref in references(body)})
    yield (
        "reads",
        list(config.get("streams") or {}) or [str(part.get("kind")) for part in config.get("resources") or []],
    )


MAPPING = Kind(
    name="mapping",
    folder="mappings",
    collection="/integration",
    list_key="integrations",
    level=1,
    sections=frozenset({"config"}),
    comparable=comparable,
    id_field="installationId",
    update_verb="PATCH",
    compile=compile_mapping,
    decompile=decompile_mapping,
    recognises=recognises,
    from_file=from_file,
    references=references,
    matched=matched_mapping,
    headers=headers,
    parts=parts,
    is_one=is_ocean_list,
    wrap_key="resources",
)
