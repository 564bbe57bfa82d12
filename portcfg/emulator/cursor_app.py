"""The stand-in Cursor: the real endpoints' shapes over loopback HTTP, served from a synthetic company.

GET /teams/members, POST /teams/daily-usage-data, POST /teams/filtered-usage-events, GET /teams/groups[/id],
GET /analytics/ai-code/commits and /changes; GET /organizations/members and the two POST routes below /organizations.
Cursor's other routes answer 501, unknown ones 404.
"""

from __future__ import annotations

import base64
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portcfg.emulator import cursor_organization, cursor_routes
from portcfg.emulator.cursor_asking import EXTRA_PLAN, Ask, Refusal, coded_refusal, read_json, refusal
from portcfg.emulator.cursor_company import Company
from portcfg.emulator.cursor_faults import CursorFaults, Mischief, RateLimits
from portcfg.emulator.cursor_feed import Feed

LOG_SIZE = 10_000
CACHED_ROUTES = "/analytics/"
UNSERVED = (
    *("/teams/spend", "/teams/audit-logs", "/teams/directory-groups", "/teams/user-spend-limit"),
    *("/teams/remove-member", "/analytics/", "/organizations/", "/settings/", "/bugbot/", "/v0/", "/v1/"),
)
PATHS: dict[str, tuple[str, cursor_routes.Handler]] = {
    "/teams/members": ("GET", cursor_routes.members),
    "/teams/daily-usage-data": ("POST", cursor_routes.daily_usage),
    "/teams/filtered-usage-events": ("POST", cursor_routes.usage_events),
    "/teams/groups": ("GET", cursor_routes.groups),
    "/teams/groups/{group}": ("GET", cursor_routes.group),
    "/analytics/ai-code/commits": ("GET", cursor_routes.commits),
    "/analytics/ai-code/changes": ("GET", cursor_routes.changes),
    "/organizations/members": ("GET", cursor_organization.members),
    "/organizations/daily-usage-data": ("POST", cursor_organization.organization_usage),
    "/organizations/filtered-usage-events": ("POST", cursor_organization.organization_events),
}
ENTERPRISE = ("/analytics/", "/teams/groups", "/teams/audit-logs", "/organizations/")


class Logged(NamedTuple):
    """A request as the log keeps it: `asked` is the JSON body of a POST, otherwise the query."""

    method: str
    path: str
    asked: Any
    status: int


class CursorServer:
    """One stand-in: the company's feed with this server's key, plan, faults, limits and log."""

    def __init__(self, feed: Feed, api_key: str, enterprise: bool, faults: CursorFaults) -> None:
        self.feed = feed
        self.enterprise = enterprise
        self.mischief = Mischief(faults)
        self.limits: RateLimits | None = None
        self.log: deque[Logged] = deque(maxlen=LOG_SIZE)
        self.clock: Callable[[], datetime] = lambda: _end_of(feed.company)
        self._login = basic_login(api_key)
        self.organization_login = self._login

    async def handle(self, request: Request) -> Response:
        """Answer one request to any path, and log it."""
        body = read_json(await request.body())
        ask = Ask(request.url.path, dict(request.query_params), body, self.clock())
        try:
            response = self._answer(request, ask)
        except Refusal as refused:
            response = JSONResponse(refused.body, refused.status, refused.headers)
        asked = body if request.method == "POST" else dict(ask.query)
        self.log.append(Logged(request.method, ask.path, asked, response.status_code))
        return response

    def _answer(self, request: Request, ask: Ask) -> Response:
        self._admit(request, ask.path)
        self.mischief.before(ask.path)
        page = ask.page
        served = self.mischief.served_page(ask.path, page)
        early = self.mischief.is_early()
        route = _handler(request.method, ask.path)
        body = self.mischief.after(ask.path, page, route(self.feed, ask, served, early))
        headers = _cache_headers(body) if ask.path.startswith(CACHED_ROUTES) else {}
        if headers and request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        if self.limits:
            self.limits.charge(ask.path)
        return self.mischief.response(ask.path, body, headers)

    def _admit(self, request: Request, path: str) -> None:
        of_organization = path.startswith(cursor_organization.PREFIX)
        expected = self.organization_login if of_organization else self._login
        if request.headers.get("authorization") != expected:
            raise coded_refusal(401, f"Invalid {'Organization' if of_organization else 'Team'} API Key")
        if not self.enterprise and path.startswith(ENTERPRISE):
            raise coded_refusal(401, EXTRA_PLAN)


def basic_login(api_key: str) -> str:
    """The Authorization header: the key as the user name, an empty password."""
    return "Basic " + base64.b64encode(f"{api_key}:".encode()).decode()


def _handler(method: str, path: str) -> cursor_routes.Handler:
    known = PATHS.get("/teams/groups/{group}" if path.startswith("/teams/groups/") else path)
    if known and known[0] == method:
        return known[1]
    if path.startswith(UNSERVED):
        raise refusal(501, f"{method} {path} is a route of Cursor's that this stand-in does not serve")
    raise refusal(404, "Resource not found")


def _cache_headers(body: bytes) -> dict[str, str]:
    return {"ETag": f'"{sha256(body).hexdigest()[:32]}"', "Cache-Control": "public, max-age=900"}


def _end_of(company: Company) -> datetime:
    day = company.end
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, milliseconds=-1)


def cursor_app(
    company: Company,
    *,
    api_key: str = "local",
    organization_key: str = "",
    enterprise: bool = True,
    faults: CursorFaults | None = None,
    rate_limit: bool = False,
    clock: Callable[[], datetime] | None = None,
    timer: Callable[[], float] = time.time,
    cache_rows: int = 150_000,
) -> Starlette:
    """The stand-in Cursor for `company`; `app.state.log` lists the requests, `app.state.server` is the server.

    `api_key` is the Basic user name (the password is empty), and so is `organization_key` for the organization's routes
    (`api_key` where empty). Without `enterprise`, groups and analytics answer 401.
    `clock` is the present that `now` and `7d` mean and after which nothing is known: by default the last millisecond of
    the company's last day. `timer` turns the minutes of the rate limits.
    Days are generated when asked for and kept up to about `cache_rows` rows of a kind (half a kilobyte each).
    """
    server = CursorServer(Feed(company, cache_rows), api_key, enterprise, faults or CursorFaults())
    server.organization_login = basic_login(organization_key or api_key)
    server.clock = clock or server.clock
    server.limits = RateLimits(timer) if rate_limit else None
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", server.handle, methods=methods)])
    app.state.log = server.log
    app.state.server = server
    return app
