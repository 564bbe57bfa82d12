"""What comes before the specs' bodies are written: entities move, parts move, parts get other names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from portcfg.client import PortWriter, segment
from portcfg.kinds import KINDS
from portcfg.kinds.blueprint_moves import opening, temporary
from portcfg.migrate import free_names, migrate_parts
from portcfg.model import Action, Change, Move, Ref
from portcfg.moves import carry, carry_rest, keep_unmanaged, open_new
from portcfg.renames import rename_parts

Step = Callable[[PortWriter], None]
Phase = Callable[[PortWriter, str, Change, Move], None]


def preparations(changes: Sequence[Change]) -> Iterator[tuple[Change, Step, bool]]:
    """(change, what to do, whether the resource is there by then), one after the other, since each changes what the
    next ones find.

    All entities move before anybody points to them, and blueprints that are renamed together may refer to each other.
    """
    moved = [(change, change.move) for change in changes if change.move]
    for phase in (open_new, carry, carry_rest):
        for change, move in moved:
            yield change, _step(phase, change, move), phase is not open_new
    for change in changes:
        if change.migrations or change.renames:
            yield change, _parts(change), True
    for change, move in moved:
        yield change, _step(keep_unmanaged, change, move), True


def _step(phase: Phase, change: Change, move: Move) -> Step:
    return lambda port: phase(port, path_of(change.ref), change, move)


def _parts(change: Change) -> Step:
    # What an earlier apply has left under a temporary name is the only copy, which a new migration would begin without.
    left = [rename for rename in change.renames if rename.old == temporary(rename.new)]
    # A rename of what migrates under its new name is made by that.
    migrated = {(part.section, part.source) for part in change.migrations}
    rest = [each for each in change.renames if each not in left and (each.section, each.old) not in migrated]

    def step(port: PortWriter) -> None:
        path = path_of(change.ref)
        rename_parts(port, path, change.ref, left)
        free_names(port, path, change)
        migrate_parts(port, path, change)
        rename_parts(port, path, change.ref, rest)

    return step


def prepared(change: Change) -> Change:
    """The change as it is to be written now: what entities have moved into is there."""
    if change.move is None or change.action is not Action.CREATE:
        return change
    return replace(change, action=Action.UPDATE, before=opening(change.move, change.after or {}))


def path_of(ref: Ref) -> str:
    """The route of one resource, below `/v1`."""
    return f"{KINDS[ref.kind].collection}/{segment(ref.identifier)}"
