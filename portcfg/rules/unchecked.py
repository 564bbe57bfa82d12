"""Parts of Port's own JSON, whose shape nobody may have checked yet."""

from __future__ import annotations

from typing import Any

from portcfg.model import Body


def list_at(holder: Body, key: str) -> list[Any]:
    """What a mapping has under a key, [] where that is no list."""
    value = holder.get(key)
    return value if isinstance(value, list) else []


def mapping_at(holder: Body, key: str) -> Body:
    """What a mapping has under a key, {} where that is no mapping."""
    value = holder.get(key)
    return value if isinstance(value, dict) else {}
