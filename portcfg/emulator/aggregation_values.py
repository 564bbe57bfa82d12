"""Numbers out of many entities: aggregation properties and the functions that charts share."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from portcfg.emulator.blueprint_rules import relation_path
from portcfg.emulator.query import predicate
from portcfg.emulator.relations import follow
from portcfg.emulator.time_ranges import interval_start, parse_date
from portcfg.model import Body

if TYPE_CHECKING:
    from portcfg.emulator.entity_views import Catalog, View

Number = int | float
FUNCTIONS: dict[str, Callable[[Sequence[Number]], Number]] = {
    "sum": sum,
    "min": min,
    "max": max,
    "average": statistics.fmean,
    "median": statistics.median,
}


def numbers(values: Iterable[Any]) -> list[Number]:
    """The numbers among `values`; booleans are none."""
    return [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]


def combined(func: str, values: Iterable[Any]) -> Number | None:
    """One number out of many, or None if there is none; the sum of nothing is 0."""
    found = numbers(values)
    return FUNCTIONS[func](found) if found or func == "sum" else None


def touched_intervals(views: Sequence[View], by: str, interval: str) -> int:
    """How many intervals lie between the first and the last entity, partial ones counted whole."""
    moments = [moment for view in views if (moment := parse_date(view.value(by)))]
    if not moments:
        return 0
    hours = {"hour": 1, "day": 24, "week": 24 * 7, "month": 24 * 30}[interval]
    span = interval_start(max(moments), interval) - interval_start(min(moments), interval)
    return round(span.total_seconds() / 3600 / hours) + 1


def measured(views: Sequence[View], spec: Body) -> Number | None:
    """The number of a calculation spec `{func, property?, averageOf?, measureTimeBy?}` over some entities."""
    func, prop = spec["func"], spec.get("property")
    if func == "count":
        return len(views)
    if func != "average":
        return combined(func, (view.value(str(prop)) for view in views))
    total = combined("sum", (view.value(prop) for view in views)) if prop else len(views)
    if spec.get("averageOf", "total") == "total":
        count = len(views)
    else:
        count = touched_intervals(views, spec.get("measureTimeBy", "$createdAt"), spec["averageOf"])
    return (total or 0) / count if count else None


def aggregated(catalog: Catalog, blueprint: Body, identifier: str, aggregation: Body) -> Number | None:
    """The value of one aggregation property for one entity."""
    target = catalog.store.blueprint(aggregation["target"])
    path = target and relation_path(blueprint, target, aggregation, catalog.store.blueprint)
    if not path:
        return None
    keys = follow(catalog.store, (blueprint["identifier"], identifier), *path)
    views = [view for key in keys if (view := catalog.view(*key))]
    wanted = predicate(aggregation.get("query"), catalog.scope)
    return measured([view for view in views if wanted(view)], aggregation["calculationSpec"])
