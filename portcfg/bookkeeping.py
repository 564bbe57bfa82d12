"""What the ledger learns of an apply, and of one that is undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import PurePath
from typing import Any

from portcfg import ledger
from portcfg.causes import path_key, same_value, value_at
from portcfg.client import PortReader, PortWriter
from portcfg.diff import same
from portcfg.journal import Recorded
from portcfg.kinds import KINDS
from portcfg.model import (
    MISSING,
    Action,
    Body,
    Cause,
    Change,
    Outcome,
    Owner,
    Path,
    Plan,
    Ref,
    Resource,
    State,
    Status,
)
from portcfg.plan import compared


def restore_ledger(
    stamp: ledger.Stamp, recorded: Recorded, settled: Set[Ref], outcomes: Sequence[Outcome], port: PortWriter
) -> None:
    """Let the ledger say of what was undone, or is `settled`, what it said before. Raises ApiError, PartialError."""
    done = {outcome.change.ref for outcome in outcomes if outcome.status is Status.DONE}
    changed = lagging(stamp.owner, recorded, done | settled, port)
    before = [Resource(change.ref, change.applied, change.applied_file) for change in changed if change.applied]
    ledger.record(port, before, stamp)
    ledger.forget(port, [change.ref for change in changed if not change.applied])


def lagging(own: Owner, recorded: Recorded, undone: Set[Ref], port: PortReader) -> list[Change]:
    """The changes that were undone and of which the ledger doesn't say what it did before. Raises ApiError."""
    entries = ledger.entries(port)
    return [each for each in recorded.changes if each.ref in undone and _lags(own, entries.get(each.ref), each.applied)]


def _lags(own: Owner, entry: ledger.Entry | None, before: Body | None) -> bool:
    """Whether an entry of our own, or none, isn't what was there before the apply."""
    if entry is not None and entry.owner != own:
        return False
    return not same(entry.applied.body if entry and entry.applied else None, before)


def added_by_port(outcomes: Sequence[Outcome], after: Plan, port: PortReader) -> list[tuple[Resource, dict[str, Any]]]:
    """What Port filled in by itself in what was just written: fields that it has and no spec names. Raises ApiError.

    Only a field that came with our own write is Port's; what somebody has added since is theirs, and drift. What the
    plan wanted gone and Port has kept isn't filled in.
    """
    written = {outcome.change.ref: outcome for outcome in outcomes if outcome.status is Status.DONE}
    found = []
    for change in after.pending:
        outcome = written.get(change.ref)
        if outcome and change.action is Action.UPDATE:
            fields = _came_with(outcome, change, port)
            found.append((change, {path_key(path): value for path, value in fields if not _kept(outcome, path, value)}))
    return [(Resource(change.ref, change.after or {}, change.file), fields) for change, fields in found if fields]


def _came_with(outcome: Outcome, change: Change, port: PortReader) -> list[tuple[Path, Any]]:
    """Of what Port has and the spec hasn't, what was there as soon as we had written, each with its value."""
    fields = [(field.path, field.before) for field in change.fields if field.after is MISSING]
    if outcome.answer:
        kind = KINDS[change.ref.kind]
        before, _ = compared(kind, *kind.matched(change.after or {}, outcome.answer))
        return [(path, value) for path, value in fields if same_value(value_at(before, path), value)]
    # Port didn't say what it holds, so it must still be as we left it. Where its place was written since, that can't
    # be told by who was the last.
    if not fields or outcome.answer is None or "after" in (change.after or {}):
        return []
    return fields if set(_writers(change.before)) == {ledger.writer(port, change.ref)} else []


def _writers(value: Any) -> Iterator[Any]:
    """Who Port says wrote something last, and each part of it that says so (the widgets of a page)."""
    if isinstance(value, dict):
        yield from (part for key, part in value.items() if key == "updatedBy")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _writers(part)


def _kept(outcome: Outcome, path: Path, value: Any) -> bool:
    gone = (field for field in outcome.change.fields if field.after is MISSING)
    return any(field.path == path and same_value(field.before, value) for field in gone)


def _server_fields(change: Change) -> dict[str, Any]:
    """What the ledger already knows to be Port's own doing."""
    return {path_key(field.path): field.before for field in change.fields if field.cause is Cause.SERVER}


def has_news(plan: Plan, prune: bool) -> bool:
    """Whether the ledger learns something of a plan, be it one that writes nothing else."""
    return bool(plan.pending or _agreed(plan) or (prune and plan.stale))


def _agreed(plan: Plan) -> list[Change]:
    """Where Port and the specs agree, and the ledger remembers something else: both were changed alike since, or the
    spec stands in another file."""
    return [
        change
        for change in plan.changes
        if change.action is Action.NOOP
        and (change.adopted or not same(change.applied, change.after) or _elsewhere(change))
    ]


def _elsewhere(change: Change) -> bool:
    """Whether the spec is in another file than when it was applied. The same one may be named from elsewhere."""
    now, then = (_inner(file) for file in (change.file, change.applied_file))
    return change.applied is not None and now[-len(then) :] != then[-len(now) :]


def _inner(file: str) -> tuple[str, ...]:
    """The parts of a path, less what leads out of where it was named from."""
    return tuple(part for part in PurePath(file).parts if part not in ("..", PurePath(file).anchor))


def keep_ledger(stamp: ledger.Stamp, plan: Plan, outcomes: Sequence[Outcome], port: PortWriter, prune: bool) -> None:
    """Write down what is managed from now on, and forget what is gone. Raises ApiError, PartialError."""
    done = [outcome.change for outcome in outcomes if outcome.status is Status.DONE]
    agreed = _agreed(plan)
    begun = [outcome.change for outcome in outcomes if outcome.begun]
    written = [*(change for change in done if change.action is not Action.DELETE), *begun]
    resources = [Resource(change.ref, change.after or {}, change.file) for change in (*written, *agreed)]
    deleted = [change.ref for change in done if change.action is Action.DELETE]
    # What is gone must not be taken for managed when somebody makes it anew by hand.
    stale = plan.stale if resources or deleted or prune else ()
    ledger.record(port, resources, stamp, {change.ref: _server_fields(change) for change in agreed})
    ledger.forget(port, [*deleted, *stale])


def with_unknown(
    notes: Mapping[Ref, tuple[str, ...]], entries: Mapping[Ref, ledger.Entry], desired: State
) -> dict[Ref, tuple[str, ...]]:
    """`notes`, and one on each resource of which the ledger can't tell who changed what."""
    why = "too large for portcfg's ledger, so whether the specs or Port changed can't be told"
    unknown = (ref for ref, entry in entries.items() if ref in desired and not entry.last(desired[ref]))
    return {**notes, **{ref: (*notes.get(ref, ()), why) for ref in unknown}}
