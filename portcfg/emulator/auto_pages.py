"""Pages that Port makes by itself: an entity page for every blueprint, and a catalog page if it is wanted."""

from __future__ import annotations

from portcfg.emulator.calls import Call
from portcfg.emulator.sidebar import Sidebar, is_listed
from portcfg.model import Body


def add(call: Call, blueprint: Body, catalog: bool) -> None:
    """Store the blueprint's pages."""
    pages = [_entity_page(blueprint)] + ([_catalog_page(blueprint)] if catalog else [])
    for page in pages:
        if call.store.document("page", page["identifier"]) is None:
            call.store.save_document("page", page["identifier"], {**page, **call.created()})
            call.note("CREATE", "page", page=page["identifier"])
            if is_listed(page):
                Sidebar(call.store).put(page["identifier"], {})


def drop(call: Call, blueprint: str) -> None:
    """Delete the pages that were made for a blueprint."""
    for page in call.store.documents("page"):
        if page.get("blueprint") == blueprint and page.get("type") in ("entity", "blueprint-entities"):
            call.store.delete_document("page", page["identifier"])
            Sidebar(call.store).remove(page["identifier"])
            call.note("DELETE", "page", page=page["identifier"])


def _catalog_page(blueprint: Body) -> Body:
    identifier = blueprint["identifier"]
    rule = {"property": "$blueprint", "operator": "=", "value": identifier}
    table = {
        "id": f"{identifier}Table",
        "type": "table-entities-explorer",
        "dataset": {"combinator": "and", "rules": [rule]},
    }
    return {
        "identifier": identifier if identifier.endswith("s") else f"{identifier}s",
        "title": blueprint["title"],
        "icon": blueprint.get("icon"),
        "type": "blueprint-entities",
        "blueprint": identifier,
        "sidebar": "catalog",
        "section": "software_catalog",
        "showInSidebar": True,
        "widgets": [table],
    }


def _entity_page(blueprint: Body) -> Body:
    info = {"id": "info", "type": "entity-info", "blueprint": "{{blueprint}}", "entity": "{{url.identifier}}"}
    row = {"height": 400, "columns": [{"id": "info", "size": 12}]}
    overview = {"id": "overview", "type": "dashboard-widget", "layout": [row], "widgets": [info]}
    tabs = {
        "id": "tabs",
        "type": "grouper",
        "displayMode": "tabs",
        "groupsOrder": ["Overview"],
        "groups": [{"title": "Overview", "widgets": [overview]}],
    }
    return {
        "identifier": f"{blueprint['identifier']}Entity",
        "title": blueprint["title"],
        "type": "entity",
        "blueprint": blueprint["identifier"],
        "requiredQueryParams": ["identifier"],
        "protected": True,
        "widgets": [tabs],
    }
