"""JSON schemas of blueprint bodies, written after the published ones, with the fields that round-trip besides."""

from __future__ import annotations

from typing import Any

from portcfg.emulator.body_checks import NAME, TEXT, TITLE, validator
from portcfg.model import Body

COLORS = [
    "blue",
    "turquoise",
    "orange",
    "purple",
    "pink",
    "yellow",
    "green",
    "red",
    "gold",
    "silver",
    "paleBlue",
    "darkGray",
    "lightGray",
    "bronze",
    "lime",
    "olive",
    "brown",
]
TYPES = ["string", "number", "boolean", "object", "array"]
PROPERTY_FORMATS = [
    "date-time",
    "url",
    "email",
    "idn-email",
    "ipv4",
    "ipv6",
    "markdown",
    "yaml",
    "user",
    "blueprints",
    "team",
    "timer",
    "proto",
    "labeled-url",
]
CALCULATION_FORMATS = [name for name in PROPERTY_FORMATS if name not in ("blueprints", "timer")]
OPTIONAL_TITLE = {"type": "string", "maxLength": 100}


def _closed(required: str, /, **properties: Any) -> Body:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": properties,
    }


def _keyed(values: Body) -> Body:
    return {"type": "object", "propertyNames": NAME, "additionalProperties": values}


AUTHENTICATION = _closed(
    "clientId authorizationUrl tokenUrl",
    clientId=TEXT,
    authorizationUrl=TEXT,
    tokenUrl=TEXT,
    authorizationScope={"type": "array", "items": TEXT},
)
ITEMS = {
    "type": "object",
    "properties": {"type": {"enum": TYPES}, "format": {"enum": [*PROPERTY_FORMATS, "idn-format"]}},
}
DISPLAY: Body = {
    "title": OPTIONAL_TITLE,
    "icon": TEXT,
    "description": TEXT,
    "type": {"enum": TYPES},
    "spec": {"enum": ["open-api", "embedded-url", "async-api"]},
    "specAuthentication": AUTHENTICATION,
    # Port's own client sends free patterns beside the four published names.
    "dateFormat": TEXT,
    "items": ITEMS,
}
COLOR_MAP = {"type": "object", "additionalProperties": {"enum": COLORS}}
PROPERTY: Body = {
    "type": "object",
    "properties": {**DISPLAY, "format": {"enum": PROPERTY_FORMATS}, "enum": {"type": "array"}, "enumColors": COLOR_MAP},
}
CALCULATION = _closed(
    "calculation type",
    **DISPLAY,
    calculation=TEXT,
    format={"enum": CALCULATION_FORMATS},
    colorized={"type": "boolean"},
    colors=COLOR_MAP,
)
MIRROR = _closed(
    "path", path={"type": "string", "pattern": r"^(?:[A-Za-z0-9@_=\-$]+\.)+?(\w|\$|@|-)*?[^\.]+$"}, title=OPTIONAL_TITLE
)
AVERAGE_OF = {"enum": ["hour", "day", "week", "month", "total"]}
CALCULATION_SPEC: Body = {
    "type": "object",
    "required": ["func", "calculationBy"],
    "properties": {
        "func": {"enum": ["count", "average", "sum", "min", "max", "median"]},
        "calculationBy": {"enum": ["entities", "property"]},
        "property": TEXT,
        "averageOf": AVERAGE_OF,
        "measureTimeBy": TEXT,
    },
    "additionalProperties": False,
    "allOf": [
        {
            "if": {"properties": {"calculationBy": {"const": "property"}}},
            "then": {"required": ["property"], "properties": {"func": {"not": {"const": "count"}}}},
            "else": {"properties": {"func": {"enum": ["count", "average"]}, "property": False}},
        },
        {
            "if": {"properties": {"func": {"const": "average"}}},
            "then": {"required": ["averageOf"]},
            "else": {"properties": {"averageOf": False, "measureTimeBy": False}},
        },
    ],
}
AGGREGATION = _closed(
    "title target calculationSpec",
    title=OPTIONAL_TITLE,
    icon=TEXT,
    description=TEXT,
    type={"enum": ["number"]},
    target=TEXT,
    calculationSpec=CALCULATION_SPEC,
    query={"type": "object", "minProperties": 1},
    pathFilter={
        "type": "array",
        "maxItems": 1,
        "items": _closed("path", path={"type": "array", "minItems": 1, "items": TEXT}, fromBlueprint=TEXT),
    },
)
RELATION = _closed(
    "target",
    target=TEXT,
    required={"type": "boolean"},
    many={"type": "boolean"},
    title=OPTIONAL_TITLE,
    description=TEXT,
    type=TEXT,
)
OWNERSHIP: Body = {
    "type": "object",
    "required": ["type"],
    "properties": {"type": {"enum": ["Direct", "Inherited"]}},
    "if": {"properties": {"type": {"const": "Inherited"}}},
    "then": _closed("type path", type=TEXT, path=TEXT, title=OPTIONAL_TITLE),
    "else": _closed("type", type=TEXT, title=OPTIONAL_TITLE),
}
# Where changes are sent. Integrations also take an empty one, for nowhere.
DESTINATION: Body = {
    **_closed("type", type={"enum": ["WEBHOOK", "KAFKA"]}, url=TEXT, agent={"type": "boolean"}),
    "if": {"properties": {"type": {"const": "WEBHOOK"}}},
    "then": {"required": ["url"]},
    "else": {"properties": {"url": False, "agent": False}},
}


def _blueprint(required: str, property_required: list[str]) -> Body:
    prop = {**PROPERTY, "required": property_required}
    return {
        "type": "object",
        "required": required.split(),
        "properties": {
            "identifier": {"type": "string", "format": "blueprint-identifier", "maxLength": 100},
            "title": TITLE,
            "description": {"type": "string", "maxLength": 200},
            "icon": TEXT,
            "ownership": OWNERSHIP,
            "schema": _closed("properties", properties=_keyed(prop), required={"type": "array", "items": TEXT}),
            "calculationProperties": _keyed(CALCULATION),
            "mirrorProperties": _keyed(MIRROR),
            "aggregationProperties": _keyed(AGGREGATION),
            "relations": _keyed(RELATION),
            "changelogDestination": DESTINATION,
            "includeInGlobalSearch": {"type": ["boolean", "null"]},
        },
    }


POST_BODY = validator(_blueprint("identifier title schema", ["type"]))
PUT_BODY = validator(_blueprint("title schema", ["type"]))
PATCH_BODY = validator(_blueprint("", []))
RENAMES = {
    key: validator({"type": "object", "required": [key], "properties": {key: NAME}, "additionalProperties": False})
    for key in ("newPropertyName", "newMirrorName", "newRelationIdentifier")
}
