"""The world of the fault matrices: both servers started once, a fresh state of them for every test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sync.network import Network
from tests.sync.world import World, both_served

Served = tuple[Network, Network, Path]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The networks of Port and of Cursor, and the state of a Port before the first sync."""
    template = tmp_path_factory.mktemp("port") / "template.db"
    with both_served(template) as (port, cursor):
        yield port, cursor, template


@contextmanager
def clean_world(served: Served, folder: Path) -> Iterator[World]:
    """A Port with the shipped blueprints and no records, and a Cursor, both untouched."""
    made = World(*served, folder)
    made.serve_cursor()
    made.serve_port()
    made.meddle()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def world(served: Served, tmp_path: Path) -> Iterator[World]:
    """A clean world."""
    with clean_world(served, tmp_path) as made:
        yield made
