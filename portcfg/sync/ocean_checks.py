"""Ocean's own grammar: which mappings are nothing but that, and what of it can't be run here (ocean.md §1, §2, §7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.model import Path
from portcfg.sync.findings import Finding, as_list, as_mapping

_PARAMETER = re.compile(r"\{(\w+)\}")
# What only portcfg has, and what makes one entity of what several resources say.
_OWN_KEYS = frozenset({"streams", "lookups", "merge", "fill"})
_OWN_SELECTORS = frozenset({"stream", "group_by", "aggregate", "creates"})


def is_stock(body: Mapping[str, Any]) -> bool:
    """Whether a mapping is one that Ocean would run, too, so that its rule holds: the last of two writers counts."""
    selectors = [as_mapping(as_mapping(item).get("selector")) for item in as_list(body.get("resources"))]
    return _OWN_KEYS.isdisjoint(body) and all(_OWN_SELECTORS.isdisjoint(selector) for selector in selectors)


def environment_read(body: Mapping[str, Any]) -> Iterator[Finding]:
    """`exportEnvVariables`, by which Ocean lets jq see the process's environment."""
    for index, resource in enumerate(as_list(body.get("resources"))):
        if names := as_list(as_mapping(as_mapping(resource).get("selector")).get("exportEnvVariables")):
            path: Path = ("resources", index, "selector", "exportEnvVariables")
            message = f"jq doesn't see the environment here, where secrets are: {', '.join(map(str, names))}"
            yield path, message, "put what is no secret under `vars`, and secrets into `source.auth`"


def path_parameters(body: Mapping[str, Any]) -> Iterator[Finding]:
    """`{name}` in a path that nothing gives values, or the other way round."""
    for path, stream, text in _requests(body):
        named, given = _PARAMETER.findall(str(text)), [str(name) for name in as_mapping(stream.get("path_parameters"))]
        if sorted(set(named)) != sorted(given):
            hint = "each `{name}` of the path is an entry of `path_parameters`, and the other way round"
            yield (*path, "path_parameters"), f"`{text}` and `path_parameters` name different parameters", hint
        elif len(given) > 1:
            hint = "Ocean, too, uses the first one only"
            yield (*path, "path_parameters"), "a path takes one parameter", hint


def not_to_override(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Resources that only add to an entity, where nothing may be added to what a mapping says."""
    if body.get("enableMergeEntity", True) is False:
        for index, resource in enumerate(as_list(body.get("resources"))):
            if "creates" in as_mapping(as_mapping(resource).get("selector")):
                hint = "leave out one of the two"
                message = "`creates` adds to entities, which `enableMergeEntity: false` replaces as a whole"
                yield ("resources", index, "selector", "creates"), message, hint


def notices(body: Mapping[str, Any]) -> Iterator[str]:
    """What is otherwise here than in an Ocean that runs the same mapping."""
    deleting = [key for key in ("deleteDependentEntities", "entityDeletionThreshold") if body.get(key)]
    if deleting:
        names = " and ".join(f"`{key}`" for key in deleting)
        yield f"{names}: without effect, since a sync deletes nothing but by `retention` and `prune`, within `guards`"
    if any(isinstance(entity.get("identifier"), Mapping) for entity in _entities(body)):
        yield "entities whose identifier is a search are written by every run, as with Ocean: only Port knows them"


def _entities(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in as_list(body.get("resources")):
        mappings = as_mapping(as_mapping(as_mapping(resource).get("port")).get("entity")).get("mappings")
        yield from map(as_mapping, as_list(mappings) or [mappings])


def _requests(body: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any], Any]]:
    """The place, the definition and the path of every family of requests."""
    for name, stream in as_mapping(body.get("streams")).items():
        yield ("streams", name), as_mapping(stream), as_mapping(stream).get("path")
    for index, resource in enumerate(as_list(body.get("resources"))):
        selector = as_mapping(as_mapping(resource).get("selector"))
        if selector.get("stream") is None:
            yield ("resources", index, "selector"), selector, as_mapping(resource).get("kind")
