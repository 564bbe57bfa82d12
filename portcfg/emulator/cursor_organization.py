"""The stand-in's organization routes (cursor-api.md §5): the same rows as a team's, each with the `teamId` of its team.

Every billing group's people are a Cursor team of their own here; what has no member's address belongs to the first.
`teamIds` (at most 100) and, for daily usage, `userEmail` (addresses between commas) narrow the answer; a team that the
organization hasn't is refused, which nothing published tells. An organization's key opens these routes only, and a
team's key others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from portcfg.emulator.cursor_activity import DAY_MS
from portcfg.emulator.cursor_asking import Ask, coded_refusal, positive
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
MOST_TEAMS = 100


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
    teams, addresses = _teams(body), _addresses(body)

    def wanted(person: Person) -> bool:
        return (teams is None or team_of(person) in teams) and (addresses is None or person.email in addresses)

    return _with_teams(feed, daily_usage(feed, replace(ask, body=body), page, early, wanted), "data", "email")


def organization_events(feed: Feed, ask: Ask, page: int, early: bool) -> bytes:
    """Usage events of every team, ten a page where nothing is said."""
    body = {"pageSize": 10, **_body(ask)}
    teams, known = _teams(body), _known_teams(feed)

    def of_teams(row: dict[str, Any]) -> bool:
        return teams is None or _team(row, "userEmail", known) in teams

    return _with_teams(
        feed, usage_events(feed, replace(ask, body=body), page, early, of_teams), "usageEvents", "userEmail"
    )


def _body(ask: Ask) -> dict[str, Any]:
    body = ask.object()
    if not body.get("organizationId"):
        raise coded_refusal(400, "organizationId is required")
    if body["organizationId"] != ORGANIZATION:
        raise coded_refusal(403, "Not authorized")
    return body


def _teams(body: Mapping[str, Any]) -> set[int] | None:
    """The teams asked for; None where all are meant."""
    asked = body.get("teamIds")
    if asked is None:
        return None
    if not isinstance(asked, list) or not all(type(team) is int for team in asked) or len(asked) > MOST_TEAMS:
        raise coded_refusal(400, f"teamIds must be an array of at most {MOST_TEAMS} numbers")
    if strangers := set(asked) - set(TEAM_IDS.values()):
        raise coded_refusal(400, f"Some teams are not in the organization: {min(strangers)}")
    return set(asked)


def _addresses(body: Mapping[str, Any]) -> set[str] | None:
    asked = body.get("userEmail")
    if asked is None:
        return None
    if not isinstance(asked, str):
        raise coded_refusal(400, "userEmail must be a string")
    return {address.strip().lower() for address in asked.split(",")}


def _with_teams(feed: Feed, answer: bytes, key: str, address: str) -> bytes:
    whole, known = json.loads(answer), _known_teams(feed)
    rows = [{"teamId": _team(row, address, known), **row} for row in whole[key]]
    return dumps({**whole, key: rows})


def _known_teams(feed: Feed) -> dict[str, int]:
    return {person.email: team_of(person) for person in feed.company.people}


def _team(row: Mapping[str, Any], address: str, known: Mapping[str, int]) -> int:
    return known.get(str(row.get(address, "")).strip().lower(), FIRST_TEAM)
