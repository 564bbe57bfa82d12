"""What blueprints read of each other, and of themselves: relations, mirrors, calculations, aggregations, ownership."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from portcfg.kinds.risk_base import Part, Reader, query_names
from portcfg.model import Body, Ref, Resource, State

# `.properties.x`, `.properties["x"]`, `.relations."x"`
DIRECT = re.compile(r"""\.(?:properties|relations)\??\s*(?:\.([A-Za-z_]\w*)|\.?\[?\s*"([^"\\]+)"\s*\]?)""")
# All properties taken at once, as in `.properties | .x`; then any key may be one of them.
WHOLE = re.compile(r"""\.(?:properties|relations)(?!\w)(?!\??\s*(?:\.|\[\s*"))""")
ANY_KEY = re.compile(r"""\.([A-Za-z_]\w*)|"([^"\\]+)\"""")


def ref_of(identifier: str) -> Ref:
    """The Ref of a blueprint."""
    return Ref("blueprint", identifier)


def reads(resource: Resource, state: State) -> Iterator[tuple[Part, Reader]]:
    """Every part of a blueprint that this one reads, with what reads it."""
    body, own = resource.body, resource.ref
    for name, relation in _section(body, "relations"):
        yield (ref_of(str(relation.get("target"))), ""), _reader("relation", own, name)
    for name, mirror in _section(body, "mirrorProperties"):
        *relations, last = str(mirror.get("path", "")).split(".")
        for part in _walk(own, relations, state, last):
            yield part, _reader("mirror", own, name)
    for name, calculation in _section(body, "calculationProperties"):
        for used in calculation_names(str(calculation.get("calculation", ""))):
            yield (own, used), _reader("calculation", own, name)
    for name, aggregation in _section(body, "aggregationProperties"):
        for part in _aggregation(own, aggregation, state):
            yield part, _reader("aggregation", own, name)
    path = (body.get("ownership") or {}).get("path")
    if path:
        for part in _walk(own, str(path).split("."), state):
            yield part, Reader("ownership", f"of {own}")


def _section(body: Body, section: str) -> Iterable[tuple[str, Body]]:
    members = body.get(section) or {}
    return [(name, member) for name, member in members.items() if isinstance(member, dict)]


def _reader(what: str, own: Ref, name: str) -> Reader:
    return Reader(what, f"{own.identifier}.{name}")


def _walk(start: Ref, relations: Iterable[str], state: State, last: str = "") -> Iterator[Part]:
    """(blueprint, relation) for each hop of a path, and the property at its end, as far as it leads."""
    current = start
    for name in relations:
        yield current, name
        body = state[current].body if current in state else {}
        target = (body.get("relations") or {}).get(name, {}).get("target")
        if not target:
            return
        current = ref_of(str(target))
    if last:
        yield current, last


def direct_names(program: str) -> set[str]:
    """The properties and relations that a calculation names as such."""
    return {bare or quoted for bare, quoted in DIRECT.findall(program)}


def calculation_names(program: str) -> set[str]:
    """The properties and relations that a calculation reads, as far as its text shows."""
    names = direct_names(program)
    if WHOLE.search(program):
        names |= {bare or quoted for bare, quoted in ANY_KEY.findall(program)} - {"properties", "relations"}
    return names


def _aggregation(own: Ref, aggregation: Body, state: State) -> Iterator[Part]:
    target = ref_of(str(aggregation.get("target")))
    spec = aggregation.get("calculationSpec") or {}
    used = (spec.get("property"), spec.get("measureTimeBy"), *query_names(aggregation.get("query")))
    yield target, ""
    yield from ((target, name) for name in used if name)
    for way in aggregation.get("pathFilter") or []:
        start = ref_of(way["fromBlueprint"]) if way.get("fromBlueprint") else target
        yield from _walk(start, way.get("path") or [], state)
