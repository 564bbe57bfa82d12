"""Migrations: the asynchronous form of deleting all entities of a blueprint."""

from __future__ import annotations

from portcfg.emulator.auto_pages import drop
from portcfg.emulator.body_checks import TEXT, require, validator
from portcfg.emulator.calls import Answer, Call, random_id
from portcfg.emulator.wire_errors import invalid
from portcfg.model import Body

FINAL = frozenset(["COMPLETED", "FAILURE", "CANCELLED"])
CANCEL_BODY = validator({"type": "object", "properties": {"reason": TEXT}, "additionalProperties": False})


def start_deletion(call: Call, blueprint: str, delete_blueprint: bool) -> str:
    """Store a migration that deletes all entities of `blueprint`; returns its id."""
    migration: Body = {
        "id": random_id("m_"),
        "actor": call.actor,
        "sourceBlueprint": blueprint,
        "mapping": {},
        "status": "RUNNING",
        "deleteBlueprint": delete_blueprint,
        "deleteEntities": True,
        "successCount": 0,
        "failureCount": 0,
        "pollsLeft": call.chaos.migration_polls,
        **call.created(),
    }
    if not migration["pollsLeft"]:
        _finish(call, migration)
    call.store.save_document("migration", migration["id"], migration)
    return str(migration["id"])


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
        migration["pollsLeft"] -= 1
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
    blueprint = migration["sourceBlueprint"]
    count = call.store.delete_entities(blueprint)
    if migration["deleteBlueprint"]:
        call.store.delete_document("blueprint", blueprint)
        drop(call.store, blueprint)
    migration.update(status="COMPLETED", successCount=count, pollsLeft=0, **call.updated())


def _shown(migration: Body) -> Body:
    return {key: value for key, value in migration.items() if key != "pollsLeft"}
