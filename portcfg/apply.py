"""apply_plan(plan, port) yields Outcomes: the steps of a plan, in order, in stages where references form a cycle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcfg.client import PortWriter, segment
from portcfg.diff import same
from portcfg.errors import ApiError, TerminalApiError
from portcfg.kinds import KINDS, Kind
from portcfg.model import Action, Body, Change, Outcome, Plan, Ref, Status


def apply_plan(plan: Plan, port: PortWriter) -> Iterator[Outcome]:
    """Carry out every step, yielding each as it ends; a failure blocks only what refers to it.

    A step's own error is its Outcome, never an exception.
    """
    failed: set[Ref] = set()
    writes = [change for change in plan.pending if change.action is not Action.DELETE]
    for level in sorted({KINDS[change.ref.kind].level for change in writes}):
        for outcome in _writes([change for change in writes if KINDS[change.ref.kind].level == level], port, failed):
            if outcome.status is not Status.DONE:
                failed.add(outcome.change.ref)
            yield outcome
    for change in plan.pending:
        if change.action is Action.DELETE:
            yield _delete(port, change)


def _writes(changes: Sequence[Change], port: PortWriter, failed: set[Ref]) -> Iterator[Outcome]:
    """Write each change once what it refers to is written; those in a cycle, or behind one, come last, in stages."""
    unwritten = {change.ref for change in changes}
    staged: list[Change] = []
    for change in changes:
        if blocked := _blocked(change, failed):
            yield blocked
        elif _needs(change) & unwritten - _itself(change):
            staged.append(change)
            continue
        else:
            yield _attempt(port, change, change.after or {})
        unwritten.discard(change.ref)
    yield from _staged(staged, port, failed)


def _itself(change: Change) -> set[Ref]:
    # A blueprint that is there may name itself; a new one must exist before it does.
    return {change.ref} if change.action is Action.UPDATE else set()


def _staged(changes: Sequence[Change], port: PortWriter, failed: set[Ref]) -> Iterator[Outcome]:
    """Stage by stage over all of them: the last one of each as often as it takes, since mirrors, calculations and
    aggregations of several blueprints may build on each other in any order."""
    stages = {change.ref: _stages(change) for change in changes}
    written: set[Ref] = set()
    for number in range(max((len(bodies) for bodies in stages.values()), default=1) - 1):
        for change in changes:
            if change.ref in failed or number >= len(stages[change.ref]) - 1:
                continue
            update = change.ref in written or change.action is Action.UPDATE
            outcome = _blocked(change, failed) or _attempt(port, change, stages[change.ref][number], update=update)
            # What Port had before can do without its first stage: if that can't be written, the last one will tell.
            if outcome.status is not Status.DONE and change.action is Action.CREATE:
                yield outcome
            written.add(change.ref)
    waiting = [change for change in changes if change.ref not in failed]
    while waiting:
        tried = [
            (change, _attempt(port, change, change.after or {}, update=change.ref in written)) for change in waiting
        ]
        done = [outcome for _, outcome in tried if outcome.status is Status.DONE]
        yield from done or [outcome for _, outcome in tried]
        waiting = [change for change, outcome in tried if outcome.status is not Status.DONE] if done else []


def _stages(change: Change) -> list[Body]:
    """The bodies to write one after the other; one that the next only repeats is left out."""
    bodies = KINDS[change.ref.kind].stages(change.after or {}, change.before)
    return [body for body, following in zip(bodies, [*bodies[1:], None], strict=True) if not same(body, following)]


def _needs(change: Change) -> set[Ref]:
    return {ref for _, ref in KINDS[change.ref.kind].references(change.after or {})}


def _blocked(change: Change, failed: set[Ref]) -> Outcome | None:
    missing = sorted(_needs(change) & failed)
    return Outcome(change, Status.BLOCKED, f"{missing[0]} failed") if missing else None


def _attempt(port: PortWriter, change: Change, body: Body, *, update: bool = False) -> Outcome:
    kind = KINDS[change.ref.kind]
    try:
        if update or change.action is Action.UPDATE:
            _update(port, kind, change.ref, body)
        else:
            _create(port, kind, change, body)
    except ApiError as error:
        return Outcome(change, Status.FAILED, error.message)
    return Outcome(change, Status.DONE)


def _create(port: PortWriter, kind: Kind, change: Change, body: Body) -> None:
    try:
        port.send("POST", kind.collection, body, kind.create_params, kind.headers(body))
    except TerminalApiError as error:
        # A POST whose answer was lost and that was sent again finds its own work. A first stage is done by that; a
        # whole body is written again, in case it was somebody else's work.
        if error.status != 409:
            raise
        if body == change.after:
            _update(port, kind, change.ref, body)


def _update(port: PortWriter, kind: Kind, ref: Ref, body: Body) -> None:
    """Write `body` over what Port holds now, so that what the spec doesn't manage is carried along."""
    path = f"{kind.collection}/{segment(ref.identifier)}"
    if kind.system(ref.identifier):
        port.send("PATCH", path, body)
        return
    if kind.update_verb == "PATCH":
        port.send("PATCH", path, body, headers=kind.headers(body))
        return
    answer = port.get(path)
    live = next((value for value in answer.values() if isinstance(value, dict)), {})
    port.send("PUT", path, kind.carried(body, live), headers=kind.headers(body))


def _delete(port: PortWriter, change: Change) -> Outcome:
    kind = KINDS[change.ref.kind]
    try:
        port.send("DELETE", f"{kind.collection}/{segment(change.ref.identifier)}")
    except TerminalApiError as error:
        if error.status != 404:
            return Outcome(change, Status.FAILED, error.message)
    except ApiError as error:
        return Outcome(change, Status.FAILED, error.message)
    return Outcome(change, Status.DONE)
