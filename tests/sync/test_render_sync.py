"""A report as text, JSON and markdown."""

from __future__ import annotations

import json

from portcfg.render.sync import sync_json, sync_markdown, sync_text
from portcfg.sync.report import BlueprintReport, Reject, RejectGroup, StreamReport, StreamStatus, SyncReport

HOSTILE = "a\x1b[31m\nb|`@team`"
REJECT = Reject("merge", "cursor_usage_record", HOSTILE, "`x` is 1 and 2", "x")
REPORT = SyncReport(
    mapping="cursor",
    dry_run=False,
    first_day="2026-03-02",
    last_day="2026-03-04",
    streams=(
        StreamReport("events", StreamStatus.READ, 2, 2, 13, 9, 1, 13, left_out=3),
        StreamReport("commits", StreamStatus.NOT_IN_PLAN, 1, message="401"),
        StreamReport("changes", StreamStatus.FAILED, 3, 1, 5, message=HOSTILE),
    ),
    blueprints=(
        BlueprintReport("cursor_usage_record", 6, 3, 1, 1, 1, 0),
        BlueprintReport("cursor_ai_code_change_record", held="changes could not be read to its end"),
        BlueprintReport(HOSTILE, 9, 9, 6, 0, 0, 1, {"idle (their resource says `creates: false`)": 2}),
    ),
    rejected=(RejectGroup("merge", "cursor_usage_record", "x", 25, (REJECT,) * 3),),
    quarantine="kept here.ndjson",
    notices=("commits: not in your plan (401)",),
    source_requests=6,
    requests_by_path={"/events": 6},
    source_retries=1,
    retries_by_path={"/events": 1},
    port_requests=9,
    port_requests_by_route={
        "POST /blueprints/a/entities/bulk": 3,
        "POST /blueprints/b/entities/bulk": 4,
        "POST /blueprints/b/entities/search": 2,
    },
    port_retries_by_route={"POST /blueprints/b/entities/bulk": 3},
    seconds=1.25,
)


def test_text() -> None:
    text = sync_text(REPORT)
    assert "7 created, 1 updated, 1 unchanged, 25 rejected; INCOMPLETE: 1 stream(s) failed" in text
    assert "; 1 blueprint(s) held back" in text
    assert "HELD BACK cursor_ai_code_change_record: changes could" in text
    assert "2 idle (their resource says `creates: false`)" in text
    assert "left out: rows that" in text and "twice: rows that" in text
    assert "... and 22 more (merge x)" in text
    assert "kept in kept here.ndjson; mend the cause, then: portcfg sync replay 'kept here.ndjson'" in text
    assert "6 requests to the source (1 retries), 9 to Port (3 retries), 1.2 s" in text


def test_requests_and_retries_stand_by_endpoint() -> None:
    text, markdown = sync_text(REPORT).splitlines(), sync_markdown(REPORT).splitlines()
    search, bulk = "POST /blueprints/{blueprint}/entities/search", "POST /blueprints/{blueprint}/entities/bulk"
    rows = [["source", "/events", "6", "1"], ["Port", bulk, "7", "3"], ["Port", search, "2", "0"]]
    assert [line.split() for line in text if line.startswith(("source ", "Port "))] == [
        [word for cell in row for word in cell.split()] for row in rows
    ]
    cells = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in markdown]
    assert [row for row in cells if row[0] in ("source", "Port")] == rows


def test_nothing_hostile_gets_through() -> None:
    for rendered in (sync_text(REPORT), sync_markdown(REPORT), sync_json(REPORT)):
        assert "\x1b" not in rendered
    for line in sync_markdown(REPORT).splitlines():
        # Inside a code span whose fence is longer than what it holds.
        assert "`@team`" not in line or (line.startswith("- `` ") and line.endswith(" ``") and "``" not in line[5:-3])
    assert all("\nb|" not in rendered for rendered in (sync_text(REPORT), sync_markdown(REPORT)))


def test_json_is_versioned_and_whole() -> None:
    body = json.loads(sync_json(REPORT))
    assert body["format"] == "portcfg/sync/2"
    assert (body["exit_code"], body["writes"]) == (3, 8)
    assert body["rejected"][0]["count"] == 25
    assert len(body["rejected"][0]["examples"]) == 3
    assert body["streams"][0] | {"name": "events", "status": "read", "total": 13} == body["streams"][0]


def test_markdown_has_both_tables() -> None:
    text = sync_markdown(REPORT)
    assert text.startswith("### portcfg sync: `cursor`")
    assert "| `events`" in text and "| `cursor_usage_record`" in text
    assert text.count("|:-") == 5 and "-:|" in text
    assert "- `` rejected cursor_usage_record" in text and "`x` is 1 and 2 ``" in text


def test_numbers_stand_to_the_right() -> None:
    lines = sync_text(REPORT).splitlines()
    header = next(line for line in lines if line.startswith("stream"))
    events = next(line for line in lines if line.startswith("events"))
    for name, number in (("requests", "2"), ("rows", "13"), ("of", "13"), ("left out", "3"), ("twice", "1")):
        end = header.index(name) + len(name)
        assert events[:end].endswith(number)


def test_a_run_without_windows_claims_no_days() -> None:
    report = SyncReport("m", False, "", "", blueprints=(BlueprintReport("b", 1, 1, 1),))
    assert sync_text(report).startswith("m: 1 created")
    assert "Done: 1 created" in sync_markdown(report)


def test_a_dry_run_says_would() -> None:
    report = SyncReport("m", True, "2026-03-02", "2026-03-02", blueprints=(BlueprintReport("b", 1, 1, 1),))
    assert sync_text(report).startswith("m, 2026-03-02 (UTC): 1 would be created")


def test_exit_codes() -> None:
    assert SyncReport("m", False, "", "").exit_code == 0
    assert SyncReport("m", False, "", "", rejected=REPORT.rejected).exit_code == 6
    assert REPORT.exit_code == 3
    assert SyncReport("m", False, "", "", blueprints=(BlueprintReport("b", held="Port failed"),)).exit_code == 6
