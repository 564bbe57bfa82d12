"""Migrations: work on all entities of a blueprint, done when it has been polled for often enough."""

from __future__ import annotations

from dataclasses import replace

from portcfg.emulator.blueprints import check_deletable, delete, find
from portcfg.emulator.body_checks import TEXT, require, validator
from portcfg.emulator.calls import Answer, Call, random_id
from portcfg.emulator.migration_mapping import check_mapping, migrate
from portcfg.emulator.wire_errors import invalid
from portcfg.model import Body

FINAL = frozenset(["COMPLETED", "FAILURE", "CANCELLED"])
QUERIES: Body = {"type": "object", "additionalProperties": TEXT}
ENTITY: Body = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("identifier", "title", "icon", "team"), TEXT),
        "properties": QUERIES,
        "relations": QUERIES,
    },
}
POST_BODY = validator(
    {
        "type": "object",
        "required": ["sourceBlueprint", "mapping"],
        "properties": {
            "sourceBlueprint": TEXT,
            "mapping": {
                "type": "object",
                "required": ["entity"],
                "properties": {**dict.fromkeys(("blueprint", "filter", "itemsToParse"), TEXT), "entity": ENTITY},
            },
        },
        "additionalProperties": False,
    }
)
CANCEL_BODY = validator({"type": "object", "properties": {"reason": TEXT}, "additionalProperties": False})


def create(call: Call) -> Answer:
    """POST /v1/migrations `{sourceBlueprint, mapping}` -> 201 `{ok, migration}`: entities are upserted and merged."""
    body = call.json_object()
    require(POST_BODY, body)
    find(call.store, body["sourceBlueprint"])
    check_mapping(call.store, body["mapping"])
    migration = _started(call, {**body, "status": "PENDING", "deleteBlueprint": False, "deleteEntities": False})
    return 201, {"ok": True, "migration": _shown(migration)}


def delete_all_entities(call: Call) -> Answer:
    """DELETE /v1/blueprints/{blueprint}/all-entities?delete_blueprint -> `{ok, migrationId}`."""
    identifier = find(call.store, call.params["blueprint"])["identifier"]
    drop = call.flag("delete_blueprint")
    if drop:
        check_deletable(call.store, identifier)
    work = {"sourceBlueprint": identifier, "mapping": {}, "status": "RUNNING"}
    migration = _started(call, {**work, "deleteBlueprint": drop, "deleteEntities": True})
    return 200, {"ok": True, "migrationId": migration["id"]}


def _started(call: Call, work: Body) -> Body:
    counts = {"successCount": 0, "failureCount": 0, "pollsLeft": call.chaos.migration_polls}
    migration = {"id": random_id("m_"), "actor": call.actor, **work, **counts, **call.created()}
    if not migration["pollsLeft"]:
        _finish(call, migration)
    call.store.save_document("migration", migration["id"], migration)
    return migration


def list_all(call: Call) -> Answer:
    """GET /v1/migrations?status&actor&blueprint -> `{ok, migrations}`."""
    found = call.store.documents("migration")
    for name, field in (("status", "status"), ("actor", "actor"), ("blueprint", "sourceBlueprint")):
        wanted = call.names(name)
        found = [migration for migration in found if not wanted or migration[field] in wanted]
    return 200, {"ok": True, "migrations": [_shown(migration) for migration in found]}


def read(call: Call) -> Answer:
    """GET /v1/migrations/{migration} -> `{ok, migration}`; every poll brings it nearer to its end."""
    migration = call.document("migration", call.params["migration"], "Migration")
    if migration["status"] not in FINAL:
        migration.update(status="RUNNING", pollsLeft=migration["pollsLeft"] - 1)
        if migration["pollsLeft"] <= 0:
            _finish(call, migration)
        call.store.save_document("migration", migration["id"], migration)
    return 200, {"ok": True, "migration": _shown(migration)}


def cancel(call: Call) -> Answer:
    """POST /v1/migrations/{migration}/cancel `{reason}` -> `{ok, migration}`."""
    require(CANCEL_BODY, call.json_object())
    migration = call.document("migration", call.params["migration"], "Migration")
    if migration["status"] in FINAL:
        raise invalid(f'Migration "{migration["id"]}" is already {migration["status"]}')
    migration.update(status="CANCELLED", **call.updated())
    call.store.save_document("migration", migration["id"], migration)
    return 200, {"ok": True, "migration": _shown(migration)}


def _finish(call: Call, migration: Body) -> None:
    # Whoever polls, it is the work of the one that asked for it.
    call = replace(call, actor=migration["actor"])
    source = migration["sourceBlueprint"]
    migration.update(pollsLeft=0, **call.updated())
    if call.store.blueprint(source) is None:
        migration["status"] = "FAILURE"
        return
    done, failed = 0, 0
    if migration["deleteEntities"]:
        for identifier, _ in call.store.entities(source):
            call.note("DELETE", "entity", blueprint=source, entity=identifier)
        done = call.store.delete_entities(source)
    else:
        done, failed = migrate(call, source, migration["mapping"])
    if migration["deleteBlueprint"]:
        delete(call, source)
    migration.update(status="COMPLETED", successCount=done, failureCount=failed)


def _shown(migration: Body) -> Body:
    return {key: value for key, value in migration.items() if key != "pollsLeft"}
