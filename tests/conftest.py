"""What many tests share: a clean environment, an embedded Port, the reference folder."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tabulate import tabulate

from portcfg.emulator.server import serving
from tests.support import REPOSITORY, Bench, Server

OWN_VARIABLES = re.compile(r"(PORT|CURSOR|OCEAN)_.*|CI|NO_COLOR")
POINTS = 2
MATRIX = "matrix(argument, cases, some): a test of many cases, of which `make test` tries `some` and --soak all"
SOAK_ROW = "soak"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak`: the same cases with many more points, and a table of them at the end."""
    parser.addoption("--soak", action="store_true", help="many more points in every matrix and property")


def pytest_configure(config: pytest.Config) -> None:
    """The number of examples that hypothesis tries; time is no measure on a shared machine."""
    settings.register_profile("quick", deadline=None, max_examples=20, derandomize=True)
    settings.register_profile("soak", deadline=None, max_examples=150)
    settings.load_profile("soak" if config.getoption("--soak") else "quick")
    config.addinivalue_line("markers", MATRIX)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --soak, only what has more points then: matrices and properties. `make test` has run the rest."""
    if config.getoption("--soak"):
        items[:] = [item for item in items if _has_more_points(item)]


def _has_more_points(item: pytest.Item) -> bool:
    test = getattr(item, "obj", None)
    seeded = {"soak_seed", "points"} & set(getattr(item, "fixturenames", ()))
    is_matrix = item.get_closest_marker("matrix") is not None
    return bool(seeded) or is_matrix or getattr(test, "is_hypothesis_test", False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `soak_seed` runs once, or 25 times with --soak; of a matrix some cases run, or all of them."""
    for marker in metafunc.definition.iter_markers("matrix"):
        argument, cases, some = marker.args
        named = {str(case if isinstance(case, str | int) else case[0]): case for case in cases}
        chosen = list(named)
        if not metafunc.config.getoption("--soak"):
            chosen = sorted(random.Random(metafunc.definition.name).sample(chosen, min(some, len(chosen))))
        metafunc.parametrize(argument, [named[name] for name in chosen], ids=chosen)
    if "soak_seed" in metafunc.fixturenames:
        metafunc.parametrize("soak_seed", range(25 if metafunc.config.getoption("--soak") else 1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """With --soak: what the fault matrices did."""
    reports = (report for found in terminalreporter.stats.values() for report in found)
    # Those of setup and teardown carry the same.
    calls = (report for report in reports if getattr(report, "when", "") == "call")
    properties = (pair for report in calls for pair in report.user_properties)
    rows = [value for name, value in properties if name == SOAK_ROW]
    if config.getoption("--soak") and rows:
        totals: dict[tuple[str, str], list[int]] = {}
        for matrix, fault, *numbers in rows:
            kept = totals.setdefault((matrix, fault), [0] * len(numbers))
            totals[matrix, fault] = [old + int(new) for old, new in zip(kept, numbers, strict=True)]
        table = [[*key, *numbers] for key, numbers in sorted(totals.items())]
        terminalreporter.section("soak")
        terminalreporter.line(tabulate(table, headers=["matrix", "fault", "runs", "requests", "faults met"]))


@pytest.fixture
def soak_row(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Write down one run of a matrix: (matrix, fault, requests, faults met)."""

    def write(matrix: str, fault: str, requests: int, met: int) -> None:
        # A report carries these from the process that ran the test to the one that prints the table.
        request.node.user_properties.append((SOAK_ROW, [matrix, fault, "1", str(requests), str(met)]))

    return write


@pytest.fixture
def points(request: pytest.FixtureRequest) -> Callable[[int], list[int]]:
    """Which of so many points to try: a few, others for each test, or all of them with --soak."""

    def chosen(number: int) -> list[int]:
        if request.config.getoption("--soak"):
            return list(range(number))
        return sorted(random.Random(request.node.name).sample(range(number), min(POINTS, number)))

    return chosen


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if OWN_VARIABLES.fullmatch(name):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Third-party files that tests read but the repository doesn't hold."""
    folder = Path(os.environ.get("PORTCFG_REFERENCE_DIR") or REPOSITORY.parent / "shared")
    if not folder.is_dir():
        pytest.skip("no reference folder: set PORTCFG_REFERENCE_DIR")
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Serves one embedded Port after the other."""
    own = Server()
    with serving(own) as own.url:
        yield own


@pytest.fixture
def bench(server: Server) -> Bench:
    """A fresh embedded Port."""
    return server.bench()
