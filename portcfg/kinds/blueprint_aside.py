"""What steps aside in a blueprint while values move: Port refuses a body with a path that leads nowhere.

Mirrors, calculations, aggregations and ownership read parts of blueprints. While a part is away, be it another
blueprint's, what reads it can't stand in a body that is written; the specs' own bodies bring it back in the end.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping

from portcfg.kinds.base import members_of, unmanaged
from portcfg.kinds.blueprint_reads import reads, ref_of
from portcfg.kinds.blueprint_renames import MIRRORS, PROPERTIES, RELATIONS, with_members
from portcfg.kinds.risk_base import query_names
from portcfg.model import Body, Path, Ref, Resource, State

AGGREGATIONS = ("aggregationProperties",)
SECTIONS: Mapping[str, Path] = {
    "mirror": MIRRORS,
    "calculation": ("calculationProperties",),
    "aggregation": AGGREGATIONS,
}

Readers = set[tuple[str, str]]
"""(what, name) of what reads a part: `what` is a key of SECTIONS, or `ownership`."""


def without_part(live: Body, section: Path, name: str, state: State) -> Body:
    """The body to PUT that drops a part, with all in the blueprint itself that needs it: the specs bring that back.

    `state` has the other blueprints.
    """
    body = copy.deepcopy(with_members(unmanaged(live, ()), section, less(members_of(live, section), {name})))
    if section == PROPERTIES and body["schema"].get("required"):
        body["schema"]["required"] = [each for each in body["schema"]["required"] if each != name]
    return _settled(body, live, state, set(_lost(live, state)))


def standing(live: Body, state: State) -> Body:
    """`live` less what leads nowhere, the other blueprints being as in `state`: Port would refuse it as it is."""
    # Port's own blueprints have aggregations that only Port may touch.
    return live if str(live.get("identifier")).startswith("_") else _settled(live, live, state, set())


def less(members: Body, names: Collection[str]) -> Body:
    """`members` without those of some names."""
    return {name: member for name, member in members.items() if name not in names}


def _settled(body: Body, live: Body, state: State, known: Readers) -> Body:
    """`body` less all that needs what `live` has and it hasn't, or that leads nowhere and isn't `known` to."""
    while fallen := _reading(body, live) | (set(_lost(body, state)) - known):
        for what, reader in fallen:
            if what == "ownership":
                body = less(body, {"ownership"})
            else:
                body = with_members(body, SECTIONS[what], less(members_of(body, SECTIONS[what]), {reader}))
    return body


def _reading(body: Body, live: Body) -> Readers:
    """What in the blueprint reads something of itself that is gone."""
    own, gone = ref_of(str(live.get("identifier"))), _names(live) - _names(body)
    return {
        (reader.what, reader.where.removeprefix(f"{own.identifier}."))
        for (ref, name), reader in reads(Resource(own, body), {own: Resource(own, live)})
        if ref == own and name in gone and reader.what != "relation"
    }


def _names(body: Body) -> set[str]:
    """All that may be read of a blueprint's entities, but for what each of them has."""
    return set[str]().union(*(members_of(body, each) for each in (PROPERTIES, RELATIONS, *SECTIONS.values())))


def _lost(body: Body, state: State) -> Iterator[tuple[str, str]]:
    """What in the blueprint leads nowhere."""
    own = ref_of(str(body.get("identifier")))
    known = {**state, own: Resource(own, body)}
    for name, mirror in members_of(body, MIRRORS).items():
        *relations, last = str(mirror.get("path", "")).split(".")
        if not _has(_end(own, relations, known), [last], known):
            yield "mirror", name
    for name, aggregation in members_of(body, AGGREGATIONS).items():
        if not _aggregates(own, aggregation, known):
            yield "aggregation", name
    path = (body.get("ownership") or {}).get("path")
    if path and not _owned(_end(own, str(path).split("."), known), known):
        yield "ownership", ""


def _end(start: Ref, relations: Iterable[str], known: State) -> Ref | None:
    """Where a path of relations leads, as far as that is known; None if it breaks."""
    current = start
    for name in relations:
        if current not in known:
            break
        relation = members_of(known[current].body, RELATIONS).get(name)
        if relation is None:
            return None
        current = ref_of(str(relation.get("target")))
    return current


def _has(ref: Ref | None, names: Iterable[str], known: State) -> bool:
    """Whether a blueprint has what is named; one that isn't known may have anything."""
    if ref is None or ref not in known:
        return ref is not None
    has = _names(known[ref].body)
    return all(name.startswith("$") or name in has for name in names)


def _owned(ref: Ref | None, known: State) -> bool:
    return ref is not None and (ref not in known or "ownership" in known[ref].body)


def _aggregates(own: Ref, aggregation: Body, known: State) -> bool:
    """Whether the target has what is aggregated, and is linked."""
    target = ref_of(str(aggregation.get("target")))
    spec = aggregation.get("calculationSpec") or {}
    used = [name for name in (spec.get("property"), spec.get("measureTimeBy")) if name]
    # The path of a rule leads through relations of whatever blueprint.
    anywhere = {name for each in known.values() for name in members_of(each.body, RELATIONS)}
    used += [name for name in query_names(aggregation.get("query")) if name not in anywhere]
    if target not in known or not _has(target, used, known):
        return target not in known
    ways = aggregation.get("pathFilter") or []
    if not ways:
        return _reaches(target, own, known) or _reaches(own, target, known)
    return all(_leads(way, own, target, known) for way in ways)


def _leads(way: Body, own: Ref, target: Ref, known: State) -> bool:
    """Whether the path of a `pathFilter` leads from the one blueprint to the other; it begins at the target."""
    start = ref_of(way["fromBlueprint"]) if way.get("fromBlueprint") else target
    end = _end(start, way.get("path") or [], known)
    return end == (own if start == target else target) or (end is not None and end not in known)


def _reaches(start: Ref, goal: Ref, known: State) -> bool:
    """Whether relations lead from one blueprint to another, over whatever lies between."""
    seen: set[Ref] = set()
    found = _targets(start, known)
    while found - seen:
        seen |= found
        found = set[Ref]().union(*(_targets(ref, known) for ref in found))
    return goal in seen


def _targets(ref: Ref, known: State) -> set[Ref]:
    relations = members_of(known[ref].body, RELATIONS) if ref in known else {}
    return {ref_of(str(relation.get("target"))) for relation in relations.values()}
