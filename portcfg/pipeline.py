"""The flow as a few plain functions. Prints nothing, asks nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path

from portcfg import ledger
from portcfg.apply import PARALLELISM, apply_plan
from portcfg.baseline import known_of
from portcfg.bookkeeping import added_by_port, has_news, keep_ledger, restore_ledger, with_unknown
from portcfg.client import PortReader, PortWriter
from portcfg.compile import compile_specs, resolve_external
from portcfg.concealed import concealed
from portcfg.conversions import tried
from portcfg.editors import with_editors
from portcfg.errors import GuardError, InvalidSpecsError, PortcfgError, Problem
from portcfg.findings import Ignored
from portcfg.guard import Limits, guard, unheard
from portcfg.ignores import sifted
from portcfg.impact import assess
from portcfg.journal import Recorded
from portcfg.kinds import KINDS
from portcfg.load import load_specs
from portcfg.locating import with_subjects
from portcfg.lock import Lock, locked
from portcfg.mapping_tests.samples import read_samples
from portcfg.model import (
    Document,
    Outcome,
    Owner,
    Plan,
    Project,
    Ref,
    State,
    Status,
)
from portcfg.moves import with_arrivals
from portcfg.observe import refuse_taken, see
from portcfg.overlay import with_overlay
from portcfg.places import as_said, needs_sidebar, placed, resolve_places
from portcfg.plan import make_plan
from portcfg.project import load_project
from portcfg.report import Report
from portcfg.risk import Risks
from portcfg.secret_forms import hushed
from portcfg.unused import unused
from portcfg.validate import validate


@dataclass(frozen=True)
class Specs:
    """A specs folder, read and checked. `texts` are its files by name, `ignored` the findings that are meant.

    `known` are those of `problems` that its baseline has.
    """

    project: Project
    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[Ignored, ...] = ()
    known: frozenset[Problem] = frozenset()

    def compiled(self) -> State:
        """The desired State; raises InvalidSpecsError with errors and warnings if there is an error among them."""
        if any(problem.severity == "error" for problem in self.problems):
            raise InvalidSpecsError([*self._told("error"), *self._told("warning")], self.texts)
        return self._state

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is doubtful in the specs, for those who read a plan of them."""
        doubts = self._told("warning")
        return tuple(f"{each.where}: {each.id}: {each.message}; {each.hint}" for each in doubts)

    def _told(self, severity: str) -> list[Problem]:
        """Findings that stand against a plan, or go with it: errors, warnings that are new."""
        found = (each for each in self.problems if each.severity == severity)
        return [each for each in found if severity == "error" or each not in self.known]

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
        problems = tuple(hushed(problems, {project.file: project.text}))
        return Specs(project, (), (*with_subjects(problems, (), str(root)),), {project.file: project.text})
    loaded = with_overlay(load_specs(root, project.variables), root, project)
    texts = {**loaded.texts, **({project.file: project.text} if project.text else {})}
    found = {*loaded.problems, *validate(loaded.documents, project, texts, read_samples(root))}
    if not any(problem.severity == "error" for problem in loaded.problems):
        found |= {*unused(root, texts, project)}
    left = sifted(with_subjects(hushed(found, texts), loaded.documents, str(root)), project, texts)
    return Specs(project, loaded.documents, left.problems, texts, left.ignored, known_of(left.problems, root))


def plan_specs(specs: Specs, port: PortReader, options: Options = Options(), *, concealing: bool = False) -> Plan:
    """What it takes to bring Port to the specs. Only reads; raises InvalidSpecsError, ApiError.

    With `concealing`, secrets are compared by their digests, since `port` answers with those.
    """
    desired, own = specs.compiled(), specs.project.owner
    known = ledger.entries(port) if options.use_ledger else None
    managed = (ref for ref, entry in (known or {}).items() if entry.owner == own)
    seen = see(port, "needed" if needs_sidebar(desired.values(), managed) else "unasked")
    refuse_taken(desired, seen)
    entries = _entries(own, desired, seen.state, known) if known is not None else None
    resolved, notes = resolve_external(desired, ledger.seen(seen.state), specs.project)
    resolved, notes = resolve_places(resolved, notes, seen.tree, specs.project)
    ours = {ref: entry for ref, entry in (entries or {}).items() if ref.kind in KINDS}
    applied = {ref: last for ref, entry in ours.items() if (last := entry.last(resolved.get(ref)))}
    notes = with_unknown(notes, entries or {}, resolved)
    if concealing:
        resolved = {ref: replace(each, body=concealed(each.body)) for ref, each in resolved.items()}
        applied = {ref: replace(last, body=concealed(last.body)) for ref, last in applied.items()}
    live = as_said(seen.state, seen.tree, resolved, {ref: last.body for ref, last in applied.items()})
    plan = make_plan(
        resolved,
        live,
        entries,
        applied=applied,
        prune=options.prune,
        notes=notes,
        environment=specs.project.environment,
    )
    guards = dict(specs.project.guards)
    lasting = guards.pop("allow_destructive", ())
    limits = Limits(**guards, remove_all=options.remove_all)
    plan = with_editors(placed(plan, seen.tree, live), entries or {}, port)
    plan = _costed(plan, live, port, limits, {*lasting, *options.allowed})
    return replace(plan, notes=(*plan.notes, *specs.warnings, *unheard(plan, live, options.allowed, lasting)))


def _costed(plan: Plan, live: State, port: PortReader, limits: Limits, allowed: Set[str]) -> Plan:
    plan = with_arrivals(tried(plan, port), live, port)
    return _weighed(plan, assess(plan, live, port), limits, allowed)


def _weighed(plan: Plan, risks: Risks, limits: Limits, allowed: Set[str]) -> Plan:
    """`plan` with what each change costs, and with what stands against it."""
    changes = tuple(
        replace(
            change,
            risk=risks.of(change.ref).value,
            approved=bool({str(change.ref), str(change.move.new if change.move else "")} & allowed),
            impacts=tuple(risks.json(change.ref)),
        )
        for change in plan.changes
    )
    return replace(plan, changes=changes, refusals=(*plan.refusals, *guard(plan, risks, limits, allowed)))


def weighed_rollback(plan: Plan, live: State, port: PortReader, allowed: tuple[str, ...]) -> Plan:
    """The inverse of an apply with what it costs: as large as the apply was, but destroying only what is named."""
    return _costed(plan, live, port, Limits.none(), {*allowed})


def refuse_harm(plan: Plan) -> None:
    """Raise GuardError for a plan that would do more harm than it was told it may."""
    if plan.refusals:
        raise GuardError(f"the plan is refused: {' | '.join(plan.refusals)}", hint="nothing was written")


def _entries(own: Owner, desired: State, live: State, entries: Mapping[Ref, ledger.Entry]) -> dict[Ref, ledger.Entry]:
    """What the ledger says is ours; raises InvalidSpecsError where the specs name what is somebody else's."""
    # What is renamed away is also taken from whoever has it.
    renamed = {Ref(ref.kind, resource.was): resource for ref, resource in desired.items() if resource.was}
    problems = ledger.conflicts(entries, own, {**renamed, **desired}, live)
    if problems:
        raise InvalidSpecsError(problems)
    # A damaged entry counts as none: its resource is adopted again, which writes the entry anew.
    return {ref: entry for ref, entry in entries.items() if entry.owner == own and entry.whole}


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
    parallelism: int = PARALLELISM,
    check: Callable[[Plan], None] | None = None,
) -> Report:
    """Write a plan, keep the ledger, then plan again from what Port holds.

    An empty plan sends nothing, but that the ledger learns what specs and Port agree on and which file says so, and,
    with `prune`, forgets what is gone from Port. `commit` and `link` (the repository's files at that commit, on the
    web) go into the ledger, which is only written under the lock. At most `parallelism` requests are under way at once.
    What `port.halt` stops is blocked, and not read back.
    Where time has passed since the plan was made, `check` hears once more, now that no other apply can run, what the
    plan would be, and raises if that is another. Raises BusyError while another apply runs.
    """
    stamp = ledger.Stamp(specs.project.owner, clock().isoformat(), commit, link)
    with _alone(stamp.owner, port, clock, options.use_ledger and has_news(plan, options.prune)) as lock:
        if check:
            check(plan_specs(specs, port, options))
        outcomes: list[Outcome] = []
        keep = partial(keep_ledger, stamp, plan, outcomes, port, options.prune) if options.use_ledger else None
        problems = [_written(plan, port, parallelism, lock, outcomes, progress, keep)]
        after = None if port.halted else plan
        if outcomes and not port.halted:
            after, problem = _read_back(specs, port, options, outcomes, stamp)
            problems.append(problem)
    problems.append(lock.problem if lock else "")
    return Report(tuple(outcomes), after, plan.notes, tuple(filter(None, problems)), port.halted)


def undo(
    own: Owner,
    recorded: Recorded,
    plan: Plan,
    port: PortWriter,
    *,
    clock: Callable[[], datetime],
    progress: Callable[[Outcome], None],
    parallelism: int = PARALLELISM,
    settled: Set[Ref] = frozenset(),
    check: Callable[[], None] | None = None,
) -> Report:
    """Carry out the inverse of an apply, and put the ledger back to what it said before, if that apply kept it.

    `settled` is what is as it was already. `check` is called once no other apply can run, and raises if the plan isn't
    the way back any more.
    """
    stamp = ledger.Stamp(own, clock().isoformat())
    outcomes: list[Outcome] = []
    use_ledger = recorded.header.ledger
    with _alone(own, port, clock, use_ledger) as lock:
        if check:
            check()
        keep = partial(restore_ledger, stamp, recorded, settled, outcomes, port) if use_ledger else None
        problem = _written(plan, port, parallelism, lock, outcomes, progress, keep)
    problems = (problem, lock.problem if lock else "")
    return Report(tuple(outcomes), None, plan.notes, tuple(filter(None, problems)), port.halted)


@contextmanager
def _alone(own: Owner, port: PortWriter, clock: Callable[[], datetime], needed: bool) -> Iterator[Lock | None]:
    """Hold the lock for the block, where it is needed. Raises BusyError."""
    if not needed:
        yield None
        return
    with locked(port, own, uuid.uuid4().hex, clock) as lock:
        yield lock


def _written(
    plan: Plan,
    port: PortWriter,
    parallelism: int,
    lock: Lock | None,
    outcomes: list[Outcome],
    progress: Callable[[Outcome], None],
    keep: Callable[[], None] | None,
) -> str:
    """Carry out a plan and keep the ledger; how each step ended goes into `outcomes`. Why the ledger wasn't kept."""
    try:
        for outcome in apply_plan(plan, port, parallelism, lock.renew if lock else lambda: None):
            outcomes.append(outcome)
            progress(outcome)
    finally:
        # Also when interrupted: what was written is managed from now on.
        problem = _kept(port, keep, lock, sum(outcome.status is Status.DONE for outcome in outcomes))
    return problem


def _kept(port: PortWriter, keep: Callable[[], None] | None, lock: Lock | None, done: int) -> str:
    if not keep:
        return ""
    why = "the lock was lost, and another apply may be at it"
    if not (lock and lock.lost):
        try:
            with port.finishing():
                keep()
            return ""
        except PortcfgError as error:
            why = error.message
    return f"{done} change(s) were written, but not into portcfg's ledger in Port: {why}"


def _read_back(
    specs: Specs, port: PortWriter, options: Options, outcomes: Sequence[Outcome], stamp: ledger.Stamp
) -> tuple[Plan | None, str]:
    """The plan from what Port holds now; or why there is none."""
    try:
        after = plan_specs(specs, port, options)
        if options.use_ledger and (added := added_by_port(outcomes, after, port)):
            ledger.record(port, [resource for resource, _ in added], stamp, {each.ref: paths for each, paths in added})
            after = plan_specs(specs, port, options)
        return after, ""
    except PortcfgError as error:
        return None, f"what was written could not be read back from Port: {error.message}"
