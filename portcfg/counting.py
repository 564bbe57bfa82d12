"""How many entities match: asked of Port by routes that only read."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from portcfg.client import SEARCH_PAGE, PortReader, segment
from portcfg.kinds.risk_base import AtLeast, Count
from portcfg.model import Body

AGGREGATE = "/entities/aggregate"
_COUNT = re.compile(r"/blueprints/([^/]+)/entities-count")
_SEARCH = re.compile(r"/blueprints/([^/]+)/entities/search")


def counted(port: PortReader, count: Count) -> int | None:
    """The number, by one request; None for an answer that holds none. Raises ApiError."""
    path, body = request_of(count)
    if body is None:
        return _number(port.get(path).get("count"))
    answer = port.query(path, body)
    return _number(answer.get("result")) if path == AGGREGATE else _first_page(answer)


def request_of(count: Count) -> tuple[str, Body | None]:
    """The path, and the body of a POST; None for a GET."""
    if not count.rules:
        return f"/blueprints/{segment(count.blueprint)}/entities-count", None
    if any("relation" in rule for rule in count.rules):
        # Only the search in one blueprint takes rules on relations, and it doesn't count: the first page must do.
        query = {"combinator": "and", "rules": list(count.rules)}
        body: Body = {"limit": SEARCH_PAGE, "include": ["$identifier"], "query": query}
        return f"/blueprints/{segment(count.blueprint)}/entities/search", body
    of_blueprint = {"property": "$blueprint", "operator": "=", "value": count.blueprint}
    return AGGREGATE, {"func": "count", "query": {"combinator": "and", "rules": [of_blueprint, *count.rules]}}


def count_of(path: str, body: Body | None) -> Count | None:
    """What `request_of` makes a request from; None for any other request."""
    count = _counted_by_get(path) if body is None else searched_of(path, body) or _aggregated(body)
    return count if count and request_of(count) == (path, body) else None


def searched_of(path: str, body: Body) -> Count | None:
    """The entities that a search in one blueprint asks for; None for any other request."""
    found = _SEARCH.fullmatch(path)
    return Count(unquote(found[1]), _rules(body)) if found else None


def _counted_by_get(path: str) -> Count | None:
    found = _COUNT.fullmatch(path)
    return Count(unquote(found[1])) if found else None


def _aggregated(body: Body) -> Count | None:
    of_blueprint, *rules = _rules(body) or ({},)
    return Count(str(of_blueprint.get("value")), tuple(rules))


def _rules(body: Body) -> tuple[Body, ...]:
    return tuple((body.get("query") or {}).get("rules") or ())


def answer_of(count: Count, number: int) -> Body:
    """What Port answers to `request_of` where so many entities match, but for the entities themselves."""
    if not count.rules:
        return {"count": number}
    if not any("relation" in rule for rule in count.rules):
        return {"result": number}
    return {"entities": [{}] * number, **({"next": "more"} if isinstance(number, AtLeast) else {})}


def _first_page(page: Body) -> int | None:
    if not isinstance(page.get("entities"), list):
        return None
    return AtLeast(len(page["entities"])) if page.get("next") else len(page["entities"])


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
