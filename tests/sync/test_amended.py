"""Commits that are amended days after they were made: however the days are divided, the last version counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from portcfg.emulator.cursor_code import iso
from portcfg.emulator.cursor_company import Company, Row
from portcfg.sync import choice
from portcfg.sync.choice import Slice
from portcfg.sync.windows import DayRange, WindowSpec, slices
from tests.sync.support import NOW
from tests.sync.world import COMPANY, LAST, ONE, World

DAYS = tuple(LAST - back * ONE for back in reversed(range(24)))
# Which of a day's commits come again, and how many days later.
AMENDED = {0: 2, 1: 5, 2: 20}
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Amending(Company):
    """COMPANY, whose commits come again."""

    def commits(self, day: date) -> tuple[Row, ...]:
        """Those of the day, and newer versions of older ones."""
        again = []
        for place, later in AMENDED.items():
            made = super().commits(day - later * ONE)
            again += [self._again(row, day, later) for row in made[place : place + 1]]
        return tuple(sorted([*super().commits(day), *again], key=lambda row: str(row["createdAt"]), reverse=True))

    def _again(self, row: Row, day: date, later: int) -> Row:
        return {
            **row,
            "createdAt": f"{day.isoformat()}{row['createdAt'][10:]}",
            "totalLinesAdded": row["totalLinesAdded"] + later,
            "message": f"Amended {later} days later",
        }


@pytest.fixture
def amending(world: World) -> World:
    world.page_sizes = {}
    world.serve_cursor(Amending(**{name: getattr(COMPANY, name) for name in COMPANY.__dataclass_fields__}))
    later = [row for day in DAYS for row in world.company.commits(day) if "days later" in str(row["message"])]
    assert {row["message"] for row in later} == {f"Amended {later} days later" for later in (2, 5, 20)}
    return world


def test_one_run(amending: World) -> None:
    assert amending.sync(first_day=DAYS[0]).exit_code == 0
    assert amending.wrong(DAYS) == []


def test_parts_again_and_again(amending: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "PART_DAYS", 7)
    assert amending.sync(first_day=DAYS[0]).exit_code == 0
    assert amending.wrong(DAYS) == []
    again = amending.sync(first_day=DAYS[0])
    assert [(item.created, item.updated) for item in again.blueprints] == [(0, 0)] * len(again.blueprints)


def test_a_run_over_older_days_after_one_over_younger_ones(amending: World) -> None:
    for first, last in ((DAYS[0], DAYS[-1]), (DAYS[0], DAYS[9]), (DAYS[8], DAYS[12])):
        assert amending.sync(first_day=first, last_day=last).exit_code == 0
        assert amending.wrong(DAYS) == []


def test_four_slices_at_once(amending: World) -> None:
    def run(number: int) -> int:
        return amending.sync(first_day=DAYS[0], slice=Slice(number, 4)).exit_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(1, 5))) == [0] * 4
    assert amending.wrong(DAYS) == []


def test_a_daily_run_asks_for_no_more_than_before(amending: World) -> None:
    assert amending.sync(days=3, first_day=None).requests_by_path["/analytics/ai-code/commits"] == 1


def test_windows_side_by_side_up_to_now_are_for_all_days() -> None:
    spec = WindowSpec(30, 1, ".day", None)
    found = list(slices(DayRange(date(2026, 1, 1), date(2026, 1, 31)), spec, NOW))
    assert [(item.start_date, item.end_date) for item in found] == [
        ("2025-12-31", "2026-01-29"),
        ("2026-01-30", "2026-02-28"),
        ("2026-03-01", "2026-03-05"),
    ]
    assert {(item.first_day, item.last_day, item.days) for item in found} == {("2026-01-01", "2026-01-31", 31)}
    assert found[-1].end_iso == iso(int(NOW * 1000))


def test_windows_that_reach_some_days_further() -> None:
    spec = WindowSpec(30, 1, ".day", 4)
    [found] = slices(DayRange(date(2026, 1, 5), date(2026, 1, 6)), spec, NOW)
    assert (found.start_date, found.end_date) == ("2026-01-04", "2026-01-11")
    assert date.fromisoformat(found.last_day) - date.fromisoformat(found.first_day) == timedelta(days=1)
