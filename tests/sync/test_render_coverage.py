"""`sync status` of a mapping with many streams and days stays short enough to be read."""

from __future__ import annotations

import json
from datetime import date, timedelta

from portcfg.render.coverage import coverage_json, coverage_markdown, coverage_text
from portcfg.sync.coverage import OPEN, SETTLED, DayRecord, StreamDays, coverage

FIRST = date(2026, 1, 1)
# 10 April 2026.
NOW = 1_775_800_000.0


def stream(missing: set[int]) -> StreamDays:
    """Days from 1 January to 9 April, without some of them; the last three are open."""
    states = {FIRST + timedelta(days=n): OPEN if n > 95 else SETTLED for n in range(99) if n not in missing}
    return StreamDays({day: DayRecord(day, 5, "d", state, NOW) for day, state in states.items()})


def test_missing_days_are_ranges() -> None:
    """Thirty streams, one of which lacks two months and some single days."""
    known = {f"s{number}": stream(set()) for number in range(29)}
    found = [coverage("m", {**known, "bad": stream({3, *range(10, 70), 75, 76, 90})}, NOW, 2)]
    text = coverage_text(found)
    assert "m: 64 day(s) of bad are missing" in text
    assert "missing of bad: 2026-01-04, 2026-01-11 to 2026-03-11, 2026-03-17 to 2026-03-18, 2026-04-01" in text
    assert len(text.splitlines()) < 40
    assert "2026-01-11 to 2026-03-11" in coverage_markdown(found)
    # For programs all days are there, one by one.
    (mapping,) = json.loads(coverage_json(found))["mappings"]
    assert len(mapping["streams"][-1]["gaps"]) == 64
    assert mapping["streams"][0]["open_days"] == ["2026-04-07", "2026-04-08", "2026-04-09"]


def test_of_very_many_ranges_the_first_are_shown() -> None:
    text = coverage_text([coverage("m", {"s": stream(set(range(1, 95, 2)))}, NOW, 2)])
    assert text.count("2026-") < 20
    assert "2026-01-20 and 37 more days" in text
