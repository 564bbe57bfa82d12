"""Routes of the sidebar and its folders, which nothing publishes: they answer what Port's Terraform provider reads."""

from __future__ import annotations

from portcfg.emulator.body_checks import TEXT, require, validator
from portcfg.emulator.calls import Answer, Call
from portcfg.emulator.pages import OPTIONAL, PAGE_ID
from portcfg.emulator.port_store import Store
from portcfg.emulator.sidebar import CATALOG, PLACE, Sidebar
from portcfg.emulator.wire_errors import has_dependents, not_found, taken
from portcfg.model import Body

FIELDS: Body = {
    "identifier": PAGE_ID,
    "title": TEXT,
    "parent": OPTIONAL,
    "after": OPTIONAL,
    "sidebar": {"enum": [CATALOG]},
}
PATCH: Body = {"type": "object", "properties": FIELDS, "additionalProperties": False}
PATCH_BODY = validator(PATCH)
POST_BODY = validator({**PATCH, "required": ["identifier", "title"]})


def list_all(call: Call) -> Answer:
    """GET /v1/sidebars/catalog -> `{ok, sidebar: {identifier, items}}`: folders and pages, top to bottom.

    Nothing promises that order: with `shuffle` it is the other one, and only `parent` and `after` tell the places.
    """
    sidebar = Sidebar(call.store)
    items = [_item(call.store, sidebar, identifier) for identifier in sidebar.items()]
    if call.chaos.shuffle:
        items.reverse()
    return 200, {"ok": True, "sidebar": {"identifier": CATALOG, "items": items}}


def _item(store: Store, sidebar: Sidebar, identifier: str) -> Body:
    folder = store.document("folder", identifier)
    body = folder or store.document("page", identifier) or {}
    kind = {"sidebar": CATALOG, "sidebarType": "folder" if folder else "page"}
    return {"identifier": identifier, "title": body.get("title"), **kind, **sidebar.place(identifier)}


def create(call: Call) -> Answer:
    """POST /v1/sidebars/catalog/folders `{identifier, title, parent?, after?}` -> 201 `{ok}`, without the folder."""
    body = call.json_object()
    require(POST_BODY, body)
    _check_free(call, body["identifier"])
    _save(call, {**_own(body), **call.created()})
    Sidebar(call.store).put(body["identifier"], {"parent": None, **body})
    return 201, {"ok": True}


def patch(call: Call) -> Answer:
    """PATCH /v1/sidebars/catalog/folders/{folder} -> `{ok}`: given fields win; another identifier renames."""
    body, before = call.json_object(), _folder(call)
    require(PATCH_BODY, body)
    folder, sidebar = {**before, **_own(body), **call.updated()}, Sidebar(call.store)
    old, new = before["identifier"], folder["identifier"]
    if new != old:
        _check_free(call, new)
        call.store.delete_document("folder", old)
        sidebar.rename(old, new)
    _save(call, folder)
    if not body.keys().isdisjoint(PLACE):
        sidebar.put(new, body)
    return 200, {"ok": True}


def remove(call: Call) -> Answer:
    """DELETE /v1/sidebars/catalog/folders/{folder} -> `{ok}`.

    Nothing tells what Port does with a folder that isn't empty. Here it stays, so that a client that deletes in the
    wrong order is found out.
    """
    identifier, sidebar = _folder(call)["identifier"], Sidebar(call.store)
    if sidebar.children(identifier):
        raise has_dependents(f'Folder "{identifier}" holds {", ".join(sidebar.children(identifier))}')
    call.store.delete_document("folder", identifier)
    sidebar.remove(identifier)
    call.note("DELETE", "folder", folder=identifier)
    return 200, {"ok": True}


def _folder(call: Call) -> Body:
    found = call.store.document("folder", call.params["folder"])
    if found is None:
        raise not_found("Sidebar item", call.params["folder"])
    return found


def _own(body: Body) -> Body:
    return {key: value for key, value in body.items() if key not in PLACE}


def _save(call: Call, folder: Body) -> None:
    call.store.save_document("folder", folder["identifier"], folder)
    call.note("UPDATE" if "folder" in call.params else "CREATE", "folder", folder=folder["identifier"])


def _check_free(call: Call, identifier: str) -> None:
    # A parent is named by its identifier alone, so folders and pages share theirs.
    if call.store.document("folder", identifier) or call.store.document("page", identifier):
        raise taken("Sidebar item", identifier)
