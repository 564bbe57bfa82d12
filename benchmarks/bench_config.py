"""validate of 300 files with all rules, by the second and by the megabyte, and plan of 300 resources."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from benchmarks.synthetic import write_blueprints, write_project
from portcfg.client import Credentials, PortReader, PortWriter, segment
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.pipeline import apply_specs, plan_specs, read_specs

COUNT = 300
LOCAL = Credentials("local", "local")
# The most that this process ever held, which unlike a child's resource usage has nothing of the parent's in it.
VALIDATE = """
import re, sys
from pathlib import Path
from portcfg.cli.main import main
try:
    main(["validate", "--specs", sys.argv[1]])
finally:
    status = Path("/proc/self/status")
    peak = re.search("VmHWM: *([0-9]+)", status.read_text().replace("\\t", " ")) if status.exists() else None
    print(f"{int(peak[1]) / 1024:.0f} MB" if peak else "memory not known here", file=sys.stderr)
"""


def run() -> list[dict[str, str]]:
    """Rows of {what, figure, baseline, ratio}."""
    with tempfile.TemporaryDirectory() as folder:
        portal, blueprints = Path(folder) / "portal", Path(folder) / "blueprints"
        write_project(portal, COUNT)
        write_blueprints(blueprints, COUNT)
        return [*_validate(portal), *_plan(blueprints)]


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
    """The rules alone, and the command from its start to its end, whose output nobody sees."""
    files = sorted(root.rglob("*.yaml"))
    loader = _seconds(lambda: [yaml.safe_load(file.read_bytes()) for file in files])
    rules = _seconds(lambda: read_specs(root))
    command = [sys.executable, "-c", VALIDATE, str(root)]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()[-1]
    process = _seconds(lambda: subprocess.run(command, capture_output=True, check=False))
    baseline = f"{loader:.2f} s, yaml.safe_load of the same files and nothing else"
    return [
        _row(f"validate {COUNT} files, all rules", f"{rules:.2f} s", baseline, rules / loader),
        _row("the same as a command", f"{process:.2f} s, at most {told}", baseline, process / loader),
    ]


def _row(what: str, figure: str, baseline: str, ratio: float) -> dict[str, str]:
    return {"what": what, "figure": figure, "baseline": baseline, "ratio": f"{ratio:.2f}"}


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
    baseline = f"{one_by_one:.2f} s, {COUNT} requests: reading them one by one, without planning"
    return [_row(f"plan of {COUNT} resources", f"{ours:.2f} s, {requests} requests", baseline, ours / one_by_one)]


def _read_each(reader: PortReader) -> None:
    for index in range(COUNT):
        reader.get(f"/blueprints/{segment(f'thing_{index}')}")
