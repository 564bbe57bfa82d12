"""Entity routes: one by one, and in bulk."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from portcfg.emulator.blueprints import find
from portcfg.emulator.body_checks import TEXT, require, validator
from portcfg.emulator.calls import Answer, Call
from portcfg.emulator.entity_rules import check_shape
from portcfg.emulator.entity_views import Catalog, View, Wanted
from portcfg.emulator.entity_writes import Options, Written, delete, write
from portcfg.emulator.wire_errors import WireError, entity_missing
from portcfg.model import Body

# A GET of all entities of a big blueprint runs into Port's gateway timeout; the search route pages.
MAX_UNPAGED = 10_000
BULK = validator(
    {
        "type": "object",
        "required": ["entities"],
        "additionalProperties": False,
        "properties": {"entities": {"type": "array", "minItems": 1, "maxItems": 20, "items": {"type": "object"}}},
    }
)
BULK_DELETE = validator(
    {
        "type": "object",
        "required": ["entities"],
        "additionalProperties": False,
        "properties": {"entities": {"type": "array", "minItems": 1, "maxItems": 100, "items": TEXT}},
    }
)


def _blueprint(call: Call) -> Body:
    return find(call.store, call.params["blueprint"])


def wanted(call: Call) -> Wanted:
    """The fields that the query parameters of a read ask for."""
    return Wanted.of(
        call.names("include"),
        call.names("exclude"),
        not call.flag("exclude_calculated_properties"),
        call.flag("attach_title_to_relation"),
    )


def list_all(call: Call) -> Answer:
    """GET .../entities -> `{ok, entities}`, unpaged: 504 for a big blueprint."""
    blueprint, catalog = _blueprint(call), Catalog(call.store, call.now)
    if call.store.count(blueprint["identifier"]) > MAX_UNPAGED:
        raise WireError(504, "gateway_timeout", "The request timed out")
    views = (View(catalog, blueprint, *row) for row in call.store.entities(blueprint["identifier"]))
    fields = wanted(call)
    return 200, {"ok": True, "entities": [fields.shown(view) for view in views]}


def _shown(call: Call, identifier: str) -> Body:
    name = _blueprint(call)["identifier"]
    view = Catalog(call.store, call.now).view(name, identifier)
    if view is None:
        raise entity_missing(name, identifier)
    return {"ok": True, "entity": wanted(call).shown(view)}


def read(call: Call) -> Answer:
    """GET .../entities/{entity} -> `{ok, entity}`."""
    return 200, _shown(call, call.params["entity"])


def create(call: Call) -> Answer:
    """POST .../entities?upsert&merge&validation_only&create_missing_related_entities -> 201 `{ok, entity}`.

    No other success is published, so an update through upsert answers 201, too.
    """
    body, blueprint = check_shape(call.body), _blueprint(call)
    with _lasting(call):
        return 201, _shown(call, write(call, blueprint, body, Options.of(call)).identifier)


def _lasting(call: Call) -> AbstractContextManager[None]:
    """Where writes last unless they are for validation only."""
    return call.store.trial() if call.flag("validation_only") else nullcontext()


def replace(call: Call) -> Answer:
    """PUT .../entities/{entity} -> `{ok, entity}`: what the body omits is unset; another identifier renames."""
    return _change(call, check_shape(call.body), merge=False)


def patch(call: Call) -> Answer:
    """PATCH .../entities/{entity} -> `{ok, entity}`: a closed body, merged; null clears."""
    return _change(call, check_shape(call.body, patch=True), merge=True)


def _change(call: Call, body: Body, merge: bool) -> Answer:
    missing = call.flag("create_missing_related_entities")
    options = Options(True, merge, create_missing=missing, must_exist=call.params["entity"])
    return 200, _shown(call, write(call, _blueprint(call), body, options).identifier)


def remove(call: Call) -> Answer:
    """DELETE .../entities/{entity}?delete_dependents -> `{ok}`."""
    delete(call, _blueprint(call)["identifier"], call.params["entity"], call.flag("delete_dependents"))
    return 200, {"ok": True}


def bulk(call: Call) -> Answer:
    """POST .../entities/bulk `{entities: [1..20]}` -> 200, or 207 if some failed: `{ok, entities, errors}`.

    An item that no blueprint could take fails the request; one that this blueprint refuses fails alone.
    """
    body, blueprint, options = call.json_object(), _blueprint(call), Options.of(call)
    require(BULK, body)
    items = [check_shape(item, f"body/entities/{index}") for index, item in enumerate(body["entities"])]
    done: list[Body] = []
    errors: list[Body] = []
    with _lasting(call):
        for index, item in enumerate(items):
            outcome = _try_write(call, blueprint, item, options)
            if isinstance(outcome, Written):
                done.append({"created": outcome.created, "identifier": outcome.identifier, "index": index})
            else:
                why = {"error": outcome.error, "message": outcome.message}
                errors.append({"identifier": _named(item), "index": index, "statusCode": outcome.status, **why})
    return 207 if errors else 200, {"ok": True, "entities": done, "errors": errors}


def _try_write(call: Call, blueprint: Body, item: Body, options: Options) -> Written | WireError:
    try:
        return write(call, blueprint, item, options)
    except WireError as error:
        return error


def _named(item: Body) -> Any:
    # Port has no name for an item whose identifier is a search that found nothing.
    return item["identifier"] if isinstance(item.get("identifier"), str) else "unknown"


def bulk_delete(call: Call) -> Answer:
    """POST .../bulk/entities/delete `{entities: [1..100]}` -> `{ok, deletedEntities}`; one dependent fails it all."""
    body, name = call.json_object(), _blueprint(call)["identifier"]
    require(BULK_DELETE, body)
    gone = []
    for identifier in body["entities"]:
        if call.store.entity(name, identifier) is not None:
            delete(call, name, identifier, call.flag("delete_dependents"))
            gone.append(identifier)
    return 200, {"ok": True, "deletedEntities": gone}
