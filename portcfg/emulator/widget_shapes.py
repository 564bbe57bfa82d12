"""JSON schemas of dashboard widgets, by type: required keys, known keys, and the conditions between them.

Written after the published page schema, with the fields that newer widgets take besides.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft7Validator

from portcfg.emulator.blueprint_shapes import COLORS
from portcfg.emulator.body_checks import TEXT, validator
from portcfg.model import Body

ANY: Body = {}
META_KEYS = ("id", "createdAt", "createdBy", "updatedAt", "updatedBy", "type")
LABELS = "title icon description"
PRESETS = [
    "today",
    "yesterday",
    "lastDay",
    "lastWeek",
    "last2Weeks",
    "lastMonth",
    "last3Months",
    "last6Months",
    "last12Months",
    "last2Years",
    "last3Years",
]
OBJECT = {"type": "object"}
TEXTS = {"type": "array", "items": TEXT}
AVERAGE_OF = {"enum": ["hour", "day", "week", "month", "total"]}
INTERVAL = {"enum": ["hour", "day", "isoWeek", "month", "quarter"]}
# A bare list of rules is what older number charts hold.
DATASET = {"type": ["object", "array"]}


def _some(items: Body) -> Body:
    return {"type": "array", "minItems": 1, "items": items}


def _object(required: str, /, **properties: Any) -> Body:
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


TIME_RANGE = _object("preset", preset={"enum": PRESETS})
# Years come by quarter. As published, the condition also holds for a chart without a time range.
YEARS_BY_QUARTER: Body = {
    "if": {"properties": {"timeRange": {"properties": {"preset": {"enum": ["last2Years", "last3Years"]}}}}},
    "then": {"properties": {"timeInterval": {"enum": ["quarter"]}}},
}


def _widget(required: str, optional: str = "", closed: bool = True, **shapes: Any) -> Body:
    """Keys are named in `required` and `optional`; those with a shape of their own are given by keyword."""
    keys = dict.fromkeys((*META_KEYS, *required.split(), *optional.split()), TEXT)
    schema: Body = {"type": "object", "required": ["type", *required.split()], "properties": {**keys, **shapes}}
    return {**schema, "additionalProperties": False} if closed else schema


def _when(key: str, value: str, **then: Any) -> Body:
    return {"if": {"required": [key], "properties": {key: {"const": value}}}, "then": then}


CONDITION = {
    "type": "object",
    "required": ["operator", "value"],
    "properties": {
        "operator": {"enum": [">", ">=", "<", "<=", "=", "!="]},
        "value": {"type": "number"},
        "message": {"type": "string", "maxLength": 50},
        "description": {"type": "string", "maxLength": 200},
        "color": {"enum": COLORS},
    },
}
NUMBER_CHART: Body = {
    **_widget(
        "unit",
        f"{LABELS} emptyStateText blueprint entity property measureTimeBy unitCustom",
        closed=False,
        unit={"enum": ["none", "$", "€", "£", "%", "custom"]},
        unitAlignment={"enum": ["left", "right", "bottom"]},
        calculationBy={"enum": ["entities", "property"]},
        conditionalFormatting={"type": "array", "items": CONDITION},
        dataset=DATASET,
        averageOf=AVERAGE_OF,
        displayFormatting={"enum": ["none", "round", "custom"]},
        decimalPlaces={"enum": [".0", ".00", ".000", ".0000", ".00000"]},
    ),
    "allOf": [
        _when("chartType", "aggregateByProperty", required=["dataset"]),
        _when("chartType", "countEntities", required=["dataset"]),
        _when("chartType", "displaySingleProperty", required=["property"]),
        _when(
            "calculationBy",
            "property",
            required=["property", "func"],
            properties={"func": {"enum": ["sum", "average", "min", "max", "median"]}},
        ),
        _when("calculationBy", "entities", required=["func"], properties={"func": {"enum": ["count", "average"]}}),
        _when("func", "average", required=["averageOf"]),
        _when("unit", "custom", required=["unitCustom"]),
        _when("displayFormatting", "custom", required=["decimalPlaces"]),
    ],
}
SERIES: Body = {
    "properties": {
        "chartType": {"enum": ["propertiesValueHistory", "aggregatePropertiesValues", "countEntities"]},
        "properties": _some(TEXT),
        "dataset": DATASET,
    },
    "allOf": [
        _when("chartType", "propertiesValueHistory", required=["entity", "properties"]),
        _when(
            "chartType",
            "aggregatePropertiesValues",
            required=["func", "measureTimeBy", "properties"],
            properties={"func": {"enum": ["sum", "average", "min", "max", "median", "last"]}},
        ),
        _when(
            "chartType",
            "countEntities",
            required=["func", "measureTimeBy"],
            properties={"func": {"enum": ["count", "average"]}, "properties": False},
        ),
    ],
}
SERIES_KEYS = "entity func measureTimeBy breakdownProperty"
AXES = "xAxisTitle yAxisTitle emptyStateText"
LINE_CHART: Body = {
    **_widget(
        "blueprint chartType",
        f"{LABELS} {SERIES_KEYS} {AXES}",
        timeInterval=INTERVAL,
        timeRange=TIME_RANGE,
        **SERIES["properties"],
    ),
    "allOf": [*SERIES["allOf"], YEARS_BY_QUARTER],
}
LINE_KEYS = dict.fromkeys(("title", "blueprint", *SERIES_KEYS.split()), TEXT)
LINE: Body = {
    **_object("title blueprint chartType", **LINE_KEYS, **SERIES["properties"]),
    "allOf": SERIES["allOf"],
}
BASELINE = _object("value", name=TEXT, value={"type": "number"}, color=TEXT)
SORT_BY = {"type": "array", "items": _object("property order", property=TEXT, order={"enum": ["asc", "desc"]})}
TABLE_CONFIG = _object(
    "",
    filterSettings=OBJECT,
    groupSettings=_object("", groupBy=TEXTS),
    sortSettings=_object("", sortBy=SORT_BY),
    propertiesSettings=_object("", hidden=TEXTS, shown=TEXTS, order=TEXTS),
    tabIndex={"type": "number"},
    hidden={"type": "boolean"},
    title={"type": "string", "maxLength": 20},
    description=TEXT,
)
TABLES = {"type": "object", "additionalProperties": TABLE_CONFIG}
BREAKDOWN = _widget(
    "property",
    f"{LABELS} blueprint emptyStateText",
    dataset=OBJECT,
    dontAggregateOther={"type": "boolean"},
    segmentTableViewConfig=ANY,
)
BREAKDOWN["required"].append("dataset")
ENTITY_INFO = _widget("entity blueprint", LABELS, hiddenQuery=TEXTS, order=TEXTS, showEmptyValues={"type": "boolean"})
PERSONAL = _widget("title", "icon", closed=False)
RUN_QUERY = _object(
    "",
    **dict.fromkeys(("entity", "blueprint", "user_email", "user_id", "external_run_id", "action"), TEXT),
    active={"type": "boolean"},
    limit={"type": "number", "minimum": 1, "maximum": 1000},
    version={"enum": ["v1", "v2"]},
    source={"type": "array", "items": {"enum": ["UI", "API", "AUTOMATION"]}},
)


def _system_table(query: Body, required: str = "") -> Body:
    return _widget(required, "title description", query=query, tableConfig=OBJECT)


LEAVES: dict[str, Body] = {
    "entities-number-chart": NUMBER_CHART,
    "entities-pie-chart": BREAKDOWN,
    "bar-chart": BREAKDOWN,
    "line-chart": LINE_CHART,
    "multi-line-chart": {
        **_widget(
            "title timeInterval timeRange lines",
            f"icon description {AXES}",
            timeInterval=INTERVAL,
            closed=False,
            timeRange=TIME_RANGE,
            lines={"type": "array", "items": LINE},
            baselines={"type": "array", "items": BASELINE},
            nullValueDisplayMode={"enum": ["zero", "null"]},
        ),
        "allOf": [YEARS_BY_QUARTER],
    },
    "table-entities-explorer": _widget(
        "dataset",
        f"{LABELS} blueprint emptyStateText entitiesQueryMode",
        dataset=OBJECT,
        excludedFields=TEXTS,
        displayMode={"enum": ["tabs", "single", "widget"]},
        blueprintConfig=TABLES,
        entitiesQueryMaxResults={"type": "number"},
    ),
    "table-entities-explorer-by-direction": _widget("", LABELS, blueprintConfig=OBJECT),
    "markdown": {
        **_widget(
            "title",
            "icon markdown blueprintIdentifier propertyIdentifier entityIdentifier",
            closed=False,
            source={"enum": ["custom", "property"]},
        ),
        # The text itself, or where it is read from.
        "if": {"required": ["source"], "properties": {"source": {"const": "property"}}},
        "then": {"required": ["blueprintIdentifier", "propertyIdentifier", "entityIdentifier"]},
        "else": {"required": ["markdown"]},
    },
    "iframe-widget": {
        **_widget(
            "url urlType title",
            "icon description tokenUrl authorizationUrl clientId",
            closed=False,
            urlType={"enum": ["public", "protected"]},
            scopes=TEXTS,
        ),
        "allOf": [_when("urlType", "protected", required=["tokenUrl", "authorizationUrl", "clientId", "scopes"])],
    },
    "action-card-widget": _widget(
        "actions", LABELS, actions=_some({"type": "object", "required": ["action"], "properties": {"action": TEXT}})
    ),
    "links-widget": _widget(
        "links",
        LABELS,
        links={
            "type": "array",
            "items": _object(
                "title url", title={"type": "string", "minLength": 1}, url=TEXT, description=TEXT, icon=TEXT
            ),
        },
    ),
    "action-runs-table-widget": _widget(
        "action", LABELS, displayMode={"enum": ["single", "widget"]}, tableConfig=OBJECT
    ),
    "ai-agent": _widget("agentIdentifier", LABELS, useMCP={"type": "boolean"}),
    "entity-info": ENTITY_INFO,
    "entity-details": ENTITY_INFO,
    "graph-entities-explorer": _widget("dataset", "title", dataset=OBJECT, hiddenBlueprints=TEXTS),
    "runs-table": _system_table(RUN_QUERY),
    "table-audit-log": _system_table(OBJECT, "query"),
    "users-table": _system_table({"type": "object", "properties": {"team": TEXT}}),
    "teams-table": _system_table({"type": "object", "properties": {"user": TEXT}}),
    "run-info": _widget("runId", "title"),
    "user-info": _widget("user_email", "title"),
    "team-info": _widget("team_name", "title"),
    "recently-viewed-entities": PERSONAL,
    "recently-used-actions": PERSONAL,
    "my-entities": PERSONAL,
    "custom-widget": _widget("pluginId title", "icon description", paramValues=ANY),
}
CONTAINERS: dict[str, Body] = {
    "dashboard-widget": _widget(
        "layout widgets",
        layout={
            "type": "array",
            "items": _object(
                "height columns",
                height={"type": "number"},
                columns={"type": "array", "items": _object("size id", size={"type": "number"}, id=TEXT)},
            ),
        },
        widgets={"type": "array", "items": OBJECT},
    ),
    "grouper": _widget(
        "displayMode groups",
        "title activeGroupUrlParam",
        displayMode={"enum": ["tabs", "switch"]},
        groups={
            "type": "array",
            "items": _object("title widgets", title=TEXT, icon=TEXT, widgets={"type": "array", "items": OBJECT}),
        },
        groupsOrder=TEXTS,
    ),
}
WIDGETS: dict[str, Draft7Validator] = {name: validator(schema) for name, schema in {**LEAVES, **CONTAINERS}.items()}
