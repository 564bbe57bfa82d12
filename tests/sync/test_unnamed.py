"""What is told of a sync where more people read than may see its rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portcfg.render.sync import sync_markdown, sync_text, sync_trouble
from portcfg.sync.report import (
    BlueprintReport,
    DayTotals,
    Deletion,
    Reject,
    RejectGroup,
    StreamReport,
    StreamStatus,
    SyncReport,
)
from portcfg.sync.unnamed import unnamed

ALICE = "alice.o'hara+x@example.com"
ROW = "row-of-alice"
REPORT = SyncReport(
    mapping="cursor",
    dry_run=False,
    first_day="2026-03-02",
    last_day="2026-03-04",
    streams=(StreamReport("events", StreamStatus.FAILED, message=f"404: no {ALICE} at /users/{ALICE}/x"),),
    blueprints=(BlueprintReport("record", 9, 3, 1, held=f"`{ALICE}`: what is it?", skipped={f"of {ALICE}": 2}),),
    totals=(DayTotals("record", "2026-03-02", 3, {"cents": 41.5}), DayTotals("record", "2026-03-03", 2, {"cents": 1})),
    rejected=(
        RejectGroup("merge", "record", "cents", 12, (Reject("merge", "record", ROW, f"`cents` of {ALICE} is x"),)),
        RejectGroup("port", "", "422 invalid", 1, (Reject("port", "", ROW, ROW),)),
    ),
    quarantine=".portcfg/quarantine/kept.ndjson",
    kept_rejects=13,
    deletions=(
        Deletion(
            "record",
            "retention",
            4,
            90,
            4,
            (ROW, ALICE),
            stay=(f"{ROW}: it has 3 dependents", f"{ALICE}: it has 3 dependents"),
        ),
        Deletion("day", "prune", 9, 10, refused="too many deletes: 9 of 10 entities (90.0%), over the limit of 25.0%."),
        Deletion("week", "prune", 9, 10, refused=f"`at` of {ROW} is of 2026-01-01, so it isn't the day of its rows"),
    ),
    notices=(f"events: 3 rows of <{ALICE}>",),
    requests_by_path={f"/users/{ALICE}": 1, "/users/bob%40example.com": 2},
    port_requests_by_route={f"GET /blueprints/record/entities/{ALICE}": 1},
)


@pytest.mark.parametrize("render", [sync_text, sync_markdown, sync_trouble])
def test_no_row_and_nobody_is_named(render: object) -> None:
    assert callable(render)
    text = render(unnamed(REPORT))
    for secret in ("alice", "hara", "bob", ROW, "example.com"):
        assert secret not in text


def test_counts_and_causes_are_told() -> None:
    text = sync_text(unnamed(REPORT))
    for told in (
        "rejected 12 of record (merge cents)",
        "rejected 1 of the rows (port 422 invalid)",
        "retention: 4 of 90 entities of record deleted\n",
        "NOT DELETED record (2 of them): it has 3 dependents",
        "over the limit of 25.0%",
        "FAILED events: 404: no ***",
        "2026-03-02",
        "41.5",
        "42.5",
    ):
        assert told in text


def test_the_report_itself_stays_as_it_is() -> None:
    assert ROW in sync_text(REPORT)
    assert REPORT.rejects


def test_trouble_fits_into_an_issue() -> None:
    many = tuple(BlueprintReport(f"b{number}", held="`" * 500) for number in range(500))
    text = sync_trouble(unnamed(replace(REPORT, blueprints=many)))
    assert len(text) < 60_000
    assert "and 46" in text
    assert text.endswith("portcfg sync cursor --since 2026-03-02 --until 2026-03-04`")
