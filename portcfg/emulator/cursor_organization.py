"""The stand-in's organization routes (cursor-api.md §5): the same rows as a team's, each with the `teamId` of its team.

Every billing group's people are a Cursor team of their own here; what has no member's address belongs to the first.
Filters by `teamIds` and `userEmail` answer 501. An organization's key opens these routes only, and a team's key others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from portcfg.emulator.cursor_activity import DAY_MS
from portcfg.emulator.cursor_asking import Ask, coded_refusal, positive, refusal
from portcfg.emulator.cursor_feed import Feed, dumps
from portcfg.emulator.cursor_people import TEAMS, Person
from portcfg.emulator.cursor_routes import daily_usage, usage_events

PREFIX = "/organizations/"
ORGANIZATION = "org_01HEXAMPLE"
FIRST_TEAM = 7
TEAM_IDS: Mapping[str, int] = {name: FIRST_TEAM + number for number, name in enumerate(TEAMS)}
FIRST_USER = 10_001
WEEK = 7 * DAY_MS
LARGEST_MEMBERS_PAGE = 200
UNSERVED_FILTERS = ("teamIds", "userEmail")


def team_of(person: Person) -> int:
    """The id of the Cursor team that a person is in."""
    return TEAM_IDS.get(person.team, FIRST_TEAM)


def members(feed: Feed, ask: Ask, page: int, _early: bool) -> bytes:
    """`{"members": [{userId, email, name, organizationRole, teams}], pagination}`; at most 200 a page."""
    asked, size = positive(ask.query, "page", 1), positive(ask.query, "pageSize", LARGEST_MEMBERS_PAGE)
    size = min(size, LARGEST_MEMBERS_PAGE)
    today = ask.now.date()
    people = [(n, person) for n, person in enumerate(feed.company.people, FIRST_USER) if person.is_member(today)]
    rows = [_member(number, person) for number, person in people[(page - 1) * size : page * size]]
    pages = -(-len(people) // size)
    paging = {"page": asked, "pageSize": size, "totalCount": len(people), "totalPages": pages}
    return dumps(
        {"members": rows, "pagination": {**paging, "hasNextPage": asked < pages, "hasPreviousPage": asked > 1}}
    )


def _member(number: int, person: Person) -> dict[str, Any]:
    head = {"userId": number, "email": person.email, "name": person.name}
    role = "owner" if person.role == "owner" else "member"
    teams = [{"teamId": team_of(person), "teamRole": role}]
    return {**head, "organizationRole": "admin" if role == "owner" else "member", "teams": teams}


def organization_usage(feed: Feed, ask: Ask, page: int, early: bool) -> bytes:
    """Daily usage of every team, always paged."""
    body = {"startDate": ask.now_ms - WEEK, "endDate": ask.now_ms, "page": 1, "pageSize": 1000, **_body(ask)}
    return _with_teams(feed, daily_usage(feed, replace(ask, body=body), page, early), "data", "email")


def organization_events(feed: Feed, ask: Ask, page: int, early: bool) -> bytes:
    """Usage events of every team, ten a page where nothing is said."""
    answer = usage_events(feed, replace(ask, body={"pageSize": 10, **_body(ask)}), page, early)
    return _with_teams(feed, answer, "usageEvents", "userEmail")


def _body(ask: Ask) -> dict[str, Any]:
    body = ask.object()
    if not body.get("organizationId"):
        raise coded_refusal(400, "organizationId is required")
    if body["organizationId"] != ORGANIZATION:
        raise coded_refusal(403, "Not authorized")
    if filters := [name for name in UNSERVED_FILTERS if name in body]:
        raise refusal(501, f"this stand-in does not filter by {filters[0]}")
    return body


def _with_teams(feed: Feed, answer: bytes, key: str, address: str) -> bytes:
    whole = json.loads(answer)
    teams = {person.email: team_of(person) for person in feed.company.people}
    rows = [{"teamId": teams.get(str(row.get(address, "")).strip().lower(), FIRST_TEAM), **row} for row in whole[key]]
    return dumps({**whole, key: rows})
