"""The flow as a few plain functions. Prints nothing, asks nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from portcfg import ledger
from portcfg.apply import apply_plan
from portcfg.causes import path_key
from portcfg.client import PortReader, PortWriter
from portcfg.compile import compile_specs, resolve_external
from portcfg.diff import same
from portcfg.editors import with_editors
from portcfg.errors import ApiError, GuardError, InvalidSpecsError, PartialError, Problem
from portcfg.guard import Limits, guard
from portcfg.impact import assess
from portcfg.journal import Recorded
from portcfg.load import load_specs
from portcfg.lock import locked
from portcfg.model import (
    MISSING,
    Action,
    Cause,
    Change,
    Document,
    Outcome,
    Owner,
    Plan,
    Project,
    Ref,
    Report,
    Resource,
    State,
    Status,
)
from portcfg.observe import observe
from portcfg.overlay import with_overlay
from portcfg.plan import make_plan
from portcfg.project import load_project
from portcfg.risk import Risks
from portcfg.validate import validate


@dataclass(frozen=True)
class Specs:
    """A specs folder, read and checked."""

    project: Project
    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]

    def compiled(self) -> State:
        """The desired State; raises InvalidSpecsError with every problem if there is an error among them."""
        if any(problem.severity == "error" for problem in self.problems):
            raise InvalidSpecsError(self.problems)
        return self._state

    @cached_property
    def _state(self) -> State:
        return compile_specs(self.documents, self.project)


@dataclass(frozen=True)
class Options:
    """How to plan. Without a ledger nothing is known to be managed, so nothing can be pruned.

    `allowed` names resources (blueprint/x) whose destructive changes are meant, `remove_all` that nothing shall stay.
    """

    prune: bool = False
    use_ledger: bool = True
    allowed: tuple[str, ...] = ()
    remove_all: bool = False


def read_specs(root: Path, environment: str = "") -> Specs:
    """Load and validate a specs folder; raises UsageError for an unknown environment."""
    project, problems = load_project(root, environment)
    if problems:
        return Specs(project, (), problems)
    loaded = with_overlay(load_specs(root, project.variables), root, project)
    found = validate(loaded.documents, project)
    return Specs(project, loaded.documents, tuple(sorted({*loaded.problems, *found})))


def plan_specs(specs: Specs, port: PortReader, options: Options = Options()) -> Plan:
    """What it takes to bring Port to the specs. Only reads; raises InvalidSpecsError, ApiError."""
    desired = specs.compiled()
    live = observe(port)
    entries = _entries(specs.project.owner, desired, live, port) if options.use_ledger else None
    resolved, notes = resolve_external(desired, ledger.seen(live), specs.project)
    plan = make_plan(
        resolved,
        live,
        entries,
        applied={ref: last for ref, entry in (entries or {}).items() if (last := entry.last(resolved.get(ref)))},
        prune=options.prune,
        notes=_with_unknown(notes, entries or {}, resolved),
        environment=specs.project.environment,
    )
    plan = with_editors(plan, entries or {}, port)
    return _weighed(plan, assess(plan, live, port), specs.project, options)


def _weighed(plan: Plan, risks: Risks, project: Project, options: Options) -> Plan:
    """`plan` with what each change costs, and with what stands against it."""
    settings = dict(project.guards)
    allowed = {*settings.pop("allow_destructive", ()), *options.allowed}
    changes = tuple(
        replace(
            change,
            risk=risks.of(change.ref).value,
            approved=str(change.ref) in allowed,
            impacts=tuple(risks.json(change.ref)),
        )
        for change in plan.changes
    )
    limits = Limits(**settings, remove_all=options.remove_all)
    return replace(plan, changes=changes, refusals=tuple(guard(plan, risks, limits, allowed)))


def weighed_rollback(plan: Plan, live: State, port: PortReader, allowed: tuple[str, ...]) -> Plan:
    """The inverse of an apply with what it costs: as large as the apply was, but destroying only what is named."""
    boundless = {"delete_share": 1.0, "delete_count": 10**9, "update_share": 1.0, "update_count": 10**9}
    project = Project("", guards={**boundless, "entities": 10**12})
    return _weighed(plan, assess(plan, live, port), project, Options(allowed=allowed, remove_all=True))


def refuse_harm(plan: Plan) -> None:
    """Raise GuardError for a plan that would do more harm than it was told it may."""
    if plan.refusals:
        raise GuardError(f"the plan is refused: {' | '.join(plan.refusals)}", hint="nothing was written")


def _entries(own: Owner, desired: State, live: State, port: PortReader) -> dict[Ref, ledger.Entry]:
    """What the ledger says is ours; raises InvalidSpecsError where the specs name what is somebody else's."""
    entries = ledger.entries(port)
    problems = ledger.conflicts(entries, own, desired, live)
    if problems:
        raise InvalidSpecsError(problems)
    # A damaged entry counts as none: its resource is adopted again, which writes the entry anew.
    return {ref: entry for ref, entry in entries.items() if entry.owner == own and entry.whole}


def _with_unknown(
    notes: Mapping[Ref, tuple[str, ...]], entries: Mapping[Ref, ledger.Entry], desired: State
) -> dict[Ref, tuple[str, ...]]:
    """`notes`, and one on each resource of which the ledger can't tell who changed what."""
    why = "too large for portcfg's ledger, so whether the specs or Port changed can't be told"
    unknown = (ref for ref, entry in entries.items() if ref in desired and not entry.last(desired[ref]))
    return {**notes, **{ref: (*notes.get(ref, ()), why) for ref in unknown}}


def apply_specs(
    specs: Specs,
    plan: Plan,
    port: PortWriter,
    options: Options = Options(),
    *,
    clock: Callable[[], datetime],
    progress: Callable[[Outcome], None] = lambda _: None,
    commit: str = "",
    link: str = "",
) -> Report:
    """Write a plan, keep the ledger, then plan again from what Port holds.

    An empty plan sends nothing, but that the ledger learns what specs and Port agree on, and, with `prune`, forgets
    what is gone from Port. `commit` and `link` (the repository's files at that commit, on the web) go into the ledger.
    Raises BusyError while another apply runs.
    """
    now = clock()
    stamp = ledger.Stamp(specs.project.owner, now.isoformat(), commit, link)
    alone = locked(port, stamp.owner, uuid.uuid4().hex, now) if options.use_ledger and plan.pending else nullcontext()
    with alone:
        outcomes = _written(plan, port, stamp, options, progress)
    if not outcomes:
        return Report((), plan, plan.notes)
    after = plan_specs(specs, port, options)
    if options.use_ledger and (added := _added_by_port(outcomes, after)):
        ledger.record(port, [resource for resource, _ in added], stamp, {each.ref: paths for each, paths in added})
        after = plan_specs(specs, port, options)
    return Report(tuple(outcomes), after, plan.notes)


def _written(
    plan: Plan, port: PortWriter, stamp: ledger.Stamp, options: Options, progress: Callable[[Outcome], None]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        for outcome in apply_plan(plan, port):
            outcomes.append(outcome)
            progress(outcome)
    finally:
        # Also when interrupted: what was written is managed from now on.
        if options.use_ledger:
            _keep_ledger(stamp, plan, outcomes, port, options.prune)
    return outcomes


def undo(
    own: Owner,
    recorded: Recorded,
    plan: Plan,
    port: PortWriter,
    *,
    clock: Callable[[], datetime],
    progress: Callable[[Outcome], None],
) -> list[Outcome]:
    """Carry out the inverse of an apply, and put the ledger back to what it said before."""
    now = clock()
    stamp = ledger.Stamp(own, now.isoformat())
    outcomes: list[Outcome] = []
    with locked(port, own, uuid.uuid4().hex, now):
        for outcome in apply_plan(plan, port):
            outcomes.append(outcome)
            progress(outcome)
        done = {outcome.change.ref for outcome in outcomes if outcome.status is Status.DONE}
        changed = [change for change in recorded.changes if change.ref in done]
        before = [Resource(change.ref, change.applied, change.file) for change in changed if change.applied]
        ledger.record(port, before, stamp)
        ledger.forget(port, [change.ref for change in changed if not change.applied])
    return outcomes


def _added_by_port(outcomes: Sequence[Outcome], after: Plan) -> list[tuple[Resource, dict[str, Any]]]:
    """What Port filled in by itself in what was just written: fields that it has and no spec names.

    Only a field that came with our own write is Port's; the next time it would be somebody's.
    """
    written = {outcome.change.ref for outcome in outcomes if outcome.status is Status.DONE}
    return [
        (Resource(change.ref, change.after or {}, change.file), paths)
        for change in after.pending
        if change.ref in written and change.action is Action.UPDATE
        if (paths := {path_key(field.path): field.before for field in change.fields if field.after is MISSING})
    ]


def _server_fields(change: Change) -> dict[str, Any]:
    """What the ledger already knows to be Port's own doing."""
    return {path_key(field.path): field.before for field in change.fields if field.cause is Cause.SERVER}


def _keep_ledger(stamp: ledger.Stamp, plan: Plan, outcomes: Sequence[Outcome], port: PortWriter, prune: bool) -> None:
    done = [outcome.change for outcome in outcomes if outcome.status is Status.DONE]
    # Port and the specs agree; where the ledger remembers something else, both were changed alike since.
    agreed = [
        change
        for change in plan.changes
        if change.action is Action.NOOP and (change.adopted or not same(change.applied, change.after))
    ]
    begun = [outcome.change for outcome in outcomes if outcome.begun]
    written = [*(change for change in done if change.action is not Action.DELETE), *begun]
    resources = [Resource(change.ref, change.after or {}, change.file) for change in (*written, *agreed)]
    deleted = [change.ref for change in done if change.action is Action.DELETE]
    # What is gone must not be taken for managed when somebody makes it anew by hand.
    stale = plan.stale if resources or deleted or prune else ()
    try:
        ledger.record(port, resources, stamp, {change.ref: _server_fields(change) for change in agreed})
        ledger.forget(port, [*deleted, *stale])
    except ApiError as error:
        message = f"{len(done)} change(s) were written, but not into portcfg's ledger in Port: {error.message}"
        raise PartialError(message, "apply again: it writes what is missing there") from error
