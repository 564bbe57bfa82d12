"""The numbers of a plan's impacts, asked of Port by routes that only read: one request a count, none without impact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portcfg.client import SEARCH_PAGE, PortReader, segment
from portcfg.errors import ApiError, TransientApiError
from portcfg.model import Body, Plan, State
from portcfg.risk import AtLeast, Count, Impact, Risks, plan_impacts


def assess(plan: Plan, live: State, port: PortReader) -> Risks:
    """The impacts of a plan's steps, counted."""
    found = plan_impacts(plan, live)
    return Risks(found, count_impacts(port, (impact for parts in found.values() for impact in parts)))


def count_impacts(port: PortReader, impacts: Iterable[Impact]) -> dict[Count, int | None]:
    """How many entities each impact concerns; None where Port doesn't say, for want of a permission say.

    A plan is worth having without its numbers, so no error stops it; a Port that can't be reached is asked once.
    """
    counts: dict[Count, int | None] = {}
    reachable = True
    for impact in impacts:
        if impact.count is not None and impact.count not in counts:
            counts[impact.count] = None
            try:
                if reachable:
                    counts[impact.count] = _counted(port, impact.count)
            except TransientApiError:
                reachable = False
            except ApiError:
                pass
    return counts


def _counted(port: PortReader, count: Count) -> int | None:
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
