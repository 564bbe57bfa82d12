"""apply_plan(plan, port) yields Outcomes: the steps of a plan, in order, in stages where references form a cycle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from portcfg.client import PortWriter, segment
from portcfg.diff import same
from portcfg.errors import ApiError, TerminalApiError
from portcfg.kinds import KINDS, Kind
from portcfg.model import Action, Body, Change, Outcome, Plan, Ref, Status


@dataclass
class _Run:
    """What is known while a plan is carried out."""

    port: PortWriter
    written: set[Ref] = field(default_factory=set)
    failed: set[Ref] = field(default_factory=set)


def apply_plan(plan: Plan, port: PortWriter) -> Iterator[Outcome]:
    """Carry out every step, yielding each as it ends; a failure blocks only what refers to it.

    A step's own error is its Outcome, never an exception.
    """
    run = _Run(port)
    yield from _writes(plan, run)
    yield from _deletes(plan, run)


def _writes(plan: Plan, run: _Run) -> Iterator[Outcome]:
    changes = [change for change in plan.pending if change.action is not Action.DELETE]
    waiting = {change.ref for change in changes if change.action is Action.CREATE}
    staged: list[tuple[Change, list[Body]]] = []
    for change in changes:
        blocked = sorted(_needs(change) & run.failed)
        if blocked:
            run.failed.add(change.ref)
            yield Outcome(change, Status.BLOCKED, f"{blocked[0]} failed")
        elif change.action is Action.CREATE and _needs(change) & waiting - {change.ref}:
            stages = KINDS[change.ref.kind].stages(change.after or {})
            staged.append((change, stages[1:]))
            yield from _only_failures(_attempt(run, change, stages[0]))
        else:
            yield _attempt(run, change, change.after or {})
        waiting -= run.written
    yield from _later_stages(run, staged)


def _later_stages(run: _Run, staged: Sequence[tuple[Change, list[Body]]]) -> Iterator[Outcome]:
    """The second and third writes of resources in a cycle: stage by stage, over all of them."""
    for stage in range(max((len(bodies) for _, bodies in staged), default=0)):
        for change, bodies in staged:
            if change.ref in run.failed:
                continue
            last = stage == len(bodies) - 1
            # A stage that adds nothing would be a write for nothing; the last one ends the change.
            if stage and same(bodies[stage], bodies[stage - 1]):
                outcome = Outcome(change, Status.DONE)
            else:
                outcome = _attempt(run, change, bodies[stage], update=True)
            if last:
                yield outcome
            else:
                yield from _only_failures(outcome)


def _only_failures(outcome: Outcome) -> Iterator[Outcome]:
    if outcome.status is not Status.DONE:
        yield outcome


def _needs(change: Change) -> set[Ref]:
    return {ref for _, ref in KINDS[change.ref.kind].references(change.after or {})}


def _attempt(run: _Run, change: Change, body: Body, *, update: bool = False) -> Outcome:
    kind = KINDS[change.ref.kind]
    try:
        if update or change.action is Action.UPDATE:
            _update(run.port, kind, change.ref, body)
        else:
            _create(run.port, kind, change.ref, body)
    except ApiError as error:
        run.failed.add(change.ref)
        return Outcome(change, Status.FAILED, error.message)
    run.written.add(change.ref)
    return Outcome(change, Status.DONE)


def _create(port: PortWriter, kind: Kind, ref: Ref, body: Body) -> None:
    try:
        port.send("POST", kind.collection, body, kind.create_params, kind.headers(body))
    except TerminalApiError as error:
        # A POST whose answer was lost and that was sent again finds its own work: compare, don't fail.
        if error.status != 409:
            raise
        _update(port, kind, ref, body)


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


def _deletes(plan: Plan, run: _Run) -> Iterator[Outcome]:
    for change in plan.pending:
        if change.action is Action.DELETE:
            yield _delete(run, change)


def _delete(run: _Run, change: Change) -> Outcome:
    kind = KINDS[change.ref.kind]
    try:
        run.port.send("DELETE", f"{kind.collection}/{segment(change.ref.identifier)}")
    except TerminalApiError as error:
        if error.status != 404:
            return Outcome(change, Status.FAILED, error.message)
    except ApiError as error:
        return Outcome(change, Status.FAILED, error.message)
    return Outcome(change, Status.DONE)
