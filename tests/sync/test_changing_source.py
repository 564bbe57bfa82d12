"""Sources that change while their pages are read: it is read once more, or not used; sums are never mixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portcfg.emulator.server import serving
from portcfg.errors import EXIT_INCOMPLETE
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.report import SyncReport
from tests.sync.support import blueprint, embedded_port, entities, mapping_of, options, run_sync, source_app

Row = dict[str, Any]
SUM = blueprint("sum", n="number", rows="number")
SIZE = 100
TOTAL = {"more": ".more", "total": ".total"}


class Source:
    """Numbered rows in pages of SIZE. `changes` are what becomes of the rows before the nth request (from 1)."""

    def __init__(self, rows: list[Row], changes: dict[int, Callable[[list[Row]], list[Row]]]) -> None:
        self.rows, self.changes, self.asked = rows, changes, 0

    def __call__(self, asked: Any) -> Any:
        self.asked += 1
        self.rows = self.changes.get(self.asked, lambda rows: rows)(self.rows)
        start = (int(asked["page"]) - 1) * SIZE
        return {
            "rows": self.rows[start : start + SIZE],
            "more": start + SIZE < len(self.rows),
            "total": len(self.rows),
        }

    @property
    def truth(self) -> dict[str, int]:
        return {"n": sum(row["n"] for row in self.rows), "rows": len(self.rows)}


def numbered(count: int) -> list[Row]:
    return [{"n": n} for n in range(count)]


def run(source: Source, says: dict[str, str], more: dict[str, Any] | None = None) -> tuple[SyncReport, Any]:
    """The report, and what Port has of the sum."""
    pagination = {"type": "page", "page": "page", "page_size": SIZE, **says}
    resource = {
        "kind": "/rows",
        "selector": {
            "data_path": ".rows",
            "pagination": pagination,
            "group_by": {"all": '"all"'},
            "aggregate": {"n": {"sum": ".n"}, "rows": {"count": "true"}},
            **(more or {}),
        },
        "port": {
            "entity": {
                "mappings": {"identifier": ".all", "blueprint": '"sum"', "properties": {"n": ".n", "rows": ".rows"}}
            }
        },
    }
    with serving(source_app({"/rows": source})) as url, embedded_port(SUM) as port:
        mapping = mapping_of({"source": {"base_url": url}, "resources": [resource]})
        report = run_sync(mapping, {}, port, options(), quarantine=Quarantine())
        return report, entities(port, "sum").get("all", {}).get("properties")


CHANGES: dict[str, Callable[[list[Row]], list[Row]]] = {
    "a late row at the front": lambda rows: [{"n": 10_000}, *rows],
    "500 rows gone from the front": lambda rows: rows[500:],
    "one at the front, one at the end": lambda rows: [{"n": 10_000}, *rows, {"n": 10_001}],
    "one in, one out": lambda rows: [{"n": 10_000}, *rows[:-1]],
    "three in, three out": lambda rows: [*({"n": 10_000 + n} for n in range(3)), *rows[:-3]],
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("page", [2, 9, 16])
def test_a_change_between_two_pages_is_read_from_the_first_page_again(name: str, page: int) -> None:
    source = Source(numbered(1593), {page: CHANGES[name]})
    report, found = run(source, TOTAL)
    assert (report.exit_code, found) == (0, source.truth)
    [notice] = [text for text in report.notices if "it was read once more from the first page" in text]
    assert "stream /rows, page " in notice
    assert report.streams[0].rows == len(source.rows)


def test_a_total_that_falls_to_what_was_read_is_no_total() -> None:
    source = Source(numbered(200), {2: lambda rows: rows[:150]})
    report, found = run(source, {"total": ".total"})
    assert (report.exit_code, found) == (0, source.truth)
    assert "there were 200 on the page before, and now there are 150" in "".join(report.notices)


def test_a_source_that_never_stays_the_same_is_given_up_and_nothing_of_it_written() -> None:
    source = Source(numbered(500), dict.fromkeys(range(1, 99), lambda rows: [{"n": len(rows)}, *rows]))
    report, found = run(source, TOTAL)
    assert (report.exit_code, found) == (EXIT_INCOMPLETE, None)
    assert "stream /rows, page 2: there were 505 on the page before, and now there are 506" in report.streams[0].message
    assert source.asked == 6


@pytest.mark.parametrize("says", [{}, {"more": ".more"}, TOTAL])
def test_without_a_total_too_rows_that_came_before_are_seen_at_the_edge_of_a_page(says: dict[str, str]) -> None:
    source = Source(numbered(500), {3: lambda rows: [{"n": 10_000}, *rows[:-1]]})
    report, found = run(source, says)
    assert (report.exit_code, found) == (0, source.truth)
    assert "page 3: it begins with what the page before ends with" in "".join(report.notices)


@pytest.mark.parametrize("says", [{}, {"more": ".more"}, TOTAL])
def test_equal_rows_at_the_edges_of_pages_are_counted_once_a_second_reading_has_found_the_same(
    says: dict[str, str],
) -> None:
    rows = [{"n": n // 2} for n in range(1, 600)]
    source = Source(rows, {})
    report, found = run(source, says)
    assert (report.exit_code, found) == (0, source.truth)
    assert source.asked == 2 * (6 if says else 7)


def test_what_was_rejected_before_is_not_counted_twice() -> None:
    source = Source([*({"n": "?"} for _ in range(5)), *numbered(250)], {2: lambda rows: [{"n": 10_000}, *rows]})
    # Without groups, whose rows are rejected together at the end.
    report, _ = run(source, TOTAL, {"query": ".n | tonumber | . >= 0", "group_by": {}, "aggregate": {}})
    assert [group.count for group in report.rejected if group.about == "query"] == [5]
