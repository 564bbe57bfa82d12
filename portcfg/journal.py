"""What an apply is about to write, and how each write ended, kept in a local file for `rollback`.

The file is JSON lines: a header, then for each change what Port held before, all written to disk before the first
request; then one line for each outcome. A killed apply leaves a journal without its last lines, which is enough.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from portcfg.errors import UsageError
from portcfg.model import (
    Action,
    Body,
    Change,
    Migration,
    Move,
    Outcome,
    Plan,
    Ref,
    Rename,
    Status,
)

FORMAT = "portcfg/journal/1"


@dataclass(frozen=True)
class Header:
    """Which apply it was: on which Port, for which project and environment, when (ISO), and if it kept the ledger."""

    base_url: str
    project: str
    environment: str
    started: str
    ledger: bool = True


class Journal:
    """An open journal file."""

    def __init__(self, path: Path, header: Header, plan: Plan) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        # What Port held before may be nobody else's business.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: TextIO = os.fdopen(handle, "w", encoding="utf-8")
        try:
            self._line({"format": FORMAT, **vars(header)})
            for change in plan.pending:
                self._line(_entry(change))
            # On disk before anything is written to Port, or it would be no use after a power cut.
            os.fsync(self._file.fileno())
        except OSError:
            with suppress(OSError):
                self.close()
            path.unlink()
            raise

    def note(self, outcome: Outcome) -> None:
        """How a change ended."""
        self._line({"done": str(outcome.change.ref), "status": outcome.status.value, "message": outcome.message})

    def close(self) -> None:
        """End the journal."""
        self._file.close()

    def _line(self, body: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(body, ensure_ascii=False) + "\n")
        self._file.flush()


def _entry(change: Change) -> Body:
    return {
        "action": change.action.value,
        "kind": change.ref.kind,
        "identifier": change.ref.identifier,
        "file": change.file,
        "before": change.before,
        "after": change.after,
        "applied": change.applied,
        "applied_file": change.applied_file,
        "renames": [vars(rename) for rename in change.renames],
        "migrations": [[part.section, part.source, part.name, part.converts] for part in change.migrations],
        "move": _move_entry(change.move) if change.move else None,
    }


def _move_entry(move: Move) -> Body:
    renames = [vars(rename) for rename in move.renames]
    return {"old": move.old.identifier, "new": move.new.identifier, "renames": renames}


@dataclass(frozen=True)
class Recorded:
    """A journal that was read: the changes, and the refs whose writes are known to be done."""

    header: Header
    changes: tuple[Change, ...]
    done: frozenset[str]


def read(path: Path) -> Recorded:
    """The journal in a file; a last line that was cut off is left out. Raises UsageError for any other file."""
    lines = []
    # Not splitlines: to that, characters that JSON leaves as they are end a line, too.
    # Where the last line was cut off may be within a letter.
    for text in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    if not lines or not isinstance(lines[0], dict) or lines[0].get("format") != FORMAT:
        raise UsageError(f"{path} is no journal of this portcfg ({FORMAT})")
    base_url, project, environment, started = (
        str(lines[0].get(name, "")) for name in ("base_url", "project", "environment", "started")
    )
    header = Header(base_url, project, environment, started, lines[0].get("ledger") is not False)
    changes = tuple(_change(line) for line in lines[1:] if "action" in line)
    done = (line["done"] for line in lines[1:] if "done" in line and line.get("status") == Status.DONE)
    return Recorded(header, changes, frozenset(done))


def _change(line: Mapping[str, Any]) -> Change:
    ref = Ref(line["kind"], line["identifier"])
    before, after = line["before"], line["after"]
    action, renames = Action(line["action"]), _renames(line)
    parts = tuple(Migration(tuple(part[0]), part[1], part[2], "", part[3]) for part in line.get("migrations", ()))
    change = Change(action, ref, before, after, file=line["file"], applied=line["applied"], renames=renames)
    # An earlier portcfg's has only the file of after.
    change = replace(change, applied_file=line.get("applied_file", line["file"]))
    move = line.get("move")
    if move:
        old, new = Ref(ref.kind, move["old"]), Ref(ref.kind, move["new"])
        change = replace(change, move=Move(old, new, {}, renames=_renames(move)))
    return replace(change, migrations=parts)


def _renames(line: Mapping[str, Any]) -> tuple[Rename, ...]:
    return tuple(Rename(tuple(each["section"]), each["old"], each["new"]) for each in line.get("renames", ()))
