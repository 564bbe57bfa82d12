"""What a dry run says of the requests and the time of the run itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import synthetic_company
from portcfg.emulator.server import serving
from portcfg.render.sync import LOCKING, sync_text
from portcfg.sync.estimate import paced_seconds
from tests.sync.support import KEY, at, embedded_port, shipped_mapping, sync

COMPANY = synthetic_company(4, 60, 5, end=date(2026, 4, 10))
DAYS = {"first_day": date(2026, 3, 10), "last_day": date(2026, 3, 30), "now": 1_775_800_000.0}


def test_the_run_makes_the_requests_that_the_dry_run_foretold() -> None:
    with serving(cursor_app(COMPANY, api_key=KEY)) as source, embedded_port() as port:
        mapping = at(shipped_mapping(), source)
        foretold = sync(mapping, port, dry_run=True, **DAYS)
        asked = foretold.port_requests + sum(foretold.port_writes.values())
        assert "POST /blueprints/portcfg_sync_day/entities/bulk" in foretold.port_writes
        assert f"about {asked + LOCKING} to Port" in sync_text(foretold)
        done = sync(mapping, port, **DAYS)
        assert done.requests_by_path == foretold.requests_by_path
        # The blueprint of the days' records is made by the first run only, and what must wait for another goes twice.
        assert 0 <= done.port_requests - asked <= 3
        again = sync(mapping, port, dry_run=True, **DAYS)
        assert again.port_writes == {}
        assert "the run itself" not in sync_text(replace(done, dry_run=False))


@pytest.mark.parametrize(
    ("requests", "seconds"),
    [({}, 0), ({"/a/x": 20}, 0), ({"/a/x": 21}, 60), ({"/a/x": 15, "/a/y": 26}, 120), ({"/a/b/x": 61, "/c": 900}, 60)],
)
def test_the_time_is_what_the_limits_demand(requests: dict[str, int], seconds: float) -> None:
    assert paced_seconds(requests, {"/a/": 20, "/a/b/": 60}) == seconds
