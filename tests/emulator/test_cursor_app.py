"""The stand-in Cursor over HTTP: paging, bounds, caps, refusals, caching, rate limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import synthetic_company
from portcfg.emulator.server import serving

SAMPLES = Path(__file__).parents[1] / "data" / "cursor-samples"
COMPANY = synthetic_company(end=date(2026, 3, 31))
END_MS = int(datetime(2026, 4, 1, tzinfo=UTC).timestamp() * 1000) - 1
DAY_MS = 86_400_000
WEEK = {"startDate": END_MS + 1 - 7 * DAY_MS, "endDate": END_MS}
WEEK_DAYS = COMPANY.days()[-7:]
DAILY, EVENTS = "/teams/daily-usage-data", "/teams/filtered-usage-events"
COMMITS, CHANGES = "/analytics/ai-code/commits", "/analytics/ai-code/changes"
Ask = Callable[..., requests.Response]


def asking(url: str, session: requests.Session) -> Ask:
    def ask(path: str, asked: Any = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if path.startswith("/teams/") and asked is not None:
            return session.post(url + path, json=asked, headers=named, timeout=10)
        return session.get(url + path, params=asked, headers=named, timeout=10)

    return ask


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.auth = ("local", "")
        yield session


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(cursor_app(COMPANY)) as url:
        yield url


@pytest.fixture(scope="module")
def ask(url: str, session: requests.Session) -> Ask:
    return asking(url, session)


def known_error(answer: requests.Response) -> bool:
    """Whether the answer is one of the recorded error bodies, status and all."""
    recorded = json.loads((SAMPLES / "errors.json").read_text())
    return any((e["status"], e["body"]) == (answer.status_code, answer.json()) for e in recorded)


def read_events(ask: Ask, body: dict[str, Any], size: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for page in range(1, 1000):
        answer = ask(EVENTS, {**body, "page": page, "pageSize": size}).json()
        rows += answer["usageEvents"]
        assert answer["pagination"]["hasPreviousPage"] is (page > 1)
        if not answer["pagination"]["hasNextPage"]:
            assert len(rows) == answer["totalUsageEventsCount"]
            assert answer["pagination"]["numPages"] == (page if rows else 0)
            return rows
        assert len(answer["usageEvents"]) == size
    raise AssertionError("no last page")


def read_items(ask: Ask, path: str, size: int, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for page in range(1, 1000):
        answer = ask(path, {**query, "page": page, "pageSize": size}).json()
        rows += answer["items"]
        assert set(answer) == {"items", "totalCount", "page", "pageSize"}
        if page * size >= answer["totalCount"]:
            assert len(rows) == answer["totalCount"]
            return rows
    raise AssertionError("no last page")


@pytest.mark.parametrize("size", [37, 100, 1000])
def test_event_pages_hold_every_event_once_and_newest_first(ask: Ask, size: int) -> None:
    expected = [event for day in reversed(WEEK_DAYS) for event in COMPANY.day(day).events]
    assert read_events(ask, WEEK, size) == expected


def test_event_pages_past_the_end_are_empty(ask: Ask) -> None:
    answer = ask(EVENTS, {**WEEK, "page": 99, "pageSize": 1000}).json()
    assert answer["usageEvents"] == []
    assert answer["pagination"]["hasNextPage"] is False and answer["pagination"]["currentPage"] == 99


def test_event_bounds_are_included_to_the_millisecond(ask: Ask) -> None:
    events = [event for day in WEEK_DAYS for event in reversed(COMPANY.day(day).events)]
    first, last = int(events[100]["timestamp"]), int(events[500]["timestamp"])
    inside = {"startDate": first, "endDate": last}
    expected = sum(first <= int(event["timestamp"]) <= last for event in events)
    assert len(read_events(ask, inside, 1000)) == expected
    assert len(read_events(ask, {"startDate": first + 1, "endDate": last - 1}, 1000)) < expected


def test_a_midnight_event_belongs_to_both_touching_windows(ask: Ask) -> None:
    midnight = next(
        int(event["timestamp"])
        for day in WEEK_DAYS[1:]
        for event in COMPANY.day(day).events
        if int(event["timestamp"]) % DAY_MS == 0
    )
    before = read_events(ask, {"startDate": midnight - DAY_MS, "endDate": midnight}, 1000)
    after = read_events(ask, {"startDate": midnight, "endDate": midnight + 1000}, 1000)
    assert [e for e in before if e["timestamp"] == str(midnight)] == [
        e for e in after if e["timestamp"] == str(midnight)
    ]


def test_events_default_to_pages_of_100_of_the_last_30_days(ask: Ask) -> None:
    answer = ask(EVENTS, {}).json()
    assert len(answer["usageEvents"]) == answer["pagination"]["pageSize"] == 100
    assert answer["period"] == {"startDate": END_MS - 30 * DAY_MS, "endDate": END_MS}


def test_event_filters(ask: Ask) -> None:
    person = COMPANY.people[1]
    mine = read_events(ask, {**WEEK, "email": person.email}, 100)
    assert mine and {event["userEmail"].strip().lower() for event in mine} == {person.email}
    assert read_events(ask, {**WEEK, "userId": person.id}, 100) == mine
    nightly = read_events(ask, {**WEEK, "serviceAccountId": COMPANY.accounts[0].id}, 100)
    assert nightly and {event["serviceAccountName"] for event in nightly} == {"nightly-bot"}
    assert read_events(ask, {**WEEK, "email": "nobody@example.com"}, 100) == []


def test_daily_pages_count_people_and_hold_everybody_every_day(ask: Ask) -> None:
    rows: list[dict[str, Any]] = []
    for page in range(1, 100):
        answer = ask(DAILY, {**WEEK, "page": page, "pageSize": 9}).json()
        assert len({row["userId"] for row in answer["data"]}) <= 9
        rows += answer["data"]
        if not answer["pagination"]["hasNextPage"]:
            break
    expected = {(row["userId"], row["day"]): row for day in WEEK_DAYS for row in COMPANY.day(day).usage}
    assert {(row["userId"], row["day"]): row for row in rows} == expected and len(rows) == len(expected)
    assert answer["pagination"]["totalUsers"] == len({user for user, _ in expected})
    assert answer["pagination"]["totalPages"] == page


def test_daily_without_paging_holds_active_rows_only(ask: Ask) -> None:
    answer = ask(DAILY, WEEK).json()
    assert set(answer) == {"data", "period"}
    active = sum(row["isActive"] for day in WEEK_DAYS for row in COMPANY.day(day).usage)
    assert len(answer["data"]) == active
    assert not any("isActive" in row for row in answer["data"])


def test_daily_end_at_the_next_midnight_brings_one_more_day(ask: Ask) -> None:
    start = WEEK["startDate"]
    days = {row["day"] for row in ask(DAILY, {"startDate": start, "endDate": start + DAY_MS}).json()["data"]}
    assert len(days) == 2


@pytest.mark.parametrize("path", [COMMITS, CHANGES])
def test_ai_code_pages_hold_every_item_once_newest_first(ask: Ask, path: str) -> None:
    made = COMPANY.commits if path == COMMITS else COMPANY.changes
    expected = [item for day in reversed(WEEK_DAYS) for item in made(day)]
    day = WEEK_DAYS[0].isoformat()
    assert read_items(ask, path, 50, startDate=day, endDate="2026-03-31") == expected
    assert read_items(ask, path, 1000, startDate=f"{day}T00:00:00.000Z", endDate="now") == expected


def test_relative_dates_count_from_the_clock(ask: Ask) -> None:
    assert ask(COMMITS, {"startDate": "7d", "endDate": "0d"}).json() == ask(COMMITS).json()
    assert ask(COMMITS, {"startDate": "0d"}).json()["totalCount"] == 0


def test_ai_code_of_one_user(ask: Ask) -> None:
    person = COMPANY.people[4]
    by_email = read_items(ask, COMMITS, 100, user=person.email)
    assert by_email and {item["userId"] for item in by_email} == {person.id}
    assert read_items(ask, COMMITS, 100, user=person.id) == by_email
    assert known_error(ask(COMMITS, {"user": "nobody@example.com"}))


@pytest.mark.parametrize("path", [EVENTS, DAILY])
def test_pages_are_capped_at_1000(ask: Ask, path: str) -> None:
    answer = ask(path, {**WEEK, "page": 1, "pageSize": 5000}).json()
    assert answer["pagination"]["pageSize"] == 1000
    assert ask(COMMITS, {"pageSize": 5000}).json()["pageSize"] == 1000


def test_ranges_are_capped_at_30_days(ask: Ask) -> None:
    long = {"startDate": END_MS - 31 * DAY_MS, "endDate": END_MS}
    days30 = {"startDate": END_MS + 1 - 30 * DAY_MS, "endDate": END_MS}
    for answer in (ask(DAILY, long), ask(EVENTS, long), ask(COMMITS, {"startDate": "31d"})):
        assert answer.status_code == 400 and known_error(answer)
    assert ask(DAILY, days30).status_code == ask(EVENTS, days30).status_code == 200
    assert ask(CHANGES, {"startDate": "30d"}).status_code == 200


@pytest.mark.parametrize("path", [DAILY, EVENTS])
def test_a_post_needs_an_object(url: str, session: requests.Session, ask: Ask, path: str) -> None:
    for answer in (session.post(url + path, timeout=10), ask(path, "text"), ask(path, [1])):
        assert answer.status_code == 400 and known_error(answer)


def test_dates_are_numbers(ask: Ask) -> None:
    text = {"startDate": "2026-03-01", "endDate": "2026-03-02"}
    assert ask(EVENTS, text).status_code == 500 and known_error(ask(EVENTS, text))
    assert ask(EVENTS, {"startDate": str(END_MS)}).status_code == 500
    assert ask(DAILY, text).status_code == 400
    assert ask(DAILY, {"endDate": END_MS}).status_code == 400
    assert ask(DAILY, {name: str(value) for name, value in WEEK.items()}).status_code == 200
    assert ask(COMMITS, {"startDate": "last week"}).status_code == 400


@pytest.mark.parametrize("page", [0, -1, "x", True])
def test_pages_are_positive_integers(ask: Ask, page: Any) -> None:
    assert ask(EVENTS, {**WEEK, "page": page}).status_code == 400


@pytest.mark.parametrize("path", ["/teams/members", COMMITS, "/teams/spend", "/elsewhere"])
def test_every_path_needs_the_key_as_user_name(url: str, path: str) -> None:
    for login in (None, ("other", ""), ("", "local"), ("local", "secret")):
        answer = requests.get(url + path, auth=login, timeout=10)
        assert answer.status_code == 401 and known_error(answer)
    assert requests.get(url + path, headers={"Authorization": "Bearer local"}, timeout=10).status_code == 401


def test_other_routes_of_cursor_answer_501_and_unknown_ones_404(ask: Ask) -> None:
    for path in (
        "/teams/spend",
        "/teams/audit-logs",
        "/analytics/team/models",
        f"{COMMITS}.csv",
        "/organizations/spend",
    ):
        answer = ask(path)
        assert answer.status_code == 501 and path in answer.json()["message"]
    assert ask("/elsewhere").status_code == 404 and known_error(ask("/elsewhere"))
    assert ask("/teams/groups/group_none").status_code == 404
    assert ask("/teams/members", {}).status_code == 404  # a POST


def test_members_tell_who_was_removed(ask: Ask) -> None:
    members = ask("/teams/members").json()["teamMembers"]
    assert {member["isRemoved"] for member in members} == {True, False}
    assert {"owner", "member"} <= {member["role"] for member in members}
    assert any(member["name"] == "" for member in members)
    gone = {p.id for p in COMPANY.people if p.removed_by(COMPANY.end)}
    assert gone - {member["id"] for member in members}, "some removed people are listed no more"


def test_a_mover_is_a_former_member_of_one_group_and_a_member_of_another(ask: Ask) -> None:
    groups = ask("/teams/groups?billingCycle=2026-03-20").json()
    former = {member["email"] for group in groups["groups"] for member in group["formerMembers"]}
    current = {member["email"] for group in groups["groups"] for member in group["currentMembers"]}
    assert former & current == {p.email for p in COMPANY.people if p.mover}
    assert groups["unassignedGroup"]["memberCount"] == len(groups["unassignedGroup"]["currentMembers"]) > 0
    for group in groups["groups"]:
        assert len({m["email"] for m in group["currentMembers"]}) == group["memberCount"]


def test_billing_cycles_turn_on_the_28th(ask: Ask) -> None:
    cycle = ask("/teams/groups?billingCycle=2026-03-27").json()["billingCycle"]
    assert cycle == {"cycleStart": "2026-02-28T12:08:08.000Z", "cycleEnd": "2026-03-28T12:08:08.000Z"}
    assert ask("/teams/groups").json()["billingCycle"]["cycleStart"] == cycle["cycleEnd"]
    assert ask("/teams/groups?billingCycle=x").status_code == 400


def test_a_single_group_equals_its_listing(ask: Ask) -> None:
    listed = ask("/teams/groups").json()["groups"][0]
    single = ask(f"/teams/groups/{listed['id']}").json()["group"]
    assert {key: single[key] for key in ("name", "spendCents", "memberCount")} == {
        key: listed[key] for key in ("name", "spendCents", "memberCount")
    }
    assert round(sum(member["spendCents"] for member in single["currentMembers"]), 6) == single["spendCents"] > 0


def test_without_the_enterprise_plan_only_usage_answers(session: requests.Session) -> None:
    with serving(cursor_app(COMPANY, enterprise=False)) as url:
        ask = asking(url, session)
        for path in ("/teams/groups", "/teams/groups/group_unassigned", COMMITS, CHANGES, "/analytics/team/models"):
            answer = ask(path)
            assert answer.status_code == 401 and known_error(answer) and "enterprise" in answer.json()["message"]
        assert ask("/teams/members").status_code == ask(DAILY, WEEK).status_code == ask(EVENTS, WEEK).status_code == 200


def test_ai_code_answers_304_to_its_etag(ask: Ask) -> None:
    first = ask(COMMITS)
    assert first.headers["Cache-Control"] == "public, max-age=900"
    again = ask(COMMITS, If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert ask(CHANGES, If_None_Match=first.headers["ETag"]).status_code == 200
    assert "ETag" not in ask("/teams/members").headers


def test_rate_limits_have_a_bucket_per_path_and_minute(session: requests.Session) -> None:
    now = [600.0]
    with serving(cursor_app(COMPANY, rate_limit=True, timer=lambda: now[0])) as url:
        ask = asking(url, session)
        etag = ask(COMMITS).headers["ETag"]
        assert [ask("/teams/members").status_code for _ in range(20)] == [200] * 20
        now[0] = 623.0
        refused = ask("/teams/members")
        assert refused.status_code == 429 and known_error(refused) and refused.headers["Retry-After"] == "37"
        assert [ask(EVENTS, {"pageSize": 1}).status_code for _ in range(61)] == [200] * 60 + [429]
        assert {ask(COMMITS, If_None_Match=etag).status_code for _ in range(25)} == {304}
        now[0] = 660.0
        assert ask("/teams/members").status_code == 200


def test_the_clock_hides_what_comes_later(session: requests.Session) -> None:
    noon = datetime(2026, 3, 30, 12, tzinfo=UTC)
    with serving(cursor_app(COMPANY, clock=lambda: noon)) as url:
        ask = asking(url, session)
        newest = ask(EVENTS, {**WEEK, "pageSize": 1}).json()["usageEvents"][0]
        assert int(newest["timestamp"]) <= noon.timestamp() * 1000
        assert max(row["day"] for row in ask(DAILY, WEEK).json()["data"]) == "2026-03-30"
        assert ask(COMMITS).json()["items"][0]["createdAt"] <= "2026-03-30T12:00:00.000Z"


def test_the_log_keeps_what_was_asked(session: requests.Session) -> None:
    app = cursor_app(COMPANY)
    with serving(app) as url:
        ask = asking(url, session)
        ask(EVENTS, {**WEEK, "page": 2})
        ask(COMMITS, {"page": 3})
        ask("/elsewhere")
    assert list(app.state.log) == [
        ("POST", EVENTS, {**WEEK, "page": 2}, 200),
        ("GET", COMMITS, {"page": "3"}, 200),
        ("GET", "/elsewhere", {}, 404),
    ]
    assert app.state.log.maxlen


def test_a_company_larger_than_the_cache_is_served_whole(session: requests.Session) -> None:
    app = cursor_app(COMPANY, cache_rows=700)
    with serving(app) as url:
        ask = asking(url, session)
        assert len(read_events(ask, WEEK, 500)) == sum(COMPANY.count_events(day) for day in WEEK_DAYS)
        assert len(read_items(ask, CHANGES, 500)) == sum(len(COMPANY.changes(day)) for day in WEEK_DAYS)


def test_bounds_outside_the_calendar_are_empty(ask: Ask) -> None:
    for at in (-(10**17), 10**17):
        assert ask(EVENTS, {"startDate": at, "endDate": at + 1}).json()["usageEvents"] == []
        assert ask(DAILY, {"startDate": at, "endDate": at + 1}).json()["data"] == []
    assert ask(EVENTS, {"startDate": END_MS, "endDate": END_MS - 5}).json()["totalUsageEventsCount"] == 0
