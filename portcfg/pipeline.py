"""The flow as a few plain functions. Prints nothing, asks nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from portcfg import ledger
from portcfg.apply import apply_plan
from portcfg.client import PortReader, PortWriter
from portcfg.compile import compile_specs, resolve_external
from portcfg.errors import ApiError, InvalidSpecsError, PartialError, Problem
from portcfg.load import load_specs
from portcfg.model import Action, Document, Outcome, Owner, Plan, Project, Ref, Report, Resource, State, Status
from portcfg.observe import observe
from portcfg.plan import make_plan
from portcfg.project import load_project
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
    """How to plan. Without a ledger nothing is known to be managed, so nothing can be pruned."""

    prune: bool = False
    use_ledger: bool = True


def read_specs(root: Path, environment: str = "") -> Specs:
    """Load and validate a specs folder; raises UsageError for an unknown environment."""
    project, problems = load_project(root, environment)
    if problems:
        return Specs(project, (), problems)
    loaded = load_specs(root, project.variables)
    found = validate(loaded.documents, project)
    return Specs(project, loaded.documents, tuple(sorted({*loaded.problems, *found})))


def plan_specs(specs: Specs, port: PortReader, options: Options = Options()) -> Plan:
    """What it takes to bring Port to the specs. Only reads; raises InvalidSpecsError, ApiError."""
    desired = specs.compiled()
    live = observe(port)
    managed = _managed(specs.project.owner, desired, live, port) if options.use_ledger else None
    resolved, notes = resolve_external(desired, live, specs.project)
    return make_plan(
        resolved,
        live,
        managed,
        prune=options.prune,
        notes=notes,
        environment=specs.project.environment,
    )


def _managed(own: Owner, desired: State, live: State, port: PortReader) -> frozenset[Ref]:
    """What the ledger says is ours; raises InvalidSpecsError where the specs name what is somebody else's."""
    owned = ledger.owners(port)
    problems = ledger.conflicts(owned, own, desired, live)
    if problems:
        raise InvalidSpecsError(problems)
    return frozenset(ref for ref, owner in owned.items() if owner == own)


def apply_specs(
    specs: Specs,
    plan: Plan,
    port: PortWriter,
    options: Options = Options(),
    *,
    clock: Callable[[], datetime],
    progress: Callable[[Outcome], None] = lambda _: None,
) -> Report:
    """Write a plan, keep the ledger, then plan again from what Port holds.

    An empty plan sends nothing, but that with `prune` the ledger forgets what is gone from Port.
    """
    outcomes: list[Outcome] = []
    try:
        for outcome in apply_plan(plan, port):
            outcomes.append(outcome)
            progress(outcome)
    finally:
        # Also when interrupted: what was written is managed from now on.
        if options.use_ledger:
            _keep_ledger(specs.project.owner, plan, outcomes, port, clock, options.prune)
    after = plan_specs(specs, port, options) if outcomes else plan
    return Report(tuple(outcomes), after, plan.notes)


def _keep_ledger(
    own: Owner,
    plan: Plan,
    outcomes: Sequence[Outcome],
    port: PortWriter,
    clock: Callable[[], datetime],
    prune: bool,
) -> None:
    done = [outcome.change for outcome in outcomes if outcome.status is Status.DONE]
    adopted = [change for change in plan.changes if change.action is Action.NOOP and change.adopted]
    written = [change for change in done if change.action is not Action.DELETE]
    resources = [Resource(change.ref, change.after or {}, change.file) for change in (*written, *adopted)]
    deleted = [change.ref for change in done if change.action is Action.DELETE]
    # What is gone must not be taken for managed when somebody makes it anew by hand.
    stale = plan.stale if resources or deleted or prune else ()
    try:
        ledger.record(port, resources, own, clock().isoformat())
        ledger.forget(port, [*deleted, *stale])
    except ApiError as error:
        message = f"{len(done)} change(s) were written, but not into portcfg's ledger in Port: {error.message}"
        raise PartialError(message, "apply again: it writes what is missing there") from error
