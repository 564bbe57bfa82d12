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
    assert day_range(NOW, None, None, None, 30) == DayRange(date(2026, 2, 3), date(2026, 3, 4))


def test_just_after_midnight_yesterday_is_the_day_that_ended() -> None:
    midnight = datetime(2026, 3, 5, tzinfo=UTC).timestamp()
    assert day_range(midnight, None, None, 1, 30).last == date(2026, 3, 4)
    assert day_range(midnight - 0.001, None, None, 1, 30).last == date(2026, 3, 3)


def test_asked_days() -> None:
    assert day_range(NOW, date(2026, 1, 1), None, None, 30) == DayRange(date(2026, 1, 1), date(2026, 3, 4))
    assert day_range(NOW, None, date(2026, 3, 1), 2, 30) == DayRange(date(2026, 2, 28), date(2026, 3, 1))
    assert day_range(NOW, None, date(2026, 3, 1), None, 3) == DayRange(date(2026, 2, 27), date(2026, 3, 1))


TODAY, YESTERDAY, TOMORROW = date(2026, 3, 5), date(2026, 3, 4), date(2026, 3, 6)


@pytest.mark.parametrize(
    ("first", "last", "days", "message"),
    [
        (None, TODAY, None, "2026-03-05 isn't over .UTC.; the last whole day is 2026-03-04"),
        (None, TOMORROW, None, "2026-03-06 has not begun .UTC.; the last whole day is 2026-03-04"),
        (TODAY, None, None, "2026-03-05 isn't over"),
        (TOMORROW, None, None, "2026-03-06 has not begun"),
        (date(9999, 12, 31), None, None, "9999-12-31 has not begun"),
        (date(2026, 3, 3), YESTERDAY, 2, "both say where the range begins"),
        (date(2026, 3, 3), None, 2, "both say where the range begins"),
        (YESTERDAY, date(2026, 3, 3), None, "before it begins"),
        (None, None, 1_000_000, "1,000,000 days before 2026-03-04"),
        (None, None, 30_000, "begins on 1944-01-15; 1970-01-01 is the first"),
        (None, None, 0, "a range of 0 days"),
        (None, date(1, 1, 1), None, "30 days before 0001-01-01"),
        (date(1, 1, 1), date(1, 1, 2), None, "begins on 0001-01-01"),
    ],
)
def test_days_that_make_no_sense(first: date | None, last: date | None, days: int | None, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        day_range(NOW, first, last, days, 30)
    assert caught.value.exit_code == 64


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
