"""Faults that the stand-in Cursor commits on request, and its rate limits."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from portcfg.emulator.cursor_asking import Refusal, refusal

PER_MINUTE = {"/teams/filtered-usage-events": 60}
OTHERS_PER_MINUTE = 20
ROW_KEYS = ("usageEvents", "data", "items", "teamMembers", "groups")
WEB_PAGE = "<!doctype html><html><head><title>Bad gateway</title></head><body><h1>502</h1></body></html>"

PageFault = tuple[str, int]  # a path and a page, as ("/teams/filtered-usage-events", 2)


@dataclass(frozen=True)
class CursorFaults:
    """What goes wrong, each off by default. `..._every=n` hits the nth, 2nth, ... request of the server's life.

    The faults of a path or a page happen whenever it is asked for, or the first `times` times when that is not 0.
    """

    too_many_every: int = 0
    retry_after: str = "1"  # of those 429 answers; "" leaves the header out
    server_error_every: int = 0
    server_error_status: int = 503
    drop_every: int = 0  # the connection ends in the middle of the body
    half_page: PageFault | None = None  # a whole HTTP answer with half the JSON
    missing_key: str | None = None  # a path that answers without usageEvents, data, items, ...
    html: str | None = None  # a path that answers 200 with a web page
    wrong_types: str | None = None  # a path that answers dates as other types than documented
    short_page: PageFault | None = None  # loses its last row, while the totals stay
    stuck_page: PageFault | None = None  # this page comes again for every later one, and there is always a next
    late_data: int = 0  # until this many requests were answered, the last day is only half there
    forbidden: frozenset[str] = frozenset()  # paths that answer 403
    times: int = 0


class DroppedResponse(Response):
    """Promises the whole body, sends half of it and goes away."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and half the body, never the end: the server then closes the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})


@dataclass
class Mischief:
    """The faults with their counters."""

    faults: CursorFaults
    requests: int = 0
    done: dict[str, int] = field(default_factory=dict)

    def before(self, path: str) -> None:
        """Count a request; refuse it when it is its turn."""
        self.requests += 1
        faults = self.faults
        if path in faults.forbidden:
            raise refusal(403, "Enterprise access required")
        if self._turn(faults.too_many_every):
            raise too_many(faults.retry_after)
        if self._turn(faults.server_error_every):
            raise refusal(faults.server_error_status, "An unexpected error occurred")

    def served_page(self, path: str, page: int) -> int:
        """The page whose rows are served for `page`."""
        stuck = self.faults.stuck_page
        return stuck[1] if stuck and stuck[0] == path and page > stuck[1] else page

    def is_early(self) -> bool:
        """Whether the last day's late data is still missing."""
        return self.requests <= self.faults.late_data

    def after(self, path: str, page: int, body: bytes) -> bytes:
        """The body with the faults of this path and page done to it."""
        faults = self.faults
        if self._due("missing_key", faults.missing_key == path):
            body = _edited(body, _without_rows)
        if self._due("wrong_types", faults.wrong_types == path):
            body = _edited(body, _with_wrong_types)
        if self._due("short_page", faults.short_page == (path, page)):
            body = _edited(body, _one_row_short)
        if faults.stuck_page and faults.stuck_page[0] == path and page >= faults.stuck_page[1]:
            body = _edited(body, lambda answer: _claim_more(answer, page))
        return body[: len(body) // 2] if self._due("half_page", faults.half_page == (path, page)) else body

    def response(self, path: str, body: bytes, headers: Mapping[str, str]) -> Response:
        """The answer: whole, a web page, or dropped half-way."""
        if self._due("html", self.faults.html == path):
            return Response(WEB_PAGE, media_type="text/html")
        kind = DroppedResponse if self._turn(self.faults.drop_every) else Response
        return kind(body, media_type="application/json", headers=headers)

    def _turn(self, every: int) -> bool:
        return every > 0 and self.requests % every == 0

    def _due(self, name: str, hit: bool) -> bool:
        if hit:
            self.done[name] = self.done.get(name, 0) + 1
        return hit and (self.faults.times == 0 or self.done[name] <= self.faults.times)


def too_many(retry_after: str) -> Refusal:
    """The 429 answer."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return refusal(429, "Rate limit exceeded. Please try again later.", headers)


class RateLimits:
    """A bucket per path, emptied when the clock's minute turns: 60 calls for events, 20 for every other path."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._minute = -1
        self._used: dict[str, int] = {}

    def charge(self, path: str) -> None:
        """Count a call to `path`; refuse it with 429 when the minute's calls are used up."""
        now = self._timer()
        if int(now // 60) != self._minute:
            self._minute, self._used = int(now // 60), {}
        self._used[path] = self._used.get(path, 0) + 1
        if self._used[path] > PER_MINUTE.get(path, OTHERS_PER_MINUTE):
            raise too_many(str(math.ceil(60 - now % 60)))


Answer = dict[str, Any]


def _edited(body: bytes, edit: Callable[[Answer], Answer]) -> bytes:
    return json.dumps(edit(json.loads(body))).encode()


def _row_key(answer: Answer) -> str:
    return next(key for key in ROW_KEYS if key in answer)


def _without_rows(answer: Answer) -> Answer:
    return {key: value for key, value in answer.items() if key != _row_key(answer)}


def _one_row_short(answer: Answer) -> Answer:
    return {**answer, _row_key(answer): answer[_row_key(answer)][:-1]}


def _with_wrong_types(answer: Answer) -> Answer:
    return {**answer, _row_key(answer): [_mistyped(row) for row in answer[_row_key(answer)]]}


def _mistyped(row: Answer) -> Answer:
    wrong: Answer = {}
    for key in ("date", "timestamp"):
        if key in row:
            wrong[key] = datetime.fromtimestamp(int(row[key]) / 1000, UTC).isoformat()
    for key in ("createdAt", "commitTs"):
        if row.get(key):
            wrong[key] = datetime.fromisoformat(row[key]).timestamp()
    return {**row, **(wrong or {"id": 12345, "email": None})}


def _claim_more(answer: Answer, page: int) -> Answer:
    if "items" in answer:
        return {**answer, "page": page, "totalCount": (page + 1) * int(answer["pageSize"])}
    if "pagination" not in answer:
        return answer
    paging = {**answer["pagination"], "hasNextPage": True}
    paging |= {"numPages": page + 1, "currentPage": page} if "numPages" in paging else {"page": page}
    return {**answer, "pagination": {**paging, **({"totalPages": page + 1} if "totalPages" in paging else {})}}
