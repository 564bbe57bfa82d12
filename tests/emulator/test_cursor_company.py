"""The synthetic company: the same for the same arguments, plausible, and with the traps of the real data."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portcfg.emulator.cursor_company import Company, synthetic_company
from portcfg.emulator.cursor_people import stays
from tests.emulator import cursor_totals as totals

END = date(2026, 3, 31)
DAY_MS = 86_400_000
Row = dict[str, Any]
Trap = Callable[[Row], Any]


@pytest.fixture(scope="module")
def company() -> Company:
    return synthetic_company(end=END)


@pytest.fixture(scope="module")
def events(company: Company) -> list[Row]:
    return [event for day in company.days() for event in company.day(day).events]


@pytest.fixture(scope="module")
def usage(company: Company) -> list[Row]:
    return [row for day in company.days() for row in company.day(day).usage]


@pytest.fixture(scope="module")
def commits(company: Company) -> list[Row]:
    return [item for day in company.days() for item in company.commits(day)]


@pytest.fixture(scope="module")
def changes(company: Company) -> list[Row]:
    return [item for day in company.days() for item in company.changes(day)]


def everything(company: Company, days: list[date]) -> str:
    told = [
        (company.day(day).events, company.day(day).usage, company.commits(day), company.changes(day)) for day in days
    ]
    return json.dumps(told)


def test_same_arguments_give_the_same_bytes(company: Company) -> None:
    again = synthetic_company(end=END)
    assert again == company
    assert everything(again, list(again.days())) == everything(company, list(company.days()))


def test_another_seed_gives_other_data(company: Company) -> None:
    other = synthetic_company(seed=8, end=END)
    assert everything(other, [END]) != everything(company, [END])


def test_moving_the_window_keeps_the_days_in_it(company: Company) -> None:
    later = synthetic_company(days=50, end=END + timedelta(days=9))
    shared = list(company.days())
    assert everything(later, shared) == everything(company, shared)


def test_counting_equals_generating(company: Company) -> None:
    assert all(company.count_events(day) == len(company.day(day).events) for day in company.days())


def test_a_day_outside_the_window_is_empty(company: Company) -> None:
    for day in (company.start - timedelta(days=1), END + timedelta(days=1)):
        assert (company.day(day).events, company.day(day).usage, company.count_events(day)) == ((), (), 0)
        assert (company.commits(day), company.changes(day)) == ((), ())


def test_the_mean_gives_the_volume() -> None:
    large = synthetic_company(400, 30, end=END, events_per_day=9)
    started = time.monotonic()
    count = sum(large.count_events(day) for day in large.days())
    assert 0.8 < count / (400 * 30 * 9) < 1.2
    assert time.monotonic() - started < 5


def test_events_are_newest_first_and_of_their_day(company: Company) -> None:
    for day in company.days():
        times = [int(event["timestamp"]) for event in company.day(day).events]
        assert times == sorted(times, reverse=True)
        assert {date.fromtimestamp(0) + timedelta(milliseconds=at) for at in times} == {day}


def test_weekends_are_quiet(company: Company) -> None:
    counts = Counter[bool]()
    for day in company.days():
        counts[day.weekday() > 4] += company.count_events(day)
    assert counts[True] < counts[False] / 10


def test_the_usage_row_agrees_with_the_events(company: Company) -> None:
    for total in totals.user_days(company, company.days()).values():
        if total.active and total.events:
            assert total.usage["subscriptionIncludedReqs"] == total.billing["Included in Business"]
            assert total.usage["usageBasedReqs"] == total.billing["Usage-based"]
            requests = total.usage["composerRequests"] + total.usage["chatRequests"] + total.usage["agentRequests"]
            assert (
                requests + total.billing["Errored, Not Charged"] + total.billing["Aborted, Not Charged"] == total.events
            )


def test_user_sums_and_the_rest_make_the_org_sum(company: Company) -> None:
    days = company.days()
    rest = [
        Decimal(str(event["chargedCents"]))
        for day in days
        for event in company.day(day).events
        if "userEmail" not in event or event.get("serviceAccountId", "null") != "null"
    ]
    users = sum((total.cents for total in totals.user_days(company, days).values()), Decimal(0))
    assert users + sum(rest) == sum(total.cents for total in totals.org_days(company, days).values())
    assert rest


def test_commit_and_change_numbers_add_up(commits: list[Row], changes: list[Row]) -> None:
    for item in commits:
        if item["nonAiLinesAdded"] is not None and item["message"] != "Amended":
            parts = item["tabLinesAdded"] + item["composerLinesAdded"] + item["nonAiLinesAdded"]
            assert parts == item["totalLinesAdded"]
    for item in changes:
        assert sum(file["linesAdded"] for file in item["metadata"]) == item["totalLinesAdded"]


EVENT_TRAPS: dict[str, Trap] = {
    "no e-mail": lambda e: "userEmail" not in e,
    "capitals": lambda e: e.get("userEmail", "").isupper(),
    "blanks": lambda e: e.get("userEmail", "") != e.get("userEmail", "").strip(),
    "apostrophe": lambda e: "'" in e.get("userEmail", ""),
    "literal null": lambda e: e.get("serviceAccountId") == "null",
    "no serviceAccountId": lambda e: "serviceAccountId" not in e,
    "service account": lambda e: e.get("serviceAccountId", "null") != "null" and "userEmail" in e,
    "no tokenUsage": lambda e: "tokenUsage" not in e and e["kind"] == "Included in Business",
    "missing token key": lambda e: "tokenUsage" in e and "cacheWriteTokens" not in e["tokenUsage"],
    "tokens of a request-priced event": lambda e: "tokenUsage" in e and not e["isTokenBasedCall"],
    "errored": lambda e: e["kind"] == "Errored, Not Charged" and e["chargedCents"] == 0,
    "aborted": lambda e: e["kind"] == "Aborted, Not Charged",
    "auto": lambda e: e["model"] == "default",
    "no maxMode": lambda e: "maxMode" not in e,
    "fractions of a cent": lambda e: Decimal(str(e["chargedCents"])) % 1 != 0,
    "first millisecond": lambda e: int(e["timestamp"]) % DAY_MS == 0,
    "last millisecond": lambda e: int(e["timestamp"]) % DAY_MS == DAY_MS - 1,
}


@pytest.mark.parametrize("trap", EVENT_TRAPS)
def test_event_traps(events: list[Row], trap: str) -> None:
    assert any(EVENT_TRAPS[trap](event) for event in events)


def test_two_events_of_one_person_share_a_millisecond(events: list[Row]) -> None:
    keys = Counter((event.get("userEmail"), event["timestamp"]) for event in events)
    assert max(keys.values()) > 1


USAGE_TRAPS: dict[str, Trap] = {
    "idle on a working day": lambda r: not r["isActive"] and date.fromisoformat(r["day"]).weekday() < 5,
    "Tab only, null model": lambda r: r["isActive"] and r["mostUsedModel"] is None,
    "more accepted than written": lambda r: r["acceptedLinesAdded"] > r["totalLinesAdded"],
    "agents without accepts": lambda r: r["agentRequests"] > 10 and r["totalAccepts"] == 0,
    "capitals": lambda r: r["email"].isupper() or r["email"] != r["email"].lower(),
    "blanks": lambda r: r["email"] != r["email"].strip(),
}


@pytest.mark.parametrize("trap", USAGE_TRAPS)
def test_usage_traps(usage: list[Row], trap: str) -> None:
    assert any(USAGE_TRAPS[trap](row) for row in usage)


def test_somebody_is_idle_for_a_week(usage: list[Row]) -> None:
    weeks: dict[tuple[str, int], set[bool]] = {}
    for row in usage:
        weeks.setdefault((row["userId"], date.fromisoformat(row["day"]).isocalendar()[1]), set()).add(row["isActive"])
    assert {False} in weeks.values()


def test_somebody_has_events_beside_an_idle_row(company: Company) -> None:
    days = totals.user_days(company, company.days()).values()
    assert any(total.rows and not total.active and total.events for total in days)


def test_removed_people_have_rows_until_they_left_and_no_email_on_events(company: Company, usage: list[Row]) -> None:
    gone = [person for person in company.people if person.left and company.start <= person.left <= END]
    assert gone
    users = totals.user_days(company, company.days())
    for person in gone:
        days = [date.fromisoformat(row["day"]) for row in usage if row["userId"] == person.id]
        assert max(days) == person.left
        assert all(users[person.email, day].events == 0 for day in days)
        assert any(users[person.email, day].usage["agentRequests"] for day in days)


def test_somebody_changes_group_inside_the_window(company: Company) -> None:
    moves = [stay.until for person in company.people if person.left is None for stay in stays(person, END)]
    assert any(moved and company.start < moved.date() < END for moved in moves)


COMMIT_TRAPS: dict[str, Trap] = {
    "null repo": lambda c: c["repoName"] is None and c["branchName"] is None and c["isPrimaryBranch"] is None,
    "null commitTs": lambda c: c["commitTs"] is None,
    "null message": lambda c: c["message"] is None,
    "null nonAi": lambda c: c["nonAiLinesAdded"] is None,
    "lines in the message": lambda c: "\n" in (c["message"] or ""),
    "days apart": lambda c: c["commitTs"] and c["commitTs"][:10] != c["createdAt"][:10],
    "two days late": lambda c: c["commitTs"] and c["createdAt"][:10] > c["commitTs"][:10] and c["message"] == "Amended",
}


@pytest.mark.parametrize("trap", COMMIT_TRAPS)
def test_commit_traps(commits: list[Row], trap: str) -> None:
    assert any(COMMIT_TRAPS[trap](item) for item in commits)


def test_amended_commits_come_twice_with_other_numbers(commits: list[Row]) -> None:
    by_hash: dict[str, list[Row]] = {}
    for item in commits:
        by_hash.setdefault(item["commitHash"], []).append(item)
    twice = [pair for pair in by_hash.values() if len(pair) > 1]
    assert twice
    for old, new in (sorted(pair, key=lambda item: item["createdAt"]) for pair in twice):
        assert (old["commitTs"], old["userId"]) == (new["commitTs"], new["userId"])
        assert old["totalLinesAdded"] != new["totalLinesAdded"]


CHANGE_TRAPS: dict[str, Trap] = {
    "COMPOSER without model": lambda c: c["source"] == "COMPOSER" and c["model"] is None,
    "COMPOSER with model": lambda c: c["source"] == "COMPOSER" and c["model"],
    "privacy mode": lambda c: "fileName" not in c["metadata"][0],
    "several files": lambda c: len(c["metadata"]) > 1,
    "extension in capitals": lambda c: c["metadata"][0]["fileExtension"] == "PY",
}


@pytest.mark.parametrize("trap", CHANGE_TRAPS)
def test_change_traps(changes: list[Row], trap: str) -> None:
    assert any(CHANGE_TRAPS[trap](item) for item in changes)


def test_changes_share_milliseconds_and_some_come_twice(changes: list[Row]) -> None:
    ids = Counter(item["changeId"] for item in changes)
    assert max(ids.values()) == 2
    different = {item["changeId"]: (item["userId"], item["createdAt"]) for item in changes}
    assert max(Counter(different.values()).values()) > 1


def test_commit_days_count_every_commit_once(company: Company, commits: list[Row]) -> None:
    days = totals.commit_days(company, company.days())
    assert sum(day["commits"] for day in days.values()) == len({item["commitHash"] for item in commits})
    assert all(day["primary"] <= day["commits"] for day in days.values())


def test_change_days_count_every_change_once(company: Company, changes: list[Row]) -> None:
    days = totals.change_days(company, company.days())
    assert sum(day["changes"] for day in days.values()) == len({item["changeId"] for item in changes})
    assert all(day["changes"] == day["TAB"] + day["COMPOSER"] for day in days.values())
