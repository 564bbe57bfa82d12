"""What an apply is about to write, and how each write ended, kept in a local file for `rollback`.

The file is JSON lines: a header, then for each change what Port held before, all written to disk before the first
request; then one line for each outcome. A killed apply leaves a journal without its last lines, which is enough.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from portcfg.diff import canonical, field_changes
from portcfg.errors import UsageError
from portcfg.kinds import KINDS
from portcfg.kinds.base import STAMPS, due, members_of
from portcfg.model import (
    MISSING,
    Action,
    Body,
    Change,
    FieldChange,
    Migration,
    Move,
    Outcome,
    Plan,
    Ref,
    Rename,
    Resource,
    State,
    Status,
)
from portcfg.moving import moves_due, pairs_of, rename_fields, settled, with_move
from portcfg.places import PLACE
from portcfg.plan import compared, write_order

FORMAT = "portcfg/journal/1"
# Type -> jq that makes it of a property.
BACK = {
    "string": '.properties[%s] | if type == "string" then . else tojson end',
    "number": ".properties[%s] | tonumber?",
}


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


def inverse(recorded: Recorded, live: State, *, overwrite: bool = False) -> Plan:
    """The plan that brings Port back to what it held before: only what the apply touched, and still differs.

    What somebody changed after the apply is left alone and named, unless `overwrite`.
    """
    later = set() if overwrite else {change.ref for change in recorded.changes if _changed_since(change, live)}
    mine = [change for change in recorded.changes if change.ref not in later]
    moves = _moves_back(mine, live)
    steps = {change.ref: step for change in mine if (step := _undone(change, recorded, live, moves))}
    deletes = [ref for ref, step in steps.items() if step.action is Action.DELETE]
    writes = {ref: Resource(ref, step.after or {}) for ref, step in steps.items() if ref not in set(deletes)}
    order = [*write_order(writes), *reversed(write_order({ref: live[ref] for ref in deletes}))]
    why = "was changed since the apply, and is left alone; --overwrite takes it back, too"
    notes = (*(f"{ref} {why}" for ref in sorted(later)), *_losses(recorded, live, moves))
    return Plan(tuple(steps[ref] for ref in order), notes, recorded.header.environment)


def _moves_back(changes: Sequence[Change], live: State) -> dict[Ref, Move]:
    """The moves of an apply the other way round, by the resource that comes back."""
    comes_back = {
        change.ref: Resource(
            change.ref,
            _writable(change.before or {}),
            renames=tuple(rename.back for rename in change.move.renames),
            was=change.move.new.identifier,
        )
        for change in changes
        if change.move and change.moved_away
    }
    return moves_due(comes_back, live)


def already_back(recorded: Recorded, live: State, plan: Plan, *, overwrite: bool = False) -> set[Ref]:
    """What is as it was before the apply: neither in `plan`, the way back, nor left alone."""
    left = set() if overwrite else {change.ref for change in recorded.changes if _changed_since(change, live)}
    return {change.ref for change in recorded.changes} - {change.ref for change in plan.pending} - left


def _changed_since(change: Change, live: State) -> bool:
    """Whether Port holds what neither the apply found nor it wrote."""
    now = live.get(change.ref)
    return change.action is Action.UPDATE and now is not None and not _ours(change, now.body)


def _ours(change: Change, live: Body) -> bool:
    """Whether each field is as the apply found it or as it was to write it: it may have been stopped between two
    stages, and a rename in one blueprint changes paths in others."""
    kind, after = KINDS[change.ref.kind], change.after or {}
    # A migration that was stopped leaves a temporary part, which is nobody else's.
    live = kind.renaming.renamed(live, kind.renaming.left_over(live, after))
    live = kind.renaming.without_temporaries(live, change.migrations)
    made = [rename.back for rename in _back(change, live)]
    # All of them under the names that Port has now: a way back may have been stopped as well.
    after = kind.renaming.renamed(after, [each.back for each in change.renames if each not in made])
    bodies = (
        *compared(kind, after, kind.renaming.renamed(_writable(change.before or {}), made)),
        compared(kind, after, live)[0],
    )
    # Port answers {} for a section that was never written.
    sections = [key for body in bodies for key, value in body.items() if isinstance(value, dict)]
    found, wanted, now = ({**{key: {} for key in sections}, **body} for body in bodies)
    to_write = field_changes(found, wanted)
    return all(field in to_write or _taken(change, field) for field in field_changes(found, now))


def _taken(change: Change, field: FieldChange) -> bool:
    """Whether a migration that was stopped did it: it takes away what reads a part, and makes the part bare."""
    parts = [(*part.section, part.name) for part in change.migrations]
    return bool(parts) and (field.after is MISSING or any(field.path[: len(part)] == part for part in parts))


def _undone(change: Change, recorded: Recorded, live: State, moves: Mapping[Ref, Move]) -> Change | None:
    step = _step_back(change, recorded, live, pairs_of(moves))
    goes = next((move for move in moves.values() if move.old == change.ref), None)
    if step and step.action is Action.DELETE:
        return replace(step, move=goes)
    move = moves.get(change.ref)
    if step is None and move:
        step = Change(Action.NOOP, change.ref, live[change.ref].body, _writable(change.before or {}), file=change.file)
    return with_move(step, move) if step else None


def _step_back(change: Change, recorded: Recorded, live: State, pairs: Mapping[str, str]) -> Change | None:
    now = live.get(change.ref)
    before = _writable(change.before) if change.before is not None else None
    if before is None:
        ours = now is not None and (str(change.ref) in recorded.done or _ours(change, now.body))
        return Change(Action.DELETE, change.ref, now.body, None, change.fields, change.file) if now and ours else None
    if now is None:
        return Change(Action.CREATE, change.ref, None, before, file=change.file)
    # Null takes away what the apply has added.
    before |= dict.fromkeys({*(change.after or {})} - {*before})
    if _is(change, before, now.body):
        return None
    kind = KINDS[change.ref.kind]
    names = tuple(rename.back for rename in change.renames)
    found = settled(Resource(change.ref, before, renames=names, migrate=_convert_back(change)), now.body, pairs)
    renames = (*found.renames, *found.left)
    shown = (*rename_fields(renames), *field_changes(*compared(kind, before, found.body)))
    step = Change(Action.UPDATE, change.ref, now.body, before, shown, change.file, renames=renames)
    return replace(step, migrations=found.migrations)


def _convert_back(change: Change) -> dict[str, str]:
    """jq for the properties whose type an apply has changed, as far as another one can be made of it in general."""
    shapes = {part: members_of(change.before, part.section).get(part.source) or {} for part in change.migrations}
    return {
        part.source: BACK[shape["type"]] % json.dumps(part.name)
        for part, shape in shapes.items()
        if part.converts and shape.get("type") in BACK
    }


def _back(change: Change, live: Body) -> tuple[Rename, ...]:
    """The renames of a change the other way round, as far as they were made."""
    return due([rename.back for rename in change.renames], live)


def _is(change: Change, body: Body | None, live: Body) -> bool:
    left, right = compared(KINDS[change.ref.kind], body or {}, live)
    return canonical(left) == canonical(right)


def _writable(body: Body) -> Body:
    return {key: value for key, value in body.items() if key not in STAMPS and (value is not None or key in PLACE)}


def _losses(recorded: Recorded, live: State, moves: Mapping[Ref, Move]) -> Iterator[str]:
    """What no journal can bring back: values of entities aren't in it."""
    for change in recorded.changes:
        if change.action is Action.DELETE and change.ref not in live and change.ref not in moves:
            yield f"{change.ref} comes back without the entities that it may have had"
        if change.action is Action.UPDATE and change.ref in live:
            body = live[change.ref].body
            body = KINDS[change.ref.kind].renaming.renamed(body, _back(change, body))
            then, now = _properties(change.before), _properties(body)
            if converted := sorted(_convert_back(change)):
                yield f"{change.ref}: values of {', '.join(converted)} are converted back, and may be spelled otherwise"
            if gone := sorted(then - now):
                yield f"{change.ref}: {', '.join(gone)} come(s) back without values"


def _properties(body: Body | None) -> set[str]:
    return set((((body or {}).get("schema") or {}).get("properties")) or {})
