"""What a job tells GitHub through its files: step outputs, the job summary, and annotations in the log."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

from portcfg.errors import PortcfgError
from portcfg.render.problems_github import workflow_command

# GitHub refuses a step's summary over 1 MiB as a whole.
SUMMARY_BYTES = 1024 * 1024
CUT = "\n\n_The rest doesn't fit into a job summary._\n"


def write_outputs(environ: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Append to GITHUB_OUTPUT; does nothing where it isn't set. A value may have lines."""
    if file := environ.get("GITHUB_OUTPUT"):
        _append(file, "".join(_assignment(name, value) for name, value in outputs.items()))


def write_summary(environ: Mapping[str, str], text: str) -> None:
    """Append to GITHUB_STEP_SUMMARY, at most what is left of its 1 MiB; does nothing where it isn't set."""
    if not (file := environ.get("GITHUB_STEP_SUMMARY")):
        return
    path = Path(file)
    room = SUMMARY_BYTES - (path.stat().st_size if path.exists() else 0)
    _append(file, _within(f"{text.rstrip()}\n\n", room))


def told(error: PortcfgError) -> str:
    """An error in a line: what, and what to do."""
    return "; ".join(filter(None, (error.message, error.hint)))


def annotation(level: str, title: str, text: str) -> str:
    """A workflow command that shows `text` on the run's page; `level` is `error`, `warning` or `notice`."""
    return workflow_command(level, {"title": title}, text)


def _assignment(name: str, value: str) -> str:
    # A delimiter that nobody can guess: a value must not be able to end itself and set another output.
    end = f"end_{uuid.uuid4().hex}"
    return f"{name}<<{end}\n{value}\n{end}\n"


def _append(file: str, text: str) -> None:
    with Path(file).open("a", encoding="utf-8", newline="\n") as opened:
        opened.write(text)


def _within(text: str, room: int) -> str:
    data = text.encode("utf-8", "replace")
    if len(data) <= room:
        return text
    kept = max(room - len(CUT.encode()), 0)
    return data[:kept].decode("utf-8", "ignore") + (CUT if kept else "")
