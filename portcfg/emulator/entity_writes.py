"""How an entity is written: the upsert and merge matrix, relation targets, stamps. All checks come before any write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from portcfg.emulator.blueprints import find
from portcfg.emulator.calls import Call, random_id
from portcfg.emulator.entity_rules import check_required, check_values, is_query
from portcfg.emulator.entity_views import Catalog
from portcfg.emulator.port_store import Link
from portcfg.emulator.query import predicate
from portcfg.emulator.system_blueprints import READ_ONLY, is_system
from portcfg.emulator.wire_errors import WireError, entity_missing, has_dependents, invalid, mismatch, taken
from portcfg.model import Body

MAX_QUERY_TARGETS = 100


@dataclass(frozen=True)
class Options:
    """The query parameters of a write. `must_exist` is PUT's and PATCH's, `whole` a migration's: it isn't published
    whether one checks what it writes or the whole entity, so the whole is checked."""

    upsert: bool = False
    merge: bool = False
    create_missing: bool = False
    must_exist: str = ""
    whole: bool = False

    @classmethod
    def of(cls, call: Call) -> Options:
        """Those of POST and bulk."""
        return cls(
            call.flag("upsert"),
            call.flag("merge"),
            call.flag("create_missing_related_entities"),
        )


@dataclass(frozen=True)
class Written:
    """What a write did."""

    identifier: str
    created: bool


def write(call: Call, blueprint: Body, body: Body, options: Options) -> Written:
    """Write one entity whose shape is checked; raises WireError and then has stored nothing of it."""
    if blueprint["identifier"] in READ_ONLY:
        name = blueprint["identifier"]
        raise WireError(
            422, "protected_entity", f'Cannot create entity from blueprint "{name}" as it is marked protected'
        )
    identifier, before = _identified(call, blueprint, body, options)
    after = _merged(blueprint, before if options.merge else None, body, new=before is None)
    given = body.get("relations", {})
    after["relations"].update(_relations(call, blueprint, given))
    if is_query(after["team"]):
        after["team"] = _searched(call, "_team", after["team"])
    _check_ownership(blueprint, body)
    check_values(blueprint, body.get("properties", {}))
    if options.whole:
        known = blueprint["schema"]["properties"]
        check_values(blueprint, {name: value for name, value in after["properties"].items() if name in known})
    check_required(blueprint, after["properties"], after["relations"])
    missing = _missing_targets(call, blueprint, identifier, {name: after["relations"][name] for name in given})
    _check_missing(missing, options.create_missing)
    _store_stubs(call, missing)
    _store(call, blueprint, identifier, before, after)
    _rename(call, blueprint, options.must_exist or identifier, identifier)
    return Written(identifier, before is None)


def _identified(call: Call, blueprint: Body, body: Body, options: Options) -> tuple[str, Body | None]:
    store, name = call.store, blueprint["identifier"]
    identifier: Any = body.get("identifier") or options.must_exist or random_id("e_")
    if is_query(identifier):
        found = _searched(call, name, identifier)
        if len(found) != 1:
            raise invalid(f"The identifier's query must match exactly one entity; it matches {len(found)}")
        identifier = found[0]
    before = store.entity(name, options.must_exist or identifier)
    if options.must_exist:
        if before is None:
            raise entity_missing(name, options.must_exist)
        if identifier != options.must_exist and store.entity(name, identifier) is not None:
            raise taken("Entity", identifier)
    elif before is not None and not options.upsert:
        raise taken("Entity", identifier)
    return identifier, before


def _merged(blueprint: Body, base: Body | None, body: Body, new: bool) -> Body:
    """The entity after the write: with a base the given keys win over it, without one it is what the body says."""
    after: Body = base or {"title": None, "icon": None, "team": [], "properties": {}, "relations": {}}
    for key in ("title", "icon"):
        after[key] = body.get(key, after[key])
    team = body.get("team", after["team"])
    after["team"] = [team] if isinstance(team, str) else team or []
    properties = {**after["properties"], **body.get("properties", {})}
    if new:
        for name, schema in blueprint["schema"]["properties"].items():
            if "default" in schema and name not in properties:
                properties[name] = schema["default"]
    after["properties"] = properties
    return after


def _relations(call: Call, blueprint: Body, given: Body) -> Body:
    """The relations as identifiers: searches are done, values are refused that don't fit."""
    return {name: _relation(call, blueprint, name, value) for name, value in given.items()}


def _relation(call: Call, blueprint: Body, name: str, value: Any) -> Any:
    relation = blueprint["relations"].get(name)
    if relation is None:
        raise mismatch(f'The "{blueprint["identifier"]}" Blueprint does not have relation with name "{name}"')
    many = bool(relation.get("many"))
    if is_query(value):
        found = _searched(call, relation["target"], value)
        if not many and len(found) != 1:
            raise invalid(f'The query of relation "{name}" must match exactly one entity; it matches {len(found)}')
        return found if many else found[0]
    if value is not None and isinstance(value, list) is not many:
        raise mismatch(f'Relation "{name}" must be {"array" if many else "string"}')
    return value


def _searched(call: Call, blueprint: str, query: Body) -> list[str]:
    catalog = Catalog(call.store, call.now)
    test = predicate(query, catalog.scope)
    found = []
    for identifier, _ in call.store.entities(blueprint):
        view = catalog.view(blueprint, identifier)
        if view and test(view):
            found.append(identifier)
        if len(found) > MAX_QUERY_TARGETS:
            raise invalid(f"A relation's query may match at most {MAX_QUERY_TARGETS} entities")
    return found


def _check_ownership(blueprint: Body, body: Body) -> None:
    inherits = blueprint.get("ownership", {}).get("type") == "Inherited"
    if inherits and body.get("team"):
        raise WireError(
            422, "inherited_ownership_enabled", f'Entities of "{blueprint["identifier"]}" inherit their teams'
        )


def links_of(blueprint: Body, relations: Body) -> list[Link]:
    """(relation, target blueprint, target) for every target an entity names."""
    found = []
    for name, value in relations.items():
        if name in blueprint["relations"]:
            targets: Iterable[str] = value if isinstance(value, list) else [value] if value else []
            found += [(name, blueprint["relations"][name]["target"], target) for target in targets]
    return found


def _missing_targets(call: Call, blueprint: Body, identifier: str, relations: Body) -> list[tuple[str, str]]:
    by_target: dict[str, list[str]] = {}
    for _, target_blueprint, target in links_of(blueprint, relations):
        by_target.setdefault(target_blueprint, []).append(target)
    missing = []
    for name, targets in by_target.items():
        there = call.store.existing(name, targets)
        itself = identifier if name == blueprint["identifier"] else None
        missing += [(name, target) for target in targets if target not in there and target != itself]
    return missing


def _check_missing(missing: list[tuple[str, str]], create: bool) -> None:
    for blueprint, identifier in missing:
        # Stubs are not made for Port's own blueprints, `_user` and `_team` above all.
        if not create or is_system(blueprint):
            raise entity_missing(blueprint, identifier)


def _store_stubs(call: Call, missing: list[tuple[str, str]]) -> None:
    for name, identifier in missing:
        _store(call, find(call.store, name), identifier, None, _merged({"schema": {"properties": {}}}, None, {}, True))


def _store(call: Call, blueprint: Body, identifier: str, before: Body | None, after: Body) -> None:
    audit = call.updated() if before else call.created()
    kept = {key: before[key] for key in ("createdAt", "createdBy")} if before else {}
    body = {**after, **kept, **audit, "datasource": call.headers.get("user-agent", "")}
    call.store.save_entity(blueprint["identifier"], identifier, body, links_of(blueprint, after["relations"]))
    call.note("UPDATE" if before else "CREATE", "entity", blueprint=blueprint["identifier"], entity=identifier)


def _rename(call: Call, blueprint: Body, old: str, new: str) -> None:
    if old == new:
        return
    name = blueprint["identifier"]
    for owner, identifier, relation in call.store.referrers(name, old):
        body = call.store.entity(owner, identifier)
        if body is None or (owner, identifier) == (name, old):
            continue
        value = body["relations"][relation]
        body["relations"][relation] = [new if v == old else v for v in value] if isinstance(value, list) else new
        call.store.save_entity(owner, identifier, body, links_of(find(call.store, owner), body["relations"]))
    call.store.delete_entity(name, old)


def delete(call: Call, blueprint: str, identifier: str, dependents: bool) -> None:
    """Delete an entity. Those that require it stand in the way unless `dependents`, which deletes all that relate to
    it; other relations to it are cleared."""
    store = call.store
    if store.entity(blueprint, identifier) is None:
        raise entity_missing(blueprint, identifier)
    referrers = [r for r in store.referrers(blueprint, identifier) if r[:2] != (blueprint, identifier)]
    for owner, _, relation in referrers:
        if not dependents and find(store, owner)["relations"].get(relation, {}).get("required"):
            raise has_dependents(f'Entity "{identifier}" is required by entities of "{owner}"')
    store.delete_entity(blueprint, identifier)
    store.unlink(blueprint, identifier)
    call.note("DELETE", "entity", blueprint=blueprint, entity=identifier)
    for owner, name, _ in referrers if dependents else ():
        if store.entity(owner, name) is not None:
            delete(call, owner, name, dependents)
