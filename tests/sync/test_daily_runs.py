"""The shipped mapping run day after day on a living company, held against one run over all its days."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from portcfg.client import PortWriter
from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import synthetic_company
from portcfg.emulator.server import serving
from portcfg.sync.days import SYNC_BLUEPRINT
from portcfg.sync.report import SyncReport
from tests.sync.support import KEY, at, embedded_port, entities, shipped_mapping, sync

ONE = timedelta(days=1)
# Over a leap day, and over the day on which the clocks change in America.
FIRST = date(2028, 2, 27)
RUNS = 17
OUTAGE = range(6, 13)
COMPANY = synthetic_company(3, 90, 5, end=date(2028, 3, 31))
# Cursor tells the billing groups of the present, so an old day that is read today may have other teams than it had.
TEAMS = {person.email.strip().lower(): f"team {number % 2}" for number, person in enumerate(COMPANY.people)}
BLUEPRINTS = (
    *("cursor_usage_record", "cursor_user_usage_record", "cursor_team_usage_record", "cursor_commit_record"),
    *("cursor_daily_commit_record", "cursor_ai_code_change_record", "cursor_cost_record"),
)


class Cursor:
    """A stand-in that knows of nothing after the present."""

    def __init__(self) -> None:
        self.now = datetime(2028, 1, 1, tzinfo=UTC)
        self.app = cursor_app(COMPANY, api_key=KEY, clock=lambda: self.now)
        self.url = ""

    def run(self, port: PortWriter, today: date, **more: Any) -> SyncReport:
        """A run at six in the morning."""
        self.now = datetime(today.year, today.month, today.day, 6, tzinfo=UTC)
        asked = {"first_day": None, "last_day": None, **more}
        return sync(at(shipped_mapping(teams=TEAMS), self.url), port, now=self.now.timestamp(), **asked)


@contextmanager
def cursor() -> Iterator[Cursor]:
    made = Cursor()
    with serving(made.app) as made.url:
        yield made


def everything(port: PortWriter) -> dict[tuple[str, str], Any]:
    return {(name, identifier): entity for name in BLUEPRINTS for identifier, entity in entities(port, name).items()}


@pytest.fixture
def new_york() -> Iterator[None]:
    """A machine whose days are others than UTC's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("new_york")
def test_daily_runs_with_a_week_without_any_are_one_run_over_all_days() -> None:
    last = FIRST + (RUNS - 1) * ONE
    with cursor() as source:
        with embedded_port() as port:
            for number in range(RUNS):
                if number not in OUTAGE:
                    report = source.run(port, FIRST + number * ONE)
                    assert (report.exit_code, report.rejects) == (0, ())
            daily = everything(port)
            records = {name: item["properties"] for name, item in entities(port, SYNC_BLUEPRINT).items()}
            # Billing groups have no days.
            states = {name: item["state"] for name, item in records.items() if item["stream"] != "groups"}
        with embedded_port() as port:
            assert source.run(port, last, first_day=FIRST - 30 * ONE).exit_code == 0
            at_once = everything(port)
    assert set(daily) == set(at_once)
    assert [key for key in daily if daily[key] != at_once[key]] == []
    # The first day is still there on the last one.
    assert ("cursor_usage_record", f"acme@{FIRST - 30 * ONE}") in daily
    assert len(states) == 4 * (30 + RUNS - 1)
    assert sorted({name[-10:] for name, state in states.items() if state == "open"}) == [
        (last - back * ONE).isoformat() for back in (3, 2, 1)
    ]
