"""The inverse of an apply with its places: what to write so that Port's sidebar is as it was, too. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from portcfg.journal import Recorded
from portcfg.kinds import KINDS
from portcfg.model import Action, Body, Change, Plan, Ref, Resource, State
from portcfg.places import PLACE, as_said, placed, projected
from portcfg.sidebar import Tree
from portcfg.undoing import inverse


def way_back(recorded: Recorded, live: State, tree: Tree, *, overwrite: bool = False) -> Plan:
    """As undoing.inverse; `tree` is Port's sidebar. What portcfg doesn't manage may stand elsewhere in between."""
    recorded = replace(recorded, changes=tuple(map(_with_place, recorded.changes)))
    found = {change.ref: change.before for change in recorded.changes if change.before is not None}
    written = {change.ref: change.after for change in recorded.changes if change.after is not None}
    said = as_said(live, tree, {ref: Resource(ref, body) for ref, body in found.items()}, written)
    for change in recorded.changes:
        if change.ref in said and str(change.ref) not in recorded.done:
            said[change.ref] = _as_stopped(change, said[change.ref])
    plan = inverse(recorded, said, overwrite=overwrite)
    stays = [_kept(ref, said[ref].body) for ref in _unmoved(found, said) - {change.ref for change in plan.changes}]
    plan = placed(_attainable(replace(plan, changes=(*stays, *plan.changes)), tree), tree, live)
    return replace(plan, changes=plan.pending, notes=(*plan.notes, *_half_way(recorded)))


def _with_place(change: Change) -> Change:
    """A change whose `before` says the place, too, where `after` does: Port leaves out what is null."""
    if change.action is not Action.UPDATE or not KINDS[change.ref.kind].parents:
        return change
    said = {key: (change.before or {}).get(key) for key in PLACE if key in (change.after or {})}
    return replace(change, before={**(change.before or {}), **said})


def _as_stopped(change: Change, live: Resource) -> Resource:
    """What an apply that was stopped left in neither the old nor the new order counts as written by it."""
    wanted = change.after or {}
    known = [body["after"] for body in (change.before or {}, wanted) if "after" in body]
    if "after" not in wanted or live.body.get("after") in known:
        return live
    return replace(live, body={**live.body, "after": wanted["after"]})


def _unmoved(found: Mapping[Ref, Body], live: State) -> set[Ref]:
    ordered = {ref for ref, body in found.items() if "after" in body and ref in live}
    return {ref for ref in ordered if found[ref]["after"] == live[ref].body.get("after")}


def _kept(ref: Ref, live: Body) -> Change:
    """What is as it was; unless it must move along with something else."""
    return Change(Action.NOOP, ref, live, live)


def _attainable(plan: Plan, tree: Tree) -> Plan:
    """`plan` less the places behind what is gone, or stands below another parent by now."""
    siblings = {name: children for children in projected(plan, tree).values() for name in children}
    return replace(plan, changes=tuple(_without_lost_place(change, siblings) for change in plan.changes))


def _without_lost_place(change: Change, siblings: Tree) -> Change:
    body = change.after
    if body is None or not KINDS[change.ref.kind].parents:
        return change
    if body.get("after") in (None, *siblings.get(change.ref.identifier, ())):
        return change
    fields = tuple(field for field in change.fields if field.path[0] != "after")
    kept = {key: value for key, value in body.items() if key != "after"}
    return replace(change, after=kept, fields=fields)


def _half_way(recorded: Recorded) -> Iterator[str]:
    """What an earlier apply, that was stopped, had begun: this journal goes back no further than to that."""
    for change in recorded.changes:
        if change.before is None or change.moved_away:
            continue
        if change.move or KINDS[change.ref.kind].renaming.stopped(change.before):
            yield f"{change.ref} was half-way when that apply began, and stays so: roll back the journal before it, too"
