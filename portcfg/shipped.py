"""Files that come with portcfg but aren't code: beside it in a checkout, inside of it in an installation."""

from __future__ import annotations

from pathlib import Path

import portcfg
from portcfg.errors import UsageError

PACKAGE = Path(portcfg.__file__).parent


def specs_folder() -> Path:
    """The Cursor specs. Raises UsageError where they aren't installed."""
    for candidate in (PACKAGE / "cursor_specs", PACKAGE.parent / "specs"):
        if candidate.is_dir():
            here = Path.cwd()
            return candidate.relative_to(here) if candidate.is_relative_to(here) else candidate
    raise UsageError("the Cursor specs aren't installed", hint="name a specs folder with --specs")


def workflow(name: str) -> str:
    """The text of a workflow for repos of specs. Raises UsageError where it isn't installed."""
    for folder in (PACKAGE / "init" / "workflows", PACKAGE.parent / ".github" / "workflows"):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise UsageError(f"the workflow {name} isn't installed", hint="leave GitHub's files out with --no-github")
