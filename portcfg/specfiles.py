"""Which files of a folder are specs, and which of these are not to be read."""

from __future__ import annotations

from pathlib import Path

from portcfg.errors import Problem

SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def spec_files(folder: Path) -> list[Path]:
    """The YAML and JSON files below `folder`, sorted by path so that reports don't depend on the file system."""
    return [path for path in named_as_specs(folder) if path.is_file()]


def named_as_specs(folder: Path) -> list[Path]:
    """The same by their names alone, links that lead nowhere and pipes included."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.is_dir())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def refused(root: Path, file: Path) -> Problem | None:
    """Why a file isn't read: as an include, it must not show what lies elsewhere, and a pipe would never end."""
    if file.is_symlink() and not file.exists():
        reason = "this link leads nowhere, or in a circle"
    elif not file.resolve().is_relative_to(root.resolve()):
        reason = f"this link leads outside {root.name}/"
    elif not file.is_file():
        reason = "this is no file, but a folder, a pipe, a socket or a device"
    else:
        return None
    return Problem(str(file), 0, 0, "PC001", reason, "put the file itself here")
