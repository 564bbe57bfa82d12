"""make_plan(desired, live, managed, prune) -> Plan. Pure: no I/O, no clock.

Only what the ledger says is managed can ever be deleted: the candidates are (managed - desired) & live.
A resource of the specs that exists live and isn't managed yet is adopted, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from portcfg.causes import labelled, renamed_paths
from portcfg.diff import field_changes
from portcfg.kinds import KINDS, Kind
from portcfg.kinds.base import due, members_of
from portcfg.model import Action, Applied, Body, Cause, Change, Move, Plan, Ref, Rename, Resource, State
from portcfg.moving import (
    Settled,
    migrate_notes,
    migration_refusals,
    move_notes,
    move_refusals,
    moves_due,
    own_doing,
    pairs_of,
    rename_fields,
    settled,
    stopped_notes,
    with_move,
)
from portcfg.risk import standing

BY_HAND = frozenset({Cause.DRIFT, Cause.CONFLICT})


def make_plan(
    desired: State,
    live: State,
    managed: Collection[Ref] | None = frozenset(),
    *,
    applied: Mapping[Ref, Applied] | None = None,
    prune: bool = False,
    notes: Mapping[Ref, tuple[str, ...]] | None = None,
    environment: str = "",
) -> Plan:
    """The steps from `live` to `desired`, in the order in which they can be written.

    `managed` is what the ledger lists; None without a ledger, when nothing can be known to be adopted or left over.
    `applied` is what the ledger knows of what was last applied, for telling who changed what.
    """
    moves = moves_due(desired, live)
    last = applied or {}
    steps = [
        with_move(
            _step(
                desired[ref],
                live.get(ref),
                last.get(ref),
                managed is not None and ref not in managed,
                (*(notes or {}).get(ref, ()), *move_notes(desired[ref], live, managed)),
                pairs_of(moves),
            ),
            moves.get(ref),
        )
        for ref in write_order(desired)
    ]
    left = {move.old: move for move in moves.values()}
    leftover = [ref for ref in managed or () if ref in live and ref not in (desired.keys() | left) and not _system(ref)]
    gone = [*(leftover if prune else ()), *left]
    deletes = [
        _delete(live[ref], last.get(ref), left.get(ref))
        for ref in reversed(write_order({ref: live[ref] for ref in gone}))
    ]
    kept = () if prune or not leftover else (_kept(leftover),)
    # An entry of a kind that only a later portcfg knows can't be looked up, so it stays.
    later = sorted(ref for ref in managed or () if ref.kind not in KINDS)
    stale = sorted(ref for ref in managed or () if ref.kind in KINDS and ref not in live and ref not in desired)
    refusals = (*move_refusals(moves, desired, standing(live, desired, gone)), *migration_refusals(steps, live))
    return Plan((*steps, *deletes), (*kept, *map(_of_later_kind, later)), environment, tuple(stale), refusals)


def drift_of(plan: Plan) -> Plan:
    """Of a plan, only what was changed in Port behind the specs' back: fields that drifted, and what was deleted."""
    drifted = (
        replace(change, fields=tuple(field for field in change.fields if field.cause in BY_HAND), notes=())
        for change in plan.pending
        if change.drifted
    )
    unlisted = (change.ref for change in plan.pending if change.adopted and change.action is Action.UPDATE)
    why = "isn't in portcfg's ledger and differs from the specs: whose change that is can't be told; see `portcfg plan`"
    return Plan(tuple(drifted), tuple(f"{ref} {why}" for ref in unlisted), environment=plan.environment)


def write_order(resources: State) -> list[Ref]:
    """Refs so that each comes after what it refers to, as far as cycles allow; then by kind and name."""
    waiting = {ref: _needs(resource, resources) for ref, resource in resources.items()}
    ordered: list[Ref] = []
    for level in sorted({KINDS[ref.kind].level for ref in resources}):
        rest = sorted(ref for ref in resources if KINDS[ref.kind].level == level)
        while rest:
            done = set(ordered)
            # In a cycle nobody is ready; the first by name goes ahead, and apply writes it in stages.
            ready = [ref for ref in rest if waiting[ref] <= done] or rest[:1]
            ordered.extend(ready)
            rest = [ref for ref in rest if ref not in set(ready)]
    return ordered


def _needs(resource: Resource, resources: State) -> set[Ref]:
    return (KINDS[resource.ref.kind].needs(resource.body) & resources.keys()) - {resource.ref}


def _system(ref: Ref) -> bool:
    return KINDS[ref.kind].system(ref.identifier)


def _kept(refs: Iterable[Ref]) -> str:
    names = ", ".join(sorted(map(str, refs)))
    return f"managed but no longer in the specs, and kept: {names}; --prune deletes them"


def _of_later_kind(ref: Ref) -> str:
    return (
        f"the ledger lists {ref}, of a kind that this portcfg doesn't know; it is left alone: use the portcfg that "
        "manages it, or see `portcfg ledger repair`"
    )


def _step(
    desired: Resource,
    live: Resource | None,
    applied: Applied | None,
    unmanaged: bool,
    notes: tuple[str, ...],
    pairs: Mapping[str, str],
) -> Change:
    ref, kind = desired.ref, KINDS[desired.ref.kind]
    written, file = (applied.body, applied.file) if applied else (None, "")
    if live is None:
        gone = "deleted in Port" if applied else ""
        return Change(
            Action.CREATE,
            ref,
            None,
            desired.body,
            file=desired.file,
            notes=notes,
            drifted=gone,
            applied=written,
            applied_file=file,
        )
    now = settled(desired, live.body, pairs)
    wanted, found = kind.matched(desired.body, now.body)
    before, after = compared(kind, wanted, found)
    known = _as_renamed(kind, applied, desired.renames)
    last = compared(kind, wanted, known.body)[0] if known else None
    renamed = (*rename_fields(now.renames, written), *rename_fields(now.left))
    found_fields = labelled(field_changes(before, after), known, last, before, after)
    fields = (*renamed, *(own_doing(kind, found_fields, before, after) if now.stopped else found_fields))
    changed = now.stopped or any(field.cause is not Cause.SERVER for field in fields)
    action = Action.UPDATE if changed else Action.NOOP
    by_hand = any(field.cause in BY_HAND for field in fields)
    return Change(
        action,
        ref,
        live.body,
        wanted,
        fields,
        desired.file,
        (*notes, *_move_notes(desired, live.body, now, pairs)),
        adopted=unmanaged,
        drifted=_editor(live.body) if by_hand else "",
        applied=written,
        applied_file=file,
        renames=(*now.renames, *now.left),
        migrations=now.migrations,
    )


def _as_renamed(kind: Kind, applied: Applied | None, renames: Sequence[Rename]) -> Applied | None:
    """What was applied, under the names of today."""
    if applied is None:
        return None
    old = due(renames, applied.body)
    return replace(applied, body=kind.renaming.renamed(applied.body, old), server=renamed_paths(applied.server, old))


def _move_notes(desired: Resource, live: Body, now: Settled, pairs: Mapping[str, str]) -> Iterator[str]:
    yield from stopped_notes(now)
    # What entities are still to come to has new names and types from the start; the old ones are where they come from.
    if desired.ref.identifier not in pairs.values():
        yield from _rename_notes(desired.renames, live)
        yield from migrate_notes(desired, live, now)


def _rename_notes(renames: Sequence[Rename], live: Body) -> Iterator[str]:
    for rename in renames:
        members, what = members_of(live, rename.section), ".".join(map(str, (*rename.section, rename.new)))
        if rename.new in members and rename.old not in members:
            yield f"{what}: renamed_from can go, since this Port has no {rename.old!r} any more"
        elif rename.new in members:
            yield f"{what}: not renamed, since Port has {rename.new!r} beside {rename.old!r} already"
        elif rename.old not in members:
            yield f"{what}: nothing to rename, since Port has no {rename.old!r}"


def _editor(live: Body) -> str:
    who, when = live.get("updatedBy"), live.get("updatedAt")
    return f"by {who or 'somebody'} at {when}" if when else f"by {who or 'somebody'}"


def _delete(live: Resource, applied: Applied | None, move: Move | None) -> Change:
    body, file = (applied.body, applied.file) if applied else (None, "")
    return Change(Action.DELETE, live.ref, live.body, None, applied=body, applied_file=file, move=move)


def compared(kind: Kind, desired: Body, live: Body) -> tuple[Body, Body]:
    """(live, desired) as they are compared: normalised, and only in what the spec manages."""
    after, before = kind.comparable(desired), kind.comparable(live)
    if kind.system(str(desired.get("identifier", ""))):
        return _overlap(before, after), after
    managed = kind.sections | set(desired)
    return _within(before, managed), _within(after, managed)


def _within(body: Body, keys: Collection[str]) -> Body:
    return {key: value for key, value in body.items() if key in keys}


def _overlap(live: Body, desired: Body) -> Body:
    """Of `live`, only what `desired` names: how Port's own resources are managed."""
    kept: Body = {}
    for key, value in desired.items():
        if key in live:
            both = isinstance(value, dict) and isinstance(live[key], dict)
            kept[key] = _overlap(live[key], value) if both else live[key]
    return kept
