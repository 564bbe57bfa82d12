"""What the resources of a mapping write: twice, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.model import Path
from portcfg.sync.findings import Finding
from portcfg.sync.findings import as_list as _list
from portcfg.sync.findings import as_mapping as _mapping
from portcfg.sync.ocean_checks import is_stock
from portcfg.sync.spec import MERGE_RULES


def two_writers(body: Mapping[str, Any]) -> Iterator[Finding]:
    """A property that two resources write by different expressions, without a rule for when they differ."""
    if is_stock(body):
        return
    seen: dict[tuple[str, str], tuple[int, str]] = {}
    merge = _mapping(body.get("merge"))
    for path, blueprint, name, text in _writers(body):
        index = int(path[1])
        rule = _mapping(merge.get(blueprint)).get(name)
        first = seen.setdefault((blueprint, name), (index, text))
        if first[1] != text and first[0] != index and rule is None:
            yield (
                path,
                f"resources[{first[0]}] writes `{blueprint}.{name}` too, in another way",
                f"say which value counts: `merge: {{{blueprint}: {{{name}: {'|'.join(MERGE_RULES)}}}}}`",
            )


def unknown_report(body: Mapping[str, Any]) -> Iterator[Finding]:
    """What `report` sums and no resource writes."""
    written = {(blueprint, name) for path, blueprint, name, _ in _writers(body) if path[-2] == "properties"}
    written |= {(name, field) for name, fields in _mapping(body.get("fill")).items() for field in _mapping(fields)}
    for blueprint, names in _mapping(body.get("report")).items():
        for index, name in enumerate(_list(names)):
            if (blueprint, str(name).partition(".")[0]) not in written:
                yield ("report", blueprint, index), f"no resource writes `{blueprint}.{name}`", ""


def _writers(body: Mapping[str, Any]) -> Iterator[tuple[Path, str, str, str]]:
    """(path, blueprint, property or relation, expression as JSON) of all that resources write."""
    for index, resource in enumerate(_list(body.get("resources"))):
        mappings = _mapping(_mapping(_mapping(resource).get("port")).get("entity")).get("mappings")
        base: Path = ("resources", index, "port", "entity", "mappings")
        several = isinstance(mappings, list)
        for position, entity in enumerate(_list(mappings) if several else [mappings]):
            blueprint = str(_mapping(entity).get("blueprint", "")).strip("'\" ")
            for kind in ("properties", "relations"):
                for name, text in _mapping(_mapping(entity).get(kind)).items():
                    place = (*base, *((position,) if several else ()), kind, str(name))
                    yield place, blueprint, str(name), json.dumps(text)
