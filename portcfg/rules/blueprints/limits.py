"""PC225: limits that no value can keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.rules.blueprints.properties import described
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# (lower, upper, whether the two may be the same)
PAIRS = (
    ("minimum", "maximum", True),
    ("minLength", "maxLength", True),
    ("minItems", "maxItems", True),
    ("exclusiveMinimum", "maximum", False),
    ("minimum", "exclusiveMaximum", False),
    ("exclusiveMinimum", "exclusiveMaximum", False),
)

LIMITS = frozenset(key for lower, upper, _ in PAIRS for key in (lower, upper))


def check(portal: Portal) -> Iterator[Found]:
    """Every entity with a value would be refused."""
    for document, path, called, body in described(portal):
        if not LIMITS & body.keys():
            continue
        for lower, upper, same in PAIRS:
            low, high = _number(body.get(lower)), _number(body.get(upper))
            if low is not None and high is not None and (low > high or (low == high and not same)):
                message = f"the {called} has {lower} {low} and {upper} {high}: no value is between them"
                yield Found(document, (*path, lower), message, "were the two exchanged?")
        for key in ("minLength", "maxLength", "minItems", "maxItems"):
            if (_number(body.get(key)) or 0) < 0:
                message = f"the {called} has {key} {body[key]}: nothing is shorter than 0"
                yield Found(document, (*path, key), message, "write 0 or more")


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


RULE = Rule("PC225", check)
