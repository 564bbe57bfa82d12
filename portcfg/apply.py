"""apply_plan(plan, port) yields Outcomes: the steps of a plan, side by side as far as they don't need each other, and
in stages where references form a cycle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

from portcfg import placing, steps
from portcfg.client import PortWriter
from portcfg.cycles import grouped
from portcfg.kinds import KINDS
from portcfg.model import Action, Body, Change, Outcome, Plan, Ref, Status
from portcfg.preparing import Step, preparations, prepared
from portcfg.workers import Flow, side_by_side

PARALLELISM = 8
# How often the members of a cycle are brought nearer to what is to be written by a part of one of them.
PATIENCE = 200


def apply_plan(
    plan: Plan, port: PortWriter, parallelism: int = PARALLELISM, tick: Callable[[], None] = lambda: None
) -> Iterator[Outcome]:
    """Carry out every step, yielding each as it ends, all in this thread; at most `parallelism` requests at once.

    A failed write blocks what refers to it, and all deletes. A step's own error is its Outcome, never an exception.
    `tick` is called here every few seconds. What `port.halt` keeps from being sent is blocked.
    """
    run = _Run(port, parallelism, tick, placing.clear_the_way(port, plan))
    writes = [change for change in plan.pending if change.action is not Action.DELETE]
    yield from placing.in_order(plan, port, _by_level(run, writes), run.failed)
    deletes = [change for change in plan.pending if change.action is Action.DELETE]
    if run.failed:
        names = ", ".join(map(str, sorted(run.failed)))
        why = port.halted or f"nothing is deleted while a write failed: {names}"
        yield from (Outcome(change, Status.BLOCKED, why) for change in deletes)
    else:
        yield from run.delete(deletes)


def _by_level(run: _Run, writes: Sequence[Change]) -> Iterator[Outcome]:
    for level in sorted({KINDS[change.ref.kind].level for change in writes}):
        yield from run.write([change for change in writes if KINDS[change.ref.kind].level == level])


def references(change: Change) -> set[Ref]:
    """What the body to write refers to or stands below, or the one to delete."""
    body = change.before if change.action is Action.DELETE else change.after
    return KINDS[change.ref.kind].needs(body or {})


class _Run:
    """An apply on its way: what has failed so far, and the outcomes that are still to be told.

    `above` is what a write waits for beside what its body names, but can do without should that fail.
    """

    def __init__(
        self, port: PortWriter, parallelism: int, tick: Callable[[], None], above: Mapping[Ref, Set[Ref]]
    ) -> None:
        self.failed: set[Ref] = set()
        self._above = above
        self._port = port
        self._parallelism = parallelism
        self._tick = tick
        self._ended: list[Outcome] = []

    def write(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Write each change once what it refers to is written; those of a cycle together, in stages."""
        # Before everything else: others may name a part by its new name, and a PUT without the old one loses values.
        # One after the other, since Port changes the mirrors of others by it.
        first = [self._prepare(*preparation) for preparation in preparations(changes)]
        yield from self._run(first, [range(number - 1, number) if number else () for number in range(len(first))], 1)
        waiting = {change.ref: prepared(change) for change in changes if change.ref not in self.failed}
        named = {ref: references(change) | self._above.get(ref, set()) for ref, change in waiting.items()}
        needs = {ref: refs & waiting.keys() for ref, refs in named.items()}
        yield from self._grouped(waiting, needs, partial(self._write, moved=bool(first)))

    def delete(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Delete each once nothing that is to go refers to it any more; members of a cycle let go of each other."""
        waiting = {change.ref: change for change in changes}
        users: dict[Ref, set[Ref]] = {ref: set() for ref in waiting}
        for change in changes:
            for ref in references(change) & waiting.keys():
                users[ref].add(change.ref)
        yield from self._grouped(waiting, users, partial(self._delete, users=users))

    def _grouped(
        self,
        changes: Mapping[Ref, Change],
        needs: Mapping[Ref, set[Ref]],
        flow: Callable[[Sequence[Change]], Flow[Any]],
    ) -> Iterator[Outcome]:
        groups = grouped(needs)
        number = {ref: at for at, group in enumerate(groups) for ref in group}
        waits = [{number[need] for ref in group for need in needs[ref]} - {at} for at, group in enumerate(groups)]
        # What is new comes last in Port's sidebar, where a race would make a lottery of the order.
        listed = [at for at, group in enumerate(groups) if any(_appended(changes[ref]) for ref in group)]
        for earlier, later in pairwise(listed):
            waits[later].add(earlier)
        yield from self._run([flow([changes[ref] for ref in group]) for group in groups], waits, self._parallelism)

    def _run(self, flows: Sequence[Flow[Any]], waits: Sequence[Any], workers: int) -> Iterator[Outcome]:
        for _ in side_by_side(flows, waits, workers, self._tick):
            told, self._ended = self._ended, []
            yield from told

    def _end(self, outcome: Outcome) -> None:
        if outcome.status is not Status.DONE:
            self.failed.add(outcome.change.ref)
        self._ended.append(outcome)

    def _prepare(self, change: Change, step: Step, begun: bool) -> Flow[Any]:
        if change.ref in self.failed or references(change) & self.failed:
            return
        [outcome] = yield [partial(steps.prepare, self._port, change, step, begun)]
        if outcome.status is not Status.DONE:
            self._end(outcome)

    def _write(self, changes: Sequence[Change], moved: bool) -> Flow[Any]:
        changes = self._unblocked(changes)
        if len(changes) > 1 or any(_names_itself(change) for change in changes):
            yield from self._in_stages(changes, moved)
            return
        for change in changes:
            [outcome] = yield [partial(steps.write, self._port, change, change.after or {})]
            self._end(outcome)

    def _unblocked(self, changes: Sequence[Change], begun: Collection[Ref] = ()) -> list[Change]:
        """Those of which nothing that they need has failed; the others end here."""
        waiting = [change for change in changes if change.ref not in self.failed]
        while blocked := [change for change in waiting if references(change) & self.failed]:
            for change in blocked:
                why = f"{min(references(change) & self.failed)} failed"
                self._end(Outcome(change, Status.BLOCKED, self._port.halted or why, begun=change.ref in begun))
            waiting = [change for change in waiting if change.ref not in self.failed]
        return waiting

    def _in_stages(self, changes: Sequence[Change], moved: bool) -> Flow[Any]:
        """Stage by stage over all of them: the last one of each as often as it takes, since mirrors, calculations and
        aggregations of several blueprints may build on each other in any order; member by member where two wait for
        each other."""
        bodies = yield [partial(steps.stages, self._port, change, moved) for change in changes]
        stages: dict[Ref, list[Body]] = {change.ref: found for change, found in zip(changes, bodies, strict=True)}
        begun: set[Ref] = set()
        for number in range(max(map(len, bodies)) - 1):
            # What is new first: it needs nothing for its first stage, and the others may name it in theirs.
            for action in (Action.CREATE, Action.UPDATE):
                due = [change for change in self._unblocked(changes, begun) if change.action is action]
                due = [change for change in due if number < len(stages[change.ref]) - 1]
                outcomes = yield [self._call(change, stages[change.ref][number], begun) for change in due]
                self._staged(outcomes, begun)
        yield from self._last_stage(self._unblocked(changes, begun), begun)

    def _staged(self, outcomes: Sequence[Outcome], begun: set[Ref]) -> None:
        for outcome in outcomes:
            create = outcome.change.action is Action.CREATE
            if create and outcome.status is Status.DONE:
                begun.add(outcome.change.ref)
            # What Port had before can do without its first stage: if that can't be written, the last one will tell.
            elif create:
                self._end(replace(outcome, begun=outcome.change.ref in begun))

    def _last_stage(self, waiting: Sequence[Change], begun: set[Ref]) -> Flow[Any]:
        # A Port that drops what it takes would never let this end.
        patience = PATIENCE
        while waiting:
            outcomes: Sequence[Outcome] = yield [self._call(change, change.after or {}, begun) for change in waiting]
            done = [outcome for outcome in outcomes if outcome.status is Status.DONE]
            if (
                not done
                and patience
                and any((yield [partial(steps.come_nearer, self._port, each) for each in waiting]))
            ):
                patience -= 1
                continue
            for outcome in done or outcomes:
                self._end(outcome if done else replace(outcome, begun=outcome.change.ref in begun))
            waiting = [each.change for each in outcomes if each.status is not Status.DONE] if done else []

    def _call(self, change: Change, body: Body, begun: set[Ref]) -> Callable[[], Outcome]:
        return partial(steps.write, self._port, change, body, update=change.ref in begun)

    def _delete(self, changes: Sequence[Change], users: Mapping[Ref, set[Ref]]) -> Flow[Any]:
        kept = sorted(set[Ref]().union(*(users[change.ref] for change in changes)) & self.failed)
        if kept:
            why = self._port.halted or f"{kept[0]}, which refers to it, could not be deleted"
            self._end_all(changes, Status.BLOCKED, why)
            return
        if len(changes) > 1:
            members = sorted(changes, key=lambda change: change.ref)
            [outcome] = yield [partial(steps.let_go, self._port, members)]
            if outcome.status is not Status.DONE:
                self._end_all(changes, outcome.status, outcome.message)
                return
        outcomes = yield [partial(steps.delete, self._port, change) for change in changes]
        for outcome in outcomes:
            self._end(outcome)

    def _end_all(self, changes: Sequence[Change], status: Status, why: str) -> None:
        for change in changes:
            self._end(Outcome(change, status, why))


def _appended(change: Change) -> bool:
    """Whether Port puts it behind all others of its kind."""
    return change.action is Action.CREATE and bool(KINDS[change.ref.kind].parents)


def _names_itself(change: Change) -> bool:
    """Whether it must exist before it can be written whole: a new blueprint can't name itself."""
    return change.action is Action.CREATE and change.ref in references(change)
