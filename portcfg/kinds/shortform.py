"""Port's widget JSON -> the short form of dashboards: the inverse of `widgets`, where there is one.

Each function says what the short form would be; whether it compiles to the very same JSON is asked of `same`, so
that what a widget has beyond the short form is never lost: such a widget stays in Port's own JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

from portcfg.kinds.widgets import (
    COMMON,
    FUNCTIONS,
    GRID,
    ICONS,
    INTERVALS,
    PRESETS,
    ROW_HEIGHT,
    SHORT_TYPES,
    compile_row,
    compile_widget,
)
from portcfg.model import Body

MIN_WIDTH, MAX_COLUMNS = 3, 4
PERIODS = ("hour", "day", "week", "month", "total")
URL_TYPES = ("public", "protected")
ROOT_KEYS = {"id", "type", "layout", "widgets"}
_PRESET_NAMES = {preset: name for name, preset in PRESETS.items()}
_INTERVAL_NAMES = {interval: name for name, interval in INTERVALS.items()}
Same = Callable[[Body, Body], bool]


class _NoShortFormError(Exception):
    """What a widget or page has is beyond the short form."""


def short_form(page: Body, line_chart: str, same: Same) -> Body | None:
    """`layout_id`, `rows` and `widgets` of a page; None if its widgets are not one grid with one place for each."""
    try:
        (root,) = page["widgets"]
        if root["type"] != "dashboard-widget" or set(root) != ROOT_KEYS:
            return None
        found = {widget["id"]: widget for widget in root["widgets"]}
        rows = [_row(row) for row in root["layout"]]
        placed = [column["id"] for row in root["layout"] for column in row["columns"]]
        if sorted(placed) != sorted(widget["id"] for widget in root["widgets"]) or "$include" in found:
            return None
        widgets = {key: short_widget(found[key], line_chart, same) for key in placed}
        short: Body = {} if root["id"] == f"{page['identifier']}-layout" else {"layout_id": root["id"]}
    except (KeyError, TypeError, ValueError, AttributeError, _NoShortFormError):
        return None
    return short | ({} if rows == [[key] for key in placed] else {"rows": rows}) | {"widgets": widgets}


def _row(row: Body) -> Any:
    """A row of the layout, with as few widths as will do."""
    columns, height = row["columns"], row["height"]
    sizes = [column["size"] for column in columns]
    if not (1 <= len(columns) <= MAX_COLUMNS and min(sizes) >= MIN_WIDTH and sum(sizes) == GRID):
        raise _NoShortFormError
    if height < ROW_HEIGHT or len({column["id"] for column in columns}) < len(columns):
        raise _NoShortFormError
    for count in range(len(columns)):
        for sized in combinations(range(len(columns) - 1, -1, -1), count):
            cells = [
                {column["id"]: column["size"]} if index in sized else column["id"]
                for index, column in enumerate(columns)
            ]
            if compile_row(cells)["columns"] == columns:
                return cells if height == ROW_HEIGHT else {"height": height, "widgets": cells}
    raise _NoShortFormError


def short_widget(widget: Body, line_chart: str, same: Same) -> Body:
    """A widget in the short form, or in Port's own JSON less its id, which is its key."""
    builders = {**_BUILDERS, line_chart: _line}
    build = builders.get(widget["type"])
    if build is not None:
        try:
            short = build(widget)
            if same(compile_widget(widget["id"], short, line_chart), widget):
                return short
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, _NoShortFormError):
            pass
    if widget["type"] in SHORT_TYPES:
        raise _NoShortFormError
    _texts(widget)
    return {key: value for key, value in widget.items() if key != "id"}


def _texts(widget: Body) -> Body:
    return {name: _text(widget[name]) for name in COMMON if name in widget}


def _common(widget: Body, short_type: str) -> Body:
    """The keys that all widgets share, less those that are as they would be anyway."""
    implied = {"title": widget["id"], "icon": ICONS.get(short_type)}
    return {"type": short_type, **{key: text for key, text in _texts(widget).items() if text != implied.get(key)}}


def _narrowed(dataset: Body) -> tuple[list[Body], Body]:
    """The `filter` rules of a dataset, and its `over` and `by`: the first rule names the blueprint."""
    rules = dataset["rules"] if isinstance(dataset, dict) else dataset
    rules = list(rules[1:])
    last = rules[-1] if rules else {}
    preset = last.get("value") if last.get("operator") == "between" else None
    if isinstance(preset, dict) and preset.get("preset") in _PRESET_NAMES and isinstance(last["property"], str):
        return _plain(rules[:-1]), {"over": _PRESET_NAMES[preset["preset"]], "by": last["property"]}
    return _plain(rules), {}


def _plain(rules: list[Body]) -> list[Body]:
    if not all(isinstance(rule["operator"], str) and isinstance(rule["property"], str | dict) for rule in rules):
        raise _NoShortFormError
    return rules


def _entities(widget: Body) -> Body:
    """What `dataset` makes: filter, over and by."""
    rules, times = _narrowed(widget["dataset"])
    return {**({"filter": rules} if rules else {}), **times}


def _number(widget: Body) -> Body:
    short = _common(widget, "number") | {"blueprint": _text(widget["blueprint"])}
    func, per = widget["func"], widget.get("averageOf")
    if "property" in widget:
        if func not in FUNCTIONS or func == "last":
            raise _NoShortFormError
        short[func] = _text(widget["property"])
    else:
        short["count"] = "entities"
    if func == "average" and (per != "total" or "property" not in widget):
        short["per"] = _one_of(per, PERIODS)
    short |= _display(widget) | _entities(widget)
    return short | ({"by": _text(widget["measureTimeBy"])} if "measureTimeBy" in widget else {})


def _display(widget: Body) -> Body:
    """How a number is shown: unit, decimals, thresholds."""
    unit = _text(widget["unitCustom"]) if widget["unit"] == "custom" else widget["unit"]
    shown: Body = {} if unit == "none" else {"unit": unit}
    if "decimalPlaces" in widget:
        shown["decimals"] = len(_text(widget["decimalPlaces"])) - 1
        if not 1 <= shown["decimals"] <= 5:
            raise _NoShortFormError
    if "conditionalFormatting" in widget:
        shown["thresholds"] = _list(widget["conditionalFormatting"], ())
    return shown


def _line(widget: Body) -> Body:
    """A line chart; in a `line-chart` the series stands in the widget itself."""
    lines = widget.get("lines", [widget])
    series = lines[0]
    names = [_property(name) for line in lines for name in line.get("properties", ())]
    short = _common(widget, "line") | {"blueprint": _text(series["blueprint"])}
    if names:
        short[_drawn(series)] = names[0] if len(names) == 1 else names
    else:
        short["count"] = "entities"
    if "lines" in widget:
        titles = dict(zip(names or ["count"], (line["title"] for line in lines), strict=True))
        implied = {} if names else {"count": widget.get("title")}
        labels = {name: title for name, title in titles.items() if title != implied.get(name, name)}
        short |= {"labels": labels} if labels else {}
    return short | _times(widget, series)


def _drawn(series: Body) -> str:
    if series["func"] not in FUNCTIONS or "breakdownProperty" in series:
        raise _NoShortFormError
    return str(series["func"])


def _times(widget: Body, series: Body) -> Body:
    """The axes of a line chart, and the entities that it looks at."""
    short: Body = {axis: _text(widget[axis]) for axis in ("xAxisTitle", "yAxisTitle") if axis in widget}
    if "breakdownProperty" in series:
        short["breakdown"] = _text(series["breakdownProperty"])
    rules = _plain(series["dataset"]["rules"][1:])
    every, over = _INTERVAL_NAMES[widget["timeInterval"]], _PRESET_NAMES[widget["timeRange"]["preset"]]
    times = {"every": every, "over": over, "by": _text(series["measureTimeBy"])}
    return {**short, **({"filter": rules} if rules else {}), **times}


def _property(name: str) -> str:
    if not name.startswith("properties."):
        raise _NoShortFormError
    return name.removeprefix("properties.")


def _by_value(short_type: str) -> Callable[[Body], Body]:
    def build(widget: Body) -> Body:
        short = _common(widget, short_type) | {"blueprint": _text(widget["blueprint"])}
        return short | {"property": widget["property"].removeprefix("property#")} | _entities(widget)

    return build


def _table(widget: Body) -> Body:
    blueprint = _text(widget["blueprint"])
    short = _common(widget, "table") | {"blueprint": blueprint}
    settings = widget["blueprintConfig"][blueprint]
    columns = [_text(name) for name in settings["propertiesSettings"]["shown"]]
    if not columns:
        raise _NoShortFormError
    short["columns"] = columns
    sort = [
        ("-" if entry["order"] == "desc" else "") + entry["property"] for entry in settings["sortSettings"]["sortBy"]
    ]
    group = [_text(name) for name in settings["groupSettings"]["groupBy"]]
    short |= {key: value for key, value in {"group": group, "sort": sort}.items() if value}
    return short | _entities(widget)


def _as_it_is(short_type: str, **keys: Callable[[Any], Any]) -> Callable[[Body], Body]:
    def build(widget: Body) -> Body:
        return _common(widget, short_type) | {key: check(widget[key]) for key, check in keys.items()}

    return build


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _NoShortFormError
    return value


def _list(value: Any, required: tuple[str, ...]) -> list[Body]:
    if not isinstance(value, list) or not all(isinstance(item, dict) and {*required} <= item.keys() for item in value):
        raise _NoShortFormError
    return value


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise _NoShortFormError
    return str(value)


_BUILDERS: Mapping[str, Callable[[Body], Body]] = {
    "entities-number-chart": _number,
    "entities-pie-chart": _by_value("pie"),
    "bar-chart": _by_value("bar"),
    "table-entities-explorer": _table,
    "markdown": _as_it_is("text", markdown=_text),
    "iframe-widget": _as_it_is("frame", url=_text, urlType=lambda value: _one_of(value, URL_TYPES)),
    "links-widget": _as_it_is("links", links=lambda value: _list(value, ("title", "url"))),
}
