"""A first apply of 100 blueprints and 50 dashboards, and an import of them, on a Port that takes 50 ms to answer."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.synthetic import write_portal
from portcfg.apply import PARALLELISM
from portcfg.client import Credentials, PortReader, PortWriter
from portcfg.importer import importable, spec_file, spec_text
from portcfg.kinds import KINDS
from portcfg.observe import observe
from portcfg.pipeline import apply_specs, plan_specs, read_specs
from portcfg.steps import path_of

BLUEPRINTS = 100
DASHBOARDS = 50
LATENCY = 0.05
LOCAL = Credentials("local", "local")


@dataclass(frozen=True)
class Run:
    """Seconds, and requests."""

    seconds: float
    requests: int

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.requests} requests"


def run() -> list[dict[str, str]]:
    """Rows of {what, figure, baseline, ratio}."""
    with tempfile.TemporaryDirectory() as folder:
        root, changed = Path(folder) / "specs", Path(folder) / "changed"
        write_portal(root, BLUEPRINTS, DASHBOARDS)
        write_portal(changed, BLUEPRINTS, DASHBOARDS, title="Other")
        runs = {workers: _applies([root, changed], workers) for workers in (1, PARALLELISM)}
        with _port() as url:
            _applied(root, url, PARALLELISM)
            imported, each = _imported(url, Path(folder)), _read_each(url)
    what = f"of {BLUEPRINTS} blueprints and {DASHBOARDS} dashboards, {LATENCY * 1000:.0f} ms latency"
    one, many = runs[1], runs[PARALLELISM]
    return [
        _row(f"first apply {what}, {PARALLELISM} at once", many[0], one[0], "one at a time"),
        _row(f"a change of all of them, {PARALLELISM} at once", many[1], one[1], "one at a time"),
        _row(f"import {what}", imported, each, "one GET a resource, and no files written"),
    ]


def _row(what: str, ours: Run, baseline: Run, how: str) -> dict[str, str]:
    ratio = f"{ours.seconds / baseline.seconds:.2f}"
    return {"what": what, "figure": str(ours), "baseline": f"{baseline}: {how}", "ratio": ratio}


@contextmanager
def _port() -> Iterator[str]:
    """The base URL of a fresh embedded Port in a process of its own, so that its work isn't counted as ours."""
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--port", "0", "--cursor-port", "0", "--data", f"{folder}/port.db", "--latency", str(LATENCY)]
        command = [sys.executable, "-m", "portcfg", "emulator", *flags]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                yield re.findall(r"PORT_BASE_URL=(\S+)", process.stdout.readline() if process.stdout else "")[0]
            finally:
                process.kill()


def _applies(roots: list[Path], workers: int) -> list[Run]:
    """Apply the specs of each folder over those of the one before, on a fresh Port."""
    with _port() as url:
        return [_applied(root, url, workers) for root in roots]


def _applied(root: Path, url: str, workers: int) -> Run:
    """Plan, apply, and plan again."""
    specs = read_specs(root)
    with closing(PortWriter(url, LOCAL)) as port:
        started = time.perf_counter()
        report = apply_specs(specs, plan_specs(specs, port), port, clock=_now, parallelism=workers)
        seconds = time.perf_counter() - started
        if report.failed or report.after is None or report.after.pending:
            raise RuntimeError(f"the apply isn't whole: {[outcome.message for outcome in report.failed][:3]}")
        return Run(seconds, port.requests_made)


def _imported(url: str, folder: Path) -> Run:
    """`portcfg import`, files and all."""
    with closing(PortReader(url, LOCAL)) as port:
        started = time.perf_counter()
        resources = importable(observe(port), KINDS, ())
        for resource in resources:
            path = spec_file(folder, resource.ref, set())
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(spec_text(resource), encoding="utf-8")
        return Run(time.perf_counter() - started, port.requests_made)


def _read_each(url: str) -> Run:
    """What a client does that knows the names and asks for one resource at a time."""
    with closing(PortReader(url, LOCAL)) as port:
        refs = [resource.ref for resource in importable(observe(port), KINDS, ())]
        before, started = port.requests_made, time.perf_counter()
        for ref in refs:
            port.get(path_of(ref))
        return Run(time.perf_counter() - started, port.requests_made - before)


def _now() -> datetime:
    return datetime.now(UTC)
