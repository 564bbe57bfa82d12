"""The thresholds of a number chart, as Port takes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.model import Path
from portcfg.rules.nearest import meant

OPERATORS = (">", ">=", "<", "<=", "=", "!=")
COLORS = (
    *("blue", "turquoise", "orange", "purple", "pink", "yellow", "green", "red", "gold", "silver", "paleBlue"),
    *("darkGray", "lightGray", "bronze", "lime", "olive", "brown"),
)
LONGEST = {"message": 50, "description": 200}


def condition_mistakes(value: Any) -> Iterator[tuple[Path, str, str]]:
    """(path, message, hint) of everything that Port refuses in `conditionalFormatting`."""
    if not isinstance(value, list):
        yield (), "thresholds are a list", "as in `[{operator: '>', value: 5, color: red}]`"
        return
    for index, each in enumerate(value):
        if not isinstance(each, dict):
            yield (index,), "a threshold is a mapping", "as in `{operator: '>', value: 5, color: red}`"
            continue
        for key in ("operator", "value"):
            if key not in each:
                yield (index,), f"the threshold has no `{key}`", "as in `{operator: '>', value: 5, color: red}`"
        for path, message, hint in _values(each):
            yield (index, *path), message, hint


def _values(each: dict[str, Any]) -> Iterator[tuple[Path, str, str]]:
    sign, number, color = each.get("operator", ">"), each.get("value", 0), each.get("color", "red")
    if sign not in OPERATORS:
        yield ("operator",), f"{sign!r} is no operator of thresholds", f"one of {', '.join(OPERATORS)}"
    if not isinstance(number, int | float) or isinstance(number, bool):
        yield ("value",), f"a threshold is a number, and this is {number!r}", "write it without quotes"
    if color not in COLORS:
        yield ("color",), f"{color!r} is no colour of Port's", meant(str(color), COLORS, "colours")
    for key, longest in LONGEST.items():
        text = each.get(key, "")
        if not isinstance(text, str) or len(text) > longest:
            yield (key,), f"`{key}` is text of at most {longest} characters", "make it shorter"
