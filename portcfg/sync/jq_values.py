"""jq's operators and functions on Python's JSON values, for what is common. All else raises UnsureError: libjq decides.

So nothing here knows jq's error messages, its order of mixed types, or how it prints a number: a row with such a case
is run by libjq.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

# jq's numbers are doubles: beyond this not every whole number is one.
EXACT = 2**53
LAST_SECOND = 253_402_300_799
WHITE_SPACE = "".join(
    map(
        chr,
        (*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
    )
)
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,9})?", re.ASCII)
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code + 32: code for code in _LOWER}


class UnsureError(Exception):
    """A case that libjq has to decide."""


def number(value: Any) -> int | float:
    """`value` if it is a number that Python and jq see alike."""
    if type(value) is int and -EXACT <= value <= EXACT:
        return value
    if type(value) is float and -EXACT <= value <= EXACT:
        return value
    raise UnsureError


def text(value: Any) -> str:
    """`value` if it is a string."""
    if type(value) is str:
        return value
    raise UnsureError


def output(value: Any) -> Any:
    """A result as libjq hands it out: whole floats as integers, below containers, too."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is int:
        return number(value)
    if kind is float:
        whole = int(number(value))
        return whole if whole == value else value
    if kind is dict:
        return {key: output(part) for key, part in value.items()}
    return [output(part) for part in value]


def truth(value: Any) -> bool:
    """jq's: everything but false and null."""
    return value is not None and value is not False


def add(left: Any, right: Any) -> Any:
    """`left + right`"""
    if left is None:
        return right
    if right is None:
        return left
    kind = type(left)
    if kind is str and type(right) is str:
        return left + right
    if kind is dict and type(right) is dict:
        return {**left, **right}
    if kind is list and type(right) is list:
        return left + right
    return number(number(left) + number(right))


def subtract(left: Any, right: Any) -> Any:
    """`left - right` of numbers."""
    return number(number(left) - number(right))


def multiply(left: Any, right: Any) -> Any:
    """`left * right` of numbers."""
    return number(number(left) * number(right))


def divide(left: Any, right: Any) -> Any:
    """`left / right` of numbers."""
    divisor = number(right)
    if not divisor:
        raise UnsureError
    return number(number(left) / divisor)


def equal(left: Any, right: Any) -> bool:
    """`left == right`: 1 equals 1.0 and not true."""
    kind, other = type(left), type(right)
    if kind is dict and other is dict:
        return left.keys() == right.keys() and all(equal(part, right[key]) for key, part in left.items())
    if kind is list and other is list:
        return len(left) == len(right) and all(map(equal, left, right))
    if kind in (int, float) and other in (int, float):
        return number(left) == number(right)
    return kind is other and bool(left == right)


def less(left: Any, right: Any) -> bool:
    """`left < right` of two numbers or two strings; jq orders strings by code point, as Python does."""
    if type(left) is str and type(right) is str:
        return left < right
    return number(left) < number(right)


def index(value: Any, key: Any) -> Any:
    """`value[key]`: a name in an object, a place in an array; null holds nothing."""
    if value is None and type(key) in (str, int):
        return None
    if type(value) is dict and type(key) is str:
        return value.get(key)
    if type(value) is list and type(key) is int:
        return value[key] if -len(value) <= key < len(value) else None
    raise UnsureError


def _length(value: Any) -> int:
    if value is None:
        return 0
    if type(value) in (str, dict, list):
        return len(value)
    raise UnsureError


def _floor(value: Any) -> int:
    return int(number(value) // 1)


def _round(value: Any) -> int:
    # Halves go away from zero; the difference to the next lower integer is exact in doubles.
    size = abs(number(value))
    whole = int(size)
    rounded = whole + 1 if size - whole >= 0.5 else whole
    return rounded if value >= 0 else -rounded


def _to_number(value: Any) -> int | float:
    if type(value) is str:
        if not _NUMBER.fullmatch(value):
            raise UnsureError
        return float(value) if "." in value else int(value)
    return number(value)


def to_text(value: Any) -> str:
    """`tostring`, which `\\(...)` uses, too."""
    if type(value) is str:
        return value
    if value is None or type(value) is bool:
        return {None: "null", True: "true", False: "false"}[value]
    if type(value) is int and abs(value) <= EXACT:
        return str(value)
    raise UnsureError


@lru_cache(maxsize=10_000)
def _date(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _to_date(value: Any) -> str:
    if type(value) is not int or not 0 <= value <= LAST_SECOND:
        raise UnsureError
    return _date(value)


def _lower(value: Any) -> str:
    return text(value).translate(_LOWER)


def _upper(value: Any) -> str:
    return text(value).translate(_UPPER)


def _trimmed(value: Any) -> str:
    return text(value).strip(WHITE_SPACE)


def _type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _sum(value: Any) -> Any:
    if type(value) is not list:
        raise UnsureError
    total = None
    for part in value:
        total = add(total, part)
    return total


def _not(value: Any) -> bool:
    return not truth(value)


def _first(value: Any) -> Any:
    return index(value, 0)


def _last(value: Any) -> Any:
    return index(value, -1)


# Functions of the input alone.
PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "add": _sum,
    "ascii_downcase": _lower,
    "ascii_upcase": _upper,
    "first": _first,
    "floor": _floor,
    "last": _last,
    "length": _length,
    "not": _not,
    "round": _round,
    "todate": _to_date,
    "tonumber": _to_number,
    "tostring": to_text,
    "trim": _trimmed,
    "type": _type,
}


def _starts(value: Any, start: Any) -> bool:
    return text(value).startswith(text(start))


def _ends(value: Any, end: Any) -> bool:
    return text(value).endswith(text(end))


def _without_start(value: Any, start: Any) -> str:
    return text(value).removeprefix(text(start))


def _without_end(value: Any, end: Any) -> str:
    return text(value).removesuffix(text(end))


def _split(value: Any, separator: Any) -> list[str]:
    if not text(separator) or not text(value):
        raise UnsureError
    parts: list[str] = value.split(separator)
    return parts


def _joined(value: Any, separator: Any) -> str:
    if type(value) is not list:
        raise UnsureError
    return text(separator).join(map(text, value))


# Functions of the input and one value.
WITH_VALUE: Mapping[str, Callable[[Any, Any], Any]] = {
    "endswith": _ends,
    "join": _joined,
    "ltrimstr": _without_start,
    "rtrimstr": _without_end,
    "split": _split,
    "startswith": _starts,
}
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": less,
    ">": lambda left, right: less(right, left),
    "<=": lambda left, right: not less(right, left),
    ">=": lambda left, right: not less(left, right),
}
