"""How many entities match: asked of Port by routes that only read."""

from __future__ import annotations

from typing import Any

from portcfg.client import SEARCH_PAGE, PortReader, segment
from portcfg.kinds.risk_base import AtLeast, Count
from portcfg.model import Body


def counted(port: PortReader, count: Count) -> int | None:
    """The number, by one request; None for an answer that holds none. Raises ApiError."""
    if not count.rules:
        return _number(port.get(f"/blueprints/{segment(count.blueprint)}/entities-count").get("count"))
    if any("relation" in rule for rule in count.rules):
        return _first_page(port, count)
    of_blueprint = {"property": "$blueprint", "operator": "=", "value": count.blueprint}
    query = {"combinator": "and", "rules": [of_blueprint, *count.rules]}
    return _number(port.query("/entities/aggregate", {"func": "count", "query": query}).get("result"))


def _first_page(port: PortReader, count: Count) -> int | None:
    """Only the search in one blueprint takes rules on relations, and it doesn't count: the first page must do."""
    query = {"combinator": "and", "rules": list(count.rules)}
    body: Body = {"limit": SEARCH_PAGE, "include": ["$identifier"], "query": query}
    page = port.query(f"/blueprints/{segment(count.blueprint)}/entities/search", body)
    if not isinstance(page.get("entities"), list):
        return None
    return AtLeast(len(page["entities"])) if page.get("next") else len(page["entities"])


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
