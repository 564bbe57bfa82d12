"""The shipped mapping over a synthetic company, every sum against the company's own, with and without faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portcfg.client import PortWriter
from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import synthetic_company
from portcfg.emulator.cursor_faults import CursorFaults
from portcfg.emulator.server import serving
from portcfg.errors import TerminalApiError
from portcfg.sync.report import SyncReport
from tests.emulator import cursor_totals
from tests.sync.expected_from_samples import COUNTERS, TOKENS
from tests.sync.support import KEY, at, embedded_port, entities, shipped_mapping, sync

END = date(2026, 3, 10)
# The company goes on for two days after the range, as a living one does: late commits are still coming in.
COMPANY = synthetic_company(12, 30, 11, end=END + timedelta(days=2))
DAYS = [END - timedelta(days=n) for n in range(6, -1, -1)]
RANGE = {"first_day": DAYS[0], "last_day": DAYS[-1], "now": datetime(2026, 3, 12, 20, tzinfo=UTC).timestamp()}
BLUEPRINTS = (
    *("cursor_usage_record", "cursor_user_usage_record", "cursor_team_usage_record", "cursor_commit_record"),
    *("cursor_daily_commit_record", "cursor_ai_code_change_record", "cursor_cost_record"),
)
EVENTS, DAILY = "/teams/filtered-usage-events", "/teams/daily-usage-data"


@contextmanager
def company(**settings: Any) -> Iterator[str]:
    with serving(cursor_app(COMPANY, api_key=KEY, **settings)) as url:
        yield url


def run(port: PortWriter, **settings: Any) -> SyncReport:
    with company(**settings) as url:
        return sync(at(shipped_mapping(), url), port, **RANGE)


def everything(port: PortWriter) -> dict[str, Any]:
    return {name: entities(port, name) for name in BLUEPRINTS}


@pytest.fixture(scope="module")
def truth() -> Iterator[dict[str, Any]]:
    with embedded_port() as port:
        report = run(port)
        assert (report.exit_code, report.rejects) == (0, ())
        yield everything(port)


def test_the_organizations_days(truth: dict[str, Any]) -> None:
    expected = cursor_totals.org_days(COMPANY, DAYS)
    found = truth["cursor_usage_record"]
    assert sorted(found) == [f"acme@{day}" for day in DAYS]
    for day, totals in expected.items():
        properties = found[f"acme@{day}"]["properties"]
        assert {name: properties[name] for name in COUNTERS} == {n: totals.usage[f] for n, f in COUNTERS.items()}
        assert {n: properties[f"total_{n}"] for n in TOKENS} == {n: totals.tokens[f] for n, f in TOKENS.items()}
        assert Decimal(str(properties["total_cents"])) == totals.cents
        assert properties["breakdown"]["events"] == totals.events
        assert {m: v["requests"] for m, v in properties["breakdown"]["models"].items()} == totals.models


def test_peoples_days(truth: dict[str, Any]) -> None:
    expected = {
        f"acme@{email}@{day}": totals
        for (email, day), totals in cursor_totals.user_days(COMPANY, DAYS).items()
        if totals.active or totals.events
    }
    found = truth["cursor_user_usage_record"]
    assert set(found) == set(expected)
    for name, totals in expected.items():
        properties = found[name]["properties"]
        assert Decimal(str(properties["total_cents"])) == totals.cents
        assert {n: properties[n] for n in TOKENS} == {n: totals.tokens[f] for n, f in TOKENS.items()}
        if totals.rows:
            assert {n: properties[n] for n in COUNTERS} == {n: totals.usage[f] for n, f in COUNTERS.items()}


def test_active_people_are_counted_once_and_alike_everywhere(truth: dict[str, Any]) -> None:
    active = [key for key, totals in cursor_totals.user_days(COMPANY, DAYS).items() if totals.active or totals.events]
    # The company has people with events on a day on which their usage row calls them idle.
    assert len(active) > sum(totals.active for totals in cursor_totals.org_days(COMPANY, DAYS).values())
    for day in DAYS:
        expected = sum(day == of for _, of in active)
        of_day = {
            name: [e["properties"] for e in truth[name].values() if e["properties"]["record_date"][:10] == str(day)]
            for name in BLUEPRINTS[:3]
        }
        assert [item["total_active_users"] for item in of_day["cursor_usage_record"]] == [expected]
        assert sum(item["is_active"] for item in of_day["cursor_user_usage_record"]) == expected
        assert sum(item["total_active_users"] for item in of_day["cursor_team_usage_record"]) == expected


def test_money_has_no_binary_noise(truth: dict[str, Any]) -> None:
    def numbers(value: Any) -> Iterator[float]:
        if isinstance(value, dict):
            for item in value.values():
                yield from numbers(item)
        elif isinstance(value, float):
            yield value

    found = [number for name in BLUEPRINTS for e in truth[name].values() for number in numbers(e["properties"])]
    assert len(found) > 100
    assert [number for number in found if number != round(number, 6)] == []
    for name, entity in truth["cursor_cost_record"].items():
        cents = Decimal(str(truth["cursor_usage_record"][name]["properties"]["total_cents"]))
        assert Decimal(str(entity["properties"]["cost_usd"])) == round(cents / 100, 6)


def test_peoples_commits(truth: dict[str, Any]) -> None:
    asked = [DAYS[0] - timedelta(days=1), *DAYS, DAYS[-1] + timedelta(days=1)]
    expected = {k: v for k, v in cursor_totals.commit_days(COMPANY, asked).items() if k[1] in DAYS}
    found = truth["cursor_daily_commit_record"]
    assert set(found) == {f"acme@{email}@{day}@commits" for email, day in expected}
    for (email, day), totals in expected.items():
        properties = found[f"acme@{email}@{day}@commits"]["properties"]
        assert properties["total_commits"] == totals["commits"]
        assert properties["primary_branch_commits"] == totals["primary"]
        assert properties["tab_lines_added"] == totals["tabLinesAdded"]
    assert len(truth["cursor_commit_record"]) == sum(totals["commits"] for totals in expected.values())


def test_peoples_changes(truth: dict[str, Any]) -> None:
    expected = cursor_totals.change_days(COMPANY, DAYS)
    found = truth["cursor_ai_code_change_record"]
    assert set(found) == {f"acme@{email}@{day}@changes" for email, day in expected}
    for (email, day), totals in expected.items():
        properties = found[f"acme@{email}@{day}@changes"]["properties"]
        assert properties["total_changes"] == totals["changes"]
        assert (properties["tab_changes"], properties["composer_changes"]) == (totals["TAB"], totals["COMPOSER"])
        assert properties["total_lines_added"] == totals["totalLinesAdded"]


def test_teams_add_up_to_people(truth: dict[str, Any]) -> None:
    for name in (*COUNTERS, *TOKENS, "total_cents"):
        sums = [
            sum(Decimal(str(entity["properties"].get(name, 0))) for entity in truth[blueprint].values())
            for blueprint in ("cursor_team_usage_record", "cursor_user_usage_record")
        ]
        assert sums[0] == sums[1], name


SURVIVED = {
    "429s": CursorFaults(too_many_every=3),
    "429s without Retry-After": CursorFaults(too_many_every=2, retry_after=""),
    "5xx": CursorFaults(server_error_every=3),
    "dropped connections": CursorFaults(drop_every=3),
    "half a page, once": CursorFaults(drop_every=2, times=3),
}


@pytest.mark.parametrize("name", SURVIVED)
def test_a_fault_that_passes_changes_nothing(name: str, truth: dict[str, Any]) -> None:
    with embedded_port() as port:
        report = run(port, faults=SURVIVED[name])
        assert report.exit_code == 0
        assert report.source_retries > 0
        assert everything(port) == truth


# Fault, and the blueprints that must stay untouched by it.
FROM_EVENTS = {*BLUEPRINTS[:3], "cursor_cost_record"}
FATAL = {
    "half a page": (CursorFaults(half_page=(EVENTS, 1)), FROM_EVENTS),
    "a key is missing": (CursorFaults(missing_key=EVENTS), FROM_EVENTS),
    "a web page": (CursorFaults(html=DAILY), set(BLUEPRINTS[:3])),
    "other types": (CursorFaults(wrong_types=EVENTS), FROM_EVENTS),
    "a short page": (CursorFaults(short_page=(EVENTS, 1)), FROM_EVENTS),
    "a page that comes again": (CursorFaults(stuck_page=(EVENTS, 1)), FROM_EVENTS),
    "commits without items": (
        CursorFaults(missing_key="/analytics/ai-code/commits"),
        {"cursor_commit_record", "cursor_daily_commit_record"},
    ),
    "no daily usage for this key": (CursorFaults(forbidden=frozenset({DAILY})), set(BLUEPRINTS[:3])),
}


@pytest.mark.parametrize("name", FATAL)
def test_a_stream_that_cant_be_read_writes_none_of_its_blueprints(name: str, truth: dict[str, Any]) -> None:
    faults, untouched = FATAL[name]
    with embedded_port() as port:
        report = run(port, faults=faults)
        assert report.exit_code == 3
        found = everything(port)
        assert {blueprint for blueprint in BLUEPRINTS if not found[blueprint]} == untouched
        # The next run finishes the work.
        assert run(port).exit_code == 0
        assert everything(port) == truth


def test_without_enterprise_the_rest_is_whole(truth: dict[str, Any]) -> None:
    with embedded_port() as port:
        report = run(port, enterprise=False)
        assert report.exit_code == 0
        assert sum("not in your plan" in notice for notice in report.notices) == 3
        found = everything(port)
        for blueprint in ("cursor_usage_record", "cursor_user_usage_record"):
            assert found[blueprint] == truth[blueprint]
        teams = {entity["properties"]["team"] for entity in found["cursor_team_usage_record"].values()}
        assert teams == {"Unassigned"}


def test_a_wrong_key_is_an_error() -> None:
    with (
        embedded_port() as port,
        serving(cursor_app(COMPANY, api_key="another")) as url,
        pytest.raises(TerminalApiError, match="401"),
    ):
        sync(at(shipped_mapping(), url), port, **RANGE)


def test_two_runs_over_parts_are_one_run_over_all(truth: dict[str, Any]) -> None:
    with embedded_port() as port, company() as url:
        mapping = at(shipped_mapping(), url)
        sync(mapping, port, **{**RANGE, "last_day": DAYS[3]})
        sync(mapping, port, **{**RANGE, "first_day": DAYS[4]})
        found = everything(port)
    for blueprint in BLUEPRINTS:
        if blueprint not in ("cursor_commit_record", "cursor_daily_commit_record", "cursor_ai_code_change_record"):
            assert found[blueprint] == truth[blueprint]
