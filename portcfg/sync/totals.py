"""What a person compares with the source's own dashboard: sums by UTC day over what Port has after a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

from portcfg.sync.compare import day_property
from portcfg.sync.entities import instant
from portcfg.sync.fragments import Entity, plain_number
from portcfg.sync.report import DayTotals


def day_totals(entities: Iterable[Entity], blueprint: Mapping[str, Any], names: Sequence[str]) -> list[DayTotals]:
    """One a day, by the blueprint's required date-time property; nothing for a blueprint without one.

    A property that no entity of the day has a number for is left out.
    """
    by_day: dict[str, list[Entity]] = {}
    moment_of = day_property(blueprint)
    for entity in entities if moment_of else ():
        moment = instant(str(entity.properties.get(moment_of)))
        if moment:
            by_day.setdefault(moment.astimezone(UTC).date().isoformat(), []).append(entity)
    return [
        DayTotals(blueprint["identifier"], day, len(found), _sums(found, names))
        for day, found in sorted(by_day.items())
    ]


def _value(properties: Mapping[str, Any], path: str) -> Any:
    """A property, or by `property.key` what an object has there."""
    name, _, below = path.partition(".")
    value = properties.get(name)
    if not below:
        return value
    return _value(value, below) if isinstance(value, dict) else None


def _sums(entities: Sequence[Entity], names: Sequence[str]) -> dict[str, int | float]:
    numbers = {name: [_value(item.properties, name) for item in entities] for name in names}
    return {
        name: plain_number(sum((Decimal(repr(value)) for value in known), Decimal()))
        for name, values in numbers.items()
        if (known := [value for value in values if isinstance(value, int | float)])
    }
