"""What widgets show: Port's own JSON read for its blueprints, properties and filters, with the place of each in a spec.

A short-form widget is compiled first, so that both forms are read in one way; what it names is then looked up in the
short form for its place (widgets.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portcfg.kinds.dashboard_risk import bare
from portcfg.kinds.widgets import FUNCTIONS, SHORT_TYPES, compile_widget
from portcfg.model import Body, Document, Path, Project
from portcfg.rules.queries import rules_of
from portcfg.rules.unchecked import list_at, mapping_at

# Where each role's name stands in a short-form widget.
SHORT_KEYS: Mapping[str, tuple[str, ...]] = {
    "value": (*FUNCTIONS, "property"),
    "time": ("by",),
    "breakdown": ("breakdown",),
    "column": ("columns",),
    "group": ("group",),
    "sort": ("sort",),
}


@dataclass(frozen=True)
class Use:
    """One name that a widget uses. `role`: value, time, breakdown, column, group, sort or filter.

    `written` is the name in the notation of the spec (`property#x`, `properties.x`), `rule` a filter's whole rule.
    """

    role: str
    name: str
    written: str
    path: Path
    rule: Body | None = None


@dataclass(frozen=True)
class Series:
    """One blueprint that a widget shows, and how: a number, one line, the rows of a table.

    `function` is Port's `func`, "" where there is none; `counts` tells whether entities are counted.
    """

    blueprint: str
    function: str
    counts: bool
    uses: tuple[Use, ...]
    body: Body
    path: Path


@dataclass(frozen=True)
class Widget:
    """One widget that shows something. `body` is Port's JSON, `spec` what the file says, at `path`."""

    document: Document
    path: Path
    type: str
    title: str
    body: Body
    spec: Body
    series: tuple[Series, ...]

    @property
    def is_short(self) -> bool:
        """Whether it is written in the short form."""
        return self.spec.get("type") in SHORT_TYPES


def widgets_of(document: Document, project: Project) -> Iterator[Widget]:
    """Every widget of a dashboard that has no widgets in it."""
    widgets = document.body.get("widgets")
    if isinstance(widgets, dict):
        for key, spec in widgets.items():
            yield from _leaves(document, ("widgets", key), compile_widget(key, spec, project.line_chart), spec)
        return
    for index, spec in enumerate(widgets or []):
        yield from _leaves(document, ("widgets", index), spec, spec)


def _leaves(document: Document, path: Path, body: Body, spec: Body) -> Iterator[Widget]:
    inner = [((*path, "widgets", index), each) for index, each in enumerate(body.get("widgets") or [])]
    for number, group in enumerate(body.get("groups") or []):
        below: Path = (*path, "groups", number, "widgets")
        inner += [((*below, index), each) for index, each in enumerate(group.get("widgets") or [])]
    if inner or "widgets" in body or "groups" in body:
        for place, each in inner:
            yield from _leaves(document, place, each, each)
        return
    series = tuple(_series(body, spec, path))
    yield Widget(document, path, str(body.get("type", "")), str(body.get("title") or ""), body, spec, series)


def _series(body: Body, spec: Body, path: Path) -> Iterator[Series]:
    lines = [
        ((*path, "lines", index), line) for index, line in enumerate(list_at(body, "lines")) if isinstance(line, dict)
    ]
    parts = lines or [(path, body)]
    for place, part in parts:
        blueprint = str(part.get("blueprint") or _ruled(part))
        uses = [
            use if not _short(spec) else _in_short(use, spec, path)
            for use in (*_uses(part, place), *_columns(part, place, blueprint))
        ]
        counts = part.get("chartType") == "countEntities" or part.get("calculationBy") == "entities"
        if blueprint:
            yield Series(blueprint, str(part.get("func") or ""), counts, tuple(uses), part, place)


def _short(spec: Body) -> bool:
    return spec.get("type") in SHORT_TYPES


def _ruled(part: Body) -> str:
    """The blueprint that a dataset's rule names: older widgets have it nowhere else. Of several it is none."""
    rules = rules_of(part.get("dataset"))
    names = {str(rule.get("value")) for _, rule in rules if rule.get("property") == "$blueprint"}
    return next(iter(names)) if len(names) == 1 else ""


def _uses(part: Body, path: Path) -> Iterator[Use]:
    for key, role in (("property", "value"), ("measureTimeBy", "time"), ("breakdownProperty", "breakdown")):
        if isinstance(part.get(key), str):
            yield _use(role, part[key], (*path, key))
    for index, name in enumerate(list_at(part, "properties")):
        if isinstance(name, str):
            yield _use("value", name, (*path, "properties", index))
    yield from _filters(part.get("dataset"), (*path, "dataset"))


def _columns(part: Body, path: Path, blueprint: str) -> Iterator[Use]:
    """What a table shows of its own blueprint; it may have settings for others, to which a relation leads."""
    for name, settings in mapping_at(part, "blueprintConfig").items():
        if isinstance(settings, dict) and name == blueprint:
            yield from _table_uses(settings, (*path, "blueprintConfig", name))


def _use(role: str, written: str, path: Path, rule: Body | None = None) -> Use:
    return Use(role, _name(written), written, path, rule)


def _name(written: str) -> str:
    """The bare name; who writes `properties.x` in the short form, which adds that itself, means x all the same."""
    return bare(written.rpartition("#")[2].removeprefix("properties."))


def _table_uses(settings: Body, path: Path) -> Iterator[Use]:
    for section, key, role in (
        ("propertiesSettings", "shown", "column"),
        ("groupSettings", "groupBy", "group"),
        ("sortSettings", "sortBy", "sort"),
    ):
        for index, each in enumerate(list_at(mapping_at(settings, section), key)):
            name = each.get("property") if isinstance(each, dict) else each
            if isinstance(name, str):
                yield _use(role, name, (*path, section, key, index))
    filter_by = mapping_at(settings, "filterSettings").get("filterBy")
    yield from _filters(filter_by, (*path, "filterSettings", "filterBy"))


def _filters(query: Any, path: Path) -> Iterator[Use]:
    for below, rule in rules_of(query):
        if isinstance(rule.get("property"), str) and rule["property"] != "$blueprint":
            yield _use("filter", rule["property"], (*path, *below, "property"), rule)


def _in_short(use: Use, spec: Body, path: Path) -> Use:
    """`use` with its place in the short form; the rule that `over` makes stands at `by`."""
    if use.role == "filter":
        for index, rule in enumerate(spec.get("filter") or []):
            if rule == use.rule:
                return Use(use.role, use.name, use.written, (*path, "filter", index, "property"), use.rule)
    for key in SHORT_KEYS.get("time" if use.role == "filter" else use.role, ()):
        value = spec.get(key)
        names = [_name(str(each).removeprefix("-")) for each in value] if isinstance(value, list) else []
        if isinstance(value, list) and use.name in names:
            index = names.index(use.name)
            return Use(use.role, use.name, str(value[index]).removeprefix("-"), (*path, key, index), use.rule)
        if isinstance(value, str) and _name(value) == use.name:
            return Use(use.role, use.name, value, (*path, key), use.rule)
    return Use(use.role, use.name, use.written, path, use.rule)
