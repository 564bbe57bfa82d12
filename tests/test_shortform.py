"""Port's pages in the short form: what is written down always compiles to the very page that Port has."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcfg.diff import canonical
from portcfg.kinds import KINDS
from portcfg.kinds.widgets import FUNCTIONS, INTERVALS, PRESETS, SHORT_TYPES
from portcfg.model import Body, Document, Project
from portcfg.pipeline import read_specs
from portcfg.validate import validate
from tests.support import REPOSITORY

DASHBOARD = KINDS["dashboard"]
PROJECTS = [Project(""), Project("", line_chart="line-chart")]
NAMES = st.sampled_from(["size", "total_cents", "record_date", "$title"])
TEXT = st.text("ab -$#", max_size=6)
RULES = st.lists(
    st.one_of(
        st.fixed_dictionaries({"property": NAMES, "operator": st.just("="), "value": st.booleans() | TEXT}),
        st.fixed_dictionaries(
            {
                "property": NAMES,
                "operator": st.just("between"),
                "value": st.fixed_dictionaries({"preset": st.sampled_from(["lastWeek", "lastCentury"])}),
            }
        ),
    ),
    max_size=2,
)
COMMON = {"title": TEXT, "icon": TEXT, "description": TEXT, "emptyStateText": TEXT}
TIMES = {"over": st.sampled_from(sorted(PRESETS)), "by": NAMES}
LOOKS = {**COMMON, "filter": RULES}


def one(fixed: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Body]:
    return st.fixed_dictionaries(fixed, optional=optional)


def function(*names: str) -> st.SearchStrategy[Body]:
    drawn = st.sampled_from(names).flatmap(lambda name: st.fixed_dictionaries({name: NAMES}))
    return st.just({"count": "entities"}) | drawn


BLUEPRINT = {"blueprint": st.sampled_from(["a", "b"])}
DISPLAY = {
    "unit": st.sampled_from(["none", "$", "%", "hours"]),
    "decimals": st.integers(1, 5),
    "thresholds": st.just([{"operator": ">", "value": 1, "color": "red"}]),
}
LABELS = st.dictionaries(st.sampled_from(["count", "size"]), TEXT)
DRAWN = st.lists(NAMES, min_size=1, max_size=3)
COLUMNS = st.lists(NAMES, min_size=1, max_size=3)
SHORT = st.one_of(
    st.builds(
        lambda *parts: {key: value for part in parts for key, value in part.items()},
        one({"type": st.just("number"), **BLUEPRINT}, {**LOOKS, **DISPLAY}),
        function("sum", "average", "min", "max", "median"),
        st.just({}) | one(TIMES, {}),
    ),
    one(
        {"type": st.just("number"), "average": NAMES, **BLUEPRINT},
        {"per": st.sampled_from(["day", "total"]), "by": NAMES},
    ),
    one({"type": st.just("number"), "count": st.just("entities"), "per": st.just("day"), **BLUEPRINT}, {"by": NAMES}),
    st.builds(
        lambda base, drawn: {**base, **drawn},
        one(
            {"type": st.just("line"), "by": NAMES, **BLUEPRINT},
            {**LOOKS, "over": TIMES["over"], "every": st.sampled_from(sorted(INTERVALS)), "xAxisTitle": TEXT},
        ),
        one({}, {"labels": LABELS, "breakdown": NAMES})
        | st.builds(lambda name, names: {name: names}, st.sampled_from(FUNCTIONS), DRAWN),
    ),
    one({"type": st.sampled_from(["pie", "bar"]), "property": NAMES, **BLUEPRINT}, LOOKS),
    one({"type": st.just("pie"), "property": st.just("calculation-property#x"), **BLUEPRINT, **TIMES}, LOOKS),
    one({"type": st.just("table"), "columns": COLUMNS, **BLUEPRINT}, {**LOOKS, "group": COLUMNS, "sort": COLUMNS}),
    one({"type": st.just("text"), "markdown": st.text(max_size=9)}, COMMON),
    one({"type": st.just("frame"), "url": TEXT}, {**COMMON, "urlType": st.sampled_from(["public", "protected"])}),
    one({"type": st.just("links"), "links": st.just([{"title": "t", "url": "u"}])}, COMMON),
    st.just(
        {"type": "grouper", "displayMode": "tabs", "groups": [{"title": "g", "widgets": [{"id": "x", "type": "y"}]}]}
    ),
)
WIDTHS = [(12,), (6, 6), (4, 8), (3, 9), (4, 4, 4), (3, 3, 6), (3, 3, 3, 3), (5, 7)]


@st.composite
def pages(draw: st.DrawFn, project: Project) -> Body:
    """A page such as Port answers it, made of the short form."""
    widgets = draw(st.lists(SHORT, max_size=6))
    keyed = {f"w{index}": widget for index, widget in enumerate(widgets)}
    left, rows = list(keyed), []
    while left:
        widths = draw(st.sampled_from([widths for widths in WIDTHS if len(widths) <= len(left)]))
        cells = [{key: width} for key, width in zip(left, widths, strict=False)]
        rows.append({"height": draw(st.sampled_from([400, 433])), "widgets": cells})
        left = left[len(widths) :]
    spec = {"identifier": "page", "title": "P", "rows": rows, "widgets": keyed}
    return compiled({**spec, **draw(one({}, {"layout_id": st.just("root")}))}, project)


def compiled(spec: Body, project: Project) -> Body:
    return DASHBOARD.compile(copy.deepcopy(spec), project)


def normal(page: Body) -> str:
    return canonical(DASHBOARD.comparable(page))


def mistakes(spec: Body, project: Project) -> list[str]:
    found = validate([Document("dashboard", spec, "page.yaml", {})], project)
    return [problem.message for problem in found if problem.id != "PC702"]


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(part) for key, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def assert_lossless(page: Body, project: Project) -> Body:
    """compile(decompile(page)) == page; what is decompiled is as valid as Port's own form of it."""
    before = copy.deepcopy(page)
    spec = DASHBOARD.decompile(page, project)
    assert page == before
    assert normal(compiled(spec, project)) == normal(page)
    if not mistakes(without_nulls(page), project):
        assert mistakes(spec, project) == []
    return spec


@given(st.sampled_from(PROJECTS).flatmap(lambda project: st.tuples(st.just(project), pages(project))))
def test_what_the_short_form_made_comes_back_in_the_short_form(drawn: tuple[Project, Body]) -> None:
    project, page = drawn
    spec = assert_lossless(page, project)
    assert isinstance(spec["widgets"], dict)


@given(st.sampled_from(PROJECTS).flatmap(lambda project: st.tuples(st.just(project), pages(project))), st.data())
def test_what_somebody_changed_in_ports_editor_is_never_lost(drawn: tuple[Project, Body], data: st.DataObject) -> None:
    project, page = drawn
    for _ in range(data.draw(st.integers(1, 3))):
        change(page, data)
    assert_lossless(page, project)


def change(page: Body, data: st.DataObject) -> None:
    """Drop, replace or add a value somewhere among the widgets; their ids and types stay."""
    places = list(containers(page["widgets"][0]))
    place = data.draw(st.sampled_from(places))
    if isinstance(place, list):
        if place and data.draw(st.booleans()):
            place.pop(data.draw(st.integers(0, len(place) - 1)))
        return
    key = data.draw(
        st.sampled_from(sorted({*place, "future"} - {"id", "type", "layout", "widgets", "groups", "displayMode"}))
    )
    value = data.draw(st.sampled_from([None, "", "x", 7, True, [], {}, "property#x", "average"]))
    if data.draw(st.booleans()):
        place[key] = value
    else:
        place.pop(key, None)


def containers(value: Any) -> Any:
    """Every object and list below a value, layouts and rows' columns left whole."""
    if isinstance(value, dict):
        yield value
        for key, part in value.items():
            if key != "layout":
                yield from containers(part)
    elif isinstance(value, list):
        if not any(isinstance(item, dict) and "type" in item for item in value):
            yield value
        for item in value:
            yield from containers(item)


def test_the_shipped_dashboard_comes_back_as_it_is_written() -> None:
    specs = read_specs(REPOSITORY / "specs")
    (page,) = [resource.body for ref, resource in specs.compiled().items() if ref.kind == "dashboard"]
    spec = assert_lossless(page, specs.project)
    (written,) = [document.body for document in specs.documents if document.kind == "dashboard"]
    assert spec["rows"] == written["rows"]
    assert {widget["type"] for widget in spec["widgets"].values()} <= set(SHORT_TYPES)
    assert spec["widgets"]["cost_in_dollars"] == written["widgets"]["cost_in_dollars"]


def test_a_vendors_dashboard_keeps_its_layout_and_every_widget(reference_dir: Path) -> None:
    found = [
        page for file in sorted(reference_dir.glob("corpus/*/pages.json")) for page in json.loads(file.read_text())
    ]
    assert found
    for page in found:
        spec = assert_lossless(page, Project(""))
        assert spec["layout_id"] == page["widgets"][0]["id"]


NUMBER: Body = compiled(
    {"identifier": "p", "widgets": {"w": {"type": "number", "blueprint": "a", "sum": "x"}}}, PROJECTS[0]
)


def test_a_widget_beyond_the_short_form_stands_in_ports_own_json_beside_the_others() -> None:
    page = copy.deepcopy(NUMBER)
    page["widgets"][0]["widgets"][0]["unitAlignment"] = "left"
    (widget,) = assert_lossless(page, PROJECTS[0])["widgets"].values()
    assert (widget["type"], widget["unitAlignment"], "id" in widget) == ("entities-number-chart", "left", False)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: root["layout"].pop(),
        lambda root: root["layout"][0].update(height=200),
        lambda root: root["layout"][0]["columns"][0].update(size=11),
        lambda root: root["layout"][0]["columns"].append({"id": "gone", "size": 3}),
        lambda root: root["layout"].append(root["layout"][0]),
        lambda root: root["widgets"].append(root["widgets"][0]),
        lambda root: root["widgets"][0].update(id="$include"),
        lambda root: root.update(title="a grid of Port's with a title"),
    ],
)
def test_a_page_beyond_the_short_form_stays_in_ports_own(change: Any) -> None:
    page = copy.deepcopy(NUMBER)
    change(page["widgets"][0])
    assert isinstance(assert_lossless(page, PROJECTS[0])["widgets"], list)


def test_several_widgets_without_a_grid_stay_in_ports_own_form() -> None:
    page = {**NUMBER, "widgets": [{"id": "a", "type": "x"}, {"id": "b", "type": "y"}]}
    assert assert_lossless(page, PROJECTS[0])["widgets"] == page["widgets"]
