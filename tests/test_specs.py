"""The shipped specs compile to the customer's document: its blueprints to the letter, its nine widgets one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from portcfg.model import Body, Ref
from portcfg.pipeline import read_specs
from tests.support import REPOSITORY, write_files

SPECS = REPOSITORY / "specs"
BLUEPRINTS = [
    "cursor_usage_record",
    "cursor_user_usage_record",
    "cursor_team_usage_record",
    "cursor_commit_record",
    "cursor_daily_commit_record",
    "cursor_ai_code_change_record",
]
DASHBOARD = Ref("dashboard", "cursor_ai_insights")


@pytest.fixture(scope="module")
def documented(reference_dir: Path) -> dict[str, Body]:
    """The blueprints in the customer's document: every JSON object in it that has an identifier and a schema."""
    text = (reference_dir / "requirements" / "seed-cursor-integration.txt").read_text(encoding="utf-8")
    found: dict[str, Body] = {}
    start = text.find("{\n")
    while start >= 0:
        try:
            value, end = json.JSONDecoder().raw_decode(text, start)
        except json.JSONDecodeError:
            end = start + 1
        else:
            if isinstance(value, dict) and {"identifier", "schema"} <= value.keys():
                found[value["identifier"]] = value
        start = text.find("{\n", end)
    return found


@pytest.fixture(scope="module")
def compiled() -> dict[Ref, Body]:
    return {ref: resource.body for ref, resource in read_specs(SPECS).compiled().items()}


def page(root: Path) -> Body:
    return dict(read_specs(root).compiled()[DASHBOARD].body)


def widgets(body: Body) -> dict[str, Body]:
    return {widget["id"]: widget for widget in body["widgets"][0]["widgets"]}


def test_the_document_has_the_six_blueprints(documented: dict[str, Body]) -> None:
    assert sorted(documented) == sorted(BLUEPRINTS)


@pytest.mark.parametrize("identifier", BLUEPRINTS)
def test_a_shipped_blueprint_is_the_documents_json(
    identifier: str, documented: dict[str, Body], compiled: dict[Ref, Body]
) -> None:
    assert compiled[Ref("blueprint", identifier)] == documented[identifier]


@pytest.mark.parametrize("environment", ["", "local"])
def test_shipped_specs_have_infos_alone_and_those_of_the_dashboard_are_the_guides_own(environment: str) -> None:
    problems = read_specs(SPECS, environment).problems
    assert [each for each in problems if each.severity != "info"] == []
    # What the guide's widgets say they show isn't what they show; the row below them shows that.
    found = [(each.id, each.message) for each in problems if each.id.startswith(("PC4", "PC6"))]
    assert [(id_, message.rsplit(maxsplit=1)[1]) for id_, message in found] == [
        ("PC601", "Users'"),
        ("PC604", "unit"),
        ("PC608", "total_rejects"),
        ("PC609", "total_commits"),
    ]


def test_the_dashboard_is_the_one_described(compiled: dict[Ref, Body]) -> None:
    body = compiled[DASHBOARD]
    assert {key: body[key] for key in ("type", "title", "icon", "description")} == {
        "type": "dashboard",
        "title": "Cursor AI Insights",
        "icon": "Cursor",
        "description": "Monitor Cursor AI usage, adoption, and productivity metrics",
    }


USAGE, CODE, COMMITS = "cursor_usage_record", "cursor_ai_code_change_record", "cursor_daily_commit_record"
WEEKS = {"timeInterval": "isoWeek", "timeRange": {"preset": "lastMonth"}}


def of(blueprint: str) -> Body:
    return {"combinator": "and", "rules": [{"property": "$blueprint", "operator": "=", "value": blueprint}]}


def number(title: str, description: str, icon: str, **rest: Any) -> Body:
    fixed = {"type": "entities-number-chart", "title": title, "description": description, "icon": icon, "unit": "none"}
    return {**fixed, "blueprint": USAGE, "dataset": of(USAGE), **rest}


def lines(title: str, description: str, blueprint: str, func: str, names: list[str]) -> Body:
    """One line a property; the lines' own titles are ours."""
    series = {
        "blueprint": blueprint,
        "chartType": "aggregatePropertiesValues",
        "func": func,
        "measureTimeBy": "record_date",
        "dataset": of(blueprint),
    }
    return {
        "type": "multi-line-chart",
        "title": title,
        "description": description,
        "icon": "LineChart",
        **WEEKS,
        "lines": [{**series, "properties": [f"properties.{name}"]} for name in names],
    }


# Worked out by hand from the section "Add widgets" of the document. "Total Cost" names no icon there.
NINE = {
    "total_active_users": number(
        "Total Active Users",
        "Number of active users using Cursor AI.",
        "Users",
        chartType="countEntities",
        calculationBy="entities",
        func="count",
    ),
    "total_ai_accepts": number(
        "Total AI Accepts",
        "Total number of AI suggestions accepted.",
        "Checklistc",
        chartType="aggregateByProperty",
        calculationBy="property",
        property="total_accepts",
        func="sum",
    ),
    "total_cost": number(
        "Total Cost",
        "Total cost of Cursor AI usage.",
        "Metric",
        chartType="aggregateByProperty",
        calculationBy="property",
        property="total_cents",
        func="sum",
    ),
    "acceptance_rate_over_time": lines(
        "AI Suggestion Acceptance Rate Over Time",
        "Track how well users are accepting AI suggestions.",
        USAGE,
        "average",
        ["total_accepts", "total_rejects", "total_lines_added", "total_lines_deleted"],
    ),
    "daily_cost_trends": lines("Daily Cost Trends", "Track AI usage costs over time.", USAGE, "sum", ["total_cents"]),
    "code_generation_trends": lines(
        "AI Code Generation Trends",
        "Track TAB vs Composer usage for code changes.",
        CODE,
        "average",
        ["tab_changes", "composer_changes"],
    ),
    "model_usage_distribution": {
        "type": "entities-pie-chart",
        "title": "AI Model Usage Distribution",
        "description": "Which AI models are being used most frequently.",
        "icon": "Pie",
        "blueprint": USAGE,
        "property": "property#most_used_model",
        "dataset": of(USAGE),
    },
    "user_activity_breakdown": {
        "type": "table-entities-explorer",
        "title": "User Activity Breakdown",
        "description": "Detailed view of individual user productivity and AI usage patterns.",
        "icon": "Table",
        "displayMode": "widget",
        "blueprint": "cursor_user_usage_record",
        "dataset": of("cursor_user_usage_record"),
    },
    "daily_commit_activity": {
        "type": "multi-line-chart",
        "title": "Daily Commit Activity",
        "description": "Track code commits with AI assistance breakdown.",
        "icon": "LineChart",
        **WEEKS,
        "lines": [
            {
                "blueprint": COMMITS,
                "chartType": "countEntities",
                "func": "count",
                "measureTimeBy": "record_date",
                "dataset": of(COMMITS),
            }
        ],
    },
}
COLUMNS = [
    "$identifier",
    "$title",
    "email",
    "total_accepts",
    "total_rejects",
    "acceptance_rate",
    "total_cents",
    "record_date",
]


@pytest.mark.parametrize("key", NINE)
def test_a_documented_widget(key: str, compiled: dict[Ref, Body]) -> None:
    widget = dict(widgets(compiled[DASHBOARD])[key])
    assert widget.pop("id") == key
    config = widget.pop("blueprintConfig", None)
    if "lines" in widget:
        assert all(line["title"] for line in widget["lines"])
        widget["lines"] = [{name: line[name] for name in line if name != "title"} for line in widget["lines"]]
    assert widget == NINE[key]
    if key == "user_activity_breakdown":
        settings = config["cursor_user_usage_record"]["propertiesSettings"]
        assert settings == {"shown": COLUMNS, "order": COLUMNS}
    else:
        assert config is None


def test_the_nine_stand_above_and_a_row_of_companions_below(compiled: dict[Ref, Body]) -> None:
    rows = [[column["id"] for column in row["columns"]] for row in compiled[DASHBOARD]["widgets"][0]["layout"]]
    assert sorted(key for row in rows[:-1] for key in row) == sorted(NINE)
    companions = widgets(compiled[DASHBOARD])
    assert sorted(companions) == sorted([*NINE, *rows[-1]])
    said = [(companions[key].get("func"), companions[key].get("property")) for key in rows[-1]]
    assert ("average", "total_active_users") in said
    assert ("average", "acceptance_rate") in said
    assert ("sum", "cost_usd") in said


def test_every_row_is_twelve_wide(compiled: dict[Ref, Body]) -> None:
    for row in compiled[DASHBOARD]["widgets"][0]["layout"]:
        sizes = [column["size"] for column in row["columns"]]
        assert (sum(sizes), min(sizes) >= 3, len(sizes) <= 4) == (12, True, True)


def test_widgets_read_only_what_the_blueprints_have(compiled: dict[Ref, Body]) -> None:
    for widget in widgets(compiled[DASHBOARD]).values():
        for part in widget.get("lines", [widget]):
            blueprint = compiled[Ref("blueprint", part["blueprint"])]
            plain, computed = blueprint["schema"]["properties"], blueprint["calculationProperties"]
            drawn = [name.split(".")[-1] for name in part.get("properties", [])]
            # Port's line charts can't draw calculation properties.
            assert set(drawn) <= set(plain)
            named = {part.get("property", "").split("#")[-1], part.get("measureTimeBy", "")} - {""}
            shown = widget.get("blueprintConfig", {}).get(part["blueprint"], {}).get("propertiesSettings", {})
            assert named | {name for name in shown.get("shown", []) if name[0] != "$"} <= {*plain, *computed}


@pytest.fixture
def changed(tmp_path: Path) -> Any:
    """A copy of the shipped specs with a text replaced."""

    def change(file: str, old: str, new: str) -> Path:
        files = {
            str(path.relative_to(SPECS)): path.read_text(encoding="utf-8")
            for folder in ("blueprints", "dashboards", "fragments")
            for path in (SPECS / folder).glob("*.yaml")
        }
        files["portcfg.yaml"] = (SPECS / "portcfg.yaml").read_text(encoding="utf-8")
        assert files[file].count(old) == 1
        return write_files(tmp_path / "specs", {**files, file: files[file].replace(old, new)})

    return change


def test_line_charts_by_the_project_setting(changed: Any) -> None:
    root = changed("portcfg.yaml", "line_chart: multi-line-chart", "line_chart: line-chart")
    found = widgets(page(root))
    assert {widget["type"] for widget in found.values() if "LineChart" in str(widget["icon"])} == {"line-chart"}
    chart = found["code_generation_trends"]
    assert chart["properties"] == ["properties.tab_changes", "properties.composer_changes"]
    assert (chart["chartType"], chart["func"], chart["measureTimeBy"]) == (
        "aggregatePropertiesValues",
        "average",
        "record_date",
    )
    assert (chart["timeInterval"], chart["timeRange"]) == ("isoWeek", {"preset": "lastMonth"})
    assert found["daily_commit_activity"]["chartType"] == "countEntities"
    assert "properties" not in found["daily_commit_activity"]
    assert "lines" not in chart


def test_moving_rows_changes_the_layout_and_no_widget(changed: Any, compiled: dict[Ref, Body]) -> None:
    moved = "- [acceptance_rate_over_time, daily_cost_trends]"
    first = "- [total_active_users, total_ai_accepts, total_cost]"
    root = changed("dashboards/cursor-ai-insights.yaml", f"{first}\n  {moved}", f"{moved}\n  {first}")
    before, after = compiled[DASHBOARD], page(root)
    assert widgets(after) == widgets(before)
    assert after["widgets"][0]["id"] == before["widgets"][0]["id"]
    order = [row["columns"][0]["id"] for row in after["widgets"][0]["layout"]]
    assert order[:2] == ["acceptance_rate_over_time", "total_active_users"]
