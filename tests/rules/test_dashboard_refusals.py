"""What the embedded Port refuses in dashboards, `validate` finds offline: every key of every widget type left out,
misspelt or given a wrong value, layouts, filters, and the cases of its own contract."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portcfg.emulator.widgets import check_widgets
from portcfg.emulator.wire_errors import WireError
from portcfg.kinds.matching import sent
from portcfg.model import Body
from portcfg.pipeline import read_specs
from tests.support import write_files

PROJECT = "version: 1\nexternal: {blueprints: {service: {}}}\n"
DATASET = {
    "combinator": "and",
    "rules": [
        {"property": "$blueprint", "operator": "=", "value": "service"},
        {"property": "seen", "operator": "between", "value": {"preset": "lastMonth"}},
        {"combinator": "or", "rules": [{"property": "size", "operator": ">", "value": 5}]},
        {"operator": "relatedTo", "blueprint": "service", "value": "shop"},
        {"property": "tier", "operator": "isNotEmpty"},
    ],
}
COUNTED = {"blueprint": "service", "chartType": "countEntities", "func": "count", "measureTimeBy": "seen"}
SUMMED = {
    "blueprint": "service",
    "chartType": "aggregatePropertiesValues",
    "func": "sum",
    "measureTimeBy": "seen",
    "properties": ["properties.size"],
}
TIMES = {"timeInterval": "day", "timeRange": {"preset": "lastMonth"}}
TEXT = {"type": "markdown", "title": "A text", "markdown": "Hello"}
NUMBER = {"type": "entities-number-chart", "title": "N", "blueprint": "service", "unit": "none", "dataset": DATASET}
WIDGETS: tuple[Body, ...] = (
    TEXT,
    {**TEXT, "source": "property", "blueprintIdentifier": "b", "entityIdentifier": "e", "propertyIdentifier": "p"},
    {**NUMBER, "chartType": "countEntities", "calculationBy": "entities", "func": "count"},
    {
        **NUMBER,
        "unit": "custom",
        "unitCustom": "hours",
        "unitAlignment": "left",
        "chartType": "aggregateByProperty",
        "calculationBy": "property",
        "func": "average",
        "property": "size",
        "averageOf": "total",
        "displayFormatting": "custom",
        "decimalPlaces": ".00",
        "conditionalFormatting": [{"operator": ">", "value": 5, "color": "red", "message": "Much", "description": "D"}],
    },
    {**NUMBER, "chartType": "displaySingleProperty", "entity": "shop", "property": "size"},
    {"type": "entities-pie-chart", "title": "P", "property": "property#tier", "dataset": DATASET},
    {"type": "bar-chart", "title": "B", "blueprint": "service", "property": "property#tier", "dataset": DATASET},
    {"type": "line-chart", "title": "L", **COUNTED, **TIMES, "breakdownProperty": "tier", "dataset": DATASET},
    {"type": "line-chart", "title": "L", **SUMMED, **TIMES, "xAxisTitle": "X", "yAxisTitle": "Y"},
    {
        "type": "line-chart",
        "title": "L",
        "blueprint": "service",
        "chartType": "propertiesValueHistory",
        **TIMES,
        "entity": "shop",
        "properties": ["properties.size"],
    },
    {
        "type": "multi-line-chart",
        "title": "M",
        **TIMES,
        "nullValueDisplayMode": "zero",
        "lines": [{"title": "C", **COUNTED, "dataset": DATASET}, {"title": "S", **SUMMED}],
    },
    {
        "type": "table-entities-explorer",
        "title": "T",
        "blueprint": "service",
        "dataset": DATASET,
        "displayMode": "widget",
        "excludedFields": ["properties.size"],
        "blueprintConfig": {
            "service": {
                "filterSettings": {"filterBy": {"combinator": "and", "rules": []}},
                "groupSettings": {"groupBy": ["tier"]},
                "sortSettings": {"sortBy": [{"property": "size", "order": "desc"}]},
                "propertiesSettings": {"shown": ["size"], "order": ["size"]},
            }
        },
    },
    {"type": "iframe-widget", "title": "F", "url": "https://example.com", "urlType": "public"},
    {
        "type": "iframe-widget",
        "title": "F",
        "url": "https://example.com",
        "urlType": "protected",
        "tokenUrl": "t",
        "authorizationUrl": "a",
        "clientId": "c",
        "scopes": ["s"],
    },
    {"type": "action-card-widget", "title": "A", "actions": [{"action": "scaffold"}]},
    {"type": "links-widget", "title": "L", "links": [{"title": "Docs", "url": "https://example.com"}]},
    {"type": "action-runs-table-widget", "title": "R", "action": "scaffold", "displayMode": "widget"},
    {"type": "ai-agent", "title": "A", "agentIdentifier": "helper", "useMCP": True},
    {"type": "entity-info", "title": "E", "entity": "shop", "blueprint": "service", "hiddenQuery": []},
    {"type": "graph-entities-explorer", "title": "G", "dataset": DATASET, "hiddenBlueprints": []},
    {"type": "runs-table", "title": "R", "query": {"limit": 5, "version": "v1", "source": ["UI"]}},
    {"type": "table-audit-log", "title": "A", "query": {}},
    {"type": "run-info", "title": "R", "runId": "r"},
    {"type": "user-info", "title": "U", "user_email": "u"},
    {"type": "team-info", "title": "T", "team_name": "t"},
    {"type": "my-entities", "title": "M"},
    {"type": "custom-widget", "title": "C", "pluginId": "p"},
    {"type": "grouper", "title": "G", "displayMode": "tabs", "groups": [{"title": "One", "widgets": [{**TEXT}]}]},
    {
        "type": "dashboard-widget",
        "layout": [{"height": 400, "columns": [{"id": "a", "size": 6}, {"id": "b", "size": 6}]}],
        "widgets": [{"id": "a", **TEXT}, {"id": "b", **TEXT}],
    },
)
# Texts, numbers, lists and mappings of whatever else, each in the place of each value.
WRONG: tuple[Any, ...] = ("nonsense", -1, True, None, [], {"nonsense": 7})


def broken(value: Any) -> Iterator[Any]:
    """`value` with one thing wrong, at whatever depth."""
    if isinstance(value, dict):
        for key in value:
            yield {name: part for name, part in value.items() if name != key}
            yield {f"{name}s" if name == key else name: part for name, part in value.items()}
            yield from ({**value, key: part} for part in (*broken(value[key]), *WRONG))
    elif isinstance(value, list):
        yield [*value, *copy.deepcopy(value)]
        for index, item in enumerate(value):
            yield [*value[:index], *value[index + 1 :]]
            yield from ([*value[:index], part, *value[index + 1 :]] for part in (*broken(item), *WRONG))


def is_refused(widget: Any) -> bool:
    try:
        check_widgets(copy.deepcopy(sent({"widgets": [widget]})["widgets"]))
    except WireError:
        return True
    return False


def found(root: Path, widgets: list[Any]) -> list[set[str]]:
    """For each widget, a page of its own, what is found, as `error PC421`, infos left out."""
    pages = {f"dashboards/d{number}.json": json.dumps({"widgets": [each]}) for number, each in enumerate(widgets)}
    findings: list[set[str]] = [set() for _ in widgets]
    for problem in read_specs(write_files(root, {"portcfg.yaml": PROJECT, **pages})).problems:
        if problem.severity != "info" and Path(problem.file).parent.name == "dashboards":
            findings[int(Path(problem.file).stem.removeprefix("d"))].add(f"{problem.severity} {problem.id}")
    return findings


def test_widgets_as_port_takes_them_have_no_finding(tmp_path: Path) -> None:
    assert [widget["type"] for widget in WIDGETS if is_refused(widget)] == []
    assert found(tmp_path / "specs", list(WIDGETS)) == [set() for _ in WIDGETS]


@pytest.mark.parametrize("widget", [pytest.param(each, id=f"{n}-{each['type']}") for n, each in enumerate(WIDGETS)])
def test_what_port_refuses_is_found_and_nothing_else_is_called_an_error(widget: Body, tmp_path: Path) -> None:
    pages = list(broken(widget))
    refused = list(map(is_refused, pages))
    findings = found(tmp_path / "specs", pages)
    assert any(refused)
    assert [page for page, no, told in zip(pages, refused, findings, strict=True) if no and not told] == []
    # Another blueprint than the specs have is another rule's.
    errors = [any(each.startswith("error PC4") for each in told) for told in findings]
    assert [page for page, no, told in zip(pages, refused, errors, strict=True) if told and not no] == []
