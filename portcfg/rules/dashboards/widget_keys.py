"""Port's widget types as data: which keys each needs and has, and what values they take (port-api.md §4.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portcfg.kinds.matching import sent
from portcfg.kinds.widgets import SHORT_TYPES
from portcfg.model import Body, Document, Path
from portcfg.rules.dashboards.nested import every_widget
from portcfg.rules.portal import Portal
from portcfg.rules.unchecked import list_at

# Every widget may have these.
ANYWHERE = ("id", "type", "createdAt", "createdBy", "updatedAt", "updatedBy")
LABELS = "title icon description"


@dataclass(frozen=True)
class Keys:
    """What a type needs, and what it may have besides; `optional` is None where it takes more than is published."""

    required: tuple[str, ...]
    optional: tuple[str, ...] | None

    @property
    def known(self) -> tuple[str, ...]:
        """All keys of a type whose keys are all known."""
        return (*ANYWHERE, *self.required, *(self.optional or ()))


def _keys(required: str, optional: str | None = None) -> Keys:
    return Keys(tuple(required.split()), None if optional is None else tuple(optional.split()))


_SLICES = _keys("dataset property", f"{LABELS} blueprint emptyStateText dontAggregateOther segmentTableViewConfig")
_DETAILS = _keys("entity blueprint", f"{LABELS} hiddenQuery order showEmptyValues")
_SERIES = "entity func measureTimeBy breakdownProperty properties dataset"
_AXES = "xAxisTitle yAxisTitle emptyStateText timeInterval timeRange"
LINE = _keys("title blueprint chartType", _SERIES)
TYPES: Mapping[str, Keys] = {
    "entities-number-chart": _keys("unit"),
    "entities-pie-chart": _SLICES,
    "bar-chart": _SLICES,
    "line-chart": _keys("blueprint chartType", f"{LABELS} {_SERIES} {_AXES}"),
    "multi-line-chart": _keys("title timeInterval timeRange lines"),
    "table-entities-explorer": _keys(
        "dataset",
        f"{LABELS} blueprint emptyStateText entitiesQueryMode entitiesQueryMaxResults excludedFields displayMode "
        "blueprintConfig",
    ),
    "table-entities-explorer-by-direction": _keys("", f"{LABELS} blueprintConfig"),
    "markdown": _keys("title"),
    "iframe-widget": _keys("url urlType title"),
    "action-card-widget": _keys("actions", LABELS),
    "links-widget": _keys("links", LABELS),
    "action-runs-table-widget": _keys("action", f"{LABELS} displayMode tableConfig"),
    "ai-agent": _keys("agentIdentifier", f"{LABELS} useMCP"),
    "entity-info": _DETAILS,
    "entity-details": _DETAILS,
    "graph-entities-explorer": _keys("dataset", "title hiddenBlueprints"),
    "runs-table": _keys("", "title description query tableConfig"),
    "table-audit-log": _keys("query", "title description tableConfig"),
    "users-table": _keys("", "title description query tableConfig"),
    "teams-table": _keys("", "title description query tableConfig"),
    "run-info": _keys("runId", "title"),
    "user-info": _keys("user_email", "title"),
    "team-info": _keys("team_name", "title"),
    "recently-viewed-entities": _keys("title"),
    "recently-used-actions": _keys("title"),
    "my-entities": _keys("title"),
    "custom-widget": _keys("pluginId title", "icon description paramValues"),
    "dashboard-widget": _keys("layout widgets", ""),
    "grouper": _keys("displayMode groups", "title activeGroupUrlParam groupsOrder"),
}
# (key, value) -> the keys that are needed then.
NUMBER_NEEDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("chartType", "aggregateByProperty"): ("dataset",),
    ("chartType", "countEntities"): ("dataset",),
    ("chartType", "displaySingleProperty"): ("property",),
    ("calculationBy", "property"): ("property", "func"),
    ("calculationBy", "entities"): ("func",),
    ("func", "average"): ("averageOf",),
    ("unit", "custom"): ("unitCustom",),
    ("displayFormatting", "custom"): ("decimalPlaces",),
}
SERIES_NEEDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("chartType", "propertiesValueHistory"): ("entity", "properties"),
    ("chartType", "aggregatePropertiesValues"): ("func", "measureTimeBy", "properties"),
    ("chartType", "countEntities"): ("func", "measureTimeBy"),
}
NEEDS: Mapping[str, Mapping[tuple[str, str], tuple[str, ...]]] = {
    "entities-number-chart": NUMBER_NEEDS,
    "line-chart": SERIES_NEEDS,
    "line": SERIES_NEEDS,
    "markdown": {("source", "property"): ("blueprintIdentifier", "propertyIdentifier", "entityIdentifier")},
    "iframe-widget": {("urlType", "protected"): ("tokenUrl", "authorizationUrl", "clientId", "scopes")},
}
_PER = ("hour", "day", "week", "month", "total")
_INTERVALS = ("hour", "day", "isoWeek", "month", "quarter")
_CHARTS = ("propertiesValueHistory", "aggregatePropertiesValues", "countEntities")
VALUES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "entities-number-chart": {
        "unit": ("none", "$", "€", "£", "%", "custom"),
        "unitAlignment": ("left", "right", "bottom"),
        "calculationBy": ("entities", "property"),
        "averageOf": _PER,
        "displayFormatting": ("none", "round", "custom"),
        "decimalPlaces": (".0", ".00", ".000", ".0000", ".00000"),
    },
    "line-chart": {"chartType": _CHARTS, "timeInterval": _INTERVALS},
    "line": {"chartType": _CHARTS},
    "multi-line-chart": {"timeInterval": _INTERVALS, "nullValueDisplayMode": ("zero", "null")},
    "table-entities-explorer": {"displayMode": ("tabs", "single", "widget")},
    "action-runs-table-widget": {"displayMode": ("single", "widget")},
    "markdown": {"source": ("custom", "property")},
    "iframe-widget": {"urlType": ("public", "protected")},
    "grouper": {"displayMode": ("tabs", "switch")},
}
# (key, value) -> the functions that go with it.
_NUMBERS = ("sum", "average", "min", "max", "median")
FUNCTIONS: Mapping[str, Mapping[tuple[str, str], tuple[str, ...]]] = {
    "entities-number-chart": {
        ("calculationBy", "property"): _NUMBERS,
        ("calculationBy", "entities"): ("count", "average"),
    },
    "line-chart": {
        ("chartType", "aggregatePropertiesValues"): (*_NUMBERS, "last"),
        ("chartType", "countEntities"): ("count", "average"),
    },
}


@dataclass(frozen=True)
class Raw:
    """A widget in Port's own form, or a line of one, whose `type` is then `line`."""

    document: Document
    path: Path
    type: str
    body: Body


def raw_widgets(portal: Portal) -> Iterator[Raw]:
    """Every widget of Port's own form, and every line, as it would be sent: without nulls."""
    for document in portal.of_kind("dashboard"):
        for path, widget in every_widget(sent(document.body).get("widgets")):
            type_ = str(widget.get("type", ""))
            if type_ in SHORT_TYPES and len(path) == 2 and isinstance(document.body["widgets"], dict):
                continue
            yield Raw(document, path, type_, widget)
            if type_ == "multi-line-chart":
                yield from _lines(document, path, widget)


def _lines(document: Document, path: Path, widget: Body) -> Iterator[Raw]:
    for index, line in enumerate(list_at(widget, "lines")):
        if isinstance(line, dict):
            yield Raw(document, (*path, "lines", index), "line", line)
