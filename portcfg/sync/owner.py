"""Whose an entity is: Port keeps the User-Agent of its last writer as `$datasource` (port-api.md §3.8)."""

from __future__ import annotations

from typing import Any

from portcfg.client import segment
from portcfg.retry import USER_AGENT

_PROGRAM = USER_AGENT.partition("/")[0]


def user_agent(mapping: str) -> str:
    """How a sync of the mapping names itself when it writes entities."""
    return USER_AGENT + _mark(mapping)


def own_rules(mapping: str) -> list[dict[str, Any]]:
    """Search rules for the entities that a sync of the mapping, of any version, was the last to write."""
    return [
        {"property": "$datasource", "operator": "beginsWith", "value": f"{_PROGRAM}/"},
        {"property": "$datasource", "operator": "contains", "value": _mark(mapping)},
    ]


def _mark(mapping: str) -> str:
    # Without a `/` of its own, so that no mapping's mark is part of another's.
    return f"/{segment(mapping)}/exporter"
