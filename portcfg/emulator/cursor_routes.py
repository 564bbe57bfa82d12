"""The stand-in Cursor's routes: what was asked for, in the real answer's shape, as JSON bytes.

Every handler takes the feed, the request, the page to serve (a fault may serve another than asked) and whether the
last day is still early (a fault: half of its data has not arrived).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from portcfg.emulator.cursor_activity import DAY_MS, NUMBERS, midnight_ms
from portcfg.emulator.cursor_asking import (
    Ask,
    capped,
    day_of,
    event_millis,
    millis,
    positive,
    refusal,
    span,
)
from portcfg.emulator.cursor_feed import Feed, dumps
from portcfg.emulator.cursor_groups import cycle_of, group_answer, group_list
from portcfg.emulator.cursor_people import Person

Handler = Callable[[Feed, Ask, int, bool], bytes]
Pager = Callable[[int, int, int, int], tuple[int, list[bytes]]]
Wanted = Callable[[Person], bool]
Kept = Callable[[dict[str, Any]], bool]
PAGE_SIZE, LARGEST_PAGE = 100, 1000


def envelope(key: str, rows: Iterable[bytes], before: dict[str, Any], after: dict[str, Any]) -> bytes:
    """`{...before, key: [rows], ...after}` around rows that are JSON already."""
    head = dumps(before)[1:-1]
    tail = dumps(after)[1:-1]
    parts = [head, b'"' + key.encode() + b'":[' + b",".join(rows) + b"]", tail]
    return b"{" + b",".join(part for part in parts if part) + b"}"


def members(feed: Feed, ask: Ask, _page: int, _early: bool) -> bytes:
    """`{"teamMembers": [{id, name, email, role, isRemoved}]}`. People removed in an even month are listed no more."""
    today = ask.now.date()
    people = [person for person in feed.company.people if person.joined <= today]
    listed = [person for person in people if not (person.removed_by(today) and person.joined.month % 2 == 0)]
    return dumps({"teamMembers": [_member(person, today) for person in listed]})


def _member(person: Person, today: date) -> dict[str, Any]:
    head = {"id": person.id, "name": person.name, "email": person.email, "role": person.role}
    return {**head, "isRemoved": person.removed_by(today)}


def daily_usage(feed: Feed, ask: Ask, page: int, early: bool, wanted: Wanted = lambda _: True) -> bytes:
    """Rows per person and day. With `page` and `pageSize` (people): everybody, idle days too; without: active rows.

    Only of people who are `wanted`.
    """
    body = ask.object()
    start, end = capped(millis(body, "startDate"), millis(body, "endDate"))
    days = _days(feed, start, min(end, ask.now_ms))
    period = {"period": {"startDate": start, "endDate": end}}
    if "page" not in body or "pageSize" not in body:
        everybody = filter(wanted, feed.company.people)
        rows = (row for person in everybody for row in _usage_rows(feed, person, days, early))
        return envelope("data", (_only_active(row) for row in rows if b'"isActive":true' in row), {}, period)
    asked, size = positive(body, "page", 1), min(positive(body, "pageSize", PAGE_SIZE), LARGEST_PAGE)
    people = [p for p in feed.company.people if wanted(p) and any(p.is_member(day) for day in days)]
    rows = (r for person in people[(page - 1) * size : page * size] for r in _usage_rows(feed, person, days, early))
    return envelope("data", rows, {}, {**period, "pagination": _user_pages(asked, size, len(people))})


def _days(feed: Feed, start: int, end: int) -> list[date]:
    first, last = max(day_of(start), feed.company.start), min(day_of(end), feed.company.end)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _usage_rows(feed: Feed, person: Person, days: list[date], early: bool) -> Iterable[bytes]:
    for day in days:
        row = feed.usage(day).usage.get(person.id)
        if row:
            yield _half_there(row) if early and day == feed.company.end else row


def _half_there(row: bytes) -> bytes:
    whole = json.loads(row)
    return dumps({**whole, **{name: whole[name] // 2 for name in NUMBERS}})


def _only_active(row: bytes) -> bytes:
    return row.replace(b'"isActive":true,', b"")


def _user_pages(page: int, size: int, users: int) -> dict[str, Any]:
    pages = -(-users // size)
    counts = {"page": page, "pageSize": size, "totalUsers": users, "totalPages": pages}
    return {**counts, "hasNextPage": page < pages, "hasPreviousPage": page > 1}


def usage_events(feed: Feed, ask: Ask, page: int, early: bool, keep: Kept | None = None) -> bytes:
    """Usage events from `startDate` to `endDate`, both included to the millisecond, newest first; those to `keep`."""
    body = ask.object()
    end = event_millis(body, "endDate", ask.now_ms)
    start, end = capped(event_millis(body, "startDate", end - 30 * DAY_MS), end)
    asked, size = positive(body, "page", 1), min(positive(body, "pageSize", PAGE_SIZE), LARGEST_PAGE)
    last = min(end, ask.now_ms, _early_end(feed) if early else end)
    pager = _matching(feed, body)
    pager = _filtered(pager, lambda row: keep(json.loads(row))) if keep else pager
    total, rows = pager(start, last, (page - 1) * size, size)
    pages = -(-total // size)
    paging = {"numPages": pages, "currentPage": asked, "pageSize": size}
    paging |= {"hasNextPage": asked < pages, "hasPreviousPage": asked > 1}
    before = {"totalUsageEventsCount": total, "pagination": paging}
    return envelope("usageEvents", rows, before, {"period": {"startDate": start, "endDate": end}})


def _early_end(feed: Feed) -> int:
    return midnight_ms(feed.company.end) + DAY_MS // 2 - 1


def _matching(feed: Feed, body: dict[str, Any]) -> Pager:
    """The events' pager, or one over those that match the `email`, `userId`, ... filters (all must match)."""
    names = ("serviceAccountId", "cloudAgentId", "automationId")
    wanted: dict[str, Any] = {name: body[name] for name in names if name in body}
    emails = {"email": body["email"]} if "email" in body else {}
    if "userId" in body:
        emails["userId"] = next((p.email for p in feed.company.people if p.id == str(body["userId"])), "")
    if not wanted and not emails:
        return feed.events
    return _filtered(feed.events, lambda row: _matches(json.loads(row), wanted, set(emails.values())))


def _matches(event: dict[str, Any], wanted: dict[str, Any], emails: set[Any]) -> bool:
    mine = event.get("userEmail", "").strip().lower()
    if any(str(email).strip().lower() != mine for email in emails):
        return False
    return all(event.get(name) == value or (value == "*" and name in event) for name, value in wanted.items())


def _filtered(pager: Pager, keep: Callable[[bytes], bool]) -> Pager:
    def pages(start: int, end: int, skip: int, take: int) -> tuple[int, list[bytes]]:
        rows = [row for row in pager(start, end, 0, 10**9)[1] if keep(row)]
        return len(rows), rows[skip : skip + take]

    return pages


def commits(feed: Feed, ask: Ask, page: int, early: bool) -> bytes:
    """`{"items": [commit], totalCount, page, pageSize}`, by `createdAt`, newest first."""
    return _items(feed, ask, page, early, feed.commits)


def changes(feed: Feed, ask: Ask, page: int, early: bool) -> bytes:
    """`{"items": [change], totalCount, page, pageSize}`, by `createdAt`, newest first."""
    return _items(feed, ask, page, early, feed.changes)


def _items(feed: Feed, ask: Ask, page: int, early: bool, pager: Pager) -> bytes:
    start, end = span(ask)
    asked, size = positive(ask.query, "page", 1), min(positive(ask.query, "pageSize", PAGE_SIZE), LARGEST_PAGE)
    if "user" in ask.query:
        pager = _filtered(pager, _of_user(feed, ask.query["user"]))
    last = min(end, ask.now_ms, _early_end(feed) if early else end)
    total, rows = pager(start, last, (page - 1) * size, size)
    return envelope("items", rows, {}, {"totalCount": total, "page": asked, "pageSize": size})


def _of_user(feed: Feed, user: str) -> Callable[[bytes], bool]:
    wanted = user.strip().lower()
    for person in feed.company.people:
        if wanted in (person.email, person.id.lower()):
            return lambda row: json.loads(row)["userId"] == person.id
    raise refusal(400, "Some users are not in the team")


def groups(feed: Feed, ask: Ask, _page: int, _early: bool) -> bytes:
    """`{"groups": [...], "unassignedGroup": {...}, "billingCycle": {cycleStart, cycleEnd}}` of one billing cycle."""
    return dumps(group_list(feed, cycle_of(ask), ask.now))


def group(feed: Feed, ask: Ask, _page: int, _early: bool) -> bytes:
    """`{"group": {...}, "billingCycle": {...}}`, the current members with their `dailySpend`; 404 for an unknown id."""
    answer = group_answer(feed, cycle_of(ask), ask.now, ask.path.rsplit("/", 1)[1])
    if answer is None:
        raise refusal(404, "Resource not found")
    return dumps(answer)
