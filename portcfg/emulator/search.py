"""The two search routes: paged within a blueprint, unpaged across all."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from portcfg.emulator.blueprints import find
from portcfg.emulator.body_checks import TEXT, require, validator
from portcfg.emulator.calls import Answer, Call
from portcfg.emulator.entities import wanted
from portcfg.emulator.entity_views import Catalog, View, Wanted
from portcfg.emulator.query import narrowed_to, predicate
from portcfg.emulator.query_shapes import check_query
from portcfg.emulator.wire_errors import invalid
from portcfg.model import Body

DEFAULT_LIMIT = 200
MAX_LIMIT = 1000
NAMES = {"type": "array", "items": TEXT}
SEARCH = validator(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "query": {"type": "object"},
            "include": NAMES,
            "exclude": NAMES,
            "limit": {"type": "number", "minimum": 1, "maximum": MAX_LIMIT},
            "from": TEXT,
        },
    }
)


def matching(catalog: Catalog, blueprint: Body, query: Body | None, after: str = "") -> Iterator[View]:
    """The blueprint's entities that a query matches, by identifier. Rules on `$identifier` narrow what is read."""
    test = predicate(query, catalog.scope)
    rows = catalog.store.entities(blueprint["identifier"], after, narrowed_to(query, "$identifier"))
    for identifier, body in rows:
        view = View(catalog, blueprint, identifier, body)
        if test(view):
            yield view


def search_blueprint(call: Call) -> Answer:
    """POST /v1/blueprints/{blueprint}/entities/search `{query?, include?, exclude?, limit?, from?}` ->
    `{ok, entities, next?}`; there are no more pages when `next` is absent."""
    blueprint, body = find(call.store, call.params["blueprint"]), call.body if call.body is not None else {}
    require(SEARCH, body)
    if "query" in body:
        check_query(body["query"])
    limit = int(body.get("limit", DEFAULT_LIMIT))
    asked = wanted(call)
    fields = Wanted.of(body.get("include", []), body.get("exclude", []), asked.calculated, asked.titles)
    found = matching(Catalog(call.store, call.now), blueprint, body.get("query"), _position(body.get("from", "")))
    page: list[Body] = []
    for view in found:
        if len(page) == limit:
            return 200, {"ok": True, "entities": page, "next": _cursor(page[-1]["identifier"])}
        page.append(fields.shown(view))
    return 200, {"ok": True, "entities": page}


def _cursor(identifier: str) -> str:
    return base64.urlsafe_b64encode(identifier.encode()).decode()


def _position(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor).decode()
    except (binascii.Error, ValueError):
        raise invalid("body/from is not a cursor of this search") from None


def across(call: Call, query: Body) -> Iterator[View]:
    """The entities of all blueprints that a query matches; `$blueprint` rules narrow which are read."""
    catalog = Catalog(call.store, call.now)
    names = narrowed_to(query, "$blueprint")
    if names is None:
        names = [blueprint["identifier"] for blueprint in call.store.documents("blueprint")]
    for name in names:
        blueprint = call.store.blueprint(name)
        if blueprint is not None:
            yield from matching(catalog, blueprint, query)


def search_all(call: Call) -> Answer:
    """POST /v1/entities/search `{combinator, rules}` -> `{ok, matchingBlueprints, entities}`, unpaged."""
    query = call.json_object()
    check_query(query, "body")
    views, fields = list(across(call, query)), wanted(call)
    blueprints = sorted({view.blueprint["identifier"] for view in views})
    return 200, {"ok": True, "matchingBlueprints": blueprints, "entities": [fields.shown(view) for view in views]}
