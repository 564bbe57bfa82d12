"""What a change of a dashboard costs its readers, and which blueprints' properties widgets read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from portcfg.kinds.folder_risk import place_of
from portcfg.kinds.risk_base import Impact, Part, ReadBy, Reader, Risk
from portcfg.model import Body, Change, Ref, Resource, State

# Keys that name one property or relation, and those that name several.
NAME_KEYS = frozenset({"property", "measureTimeBy", "breakdownProperty", "propertyIdentifier", "relation"})
LIST_KEYS = frozenset({"properties", "groupBy", "shown", "order", "path"})
UNREAD_KEYS = frozenset({"hidden", "excludedFields", "hiddenQuery"})
LINK = re.compile(r"/([A-Za-z0-9_.-]+)(?=$|[?#\s)\"'])")


def impacts(change: Change, _: State, read_by: ReadBy) -> Iterator[Impact]:
    """A page holds no data, so what is lost is the layout."""
    if change.before is None:
        return
    before = dict(_leaves(change.before.get("widgets") or []))
    if change.after is None:
        reason = f"deletes the page and its layout of {_several(len(before))}"
        yield Impact(Risk.BREAKING, reason, readers=read_by(change.ref, ""))
        return
    after = dict(_leaves(change.after.get("widgets") or []))
    gone = [f'"{_title(widget)}"' for key, widget in before.items() if key not in after]
    if gone and any(difference.path[0] == "widgets" for difference in change.fields):
        yield Impact(Risk.SAFE, f"removes {_several(len(gone))}: {', '.join(gone)}")


def _several(number: int) -> str:
    return "1 widget" if number == 1 else f"{number} widgets"


def _title(widget: Body) -> str:
    return str(widget.get("title") or widget.get("id") or widget.get("type"))


def _leaves(widgets: Any, place: str = "") -> Iterator[tuple[str, Body]]:
    """The widgets that show something, by id, or by place for those without."""
    for index, widget in enumerate(widgets if isinstance(widgets, list) else []):
        if not isinstance(widget, dict):
            continue
        key = f"{place}/{index}"
        groups = [group for group in widget.get("groups") or [] if isinstance(group, dict)]
        if groups or "widgets" in widget:
            yield from _leaves(widget.get("widgets"), key)
            for number, group in enumerate(groups):
                yield from _leaves(group.get("widgets"), f"{key}/{number}")
        else:
            yield str(widget.get("id") or key), widget


def reads(resource: Resource, _: State) -> Iterator[tuple[Part, Reader]]:
    """Every blueprint and property that a widget shows or filters by, and every page that it links to."""
    yield from place_of(resource.body, resource.ref)
    for _key, widget in _leaves(resource.body.get("widgets")):
        reader = Reader("widget", f'"{_title(widget)}" of {resource.ref}')
        for blueprint, name in _names(widget, ""):
            yield (Ref("blueprint", blueprint), name), reader
        for page in _links(widget):
            yield (Ref("dashboard", page), ""), reader


def _names(value: Any, blueprint: str) -> Iterator[tuple[str, str]]:
    """(blueprint, property or relation), and (blueprint, "") for each blueprint named."""
    if isinstance(value, list):
        for part in value:
            yield from _names(part, blueprint)
    # A value that is the signed-in user's is no property of the blueprint.
    elif isinstance(value, dict) and "context" not in value:
        named = _blueprint(value)
        if named:
            yield named, ""
        for key, part in value.items():
            yield from _of_key(key, part, named or blueprint)


def _of_key(key: str, part: Any, blueprint: str) -> Iterator[tuple[str, str]]:
    if key in UNREAD_KEYS:
        return
    if key == "blueprintConfig" and isinstance(part, dict):
        for name, settings in part.items():
            yield name.split("$")[0] or blueprint, ""
            yield from _names(settings, name.split("$")[0] or blueprint)
    elif key in NAME_KEYS and isinstance(part, str):
        yield blueprint, bare(part)
    elif key in LIST_KEYS and isinstance(part, list):
        yield from ((blueprint, bare(name)) for name in part if isinstance(name, str))
        yield from _names([item for item in part if not isinstance(item, str)], blueprint)
    else:
        yield from _names(part, blueprint)


def _blueprint(value: Body) -> str:
    """The blueprint that a widget or a line of one is about: named, or in a rule of its dataset."""
    dataset = value.get("dataset")
    rules = dataset.get("rules") if isinstance(dataset, dict) else dataset
    ruled = [
        rule.get("value")
        for rule in (rules if isinstance(rules, list) else [])
        if isinstance(rule, dict) and rule.get("property") == "$blueprint"
    ]
    candidates = (value.get("blueprint"), value.get("blueprintIdentifier"), *ruled)
    return next((name for name in candidates if isinstance(name, str) and name), "")


def bare(name: str) -> str:
    """The key in a widget's notation: `properties.x`, `property#x`, `relation.x` where the relation is what is read."""
    plain = name.rpartition("#")[2].removeprefix("properties.").removeprefix("relations.")
    return plain.split(".")[0]


def _links(widget: Body) -> set[str]:
    links = [link.get("url") for link in widget.get("links") or [] if isinstance(link, dict)]
    texts = (*links, widget.get("url"), widget.get("markdown"))
    return {page for text in texts if isinstance(text, str) for page in LINK.findall(text)}
