"""What the live blueprints allow: the written properties, the order of writing, the entities that relations name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from portcfg.client import PortReader, all_named
from portcfg.errors import AnswerError, PortcfgError, TerminalApiError
from portcfg.sync.entities import safe_identifier
from portcfg.sync.fragments import Entity, Key, Refused
from portcfg.sync.spec import SyncMapping, SyncResource

# Identifiers in one search, and what one page holds: of the longest usual ones far under Port's 1 MiB body limit.
SEARCH_IDENTIFIERS = 1000

Blueprints = Mapping[str, Mapping[str, Any]]
# A relation, and why the entity can't be written for it.
Problem = tuple[str, str]


def read_blueprints(port: PortReader) -> Blueprints:
    """Every blueprint, by identifier: one request."""
    found: Any = port.get("/blueprints").get("blueprints")
    if not all_named(found):
        raise AnswerError("GET /blueprints answered without a list of blueprints")
    return {blueprint["identifier"]: blueprint for blueprint in found}


def check_resources(resources: Iterable[SyncResource], blueprints: Blueprints) -> None:
    """Raise PortcfgError when a blueprint or property that the mapping writes isn't in Port."""
    problems: dict[str, None] = {}
    for resource in resources:
        if resource.blueprint:
            for problem in _missing(resource.blueprint, resource.entity.properties, blueprints):
                problems[problem] = None
    raise_missing(problems)


def raise_missing(problems: Iterable[str]) -> None:
    """Raise PortcfgError for what is missing, if anything is."""
    if found := list(problems):
        hint = "`portcfg plan` shows whether the blueprints in Port are up to date; apply them first"
        raise PortcfgError(f"the mapping doesn't fit Port, nothing was written: {'; '.join(found)}", hint)


def missing_fields(entities: Iterable[Entity], blueprints: Blueprints) -> list[str]:
    """The same check on finished entities, for blueprints that are known only from their rows."""
    written: dict[str, dict[str, None]] = {}
    for entity in entities:
        written.setdefault(entity.blueprint, {}).update(dict.fromkeys(entity.properties))
    return [problem for name, fields in written.items() for problem in _missing(name, fields, blueprints)]


def _missing(name: str, properties: Iterable[str], blueprints: Blueprints) -> Iterator[str]:
    if name not in blueprints:
        yield f"there is no blueprint `{name}`"
        return
    known = (blueprints[name].get("schema") or {}).get("properties") or {}
    yield from (f"blueprint `{name}` has no property `{field}`" for field in properties if field not in known)


def writing_order(names: Iterable[str], blueprints: Blueprints) -> list[str]:
    """Blueprints with their relations' targets first; in a cycle the one first by name goes first."""
    waiting = sorted(names)
    ordered: list[str] = []
    while waiting:
        ready = next((name for name in waiting if not _targets(name, blueprints) & (set(waiting) - {name})), waiting[0])
        waiting.remove(ready)
        ordered.append(ready)
    return ordered


def _targets(name: str, blueprints: Blueprints) -> set[str]:
    relations = blueprints.get(name, {}).get("relations") or {}
    return {relation.get("target", "") for relation in relations.values()}


def targets_of(body: Mapping[str, Any], blueprint: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(blueprint, identifier) of every entity that a body relates to."""
    relations = blueprint.get("relations") or {}
    return {
        (relations[name].get("target", ""), item)
        for name, value in (body.get("relations") or {}).items()
        for item in _items(value)
    }


def identifier_chunks(identifiers: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Search queries that together find all these identifiers."""
    ordered = sorted(set(identifiers))
    for start in range(0, len(ordered), SEARCH_IDENTIFIERS):
        value = ordered[start : start + SEARCH_IDENTIFIERS]
        yield {"combinator": "and", "rules": [{"property": "$identifier", "operator": "in", "value": value}]}


@dataclass
class Targets:
    """Which entities exist: those of this run, and those in Port, each asked for once."""

    port: PortReader
    known: dict[str, set[str]] = field(default_factory=dict)
    _absent: dict[str, set[str]] = field(default_factory=dict)
    _wanted: dict[str, set[str]] = field(default_factory=dict)

    def add(self, blueprint: str, identifiers: Iterable[str]) -> None:
        """Entities that this run is going to have in Port."""
        added = set(identifiers)
        self.known.setdefault(blueprint, set()).update(added)
        self._wanted.setdefault(blueprint, set()).update(added)

    def remove(self, blueprint: str, identifiers: Iterable[str]) -> bool:
        """Entities that this run doesn't write after all; whether any was still taken for written."""
        gone = set(identifiers) & self._wanted.get(blueprint, set())
        self._wanted.setdefault(blueprint, set()).difference_update(gone)
        # Port may have them all the same: it is asked when they are wanted again.
        self.known.setdefault(blueprint, set()).difference_update(gone)
        return bool(gone)

    def existing(self, blueprint: str, wanted: Iterable[str]) -> set[str]:
        """Those of `wanted` that exist."""
        known = self.known.setdefault(blueprint, set())
        absent = self._absent.setdefault(blueprint, set())
        wanted = set(wanted)
        unasked = wanted - known - absent
        try:
            for query in identifier_chunks(unasked):
                found = self.port.entities(blueprint, include=["$identifier"], query=query)
                known.update(entity["identifier"] for entity in found)
        except TerminalApiError as error:
            # Without the blueprint there is nothing to relate to.
            if error.status != 404:
                raise
        absent.update(unasked - known)
        return wanted & known


@dataclass(frozen=True)
class Related:
    """Entities whose relations can be written, the rest, and what was left out of relations, counted by text.

    `lacking` are entities, as they were to be, that are written without a relation to something that was rejected.
    `creating` are, for entities with a target that Port shall make, the relations that wait for it.
    """

    entities: list[Entity]
    refused: list[Refused]
    dropped: Counter[str]
    lacking: list[Entity] = field(default_factory=list)
    creating: dict[str, set[str]] = field(default_factory=dict)


def relate(
    entities: Sequence[Entity],
    blueprint: Mapping[str, Any],
    mapping: SyncMapping,
    targets: Targets,
    written: set[str],
    lost: Set[Key] = frozenset(),
) -> Related:
    """Apply the mapping's `missing_relations` to entities of one blueprint. `written` are this run's blueprints, `lost`
    its rejected entities."""
    relations = blueprint.get("relations") or {}
    result = Related([], [], Counter())
    shaped = []
    for entity in entities:
        values, problem = _shaped(entity, relations, written, result.dropped)
        if problem:
            result.refused.append(_refused(entity, problem))
        else:
            shaped.append(_with_relations(entity, values))
    missing = {name: _missing_targets(name, shaped, relations[name]["target"], targets) for name in _used(shaped)}
    policies = {name: _policy(mapping, blueprint["identifier"], name, relations[name]["target"]) for name in missing}
    made = {name for name, policy in policies.items() if policy == "create"}
    if any(relations[name].get("required") for name in made):
        # Port takes no entity without its required relations, so that all go out at once.
        made = set(relations)
    for entity in shaped:
        kept, problem = _resolved(entity, relations, missing, policies, result.dropped)
        if problem:
            result.refused.append(_refused(entity, problem))
            continue
        result.entities.append(_with_relations(entity, kept))
        if lost and not lost.isdisjoint(_dropped(entity, relations, missing, policies)):
            result.lacking.append(entity)
        if any(policies[name] == "create" and missing[name].intersection(_items(kept[name])) for name in kept):
            result.creating[entity.identifier] = made
    return result


def _with_relations(entity: Entity, relations: dict[str, Any]) -> Entity:
    return entity if relations == entity.relations else replace(entity, relations=relations)


def _dropped(
    entity: Entity, relations: Mapping[str, Any], missing: Mapping[str, set[str]], policies: Mapping[str, str]
) -> Iterator[Key]:
    """What the entity was to relate to and doesn't."""
    for name, value in entity.relations.items():
        if policies[name] == "drop":
            yield from ((relations[name]["target"], item) for item in missing[name].intersection(_items(value)))


def _refused(entity: Entity, problem: Problem) -> Refused:
    return Refused("relations", entity.blueprint, entity.identifier, problem[1], problem[0], entity)


def _policy(mapping: SyncMapping, blueprint: str, relation: str, target: str) -> str:
    policy = mapping.when_missing(blueprint, relation)
    # Port makes no bare entities of its own blueprints, such as `_user`.
    return "drop" if policy == "create" and target.startswith("_") else policy


def _used(entities: Iterable[Entity]) -> list[str]:
    return list({name: None for entity in entities for name in entity.relations})


def _shaped(
    entity: Entity, relations: Mapping[str, Any], written: set[str], dropped: Counter[str]
) -> tuple[dict[str, Any], Problem | None]:
    """Each value in the form its relation takes: a string, or a sorted list without repeats."""
    shaped: dict[str, Any] = {}
    for name, value in entity.relations.items():
        if name not in relations:
            dropped[f"blueprint `{entity.blueprint}` has no relation `{name}`; its values were left out"] += 1
            continue
        relation = relations[name]
        if isinstance(value, dict):
            shaped[name] = value
            continue
        items = [] if value is None else value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) and item for item in items):
            return {}, (name, f"relation `{name}` is not an identifier")
        safe = {safe_identifier(item) if relation.get("target") in written else item for item in items}
        if not relation.get("many") and len(safe) > 1:
            return {}, (name, f"relation `{name}` takes one entity, not {len(safe)}")
        shaped[name] = sorted(safe) if relation.get("many") else next(iter(safe), None)
    return shaped, None


def _missing_targets(name: str, entities: Sequence[Entity], target: str, targets: Targets) -> set[str]:
    wanted = {item for entity in entities for item in _items(entity.relations.get(name))}
    return wanted - targets.existing(target, wanted)


def _items(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []


def _resolved(
    entity: Entity,
    relations: Mapping[str, Any],
    missing: Mapping[str, set[str]],
    policies: Mapping[str, str],
    dropped: Counter[str],
) -> tuple[dict[str, Any], Problem | None]:
    kept = dict(entity.relations)
    for name, value in entity.relations.items():
        absent = missing[name].intersection(_items(value))
        policy, target = policies[name], relations[name]["target"]
        if absent and policy == "quarantine":
            return {}, (name, f"relation `{name}`: `{target}` has no entity `{min(absent)}`")
        if absent and policy == "drop":
            dropped[f"{entity.blueprint}.{name}: values without a `{target}` entity in Port were left out"] += len(
                absent
            )
            kept[name] = [item for item in value if item not in absent] if isinstance(value, list) else None
        if relations[name].get("required") and not kept[name]:
            return {}, (name, f"relation `{name}` is required and has no value")
    return kept, None
