"""Dashboards: pages of type `dashboard`, short form or Port's own (facts: port-api.md §4 and §6.20-26)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.diff import same
from portcfg.kinds.base import STAMPS, Kind, load_schema, unmanaged, without_empty
from portcfg.kinds.matching import matched_page, sent, slug
from portcfg.kinds.shortform import short_form
from portcfg.kinds.widgets import compile_row, compile_widget
from portcfg.model import Body, Path, Project, Ref

# Set or filled in by Port (port-api.md §4.2, §6.20).
SERVER_KEYS = STAMPS | {"protected", "requiredQueryParams", "sidebar", "visibility"}
# The keys that hold the widgets; `rows` and `layout_id` are the short form's own.
SHORT_KEYS = ("layout_id", "rows", "widgets")
SECTIONS = frozenset({"title", "icon", "description", "widgets"})
# The keys of a widget that say nothing where they are empty.
EMPTY_KEYS = frozenset({"icon", "description", "emptyStateText", "excludedFields", "hiddenBlueprints", "hiddenQuery"})
DEFAULTS: Mapping[str, Any] = {"section": "software_catalog", "showInSidebar": True, "locked": False}


def compile_dashboard(body: Body, project: Project) -> Body:
    """A short-form dashboard as a Port page; a page in Port's own form passes through."""
    page = {"type": "dashboard", **{key: value for key, value in body.items() if key not in SHORT_KEYS}}
    page.setdefault("title", body["identifier"])
    widgets = body.get("widgets", [])
    if isinstance(widgets, list):
        return {**page, "widgets": with_ids(widgets, _ids(widgets))}
    rows = body.get("rows") or [[key] for key in widgets]
    layout = [compile_row(row) for row in rows]
    placed = [column["id"] for row in layout for column in row["columns"]]
    root = {
        "id": body.get("layout_id", f"{body['identifier']}-layout"),
        "type": "dashboard-widget",
        "layout": layout,
        "widgets": [compile_widget(key, widgets[key], project.line_chart) for key in placed],
    }
    return {**page, "widgets": with_ids([root], _ids([root]))}


def _inner(widget: Body) -> list[Any]:
    groups = [part for group in widget.get("groups") or [] for part in group.get("widgets") or []]
    return [*(widget.get("widgets") or []), *groups]


def _ids(widgets: list[Any]) -> set[str]:
    own = {str(widget["id"]) for widget in widgets if widget.get("id")}
    return own.union(*(_ids(_inner(widget)) for widget in widgets))


def with_ids(widgets: list[Any], taken: set[str]) -> list[Body]:
    """`widgets`, each with an id: Port makes one up where there is none, which would differ from the spec for ever."""
    shaped = []
    for widget in widgets:
        body = {"id": widget.get("id") or _new_id(widget, taken), **widget}
        if "widgets" in widget:
            body["widgets"] = with_ids(widget["widgets"], taken)
        if "groups" in widget:
            body["groups"] = [
                {**group, "widgets": with_ids(group.get("widgets") or [], taken)} for group in widget["groups"]
            ]
        shaped.append(body)
    return shaped


def _new_id(widget: Body, taken: set[str]) -> str:
    name = slug(widget)
    numbered = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    new = next(candidate for candidate in numbered if candidate not in taken)
    taken.add(new)
    return new


def comparable(body: Body) -> Body:
    """The page without Port's stamps and defaults; widgets by id, so that a change is shown on its widget."""
    shaped = {key: value for key, value in body.items() if key not in SERVER_KEYS and key != "widgets"}
    shaped = {key: value for key, value in shaped.items() if DEFAULTS.get(key) != value}
    shaped = without_empty(shaped)
    shaped["widgets"] = _by_id(body.get("widgets") or [])
    return shaped


def _by_id(widgets: list[Any], *, in_layout: bool = False) -> Body:
    """Widgets by id; where no layout places them, their order is a value of its own."""
    shaped = [_widget(widget) for widget in widgets]
    names = [str(widget.get("id", f"#{index}")) for index, widget in enumerate(shaped)]
    if len(set(names)) < len(names):
        names = [f"#{index}" for index in range(len(shaped))]
    order = {} if in_layout or len(names) < 2 else {"(order)": names}
    return order | dict(zip(names, shaped, strict=True))


def _widget(widget: Any) -> Body:
    stamps = STAMPS - {"id"}
    shaped = {key: value for key, value in widget.items() if key not in stamps and value is not None}
    shaped = {key: value for key, value in shaped.items() if value not in ("", []) or key not in EMPTY_KEYS}
    if isinstance(shaped.get("dataset"), list):
        shaped["dataset"] = {"combinator": "and", "rules": shaped["dataset"]}
    if isinstance(shaped.get("widgets"), list):
        shaped["widgets"] = _by_id(shaped["widgets"], in_layout="layout" in shaped)
    if isinstance(shaped.get("groups"), list):
        shaped["groups"] = [{**group, "widgets": _by_id(group.get("widgets") or [])} for group in shaped["groups"]]
    return shaped


def references(body: Body) -> Iterator[tuple[Path, Ref]]:
    """Every blueprint that a widget, or a line of one, names."""
    yield from _blueprints(body.get("widgets"), ("widgets",))


def _blueprints(value: Any, path: Path) -> Iterator[tuple[Path, Ref]]:
    if isinstance(value, dict):
        name = value.get("blueprint")
        # Entity pages hold templates such as {{blueprint}} where a name is due.
        if isinstance(name, str) and "{{" not in name:
            yield (*path, "blueprint"), Ref("blueprint", name)
        for key, part in value.items():
            yield from _blueprints(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _blueprints(part, (*path, index))


def carried(desired: Body, live: Body) -> Body:
    """What to PUT: the spec's page over what else Port holds, less what only the server sets."""
    kept = unmanaged(live, SECTIONS | {"protected", "sidebar"})
    if "parent" in desired and (desired["parent"] or None) != live.get("parent"):
        # The sibling of now is none below another parent, and Port would refuse it.
        kept.pop("after", None)
    return sent({**{key: value for key, value in kept.items() if value is not None}, **desired})


def decompile(body: Body, project: Project) -> Body:
    """The spec of a live page: the short form where that compiles to the very same page, else Port's own."""
    spec = _own_form(body)
    short = short_form(spec, project.line_chart, _same_widget)
    if short is not None:
        again = {**{key: value for key, value in spec.items() if key != "widgets"}, **short}
        if _same_page(compile_dashboard(again, project), compile_dashboard(spec, project)):
            return again
    return spec


def _same_page(one: Body, other: Body) -> bool:
    return same(comparable(one), comparable(other))


def _same_widget(one: Body, other: Body) -> bool:
    return same(_widget(one), _widget(other))


def _own_form(body: Body) -> Body:
    """A page as Port has it, less stamps and defaults."""
    known = frozenset(load_schema("dashboard")["properties"]) - SERVER_KEYS - {"widgets", "type"}
    kept = {key: value for key, value in body.items() if key in known}
    kept = without_empty({key: value for key, value in kept.items() if DEFAULTS.get(key) != value})
    return {**kept, "widgets": [_without_stamps(widget) for widget in body.get("widgets") or []]}


def recognises(body: Body) -> bool:
    """Whether some JSON object is a dashboard; other pages have another type."""
    return isinstance(body.get("widgets"), list) and body.get("type", "dashboard") == "dashboard"


def from_file(body: Body, name: str) -> Body:
    """A page as Port would answer it."""
    return {"identifier": name, "type": "dashboard", **body}


def _without_stamps(widget: Any) -> Any:
    shaped = {key: value for key, value in widget.items() if key not in STAMPS - {"id"} and value is not None}
    if isinstance(shaped.get("widgets"), list):
        shaped["widgets"] = [_without_stamps(inner) for inner in shaped["widgets"]]
    if isinstance(shaped.get("groups"), list):
        shaped["groups"] = [
            {**group, "widgets": [_without_stamps(inner) for inner in group.get("widgets") or []]}
            for group in shaped["groups"]
        ]
    return shaped


def parts(body: Body) -> Iterator[tuple[str, list[str]]]:
    """The titles of the widgets."""
    yield "widgets", list(_titles(body.get("widgets") or []))


def _titles(widgets: list[Any]) -> Iterator[str]:
    for widget in widgets:
        if _inner(widget):
            yield from _titles(_inner(widget))
        else:
            yield str(widget.get("title") or widget.get("id") or widget.get("type"))


DASHBOARD = Kind(
    name="dashboard",
    folder="dashboards",
    collection="/pages",
    list_key="pages",
    level=2,
    sections=SECTIONS,
    comparable=comparable,
    list_params={"compact": "false"},
    belongs=lambda page: page.get("type") == "dashboard",
    compile=compile_dashboard,
    decompile=decompile,
    recognises=recognises,
    from_file=from_file,
    references=references,
    matched=matched_page,
    carried=carried,
    parts=parts,
    parents=("folder", "dashboard"),
)
