"""Put files into a folder: whatever is there stays as it is, and nothing is written through a link out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from portcfg.errors import PortcfgError

SAME = "is as it should be"


@dataclass(frozen=True)
class Kept:
    """A path where nothing is written, and why."""

    path: str
    why: str


def survey(root: Path, files: Mapping[str, str]) -> tuple[list[str], list[Kept]]:
    """Which of `files` (path below `root` -> text) can be made, and what is there already; only looks."""
    kept = [Kept(path, why) for path in files if (why := _reason(root, path, files[path]))]
    held = {each.path for each in kept}
    return [path for path in files if path not in held], kept


def place(root: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Make `files`, yielding each path that is done; never one that exists.

    Raises PortcfgError for what can't be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(root, error) from error
    for path, text in files.items():
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            _make(root / path, text)
        except OSError as error:
            raise _unwritable(root / path, error) from error
        yield path


def _make(path: Path, text: str) -> None:
    """A new file, whole or not at all: the next run would keep half a one."""
    file = path.open("x", encoding="utf-8", newline="\n")
    try:
        with file:
            file.write(text)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _reason(root: Path, path: str, text: str) -> str:
    """Why nothing is written to `path`; empty where it can be made."""
    for above in reversed(PurePosixPath(path).parents[:-1]):
        folder = root / above
        if folder.is_symlink() and not folder.resolve().is_relative_to(root.resolve()):
            return f"{above} is a link out of the folder"
        if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
            return f"{above} is no folder"
    target = root / path
    if target.is_symlink():
        return "is a link"
    if not target.exists():
        return ""
    return SAME if target.is_file() and _holds(target, text) else "is otherwise than init makes it"


def _holds(target: Path, text: str) -> bool:
    try:
        return target.read_bytes() == text.encode()
    except OSError:
        return False


def _unwritable(path: Path, error: OSError) -> PortcfgError:
    return PortcfgError(
        f"{path} can't be made: {error.strerror or error}",
        hint="what was made before it stays; run the same command again once that is mended",
    )
