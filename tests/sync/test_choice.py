"""Several jobs for one sync: slices of the days, and some of the streams only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from portcfg.client import PortReader, PortWriter
from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import synthetic_company
from portcfg.emulator.server import serving
from portcfg.errors import UsageError
from portcfg.sync.choice import Slice, parse_slice, sliced
from portcfg.sync.days import SYNC_BLUEPRINT
from portcfg.sync.report import SyncReport
from portcfg.sync.windows import DayRange
from tests.sync.support import KEY, ROOT, at, embedded_port, entities, mapping_of, shipped_mapping, sync
from tests.sync.test_run import THING, body, properties, resource, rows
from tests.sync.test_run import run as run_small

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 30)
# 10 April 2026.
NOW = 1_775_800_000.0
COMPANY = synthetic_company(4, 90, 5, end=date(2026, 4, 10))
BLUEPRINTS = (
    *("cursor_usage_record", "cursor_user_usage_record", "cursor_team_usage_record", "cursor_commit_record"),
    *("cursor_daily_commit_record", "cursor_ai_code_change_record", "cursor_cost_record"),
)


def everything(port: PortReader) -> dict[str, Any]:
    return {name: entities(port, name) for name in BLUEPRINTS}


def records(port: PortReader) -> dict[str, Any]:
    """What is recorded of each day, less what names the run and how many days it asked for at once."""
    kept = ("stream", "day", "rows", "state", "digest")
    found = entities(port, SYNC_BLUEPRINT)
    return {name: {key: entity["properties"].get(key) for key in kept} for name, entity in found.items()}


@pytest.mark.parametrize(("days", "of"), [(1, 1), (1, 3), (7, 3), (30, 4), (10, 7), (365, 20)])
def test_slices_cover_every_day_once(days: int, of: int) -> None:
    span = DayRange(FIRST, FIRST + timedelta(days=days - 1))
    shares = [Slice(number, of).days(span) for number in range(1, of + 1)]
    found = [share.first + timedelta(days=n) for share in shares if share for n in range(share.days)]
    assert found == [FIRST + timedelta(days=n) for n in range(days)]


@pytest.mark.parametrize("text", ["0/4", "5/4", "4", "1/0", "a/b", "-1/4", "1/4/2", "1 / 4"])
def test_what_is_no_slice_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="is no slice"):
        parse_slice(text)


def test_the_sources_limits_are_shared() -> None:
    mapping = shipped_mapping()
    assert sliced(mapping, Slice(2, 4)).source.rate_limits["/teams/filtered-usage-events"] == 15
    with pytest.raises(UsageError, match="at most 20 slices"):
        sliced(mapping, Slice(1, 21))


def test_what_cannot_be_sliced_is_said() -> None:
    with embedded_port(THING) as port, pytest.raises(UsageError, match="no stream has a `window`"):
        sync(mapping_of(body(resource())), port, slice=Slice(1, 2))
    with embedded_port() as port, pytest.raises(UsageError, match="must agree on its days"):
        sync(shipped_mapping(), port, last_day=None, slice=Slice(1, 2))


def cli(folder: Path, port: PortReader, source: str, *arguments: str) -> subprocess.Popen[str]:
    """`portcfg sync` in a process of its own."""
    login = {"PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local", "PORT_BASE_URL": port.root}
    days = ("--since", FIRST.isoformat(), "--until", LAST.isoformat(), "--format", "json")
    command = [sys.executable, "-m", "portcfg", "sync", "cursor", "--source-url", source, *days, *arguments]
    environment = {**os.environ, **login, "CURSOR_API_KEY": KEY}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    report: dict[str, Any] = json.loads(out)
    return report


def test_four_slices_at_once_are_one_run(tmp_path: Path) -> None:
    """Four processes on one Port and one Cursor: no entity is written twice, and nothing tells them from one run."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    mapping = tmp_path / "specs" / "mappings" / "cursor.yaml"
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(text.replace(": 20\n", ": 4000\n").replace(": 60\n", ": 4000\n"), encoding="utf-8")
    with serving(cursor_app(COMPANY, api_key=KEY)) as source, embedded_port() as one, embedded_port() as four:
        whole = ended(cli(tmp_path, one, source))
        running = [cli(tmp_path, four, source, "--slice", f"{number}/4") for number in (1, 2, 3, 4)]
        reports = [ended(process) for process in running]
        assert everything(four) == everything(one)
        assert records(four) == records(one)
        for name, created in created_in(whole).items():
            assert sum(created_in(report).get(name, 0) for report in reports) == created
        assert ended(cli(tmp_path, four, source))["writes"] == 0


def created_in(report: dict[str, Any]) -> dict[str, int]:
    assert not any(item["updated"] for item in report["blueprints"])
    return {item["blueprint"]: item["created"] for item in report["blueprints"]}


def run(port: PortWriter, source: str, *streams: str) -> SyncReport:
    return sync(at(shipped_mapping(), source), port, first_day=FIRST, last_day=LAST, streams=streams, now=NOW)


def test_a_stream_alone_clears_nothing_of_the_others() -> None:
    with serving(cursor_app(COMPANY, api_key=KEY)) as source, embedded_port() as port:
        run(port, source)
        before = everything(port)
        for stream in ("daily", "events", "commits", "changes"):
            report = run(port, source, stream)
            assert (report.writes, report.exit_code) == (0, 0)
            assert {item.name for item in report.streams} <= {stream, "groups"}
        assert everything(port) == before


def test_streams_one_by_one_and_then_all_are_one_run() -> None:
    with serving(cursor_app(COMPANY, api_key=KEY)) as source, embedded_port() as port, embedded_port() as one:
        run(one, source)
        for stream in ("events", "daily", "commits", "changes"):
            notices = run(port, source, stream).notices
            together = [text for text in notices if "say together" in text]
            assert bool(together) == (stream in ("daily", "events")), notices
        # What two streams say together is written by none of them alone, and so the days are read again.
        recorded = {item["stream"] for item in records(port).values()}
        assert recorded == {"commits", "changes", "groups"}
        run(port, source)
        assert everything(port) == everything(one)
        assert records(port) == records(one)


def test_a_stream_that_does_not_exist_is_named() -> None:
    with embedded_port() as port, pytest.raises(UsageError, match="'nonsense'"):
        sync(shipped_mapping(), port, streams=("nonsense",))


def test_without_a_rule_a_stream_alone_writes_what_both_say() -> None:
    mapping = body(resource("a", properties={"n": ".n"}), resource("b", properties={"s": ".s", "n": ".n"}))
    handlers = {"/a": rows({"id": "x", "n": 1}), "/b": rows({"id": "x", "n": 1, "s": "me"})}
    with embedded_port(THING) as port:
        run_small(port, mapping, handlers)
        assert run_small(port, mapping, {**handlers, "/a": rows({"id": "x", "n": 2})}, streams=("a",)).writes == 1
        assert properties(port, "thing")["x"] == {"n": 2, "s": "me"}
