"""How far back mappings read, and how they make a property."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.rules.portal import Portal
from portcfg.rules.written import Written, config_of

# Of a group's rows: how many different ones, which may be the same ones in the next group.
DIFFERENT = frozenset({"count_distinct", "collect"})
DIFFERENT_MERGES = ("count_union", "union")


def window_days(portal: Portal) -> Mapping[str, int]:
    """The longest window that any resource of a blueprint has; 0 where one reads without a window, or isn't ours."""
    days: dict[str, int] = {}
    for written in portal.written:
        found = _days(written) if written.runs_here else 0
        known = days.get(written.blueprint, found)
        days[written.blueprint] = max(known, found) if known and found else 0
    return days


def counted_differently(portal: Portal) -> set[tuple[str, str]]:
    """(blueprint, property) of what counts different things of one day: people, files, repositories."""
    found = set(_merged(portal))
    for written in portal.written:
        aggregator = _aggregator(written)
        if written.section == "properties" and isinstance(aggregator, dict) and DIFFERENT & aggregator.keys():
            found.add((written.blueprint, written.name))
    return found


def _merged(portal: Portal) -> Iterator[tuple[str, str]]:
    for document in portal.of_kind("mapping"):
        for blueprint, rules in (config_of(document)[1].get("merge") or {}).items():
            yield from ((blueprint, name) for name, rule in rules.items() if rule in DIFFERENT_MERGES)


def _selector(written: Written) -> dict[str, Any]:
    index = written.resource[-1]
    resource = config_of(written.document)[1]["resources"][index]
    selector: dict[str, Any] = resource.get("selector") or {}
    return selector


def _days(written: Written) -> int:
    selector = _selector(written)
    streams = config_of(written.document)[1].get("streams") or {}
    stream = streams.get(selector.get("stream")) or {}
    window = selector.get("window") or stream.get("window") or {}
    days = window.get("days", 0)
    return days if isinstance(days, int) else 0


def _aggregator(written: Written) -> Any:
    """What the selector gathers under the name that the expression `.totals.users` reads."""
    value: Any = _selector(written).get("aggregate")
    for key in str(written.jq).strip().removeprefix(".").split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
