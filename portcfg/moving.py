"""What must move before the specs can be written: parts of resources, and whole resources under another name. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from portcfg.diff import field_changes
from portcfg.kinds import KINDS, Kind
from portcfg.kinds.base import due, members_of
from portcfg.model import (
    MISSING,
    Action,
    Body,
    Cause,
    Change,
    FieldChange,
    Migration,
    Move,
    Ref,
    Rename,
    Resource,
    State,
)


@dataclass(frozen=True)
class Settled:
    """A live body as Port will hold it once `renames` and `migrations` are made; `left` renames are what an
    interrupted migration has still to do. `stopped` if an apply was stopped while values moved."""

    body: Body
    renames: tuple[Rename, ...]
    left: tuple[Rename, ...]
    migrations: tuple[Migration, ...]
    stopped: bool


def pairs_of(moves: Mapping[Ref, Move]) -> dict[str, str]:
    """Old identifier -> new."""
    return {move.old.identifier: move.new.identifier for move in moves.values()}


def settled(desired: Resource, live: Body, pairs: Mapping[str, str]) -> Settled:
    """What has to be renamed and moved within a resource."""
    renaming = KINDS[desired.ref.kind].renaming
    renames = due(desired.renames, live)
    taken = {(rename.section, rename.new) for rename in renames}
    left = tuple(
        rename for rename in renaming.left_over(live, desired.body) if (rename.section, rename.new) not in taken
    )
    body = renaming.renamed(live, left)
    found = renaming.migrations(body, desired.body, desired.migrate, renames, pairs)
    body = renaming.renamed(body, renames)
    now = renaming.without_temporaries(body, found)
    return Settled(now, renames, left, found, bool(left) or now != body)


def own_doing(kind: Kind, fields: Sequence[FieldChange], before: Body, after: Body) -> tuple[FieldChange, ...]:
    """`fields` with their causes where an apply was stopped while values moved: what it took away is nobody's drift.

    `before` and `after` are the bodies as they are compared.
    """
    by_hand = {field.path for field in field_changes(before, kind.comparable(kind.renaming.loose(after)))}
    return tuple(
        replace(field, cause=Cause.SPEC, applied=MISSING)
        if field.cause is not Cause.SERVER and (field.before is MISSING or field.path not in by_hand)
        else field
        for field in fields
    )


def moves_due(desired: State, live: State) -> dict[Ref, Move]:
    """The moves that are still to be made, by the resource that comes: Port has the old one, and no spec has it."""
    olds = {ref: Ref(ref.kind, resource.was) for ref, resource in desired.items() if resource.was}
    olds = {ref: old for ref, old in olds.items() if old in live and old not in desired}
    pairs = {old.identifier: ref.identifier for ref, old in olds.items()}
    return {ref: _move(desired[ref], live[old], pairs) for ref, old in olds.items()}


def _move(desired: Resource, old: Resource, pairs: Mapping[str, str]) -> Move:
    renaming = KINDS[desired.ref.kind].renaming
    body = renaming.moved(old.body, pairs)
    renames = due(desired.renames, body)
    parts = renaming.moving(old.body, desired.body, desired.migrate, renames, pairs)
    return Move(old.ref, desired.ref, body, parts, renames)


def with_move(change: Change, move: Move | None) -> Change:
    """The step of a resource that takes another's place: shown is what it has otherwise than that one had."""
    if move is None:
        return change
    fields = change.fields
    if change.before is None:
        fields = (*rename_fields(move.renames), *field_changes(*moved_sides(move, change.after or {})))
    action = Action.UPDATE if change.action is Action.NOOP else change.action
    by_hand = change.before is not None and any(field.cause in (Cause.DRIFT, Cause.CONFLICT) for field in fields)
    return replace(change, action=action, fields=fields, move=move, drifted=change.drifted if by_hand else "")


def rename_fields(renames: Sequence[Rename], applied: Body | None = None) -> tuple[FieldChange, ...]:
    """How a change shows renames. Where the new name was applied before, it was Port that went back to the old one."""
    return tuple(
        FieldChange(
            (*rename.section, rename.new),
            rename.old,
            rename.new,
            Cause.DRIFT if rename.new in members_of(applied, rename.section) else Cause.SPEC,
            renamed_from=rename.old,
        )
        for rename in renames
    )


def moved_sides(move: Move, after: Body) -> tuple[Body, Body]:
    """What the old resource was and what the new one is to be, as they are compared: in what the specs manage."""
    kind = KINDS[move.new.kind]
    managed = kind.sections | after.keys()
    before = kind.renaming.renamed(move.body, move.renames)
    return kind.comparable({key: value for key, value in before.items() if key in managed}), kind.comparable(after)


def move_notes(desired: Resource, live: State, managed: Collection[Ref] | None) -> Iterator[str]:
    """What is to be said of a resource's `renamed_from`."""
    if not desired.was:
        return
    old = Ref(desired.ref.kind, desired.was)
    if old in live:
        yield (
            f"Port's scorecards, actions, permissions and pages of {old} don't move, and may go with it when it is "
            f"deleted: make them anew for {desired.ref}"
        )
        if managed is not None and old not in managed:
            yield f"{old} isn't managed by portcfg; it is deleted all the same, once its entities have moved"
    elif desired.ref in live:
        yield f"renamed_from can go, since this Port has no {old} any more"
    else:
        yield f"nothing to rename, since Port has no {old}"


def stopped_notes(found: Settled) -> Iterator[str]:
    """Whether an apply has left something to do."""
    if found.stopped:
        yield "an apply was stopped while values moved here; this goes on with what is left of it"


def migrate_notes(desired: Resource, live: Body, found: Settled) -> Iterator[str]:
    """Which `migrate` has nothing left to do."""
    moving = {part.name for part in found.migrations} | {rename.new for rename in found.left}
    held = members_of(live, ("schema", "properties"))
    for name in desired.migrate:
        if name in held and name not in moving:
            yield f"{name}: migrate can go, since this Port has the new type already"


def move_refusals(moves: Mapping[Ref, Move], desired: State, state: State) -> Iterator[str]:
    """Why a resource can't be renamed: of what Port will hold (`state`), something still refers to what is to go."""
    for move in moves.values():
        for ref in sorted(state.keys() - {move.old, move.new}):
            references = {target for _, target in KINDS[ref.kind].references(state[ref].body)}
            if ref.kind == move.old.kind and move.old in references:
                way = "let it refer to the new one" if ref in desired else "write a spec of it, or change it in Port"
                yield f"{move.old} can't be renamed to {move.new}, since {ref} refers to it and would keep it: {way}"


def migration_refusals(changes: Sequence[Change], live: State) -> Iterator[str]:
    """Why values can't move within resources: what reads them has to go meanwhile, and no spec would bring it back."""
    for kind in KINDS.values():
        for ref, names in kind.renaming.losers([change for change in changes if change.ref.kind == kind.name], live):
            yield f"{ref}: {', '.join(names)} would be lost while values move: write it into the spec"
