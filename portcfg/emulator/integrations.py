"""Integration routes: a data source's installation, with its mapping as opaque JSON in `config`."""

from __future__ import annotations

from portcfg.emulator.blueprint_shapes import DESTINATION
from portcfg.emulator.body_checks import TEXT, require, validator
from portcfg.emulator.calls import Answer, Call, random_id
from portcfg.emulator.port_store import Store
from portcfg.emulator.wire_errors import not_found, taken
from portcfg.model import Body

SETTINGS: Body = {
    "title": {"type": ["string", "null"]},
    "installationAppType": TEXT,
    "version": TEXT,
    "config": {"type": ["object", "null"]},
    "changelogDestination": {"anyOf": [{"type": "object", "maxProperties": 0}, DESTINATION]},
    "actionsProcessingEnabled": {"type": "boolean"},
    "incrementalSyncEnabled": {"type": "boolean"},
    "pinnedVersion": TEXT,
    "spec": {
        "type": "object",
        "properties": {"appSpec": {"type": "object"}, "integrationSpec": {"type": "object"}},
        "additionalProperties": False,
    },
}
INSTALLATION: Body = {"type": "string", "pattern": "^[a-z0-9-]+$"}
POST_BODY = validator(
    {
        "type": "object",
        "required": ["installationId", "installationAppType"],
        "properties": {**SETTINGS, "installationId": INSTALLATION},
    }
)
PATCH_BODY = validator({"type": "object", "properties": SETTINGS})
CONFIG_BODY = validator(
    {
        "type": "object",
        "required": ["config"],
        "properties": {"config": SETTINGS["config"]},
        "additionalProperties": False,
    }
)
EXAMPLES_BODY = validator(
    {
        "type": "object",
        "required": ["examples"],
        "properties": {"examples": {"type": "array", "items": {"type": "object"}}},
        "additionalProperties": False,
    }
)
# What Port keeps of an integration and shows elsewhere.
HIDDEN = frozenset({"resyncs", "examples"})


def examples(store: Store, installation: str) -> dict[str, list[Body]]:
    """The raw rows that were sent of each kind of an integration."""
    found = store.document("integration", installation) or {}
    return dict(found.get("examples", {}))


def resyncs(store: Store, installation: str) -> int:
    """How many resyncs the PATCHes of an integration have asked for."""
    found = store.document("integration", installation)
    return found["resyncs"] if found else 0


def _find(call: Call) -> Body:
    wanted = call.params["integration"]
    field = (call.query.get("byField") or ["installationId"])[-1]
    if field == "logIngestId":
        for integration in call.store.documents("integration"):
            if integration["logAttributes"]["ingestId"] == wanted:
                return integration
        raise not_found("Integration", wanted)
    return call.document("integration", wanted, "Integration")


def _shown(integration: Body) -> Body:
    return {key: value for key, value in integration.items() if key not in HIDDEN}


def list_all(call: Call) -> Answer:
    """GET /v1/integration?actionsProcessingEnabled -> `{ok, integrations}`."""
    found = call.store.documents("integration")
    if "actionsProcessingEnabled" in call.query:
        wanted = call.flag("actionsProcessingEnabled")
        found = [integration for integration in found if integration["actionsProcessingEnabled"] is wanted]
    return 200, {"ok": True, "integrations": [_shown(integration) for integration in found]}


def read(call: Call) -> Answer:
    """GET /v1/integration/{integration}?byField=installationId|logIngestId -> `{ok, integration}`."""
    return 200, {"ok": True, "integration": _shown(_find(call))}


def create(call: Call) -> Answer:
    """POST /v1/integration `{installationId, installationAppType, config?, ...}` -> 201 `{ok, integration}`."""
    body = call.json_object()
    require(POST_BODY, body)
    installation = body["installationId"]
    if call.store.document("integration", installation) is not None:
        raise taken("Integration", installation)
    integration = {
        "config": {},
        "title": None,
        "version": "",
        "changelogDestination": {},
        "actionsProcessingEnabled": False,
        **body,
        "identifier": installation,
        "_id": random_id(),
        "installationType": "OnPrem",
        "resyncState": {"status": "completed"},
        "logAttributes": {"ingestId": random_id(), "ingestUrl": "http://127.0.0.1/logs"},
        "resyncs": 0,
        **call.created(),
    }
    call.store.save_document("integration", installation, integration)
    call.note("CREATE", "integration", installationId=installation)
    return 201, {"ok": True, "integration": _shown(integration)}


def patch(call: Call) -> Answer:
    """PATCH /v1/integration/{integration} -> `{ok, integration}`; `config` is replaced, not merged."""
    body = call.json_object()
    require(PATCH_BODY, body)
    return _change(call, body)


def patch_config(call: Call) -> Answer:
    """PATCH /v1/integration/{integration}/config `{config}` -> `{ok, integration}`."""
    body = call.json_object()
    require(CONFIG_BODY, body)
    return _change(call, body)


def _change(call: Call, body: Body) -> Answer:
    integration = _find(call)
    integration.update({key: value for key, value in body.items() if key in SETTINGS})
    integration.update(call.updated())
    # Any PATCH, an empty one too, makes the integration resync unless it is told not to.
    if call.headers.get("x-skip-resync", "").lower() != "true":
        integration["resyncs"] += 1
        integration["resyncState"] = {"status": "pending"}
    call.store.save_document("integration", integration["installationId"], integration)
    call.note("UPDATE", "integration", installationId=integration["installationId"])
    return 200, {"ok": True, "integration": _shown(integration)}


def add_examples(call: Call) -> Answer:
    """POST /v1/integration/{integration}/kinds/{kind}/examples `{examples: [row]}` -> `{ok}`.

    Ocean's route, which isn't published. Whether Port adds to the examples of a kind or replaces them isn't known; no
    client may count on either, and here they are replaced.
    """
    body, integration = call.json_object(), _find(call)
    require(EXAMPLES_BODY, body)
    integration["examples"] = {**integration.get("examples", {}), call.params["kind"]: body["examples"]}
    call.store.save_document("integration", integration["installationId"], integration)
    return 200, {"ok": True}


def remove(call: Call) -> Answer:
    """DELETE /v1/integration/{integration} -> `{ok}`; what it ingested stays."""
    installation = _find(call)["installationId"]
    call.store.delete_document("integration", installation)
    call.note("DELETE", "integration", installationId=installation)
    return 200, {"ok": True}
