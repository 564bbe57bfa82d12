"""make_plan(desired, live, managed, prune) -> Plan. Pure: no I/O, no clock.

Only what the ledger says is managed can ever be deleted: the candidates are (managed - desired) & live.
A resource of the specs that exists live and isn't managed yet is adopted, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from portcfg.diff import field_changes
from portcfg.kinds import KINDS, Kind
from portcfg.model import Action, Body, Change, Plan, Ref, Resource, State


def make_plan(
    desired: State,
    live: State,
    managed: Collection[Ref] | None = frozenset(),
    *,
    prune: bool = False,
    notes: Mapping[Ref, tuple[str, ...]] | None = None,
    environment: str = "",
) -> Plan:
    """The steps from `live` to `desired`, in the order in which they can be written.

    `managed` is what the ledger lists; None without a ledger, when nothing can be known to be adopted or left over.
    """
    ordered = write_order(desired)
    steps = [
        _step(desired[ref], live.get(ref), managed is not None and ref not in managed, (notes or {}).get(ref, ()))
        for ref in ordered
    ]
    leftover = [ref for ref in managed or () if ref in live and ref not in desired and not _system(ref)]
    deletes = [_delete(live[ref]) for ref in reversed(write_order({ref: live[ref] for ref in leftover}))]
    kept = () if prune or not leftover else (_kept(leftover),)
    # An entry of a kind that only a later portcfg knows can't be looked up, so it stays.
    stale = sorted(ref for ref in managed or () if ref.kind in KINDS and ref not in live and ref not in desired)
    return Plan((*steps, *(deletes if prune else ())), kept, environment, tuple(stale))


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
    references = (ref for _, ref in KINDS[resource.ref.kind].references(resource.body))
    return {ref for ref in references if ref in resources and ref != resource.ref}


def _system(ref: Ref) -> bool:
    return KINDS[ref.kind].system(ref.identifier)


def _kept(refs: Iterable[Ref]) -> str:
    names = ", ".join(sorted(map(str, refs)))
    return f"managed but no longer in the specs, and kept: {names}; --prune deletes them"


def _step(desired: Resource, live: Resource | None, unmanaged: bool, notes: tuple[str, ...]) -> Change:
    ref = desired.ref
    if live is None:
        return Change(Action.CREATE, ref, None, desired.body, file=desired.file, notes=notes)
    before, after = compared(KINDS[ref.kind], desired.body, live.body)
    fields = field_changes(before, after)
    action = Action.UPDATE if fields else Action.NOOP
    return Change(action, ref, live.body, desired.body, fields, desired.file, notes, adopted=unmanaged)


def _delete(live: Resource) -> Change:
    return Change(Action.DELETE, live.ref, live.body, None)


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
