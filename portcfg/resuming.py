"""What an apply of a reviewed plan has left over: steps of that plan, or what is missing of one."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.concealed import concealed
from portcfg.diff import canonical, field_changes
from portcfg.errors import MovedError
from portcfg.kinds import KINDS
from portcfg.model import MISSING, Action, Body, Change, FieldChange, Plan, Ref
from portcfg.plan import compared
from portcfg.planfile import Binding, BoundPlan, bound_changes, check_binding, moved_since, reviewed_body, worse


def check_rest(bound: BoundPlan, binding: Binding, fresh: Plan) -> None:
    """Refuse `fresh` unless carrying it out does nothing but what was reviewed, of which a part may be done already.

    What isn't left to do is as the specs want it, so that both plans end in the same. Raises UntrustedPlanError when
    specs, Port or options are others than the reviewed ones, MovedError when a step isn't one of those reviewed.
    """
    check_binding(bound, binding)
    entries = {Ref(entry["kind"], entry["identifier"]): entry for entry in bound.changes}
    left = bound_changes(fresh)
    strange = {change.ref for change in left if not _is_part(entries.get(change.ref), change)}
    if strange:
        told = "; ".join(moved_since(bound, fresh, strange))
        raise MovedError(f"Port has moved since the plan: {told}", hint="plan again and review what changed")


def _is_part(entry: Body | None, change: Change) -> bool:
    """Whether a step is a reviewed one, on what was reviewed, or what is missing of it."""
    if entry is None or worse(entry["risk"], change.risk):
        # What others have put into a resource since makes a step cost more than its reviewer knew.
        return False
    if entry["action"] == change.action.value and canonical(entry["live"]) == canonical(reviewed_body(change)):
        return True
    if change.action is Action.NOOP:
        # Made by a run that was killed before it could keep the ledger: it is as it was to be.
        return bool(entry["action"] == Action.CREATE.value)
    plain = not (change.renames or change.migrations or change.move)
    if change.action is not Action.UPDATE or not plain or (change.adopted and entry["action"] != Action.CREATE.value):
        return False
    left = list(_fields(change, reviewed_body(change) or {}))
    if entry["live"] is None:
        # Of what was to be made, the beginning is there: nothing that Port holds is written over.
        return all(field.before is MISSING for field in left)
    known = set(map(_key, _fields(change, entry["live"])))
    return entry["action"] == Action.UPDATE.value and {*map(_key, left)} <= known


def _fields(change: Change, live: Body) -> Iterator[FieldChange]:
    before, after = compared(KINDS[change.ref.kind], change.after or {}, live)
    yield from field_changes(before, concealed(after))


def _key(field: FieldChange) -> str:
    sides = {"before": field.before, "after": field.after}
    return canonical([list(field.path), {name: side for name, side in sides.items() if side is not MISSING}])
