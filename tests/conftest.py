"""What many tests share: a clean environment, an embedded Port, the reference folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from tests.support import REPOSITORY, Bench

OWN_VARIABLES = re.compile(r"(PORT|CURSOR|OCEAN)_.*|CI|NO_COLOR")


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


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A fresh embedded Port."""
    app = port_app()
    with serving(app) as url:
        yield Bench(app, url)
