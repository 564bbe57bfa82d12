"""The folder that holds what portcfg keeps locally: the embedded Port's state, and journals of applies."""

from __future__ import annotations

from pathlib import Path

STATE_FOLDER = ".portcfg"
JOURNALS = Path(STATE_FOLDER) / "journal"


def make_state_folder(folder: Path) -> None:
    """Make `folder`; the state folder ignores itself in git."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if folder.name == STATE_FOLDER and not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
