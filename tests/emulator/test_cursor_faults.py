"""Each fault of the stand-in Cursor shows as it should, and only where asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import synthetic_company
from portcfg.emulator.cursor_faults import CursorFaults
from portcfg.emulator.server import serving

COMPANY = synthetic_company(end=date(2026, 3, 31))
END_MS = int(datetime(2026, 4, 1, tzinfo=UTC).timestamp() * 1000) - 1
WEEK = {"startDate": END_MS + 1 - 7 * 86_400_000, "endDate": END_MS}
MEMBERS, DAILY, EVENTS = "/teams/members", "/teams/daily-usage-data", "/teams/filtered-usage-events"
COMMITS, CHANGES = "/analytics/ai-code/commits", "/analytics/ai-code/changes"
ROWS = {DAILY: "data", EVENTS: "usageEvents", COMMITS: "items", CHANGES: "items"}


class Asker:
    """Asks one page of a path, fifty rows (people) large."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self.url, self.session = url, session

    def __call__(self, path: str, page: int = 1, size: int = 50) -> requests.Response:
        asked: dict[str, Any] = {"page": page, "pageSize": size}
        if path in (DAILY, EVENTS):
            return self.session.post(self.url + path, json={**WEEK, **asked}, timeout=10)
        return self.session.get(self.url + path, params=asked, timeout=10)


@contextmanager
def faulty(**faults: Any) -> Iterator[Asker]:
    with serving(cursor_app(COMPANY, faults=CursorFaults(**faults))) as url, requests.Session() as session:
        session.auth = ("local", "")
        yield Asker(url, session)


def test_429_every_third_request() -> None:
    with faulty(too_many_every=3, retry_after="2") as ask:
        answers = [ask(MEMBERS) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 429] * 2
    assert answers[2].headers["Retry-After"] == "2"
    assert answers[2].json()["error"] == "Too Many Requests"


def test_429_without_retry_after() -> None:
    with faulty(too_many_every=1, retry_after="") as ask:
        assert "Retry-After" not in ask(MEMBERS).headers


@pytest.mark.parametrize("status", [500, 502, 503])
def test_5xx_every_second_request(status: int) -> None:
    with faulty(server_error_every=2, server_error_status=status) as ask:
        assert [ask(MEMBERS).status_code for _ in range(4)] == [200, status] * 2


def test_the_connection_drops_every_second_request() -> None:
    with faulty(drop_every=2) as ask:
        for _ in range(2):
            assert ask(EVENTS).status_code == 200
            with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
                ask(EVENTS)


@pytest.mark.parametrize("path", ROWS)
def test_half_a_page(path: str) -> None:
    with faulty(half_page=(path, 2)) as ask:
        assert ask(path, 1, 5).json()[ROWS[path]]
        half = ask(path, 2, 5)
        assert half.status_code == 200
        with pytest.raises(requests.exceptions.JSONDecodeError):
            half.json()


def test_page_faults_can_pass() -> None:
    with faulty(half_page=(EVENTS, 1), times=1) as ask:
        with pytest.raises(requests.exceptions.JSONDecodeError):
            ask(EVENTS).json()
        assert ask(EVENTS).json()["usageEvents"]


@pytest.mark.parametrize("path", ROWS)
def test_missing_key(path: str) -> None:
    with faulty(missing_key=path) as ask:
        answer = ask(path).json()
        assert answer and ROWS[path] not in answer
        assert "teamMembers" in ask(MEMBERS).json()


def test_a_web_page_instead_of_json() -> None:
    with faulty(html=DAILY) as ask:
        answer = ask(DAILY)
        assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
        assert answer.text.startswith("<!doctype html>")
        assert ask(EVENTS).json()["usageEvents"]


@pytest.mark.parametrize(("path", "key"), [(DAILY, "date"), (EVENTS, "timestamp"), (COMMITS, "createdAt")])
def test_wrong_types(path: str, key: str) -> None:
    with faulty() as ask:
        right = ask(path).json()[ROWS[path]]
    with faulty(wrong_types=path) as ask:
        wrong = ask(path).json()[ROWS[path]]
    assert len(wrong) == len(right)
    assert type(wrong[0][key]) is not type(right[0][key]) or "T" in wrong[0][key]


@pytest.mark.parametrize("path", ROWS)
def test_a_short_page_keeps_the_totals(path: str) -> None:
    with faulty() as ask:
        whole = ask(path, 2, 5).json()
    with faulty(short_page=(path, 2)) as ask:
        short = ask(path, 2, 5).json()
        assert len(ask(path, 1, 5).json()[ROWS[path]]) > 0
    assert short[ROWS[path]] == whole[ROWS[path]][:-1]
    assert {**short, ROWS[path]: None} == {**whole, ROWS[path]: None}


@pytest.mark.parametrize("path", ROWS)
def test_a_stuck_page_never_ends(path: str) -> None:
    with faulty(stuck_page=(path, 2)) as ask:
        first, second, third, far = (ask(path, page, 5).json() for page in (1, 2, 3, 400))
    rows = ROWS[path]
    assert first[rows] != second[rows] == third[rows] == far[rows]
    if rows == "items":
        assert far["page"] == 400 and far["totalCount"] > 400 * far["pageSize"]
    else:
        assert far["pagination"]["hasNextPage"] is True
        assert 400 in far["pagination"].values()


def test_late_data_arrives_after_some_requests() -> None:
    with faulty(late_data=2) as ask:
        early, early_events = ask(DAILY).json()["data"], ask(EVENTS).json()["totalUsageEventsCount"]
        late, late_events = ask(DAILY).json()["data"], ask(EVENTS).json()["totalUsageEventsCount"]
    assert late_events == sum(COMPANY.count_events(day) for day in COMPANY.days()[-7:]) > early_events
    changed = {new["day"] for old, new in zip(early, late, strict=True) if old != new}
    assert changed == {"2026-03-31"}
    assert all(old["totalLinesAdded"] <= new["totalLinesAdded"] for old, new in zip(early, late, strict=True))


def test_forbidden_paths() -> None:
    with faulty(forbidden=frozenset({COMMITS, EVENTS})) as ask:
        assert [ask(path).status_code for path in (COMMITS, EVENTS, CHANGES, DAILY)] == [403, 403, 200, 200]
        assert ask(COMMITS).json() == {"error": "Forbidden", "message": "Enterprise access required"}
