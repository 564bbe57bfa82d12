"""Whole UTC days, to the millisecond."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcfg.errors import UsageError
from portcfg.sync.windows import DAY_MS, DayRange, WindowSpec, day_range, slices, window
from tests.sync.support import NOW


def test_by_default_a_month_that_ends_yesterday() -> None:
    assert day_range(NOW, None, None, 30) == DayRange(date(2026, 2, 3), date(2026, 3, 4))


def test_just_after_midnight_yesterday_is_the_day_that_ended() -> None:
    midnight = datetime(2026, 3, 5, tzinfo=UTC).timestamp()
    assert day_range(midnight, None, None, 1).last == date(2026, 3, 4)
    assert day_range(midnight - 0.001, None, None, 1).last == date(2026, 3, 3)


def test_asked_days() -> None:
    assert day_range(NOW, date(2026, 1, 1), None, 30) == DayRange(date(2026, 1, 1), date(2026, 3, 4))
    assert day_range(NOW, None, date(2026, 3, 1), 2) == DayRange(date(2026, 2, 28), date(2026, 3, 1))
    assert day_range(NOW, None, date(2026, 3, 5), 1).last == date(2026, 3, 5)
    with pytest.raises(UsageError, match="has not begun"):
        day_range(NOW, None, date(2026, 3, 6), 1)
    with pytest.raises(UsageError, match="before it begins"):
        day_range(NOW, date(2026, 3, 4), date(2026, 3, 3), 1)


def test_a_window_ends_with_the_last_millisecond_of_its_last_day() -> None:
    seen = window(DayRange(date(2026, 3, 2), date(2026, 3, 4)), 0, NOW)
    assert (seen.start_ms, seen.end_ms) == (1772409600000, 1772668799999)
    assert (seen.start_iso, seen.end_iso) == ("2026-03-02T00:00:00.000Z", "2026-03-04T23:59:59.999Z")
    assert (seen.start_date, seen.end_date, seen.days) == ("2026-03-02", "2026-03-04", 3)


def test_a_margin_widens_the_request_and_not_the_days() -> None:
    seen = window(DayRange(date(2026, 3, 2), date(2026, 3, 3)), 1, NOW)
    assert (seen.start_date, seen.end_date) == ("2026-03-01", "2026-03-04")
    assert (seen.first_day, seen.last_day, seen.days) == ("2026-03-02", "2026-03-03", 2)


def test_an_end_in_the_future_is_now() -> None:
    seen = window(DayRange(date(2026, 3, 4), date(2026, 3, 5)), 1, NOW)
    assert seen.end_ms == int(NOW * 1000)


def test_a_margin_needs_room() -> None:
    with pytest.raises(UsageError, match="no room"):
        list(slices(DayRange(date(2026, 3, 2), date(2026, 3, 3)), WindowSpec(2, 1), NOW))


@given(st.dates(date(2020, 1, 1), date(2024, 12, 1)), st.integers(0, 400), st.integers(1, 60), st.integers(0, 3))
def test_slices_cover_every_day_once(first: date, length: int, days: int, margin: int) -> None:
    spec = WindowSpec(days + 2 * margin, margin)
    found = list(slices(DayRange(first, first + timedelta(days=length)), spec, NOW))
    covered = [date.fromisoformat(item.first_day) + timedelta(days=n) for item in found for n in range(item.days)]
    assert covered == [first + timedelta(days=n) for n in range(length + 1)]
    assert all(item.end_ms - item.start_ms + 1 <= spec.days * DAY_MS for item in found)
    if not margin:
        assert all(before.end_ms + 1 == after.start_ms for before, after in pairwise(found))
