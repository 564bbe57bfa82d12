"""validate of 300 files and plan of 300 resources."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from benchmarks.synthetic import write_blueprints
from portcfg.client import Credentials, PortReader, PortWriter, segment
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.pipeline import apply_specs, plan_specs, read_specs

COUNT = 300
LOCAL = Credentials("local", "local")


def run() -> list[dict[str, str]]:
    """Rows of {what, figure, baseline, ratio}."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "specs"
        write_blueprints(root, COUNT)
        return [*_validate(root), *_plan(root)]


def _seconds(work: Callable[[], Any], runs: int = 3) -> float:
    """The median time of a few runs after a warm-up."""
    work()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return sorted(times)[runs // 2]


def _validate(root: Path) -> list[dict[str, str]]:
    files = sorted(root.rglob("*.yaml"))
    ours = _seconds(lambda: read_specs(root))
    loader = _seconds(lambda: [yaml.safe_load(file.read_bytes()) for file in files])
    row = {
        "what": f"validate {COUNT} files",
        "figure": f"{ours:.2f} s",
        "baseline": f"{loader:.2f} s, yaml.safe_load of the same files and nothing else",
        "ratio": f"{ours / loader:.2f}",
    }
    return [row]


def _plan(root: Path) -> list[dict[str, str]]:
    with serving(port_app(":memory:")) as base_url:
        writer = PortWriter(base_url, LOCAL)
        specs = read_specs(root)
        apply_specs(specs, plan_specs(specs, writer), writer, clock=lambda: datetime.now(UTC))
        reader = PortReader(base_url, LOCAL)
        ours = _seconds(lambda: plan_specs(specs, reader))
        before = reader.requests_made
        plan_specs(specs, reader)
        requests = reader.requests_made - before
        one_by_one = _seconds(lambda: _read_each(reader), runs=1)
        writer.close()
        reader.close()
    row = {
        "what": f"plan of {COUNT} resources",
        "figure": f"{ours:.2f} s, {requests} requests",
        "baseline": f"{one_by_one:.2f} s, {COUNT} requests: reading them one by one, without planning",
        "ratio": f"{ours / one_by_one:.2f}",
    }
    return [row]


def _read_each(reader: PortReader) -> None:
    for index in range(COUNT):
        reader.get(f"/blueprints/{segment(f'thing_{index}')}")
