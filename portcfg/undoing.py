"""What to write so that Port is as it was before an apply, as its journal has it. Pure: rollback.py adds the places."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from portcfg.diff import canonical, field_changes
from portcfg.journal import Recorded
from portcfg.kinds import KINDS
from portcfg.kinds.base import STAMPS, due, members_of
from portcfg.model import (
    MISSING,
    Action,
    Body,
    Change,
    FieldChange,
    Move,
    Plan,
    Ref,
    Rename,
    Resource,
    State,
)
from portcfg.moving import moves_due, pairs_of, rename_fields, settled, with_move
from portcfg.places import PLACE
from portcfg.plan import compared, write_order

# Type -> jq that makes it of a property.
BACK = {
    "string": '.properties[%s] | if type == "string" then . else tojson end',
    "number": ".properties[%s] | tonumber?",
}


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
    """The moves of an apply the other way round, by the resource that comes back.

    Where the apply found both, and the old one is still there, it holds all that it held: nothing has to come back.
    """
    found = {change.ref for change in changes if change.before is not None}
    written = {change.ref: change.after or {} for change in changes}
    comes_back = {
        change.ref: Resource(
            change.ref,
            before := _writable(change.before or {}),
            renames=tuple(rename.back for rename in change.move.renames),
            migrate=_remade(before, written.get(change.move.new, {}), change.move.renames),
            was=change.move.new.identifier,
        )
        for change in changes
        if change.move and change.moved_away and not (change.move.new in found and change.ref in live)
    }
    return moves_due(comes_back, live)


def _remade(before: Body, after: Body, renames: Sequence[Rename]) -> dict[str, str]:
    """jq for the properties that a move has converted, by their names before it."""
    section = ("schema", "properties")
    names = {rename.old: rename.new for rename in renames if rename.section == section}
    now = members_of(after, section)
    found = ((name, shape, names.get(name, name)) for name, shape in members_of(before, section).items())
    changed = [each for each in found if each[2] in now and _form(each[1]) != _form(now[each[2]])]
    return {name: BACK[shape["type"]] % json.dumps(new) for name, shape, new in changed if shape["type"] in BACK}


def _form(shape: Body) -> tuple[str | None, str | None]:
    return shape.get("type"), shape.get("format")


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
    stopped = kind.renaming.stopped(live)
    # A migration that was stopped leaves a temporary part, which is nobody else's.
    live = kind.renaming.renamed(live, kind.renaming.left_over(live, after))
    live = kind.renaming.without_temporaries(live, change.migrations)
    made = [rename.back for rename in _back(change, live)]
    # All of them under the names that Port has now: a way back may have been stopped as well.
    after = kind.renaming.renamed(after, [each.back for each in change.renames if each not in made])
    sides = [after, kind.renaming.renamed(_before(change), made), live]
    after, before, live = map(kind.renaming.loose, sides) if stopped else sides
    bodies = (*compared(kind, after, before), compared(kind, after, live)[0])
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
    before = _before(change) if change.before is not None else None
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


def _before(change: Change) -> Body:
    """What Port held before, to be written; the only copy of values of an earlier apply, that was stopped, by the name
    that it was to have."""
    renaming, before = KINDS[change.ref.kind].renaming, _writable(change.before or {})
    return renaming.renamed(before, renaming.left_over(before, change.after or {}))


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
