"""Where a sync keeps what it rejects, and what it deletes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import click

from portcfg.cli.state import STATE_FOLDER, make_state_folder
from portcfg.errors import UsageError
from portcfg.sync.quarantine import Quarantine

FOLDER = Path(STATE_FOLDER) / "quarantine"
DELETED = Path(STATE_FOLDER) / "deleted"
quarantine_option = click.option(
    "--quarantine",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Keep what is rejected in this new file; where absent in {FOLDER}, and nowhere in a dry run.",
)


def quarantine_of(mapping: str, file: Path | None, dry_run: bool) -> Quarantine:
    """Where one run of a mapping keeps what it rejects. Raises UsageError for a file that exists."""
    if file is None and dry_run:
        return Quarantine()
    if file is not None and file.exists():
        raise UsageError(f"{file} exists", "name a new file for --quarantine; what is kept is never written over")
    return Quarantine(file or FOLDER / _name(mapping), _make_folder)


def deleted_of(mapping: str, dry_run: bool) -> Quarantine:
    """Where one run of a mapping keeps what it deletes."""
    return Quarantine() if dry_run else Quarantine(DELETED / _name(mapping), _make_folder)


def _name(mapping: str) -> str:
    name = re.sub(r"[^\w.-]", "_", mapping)
    return f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.ndjson"


def _make_folder(folder: Path) -> None:
    if FOLDER.parent in (folder, *folder.parents):
        make_state_folder(FOLDER.parent)
    folder.mkdir(parents=True, exist_ok=True)
