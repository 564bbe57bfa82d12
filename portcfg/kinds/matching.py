"""Two bodies of one resource, seen together: what the spec can't know by itself, and what Port doesn't tell.

Port gives ids to widgets that have none; later versions of Port and Ocean add keys. Neither is a difference, and a
write, which replaces, must carry both along (facts: port-api.md §6.14, §6.23-24, §7.7).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from portcfg.kinds.base import STAMPS, load_schema
from portcfg.model import Body

# The keys that a widget of some type is known to take.
WIDGET_KEYS = STAMPS | frozenset(load_schema("dashboard")["$defs"]["port_widget"]["properties"])
GROUP_KEYS = frozenset({"title", "icon", "widgets"})


def slug(widget: Body) -> str:
    """The id of a widget that has none in its spec, before it is numbered."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", str(widget.get("title") or widget["type"])).strip("-").lower()
    return name or "widget"


def matched_page(desired: Body, live: Body) -> tuple[Body, Body]:
    """(desired, live): widgets without an id of their own take that of their twin, and its unknown keys."""
    wanted, found = _widgets(desired.get("widgets") or [], live.get("widgets") or [])
    return {**desired, "widgets": wanted}, {**live, "widgets": found}


def _widgets(wanted: list[Body], live: list[Body], *, placed: bool = False) -> tuple[list[Body], list[Body]]:
    """Both lists, pair by pair; where a layout names the widgets (`placed`), their ids are their own."""
    names = [widget.get("id") for widget in live]
    if len(set(names)) < len(names):
        return wanted, live
    shown = {widget.get("id"): widget for widget in live}
    free = [widget for widget in live if widget.get("id") not in {widget.get("id") for widget in wanted}]
    paired = []
    for widget in wanted:
        twin = shown.get(widget.get("id")) or (None if placed else _twin(widget, free))
        new, old = _widget(widget, twin) if twin else (widget, None)
        if old:
            shown[old["id"]] = old
        paired.append(new)
    return paired, [shown[name] for name in names]


def _twin(widget: Body, free: list[Body]) -> Body | None:
    """The first widget of the same type and title that no other one is; of a widget whose id says no more than that."""
    if not re.fullmatch(rf"{re.escape(slug(widget))}(-\d+)?", str(widget.get("id"))):
        return None
    alike = (each for each in free if all(each.get(key) == widget.get(key) for key in ("type", "title")))
    twin = next(alike, None)
    if twin:
        free.remove(twin)
    return twin


def _widget(wanted: Body, live: Body) -> tuple[Body, Body]:
    new, old = {**_carried(wanted, live, WIDGET_KEYS), "id": live["id"]}, dict(live)
    if "agentIdentifier" in wanted and not old.get("agentIdentifier"):
        # Port takes it and doesn't always answer it.
        old["agentIdentifier"] = wanted["agentIdentifier"]
    if isinstance(wanted.get("widgets"), list) and isinstance(live.get("widgets"), list):
        new["widgets"], old["widgets"] = _widgets(wanted["widgets"], live["widgets"], placed="layout" in wanted)
    if isinstance(wanted.get("groups"), list) and isinstance(live.get("groups"), list):
        pairs = [_group(*pair) for pair in zip(wanted["groups"], live["groups"], strict=False)]
        new["groups"] = [*(pair[0] for pair in pairs), *wanted["groups"][len(pairs) :]]
        old["groups"] = [*(pair[1] for pair in pairs), *live["groups"][len(pairs) :]]
    return new, old


def _group(wanted: Body, live: Body) -> tuple[Body, Body]:
    if wanted.get("title") != live.get("title"):
        return wanted, live
    inner, shown = _widgets(wanted.get("widgets") or [], live.get("widgets") or [])
    return {**_carried(wanted, live, GROUP_KEYS), "widgets": inner}, {**live, "widgets": shown}


def _carried(wanted: Body, live: Body, known: Collection[str]) -> Body:
    """`wanted` with what only Port knows; null in the spec takes that away."""
    kept = {key: value for key, value in live.items() if key not in known and key not in wanted}
    return {**{key: value for key, value in wanted.items() if value is not None}, **kept}


# Where null is a value like any other.
NULLABLE = frozenset({"default", "value", "parent", "after"})


def sent(body: Body) -> Body:
    """`body` as it goes to Port where a write replaces: with null a spec takes a key away, and Port wants it left out.

    A mapping's config stays to the letter.
    """
    kept = _without_nulls({key: value for key, value in body.items() if key != "config"})
    return {
        key: value if key == "config" else kept[key] for key, value in body.items() if key == "config" or key in kept
    }


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(part) for key, part in value.items() if part is not None or key in NULLABLE}


def matched_mapping(desired: Body, live: Body) -> tuple[Body, Body]:
    """(desired, live): a config keeps the keys of a later Port or Ocean; its selectors are wholly the spec's."""
    wanted, found = desired.get("config"), live.get("config")
    if not isinstance(wanted, dict) or not isinstance(found, dict):
        return desired, live
    schema = load_schema("mapping")
    config = _carried(wanted, found, schema["properties"])
    if isinstance(wanted.get("resources"), list):
        resource_schema = schema["$defs"]["resource"]["properties"]
        others = found.get("resources") or []
        pairs = [*zip(wanted["resources"], others, strict=False)]
        resources = [_resource(*pair, resource_schema) for pair in pairs]
        config["resources"] = [*resources, *wanted["resources"][len(pairs) :]]
    return {**desired, "config": config}, live


def _resource(wanted: Any, live: Any, schema: Mapping[str, Any]) -> Any:
    if not (isinstance(wanted, dict) and isinstance(live, dict)) or wanted.get("kind") != live.get("kind"):
        return wanted
    shaped = _carried(wanted, live, schema)
    if isinstance(wanted.get("port"), dict) and isinstance(live.get("port"), dict):
        shaped["port"] = _carried(wanted["port"], live["port"], schema["port"]["properties"])
    return shaped
