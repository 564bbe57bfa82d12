"""Blueprint routes: PUT replaces, PATCH merges key by key, and the pages that come and go with a blueprint."""

from __future__ import annotations

from portcfg.emulator import auto_pages
from portcfg.emulator.blueprint_rules import Lookup, check_blueprint, check_change, forget
from portcfg.emulator.blueprint_shapes import PATCH_BODY, POST_BODY, PUT_BODY
from portcfg.emulator.body_checks import require
from portcfg.emulator.calls import AUDIT, Answer, Call
from portcfg.emulator.port_store import Store, copy_of
from portcfg.emulator.system_blueprints import SECTIONS, STRUCTURES, check_members, is_system
from portcfg.emulator.wire_errors import has_dependents, not_found, protected, taken
from portcfg.model import Body


def find(store: Store, identifier: str) -> Body:
    """The blueprint (shared, not to be changed), or 404."""
    found = store.blueprint(identifier)
    if found is None:
        raise not_found("Blueprint", identifier)
    return found


def preload(store: Store, audit: Body) -> None:
    """Put the system blueprints into a new store."""
    for identifier, structure in STRUCTURES.items():
        if store.document("blueprint", identifier) is None:
            store.save_document("blueprint", identifier, {**_with_defaults(structure), **audit})


def list_all(call: Call) -> Answer:
    """GET /v1/blueprints -> `{ok, blueprints}`, the system ones included."""
    return 200, {"ok": True, "blueprints": call.store.documents("blueprint")}


def read(call: Call) -> Answer:
    """GET /v1/blueprints/{blueprint} -> `{ok, blueprint}`."""
    return 200, {"ok": True, "blueprint": find(call.store, call.params["blueprint"])}


def structure(call: Call) -> Answer:
    """GET /v1/blueprints/system/{blueprint}/structure -> `{ok, blueprint}`: the members that Port manages."""
    identifier = call.params["blueprint"]
    if identifier not in STRUCTURES:
        raise not_found("Blueprint", identifier)
    return 200, {"ok": True, "blueprint": _with_defaults(STRUCTURES[identifier])}


def create(call: Call) -> Answer:
    """POST /v1/blueprints?create_catalog_page=true -> 201 `{ok, blueprint}`."""
    body = call.json_object()
    require(POST_BODY, body)
    identifier = body["identifier"]
    if is_system(identifier):
        raise protected(f'"{identifier}": identifiers that begin with "_" are Port\'s own')
    if call.store.blueprint(identifier) is not None:
        raise taken("Blueprint", identifier)
    blueprint = {**_with_defaults(body), **call.created()}
    # It isn't there yet, so it can't name itself either: relations to itself take a second request.
    _check(call, blueprint, call.store.blueprint)
    call.store.save_document("blueprint", identifier, blueprint)
    call.note("CREATE", "blueprint", blueprint=identifier)
    catalog = (call.query.get("create_catalog_page") or ["true"])[-1].lower() != "false"
    auto_pages.add(call, blueprint, catalog)
    return 201, {"ok": True, "blueprint": blueprint}


def replace(call: Call) -> Answer:
    """PUT /v1/blueprints/{blueprint}: what the body omits is removed; another identifier renames."""
    body = call.json_object()
    require(PUT_BODY, body)
    before = find(call.store, call.params["blueprint"])
    return 200, {"ok": True, "blueprint": _save(call, before, {"identifier": before["identifier"], **body})}


def patch(call: Call) -> Answer:
    """PATCH /v1/blueprints/{blueprint}: members of schema.properties, relations and the computed sections are
    merged by key; schema.required and all else is replaced."""
    body = call.json_object()
    require(PATCH_BODY, body)
    before = find(call.store, call.params["blueprint"])
    after = {**before, **body}
    for section in SECTIONS:
        after[section] = {**before.get(section, {}), **body.get(section, {})}
    schema = body.get("schema", {})
    properties = {**before["schema"]["properties"]}
    for name, change in schema.get("properties", {}).items():
        # The type may be left out of a PATCH; it can't change anyway.
        properties[name] = {"type": properties.get(name, {}).get("type", "string"), **change}
    after["schema"] = {**before["schema"], **schema, "properties": properties}
    return 200, {"ok": True, "blueprint": _save(call, before, after)}


def remove(call: Call) -> Answer:
    """DELETE /v1/blueprints/{blueprint} -> `{ok}`; has_dependents while it has entities or others relate to it."""
    identifier = call.params["blueprint"]
    check_deletable(call.store, identifier)
    if call.store.count(identifier):
        raise has_dependents(f'Blueprint "{identifier}" still has entities')
    delete(call, identifier)
    return 200, {"ok": True}


def check_deletable(store: Store, identifier: str) -> None:
    """Raise the error for a blueprint that isn't there, is Port's own, or is used by others."""
    find(store, identifier)
    if is_system(identifier):
        raise protected(f"Blueprint \"{identifier}\" is Port's own and can't be deleted")
    users = _users(store, identifier)
    if users:
        raise has_dependents(f'Blueprint "{identifier}" is used by {", ".join(users)}')


def delete(call: Call, identifier: str) -> None:
    """Delete a blueprint and its pages."""
    call.store.delete_document("blueprint", identifier)
    call.note("DELETE", "blueprint", blueprint=identifier)
    auto_pages.drop(call, identifier)


def count(call: Call) -> Answer:
    """GET /v1/blueprints/{blueprint}/entities-count -> `{ok, count}`."""
    find(call.store, call.params["blueprint"])
    return 200, {"ok": True, "count": call.store.count(call.params["blueprint"])}


def _with_defaults(body: Body) -> Body:
    blueprint = {key: value for key, value in copy_of(body).items() if key not in AUDIT}
    blueprint["schema"].setdefault("required", [])
    for section in SECTIONS:
        blueprint.setdefault(section, {})
    for name, relation in blueprint["relations"].items():
        blueprint["relations"][name] = {"required": False, "many": False, **relation}
    for aggregation in blueprint["aggregationProperties"].values():
        aggregation.setdefault("type", "number")
    for member in (*blueprint["schema"]["properties"].values(), *blueprint["calculationProperties"].values()):
        if "specAuthentication" in member:
            member["specAuthentication"].setdefault("authorizationScope", ["openid"])
    return blueprint


def _check(call: Call, blueprint: Body, lookup: Lookup) -> None:
    managed = STRUCTURES.get(blueprint["identifier"], {}).get("aggregationProperties", {})
    forgotten = forget(blueprint, lookup) if call.chaos.forgetful else ()
    check_blueprint(blueprint, lookup, {*managed, *forgotten})


def _save(call: Call, before: Body, body: Body) -> Body:
    after = {**_with_defaults(body), **{key: before[key] for key in AUDIT}, **call.updated()}
    old, new = before["identifier"], after["identifier"]
    if is_system(old):
        check_members(old, after)
    if new != old and (is_system(old) or is_system(new) or call.store.blueprint(new) is not None):
        raise protected(f'Blueprint "{old}" can\'t be renamed') if is_system(old) else taken("Blueprint", new)
    check_change(before, after)
    # A blueprint that is there may name itself, by its old or its new name.
    _check(call, after, lambda name: after if name in (old, new) else call.store.blueprint(name))
    _drop_values(call.store, before, after)
    if new != old:
        _rename(call, old, after)
    call.store.save_document("blueprint", new, after)
    call.note("UPDATE", "blueprint", blueprint=new)
    return after


def _drop_values(store: Store, before: Body, after: Body) -> None:
    """What a blueprint no longer has, its entities lose."""
    for name in before["schema"]["properties"].keys() - after["schema"]["properties"].keys():
        store.drop_values(before["identifier"], "properties", name)
    for name, relation in before["relations"].items():
        if after["relations"].get(name, {}).get("target") not in (relation["target"], after["identifier"]):
            store.drop_values(before["identifier"], "relations", name)


def _rename(call: Call, old: str, after: Body) -> None:
    new = after["identifier"]
    for relation in after["relations"].values():
        relation["target"] = new if relation["target"] == old else relation["target"]
    call.store.delete_document("blueprint", old)
    for other in call.store.documents("blueprint"):
        members = (*other["relations"].values(), *other["aggregationProperties"].values())
        users = [member for member in members if member["target"] == old]
        for member in users:
            member["target"] = new
        if users:
            call.store.save_document("blueprint", other["identifier"], {**other, **call.updated()})
            call.note("UPDATE", "blueprint", blueprint=other["identifier"])
    call.store.rename_blueprint(old, new)
    auto_pages.drop(call, old)
    auto_pages.add(call, after, catalog=False)


def _users(store: Store, identifier: str) -> list[str]:
    """The other blueprints whose relations or aggregations need this one."""
    return [
        other["identifier"]
        for other in store.documents("blueprint")
        if other["identifier"] != identifier
        and any(
            member["target"] == identifier
            for member in (*other["relations"].values(), *other["aggregationProperties"].values())
        )
    ]
