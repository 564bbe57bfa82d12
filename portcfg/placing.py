"""Places in the sidebar, written once all that has one is there: below its parent, and then in order.

Port refuses a sibling that stands below another parent (port-api.md §7.4), so nothing is written with its `after`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from portcfg.client import PortWriter
from portcfg.errors import ApiError
from portcfg.kinds import KINDS
from portcfg.kinds.folder import MAX_LEVELS
from portcfg.model import Action, Change, Outcome, Plan, Ref, Resource, Status
from portcfg.observe import listed
from portcfg.places import PLACE, in_sidebar, only_moves, wanted_of
from portcfg.preparing import path_of
from portcfg.sidebar import arranged, lineage, parents_in, tree_of
from portcfg.steps import ended

SIDEBAR = next(kind for kind in KINDS.values() if kind.list_in)


def clear_the_way(port: PortWriter, plan: Plan) -> dict[Ref, set[Ref]]:
    """Take to the top what would stand in the way of folders that move: Port refuses too deep a nesting, and circles,
    also in between. What each write is to wait for is returned: all that it will stand below, at any distance.

    After this, no write brings a folder deeper than it is in the end, whichever of those that may go next does.
    """
    writes = {change.ref.identifier: change for change in plan.pending if KINDS[change.ref.kind].parents}
    if not any(_moves(change, "parent") for change in writes.values()):
        return {}
    try:
        now = parents_in(tree_of(listed(port, SIDEBAR)))
    except ApiError:
        # Then Port will say what it doesn't take.
        return {}
    bodies = {name: change.after for name, change in writes.items() if change.after is not None}
    then = {**now, **{name: body["parent"] or "" for name, body in bodies.items() if "parent" in body}}
    for name in _in_the_way(writes, now, then):
        # If that fails, so will the write that it is in the way of, which is told.
        with suppress(ApiError):
            port.send("PATCH", path_of(writes[name].ref), {"parent": None})
    return {
        writes[name].ref: {writes[each].ref for each in lineage(name, then)[1:] if each in bodies} for name in bodies
    }


def _in_the_way(writes: Mapping[str, Change], now: Mapping[str, str], then: Mapping[str, str]) -> Iterator[str]:
    """Folders that move out of what moves; and those to be deleted, which go last, where they would be too deep."""
    folders = {name: change for name, change in writes.items() if _is_folder(change) and name in now}
    moving = {name for name, change in folders.items() if _moves(change, "parent")}
    yield from (name for name in moving if not moving.isdisjoint(lineage(name, now)[1:]))
    gone = (name for name, change in folders.items() if change.action is Action.DELETE)
    yield from (name for name in gone if len(lineage(name, then)) > MAX_LEVELS)


def _is_folder(change: Change) -> bool:
    return KINDS[change.ref.kind] is SIDEBAR


def _moves(change: Change, *keys: str) -> bool:
    return change.action is Action.UPDATE and any(field.path[0] in keys for field in change.fields)


def _displaces(change: Change) -> bool:
    """Whether a change may put something into another order."""
    if not KINDS[change.ref.kind].parents:
        return False
    return _is_placed_anew(change) or only_moves(change)


def _is_placed_anew(change: Change) -> bool:
    """Whether a place of its own is what it gets; others only move along."""
    return change.action is Action.CREATE or _moves(change, *PLACE)


def in_order(plan: Plan, port: PortWriter, written: Iterable[Outcome], failed: set[Ref]) -> Iterator[Outcome]:
    """The outcomes of the writes, those of what is to be put into its place once it stands there."""
    waiting: dict[str, Outcome] = {}
    for outcome in written:
        change = outcome.change
        if outcome.status is Status.DONE and _displaces(change) and "after" in (change.after or {}):
            waiting[change.ref.identifier] = outcome
        else:
            yield outcome
    if not any(_displaces(change) for change in plan.pending if change.action is not Action.DELETE):
        return
    for outcome in _placed(plan, port, waiting, frozenset(failed)):
        if outcome.status is not Status.DONE:
            failed.add(outcome.change.ref)
        yield outcome


def _placed(plan: Plan, port: PortWriter, waiting: dict[str, Outcome], failed: Collection[Ref]) -> Iterator[Outcome]:
    ours = {change.ref.identifier: change for change in plan.changes if KINDS[change.ref.kind].parents and change.after}
    bodies = in_sidebar(Resource(change.ref, change.after or {}) for change in ours.values())
    # What failed has had its outcome, and stays where it is.
    wanted = {name: after for name, after in wanted_of(bodies).items() if ours[name].ref not in failed}
    if not wanted:
        return
    try:
        tree = tree_of(listed(port, SIDEBAR))
    except ApiError as error:
        yield from (_unplaced(outcome, ended(outcome.change, error)) for outcome in waiting.values())
        return
    fresh = {name for name, outcome in waiting.items() if _is_placed_anew(outcome.change)}
    for parent, siblings in tree.items():
        for name, after in arranged(siblings, wanted, bodies, fresh):
            try:
                port.send("PATCH", path_of(ours[name].ref), {"parent": parent or None, "after": after})
            except ApiError as error:
                outcome = waiting.get(name) or Outcome(ours[name], Status.DONE)
                waiting[name] = _unplaced(outcome, ended(ours[name], error))
    places = {name: siblings for siblings in tree.values() for name in siblings}
    for name, outcome in waiting.items():
        if outcome.status is Status.DONE and wanted[name] not in (None, *places.get(name, ())):
            why = f"{wanted[name]!r}, which it is to come after, isn't below the same parent"
            outcome = _unplaced(outcome, Outcome(outcome.change, Status.FAILED, why))
        yield outcome


def _unplaced(outcome: Outcome, why: Outcome) -> Outcome:
    """What was made is there, and is ours, also out of its place."""
    return replace(why, begun=outcome.change.action is Action.CREATE)
