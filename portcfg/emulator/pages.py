"""Page routes. Writes answer `{ok, identifier}` only, and PATCH takes a closed list of fields."""

from __future__ import annotations

import secrets

from portcfg.emulator.body_checks import TEXT, require, validator
from portcfg.emulator.calls import AUDIT, Answer, Call
from portcfg.emulator.port_store import Store, copy_of
from portcfg.emulator.query_shapes import check_query
from portcfg.emulator.sidebar import OWN_TYPES, PLACE, Sidebar, is_listed
from portcfg.emulator.widgets import check_widget, check_widgets, siblings, walk
from portcfg.emulator.wire_errors import WireError, invalid, not_found, taken
from portcfg.model import Body

TYPES = [
    "dashboard",
    "blueprint-entities",
    "entity",
    "home",
    "run",
    "user",
    "team",
    "users-and-teams",
    "runs-history",
    "audit-log",
]
SPECIAL = r"\$team\b|\$users\b|\$user\b|\$AuditLog\b|\$run\b|\$RunsHistory\b|\$home"
OPTIONAL = {"type": ["string", "null"]}
FILTER: Body = {
    "type": "object",
    "required": ["identifier", "title", "query"],
    "properties": {"identifier": TEXT, "title": TEXT, "query": {"type": "object"}},
    "additionalProperties": False,
}
PAGE_ID: Body = {
    "type": "string",
    "minLength": 1,
    "pattern": rf"^(?!\.{{1,2}}$)(?:[A-Za-z0-9@_.:\/=\-]|{SPECIAL})*$",
}
PATCHABLE: Body = {
    "identifier": PAGE_ID,
    "blueprint": TEXT,
    "title": TEXT,
    "description": TEXT,
    "icon": TEXT,
    "parent": OPTIONAL,
    "after": OPTIONAL,
    "locked": {"type": "boolean"},
    "showInSidebar": {"type": "boolean"},
    "section": {"enum": ["software_catalog", "organization"]},
    "widgets": {"type": "array"},
    "pageFilters": {"type": "array", "items": FILTER},
}
WHOLE: Body = {
    "type": "object",
    "required": ["identifier"],
    "properties": {
        **PATCHABLE,
        "type": {"enum": TYPES},
        "sidebar": {"enum": ["catalog", None]},
        "requiredQueryParams": {"type": "array", "items": TEXT},
        "visibility": {"enum": ["org", "private"]},
    },
}
POST_BODY = validator(WHOLE)
PUT_BODY = validator({**WHOLE, "required": []})
PATCH_BODY = validator({"type": "object", "properties": PATCHABLE, "additionalProperties": False})
WIDGET_BODY = validator(
    {
        "type": "object",
        "required": ["widget", "parentWidgetId"],
        "properties": {"widget": {"type": "object"}, "parentWidgetId": TEXT},
        "additionalProperties": False,
    }
)
HOME: Body = {"identifier": "$home", "title": "Home", "type": "home", "protected": True, "widgets": []}


def preload(store: Store, audit: Body) -> None:
    """Put the home page into a new store."""
    if store.document("page", "$home") is None:
        store.save_document("page", "$home", {**HOME, **audit})


def _page(call: Call) -> Body:
    return call.document("page", call.params["page"], "Page")


def _saved(call: Call, page: Body, status: int = 200) -> Answer:
    page.update(call.updated())
    # The sidebar knows its place.
    body = {key: value for key, value in page.items() if key not in PLACE}
    call.store.save_document("page", page["identifier"], body)
    call.note("UPDATE" if "page" in call.params else "CREATE", "page", page=page["identifier"])
    return status, {"ok": True, "identifier": page["identifier"]}


def list_all(call: Call) -> Answer:
    """GET /v1/pages?compact -> `{ok, pages}`; compact pages have no widgets."""
    sidebar = Sidebar(call.store)
    pages = [_shown(sidebar, page) for page in call.store.documents("page")]
    if call.flag("compact"):
        pages = [{key: value for key, value in page.items() if key != "widgets"} for page in pages]
    return 200, {"ok": True, "pages": pages}


def read(call: Call) -> Answer:
    """GET /v1/pages/{page} -> `{ok, page}`."""
    return 200, {"ok": True, "page": _shown(Sidebar(call.store), _page(call))}


def create(call: Call) -> Answer:
    """POST /v1/pages -> 201 `{ok, identifier}`; a private page's identifier gets a random suffix."""
    body = copy_of(call.json_object())
    require(POST_BODY, body)
    if body.get("type") in OWN_TYPES:
        raise invalid(f'Pages of type "{body["type"]}" are created by Port')
    if body.get("visibility") == "private":
        body["identifier"] += f"_{secrets.token_hex(16)}"
    _check_free(call.store, body["identifier"])
    _check(body)
    _place(call.store, body, {"parent": None, **body})
    defaults = {"widgets": [], "showInSidebar": True, "section": "software_catalog", "locked": False}
    return _saved(call, {**defaults, **_own(body), **call.created()}, 201)


def replace(call: Call) -> Answer:
    """PUT /v1/pages/{page} -> `{ok, page}` without audit dates; what the body omits is removed."""
    body, before = copy_of(call.json_object()), _page(call)
    require(PUT_BODY, body)
    body.setdefault("identifier", before["identifier"])
    _check(body)
    kept = {key: before[key] for key in (*AUDIT, "protected", "type") if key in before}
    page = {"widgets": [], **kept, **_own(body)}
    _move(call, before["identifier"], page)
    _place(call.store, page, {"parent": None, **body})
    _saved(call, page)
    return 200, {"ok": True, "page": _own(_shown(Sidebar(call.store), page))}


def patch(call: Call) -> Answer:
    """PATCH /v1/pages/{page} -> `{ok, identifier}`: given fields win; others, `type` and `sidebar` too, are refused."""
    body, before = copy_of(call.json_object()), _page(call)
    require(PATCH_BODY, body)
    page = {**before, **body}
    _check(body)
    _move(call, before["identifier"], page)
    _place(call.store, page, body)
    return _saved(call, page)


def remove(call: Call) -> Answer:
    """DELETE /v1/pages/{page} -> `{ok}`; pages that Port makes stay."""
    page = _page(call)
    if page.get("type") in OWN_TYPES:
        raise WireError(422, "protected_resource", f'Page "{page["identifier"]}" can\'t be deleted')
    call.store.delete_document("page", page["identifier"])
    Sidebar(call.store).remove(page["identifier"])
    call.note("DELETE", "page", page=page["identifier"])
    return 200, {"ok": True}


def _own(body: Body) -> Body:
    return {key: value for key, value in body.items() if key not in AUDIT}


def _shown(sidebar: Sidebar, page: Body) -> Body:
    """A page with its place, where it has one; stores of old have it in the page, too."""
    return {**{key: value for key, value in page.items() if key not in PLACE}, **sidebar.place(page["identifier"])}


def _place(store: Store, page: Body, wanted: Body) -> None:
    sidebar = Sidebar(store)
    if not is_listed(page):
        sidebar.remove(page["identifier"])
    elif not wanted.keys().isdisjoint(PLACE):
        sidebar.put(page["identifier"], wanted)


def _check_free(store: Store, identifier: str) -> None:
    # A parent is named by its identifier alone, so folders and pages share theirs.
    if store.document("page", identifier) is not None or store.document("folder", identifier) is not None:
        raise taken("Page", identifier)


def _move(call: Call, old: str, page: Body) -> None:
    new = page["identifier"]
    if new == old:
        return
    if page.get("type") in OWN_TYPES:
        raise taken("Page", new)
    _check_free(call.store, new)
    call.store.delete_document("page", old)
    Sidebar(call.store).rename(old, new)


def _check(body: Body) -> None:
    if "widgets" in body:
        check_widgets(body["widgets"])
    for index, entry in enumerate(body.get("pageFilters") or []):
        # Clients send a `blueprint` beside the rules; Port takes it.
        check_query(entry["query"], f"body/pageFilters/{index}/query", frozenset(["blueprint"]))


def add_widget(call: Call) -> Answer:
    """POST /v1/pages/{page}/widgets `{widget, parentWidgetId}` -> 201 `{ok, identifier}`."""
    body, page = copy_of(call.json_object()), _page(call)
    require(WIDGET_BODY, body)
    check_widget(body["widget"], "body/widget")
    parent = next((widget for widget in walk(page["widgets"]) if widget["id"] == body["parentWidgetId"]), None)
    if parent is None or parent["type"] not in ("dashboard-widget", "grouper"):
        raise not_found("Widget", body["parentWidgetId"])
    body["widget"].update(call.created())
    _append(parent, body["widget"])
    check_widgets(page["widgets"])
    return _saved(call, page, 201)


def _append(parent: Body, widget: Body) -> None:
    if parent["type"] == "grouper":
        parent["groups"].append({"title": widget.get("title", "Group"), "widgets": [widget]})
        return
    # Added widgets get a row of their own; the page's next write may arrange them.
    parent["widgets"].append(widget)
    parent["layout"].append({"height": 400, "columns": [{"id": widget["id"], "size": 12}]})


def _siblings(call: Call, page: Body) -> list[Body]:
    found = siblings(page["widgets"], call.params["widget"])
    if found is None:
        raise not_found("Widget", call.params["widget"])
    return found


def patch_widget(call: Call) -> Answer:
    """PATCH /v1/pages/{page}/widgets/{widget} -> `{ok, identifier}`; given keys win."""
    body, page = call.json_object(), _page(call)
    found = _siblings(call, page)
    for index, widget in enumerate(found):
        if widget["id"] == call.params["widget"]:
            found[index] = {**widget, **copy_of(body), **call.updated()}
    check_widgets(page["widgets"])
    return _saved(call, page)


def delete_widget(call: Call) -> Answer:
    """DELETE /v1/pages/{page}/widgets/{widget} -> `{ok}`; its column goes with it, and the row is filled again."""
    page = _page(call)
    found = _siblings(call, page)
    found[:] = [widget for widget in found if widget["id"] != call.params["widget"]]
    for widget in walk(page["widgets"]):
        if widget["type"] == "dashboard-widget":
            _close_gap(widget, call.params["widget"])
    _saved(call, page)
    return 200, {"ok": True}


def _close_gap(dashboard: Body, gone: str) -> None:
    for row in dashboard["layout"]:
        freed = sum(column["size"] for column in row["columns"] if column["id"] == gone)
        row["columns"] = [column for column in row["columns"] if column["id"] != gone]
        if freed and row["columns"]:
            row["columns"][-1]["size"] += freed
    dashboard["layout"] = [row for row in dashboard["layout"] if row["columns"]]
