"""Whatever the network and the servers do, an apply or a sync ends right, or says so and ends right the next time.

One point of each matrix in `make test`, 25 in `make soak`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from portcfg.client import PortWriter
from portcfg.emulator.chaos import Chaos
from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import synthetic_company
from portcfg.emulator.cursor_faults import CursorFaults
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.lock import release
from portcfg.pipeline import Specs, apply_specs, plan_specs, read_specs
from portcfg.retry import RetryPolicy
from portcfg.sync.parse import parse_mapping
from portcfg.sync.report import SyncReport
from portcfg.sync.run import SyncOptions, run_sync
from tests.cli.now import NOW
from tests.support import CREDENTIALS, PATIENT, REPOSITORY

LAST_DAY = date(2026, 3, 20)
FIRST_DAY = date(2026, 3, 16)
HURRIED = RetryPolicy(sleep=lambda _: None)
STAMPS = {"createdAt", "createdBy", "updatedAt", "updatedBy"}

PORT_FAULTS = {
    "429 in bursts": {"too_many": 0.1, "burst": 3},
    "429 with an epoch": {"too_many": 0.1, "reset_as_epoch": True},
    "5xx": {"server_errors": 0.08},
    "cut answers": {"drops": 0.08},
    "shuffled lists": {"shuffle": True},
    "all of it": {"too_many": 0.05, "server_errors": 0.05, "drops": 0.05, "shuffle": True},
}
CURSOR_FAULTS = {
    "429": CursorFaults(too_many_every=3, retry_after="0"),
    "5xx": CursorFaults(server_error_every=4),
    "cut answers": CursorFaults(drop_every=4),
}


@contextmanager
def port(**chaos: Any) -> Iterator[tuple[PortWriter, list[float]]]:
    """An embedded Port that misbehaves, a patient client on it, and a wait for each fault that the client met."""
    waits: list[float] = []
    with serving(port_app(chaos=Chaos(**chaos))) as url:
        client = PortWriter(url, CREDENTIALS, replace(PATIENT, sleep=waits.append))
        yield client, waits
        client.close()


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Specs:
    """The shipped specs."""
    root = tmp_path_factory.mktemp("faults") / "specs"
    shutil.copytree(REPOSITORY / "specs", root)
    return read_specs(root)


def apply(specs: Specs, client: PortWriter) -> bool:
    """Apply; whether everything was done."""
    report = apply_specs(specs, plan_specs(specs, client), client, clock=NOW)
    return not report.failed and report.after is not None and not report.after.pending


def sync(specs: Specs, client: PortWriter, faults: CursorFaults | None = None) -> SyncReport:
    """Sync five days of a small company."""
    [resource] = [resource for ref, resource in specs.compiled().items() if ref.kind == "mapping"]
    company = synthetic_company(users=5, days=35, seed=3, end=LAST_DAY)
    with serving(cursor_app(company, faults=faults)) as url:
        config = {**resource.body["config"], "identifier": "cursor"}
        mapping = parse_mapping({**config, "source": {**config["source"], "base_url": url}}, specs.project.variables)
        options = SyncOptions(FIRST_DAY, LAST_DAY, now=1_774_137_600.0, retry=HURRIED)
        return run_sync(mapping, {"CURSOR_API_KEY": "local"}, client, options)


def contents(client: PortWriter) -> str:
    """All entities of the Cursor blueprints, without stamps, as one text."""
    names = [body["identifier"] for body in client.get("/blueprints")["blueprints"]]
    found = {
        name: sorted(
            ({key: value for key, value in entity.items() if key not in STAMPS} for entity in client.entities(name)),
            key=lambda entity: str(entity["identifier"]),
        )
        for name in sorted(names)
        if name.startswith("cursor_")
    }
    return json.dumps(found, sort_keys=True)


@dataclass(frozen=True)
class Clean:
    """A run without faults: what it leaves in Port, and how many writes it took."""

    contents: str
    writes: int


@pytest.fixture(scope="module")
def clean(specs: Specs) -> Clean:
    """What a run without faults does."""
    with serving(port_app()) as url:
        client = _Killed(url, CREDENTIALS, PATIENT)
        assert apply(specs, client)
        assert sync(specs, client).exit_code == 0
        writes = client.writes
        left = contents(client)
        client.close()
    return Clean(left, writes)


@pytest.mark.parametrize("fault", PORT_FAULTS)
def test_port_misbehaves(specs: Specs, clean: Clean, fault: str, soak_seed: int, soak_row: Callable[..., None]) -> None:
    with port(seed=soak_seed, **PORT_FAULTS[fault]) as (client, waits):
        assert apply(specs, client)
        report = sync(specs, client)
        assert report.exit_code == 0, report.rejects
        assert contents(client) == clean.contents
        assert sync(specs, client).writes == 0
        assert waits or set(PORT_FAULTS[fault]) == {"shuffle"}
        soak_row("Port misbehaves", fault, client.requests_made, len(waits))


@pytest.mark.parametrize("fault", CURSOR_FAULTS)
def test_cursor_misbehaves(specs: Specs, clean: Clean, fault: str, soak_row: Callable[..., None]) -> None:
    with port() as (client, _):
        assert apply(specs, client)
        report = sync(specs, client, CURSOR_FAULTS[fault])
        assert report.exit_code == 0
        assert report.source_retries > 0
        assert contents(client) == clean.contents
        soak_row("Cursor misbehaves", fault, report.source_requests, report.source_retries)


class _Killed(PortWriter):
    """A client whose process is killed before a write: the first is 0, and with -1 it never is."""

    at = -1
    writes = 0

    def send(self, *args: Any, **named: Any) -> Any:
        if self.writes == self.at:
            raise KeyboardInterrupt
        self.writes += 1
        return super().send(*args, **named)


@pytest.mark.parametrize("part", [0.0, 0.2, 0.4, 0.6, 0.8, 0.99])
def test_killed_at_a_write_and_run_again(
    specs: Specs, clean: Clean, part: float, soak_seed: int, soak_row: Callable[..., None]
) -> None:
    with serving(port_app()) as url:
        killed = _Killed(url, CREDENTIALS, PATIENT)
        killed.at = (int(part * clean.writes) + soak_seed) % clean.writes
        with pytest.raises(KeyboardInterrupt):
            _ = apply(specs, killed) and sync(specs, killed)
        assert killed.writes == killed.at
        client = PortWriter(url, CREDENTIALS, PATIENT)
        # As `portcfg unlock` does: the killed one may have left its lock.
        release(client)
        assert apply(specs, client)
        assert sync(specs, client).exit_code == 0
        assert contents(client) == clean.contents
        soak_row("killed at a write", "process killed", client.requests_made + killed.requests_made, 1)
        killed.close()
        client.close()
