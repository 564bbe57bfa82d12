"""What the offline checks of a mapping share: how a finding looks, and how to read a body of any shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portcfg.model import Path

# (path, message, hint)
Finding = tuple[Path, str, str]


def as_mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, else an empty one: wrong shapes are reported by the JSON Schema."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
