"""apply_plan(plan, port) yields Outcomes: the steps of a plan, in order, in stages where references form a cycle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from urllib.parse import parse_qsl

from portcfg.client import PortWriter, segment
from portcfg.diff import same
from portcfg.errors import ApiError, TerminalApiError
from portcfg.kinds import KINDS, Kind
from portcfg.kinds.base import unmanaged
from portcfg.model import Action, Body, Change, Outcome, Plan, Ref, Status
from portcfg.renames import held, rename_parts

POLL_SECONDS = 5.0
# An hour: large blueprints take Port a while.
POLLS = 720
EMPTY_FIRST = "delete the entities, and whatever else refers to it, in Port, then prune again"


def apply_plan(plan: Plan, port: PortWriter) -> Iterator[Outcome]:
    """Carry out every step, yielding each as it ends; a failed write blocks what refers to it, and all deletes.

    A step's own error is its Outcome, never an exception.
    """
    failed: set[Ref] = set()
    writes = [change for change in plan.pending if change.action is not Action.DELETE]
    for level in sorted({KINDS[change.ref.kind].level for change in writes}):
        yield from _writes([change for change in writes if KINDS[change.ref.kind].level == level], port, failed)
    deletes = [change for change in plan.pending if change.action is Action.DELETE]
    if failed:
        why = f"nothing is deleted while a write failed: {', '.join(map(str, sorted(failed)))}"
        yield from (Outcome(change, Status.BLOCKED, why) for change in deletes)
    else:
        yield from _deletes(deletes, port)


def _noted(outcome: Outcome, failed: set[Ref]) -> Outcome:
    if outcome.status is not Status.DONE:
        failed.add(outcome.change.ref)
    return outcome


def _writes(changes: Sequence[Change], port: PortWriter, failed: set[Ref]) -> Iterator[Outcome]:
    """Write each change once what it refers to is written; those in a cycle, or behind one, come last, in stages."""
    for change in changes:
        # Before everything else: others may name a part by its new name, and a PUT without the old one loses values.
        if change.renames and (refused := _rename(port, change)):
            yield _noted(refused, failed)
    moved = any(change.renames for change in changes)
    changes = [change for change in changes if change.ref not in failed]
    unwritten = {change.ref for change in changes}
    staged: list[Change] = []
    for change in changes:
        if blocked := _blocked(change, failed):
            yield _noted(blocked, failed)
        elif _needs(change) & unwritten - _itself(change):
            staged.append(change)
            continue
        else:
            yield _noted(_attempt(port, change, change.after or {}), failed)
        unwritten.discard(change.ref)
    yield from _staged(staged, {change.ref: _stages(port, change, moved) for change in staged}, port, failed)


def _rename(port: PortWriter, change: Change) -> Outcome | None:
    try:
        rename_parts(port, _path(change.ref), change.ref, change.renames)
    except ApiError as error:
        return Outcome(change, Status.FAILED, error.message)
    return None


def _itself(change: Change) -> set[Ref]:
    # A blueprint that is there may name itself; a new one must exist before it does.
    return {change.ref} if change.action is Action.UPDATE else set()


def _staged(
    changes: Sequence[Change], stages: Mapping[Ref, Sequence[Body]], port: PortWriter, failed: set[Ref]
) -> Iterator[Outcome]:
    """Stage by stage over all of them: the last one of each as often as it takes, since mirrors, calculations and
    aggregations of several blueprints may build on each other in any order."""
    written: set[Ref] = set()
    for number in range(max((len(bodies) for bodies in stages.values()), default=1) - 1):
        for change in changes:
            if change.ref in failed or number >= len(stages[change.ref]) - 1:
                continue
            update = change.ref in written or change.action is Action.UPDATE
            outcome = _blocked(change, failed) or _attempt(port, change, stages[change.ref][number], update=update)
            # What Port had before can do without its first stage: if that can't be written, the last one will tell.
            if outcome.status is not Status.DONE and change.action is Action.CREATE:
                yield _noted(outcome, failed)
            if outcome.status is Status.DONE or change.action is Action.UPDATE:
                written.add(change.ref)
    waiting = [change for change in changes if change.ref not in failed]
    while waiting:
        tried = [
            (change, _attempt(port, change, change.after or {}, update=change.ref in written)) for change in waiting
        ]
        done = [outcome for _, outcome in tried if outcome.status is Status.DONE]
        yield from done or [
            _noted(replace(outcome, begun=change.ref in written and change.action is Action.CREATE), failed)
            for change, outcome in tried
        ]
        waiting = [change for change, outcome in tried if outcome.status is not Status.DONE] if done else []


def _stages(port: PortWriter, change: Change, moved: bool) -> list[Body]:
    """The bodies to write one after the other; one that the next only repeats is left out.

    Where renames were made (`moved`), Port holds something else than the plan saw, also in what names the parts.
    """
    before = change.before
    if moved and before is not None:
        try:
            before = held(port, _path(change.ref))
        except ApiError:
            before = KINDS[change.ref.kind].renaming.renamed(before, change.renames)
    bodies = KINDS[change.ref.kind].stages(change.after or {}, before)
    return [body for body, following in zip(bodies, [*bodies[1:], None], strict=True) if not same(body, following)]


def _needs(change: Change) -> set[Ref]:
    """What the body to write refers to, or the one to delete."""
    body = change.before if change.action is Action.DELETE else change.after
    return {ref for _, ref in KINDS[change.ref.kind].references(body or {})}


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
    path = _path(ref)
    if kind.system(ref.identifier):
        port.send("PATCH", path, body)
        return
    if kind.update_verb == "PATCH":
        port.send("PATCH", path, body, headers=kind.headers(body))
        return
    port.send("PUT", path, kind.carried(body, held(port, path)), headers=kind.headers(body))


def _deletes(changes: Sequence[Change], port: PortWriter) -> Iterator[Outcome]:
    """Delete each once nothing that is to go refers to it any more; members of a cycle let go of each other first."""
    waiting = {change.ref: change for change in changes}
    needs = {ref: (_needs(change) - {ref}) & waiting.keys() for ref, change in waiting.items()}
    while waiting:
        held = set[Ref]().union(*(needs[ref] for ref in waiting))
        free = next((ref for ref in waiting if ref not in held), None)
        if free:
            yield _delete(port, waiting.pop(free))
            continue
        cycle = _cycle({ref: needs[ref] & waiting.keys() for ref in waiting})
        problem = _let_go([waiting[ref] for ref in cycle], set(waiting), port)
        for ref in cycle:
            needs[ref] = set()
            if problem:
                yield Outcome(waiting.pop(ref), Status.FAILED, problem)


def _cycle(needs: Mapping[Ref, set[Ref]]) -> list[Ref]:
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return sorted(set(error.args[1]))
    return sorted(needs)


def _let_go(changes: Sequence[Change], gone: set[Ref], port: PortWriter) -> str:
    """Write the members of a cycle without what they have of each other; why that can't be, if it can't.

    Entities would lose their relations by it, and Port would then refuse the delete all the same.
    """
    names = " and ".join(str(change.ref) for change in changes)
    try:
        for change in changes:
            count = port.get(f"{_path(change.ref)}/entities-count").get("count")
            if count:
                return f"{names} refer to each other, and {change.ref} still has entities ({count}): {EMPTY_FIRST}"
        _strip(changes, gone, port)
    except ApiError as error:
        return f"{names} refer to each other, and couldn't be taken apart: {error.message}"
    return ""


def _strip(changes: Sequence[Change], gone: set[Ref], port: PortWriter) -> None:
    """In as many rounds as it takes: what one has may build on a relation of another. Raises ApiError."""
    waiting = list(changes)
    while waiting:
        errors: dict[Ref, ApiError] = {}
        for change in waiting:
            kind = KINDS[change.ref.kind]
            body = unmanaged(change.before or {}, ())
            for target in sorted(gone - {change.ref}):
                body = kind.without(body, target) if kind.without else body
            try:
                port.send("PUT", _path(change.ref), body, headers=kind.headers(body))
            except ApiError as error:
                errors[change.ref] = error
        if len(errors) == len(waiting):
            raise errors[waiting[0].ref]
        waiting = [change for change in waiting if change.ref in errors]


def _path(ref: Ref) -> str:
    return f"{KINDS[ref.kind].collection}/{segment(ref.identifier)}"


def _delete(port: PortWriter, change: Change) -> Outcome:
    emptied = KINDS[change.ref.kind].emptied
    try:
        port.send("DELETE", _path(change.ref))
    except ApiError as error:
        if error.status == 404:
            return Outcome(change, Status.DONE)
        if error.error != "has_dependents":
            return Outcome(change, Status.FAILED, error.message)
        # Only for a resource that was named: the entities go with it.
        if not (emptied and change.approved):
            return Outcome(change, Status.FAILED, f"{error.message}: {EMPTY_FIRST}")
        return _emptied(port, change, f"{_path(change.ref)}/{emptied}")
    return Outcome(change, Status.DONE)


def _emptied(port: PortWriter, change: Change, route: str) -> Outcome:
    """Delete a resource with its entities, and follow Port until it has."""
    path, _, query = route.partition("?")
    try:
        started = port.send("DELETE", path, params=dict(parse_qsl(query))).body
        number = started.get("migrationId")
        for _ in range(POLLS if number else 0):
            migration = port.get(f"/migrations/{segment(str(number))}").get("migration") or {}
            if migration.get("status") == "COMPLETED":
                return Outcome(change, Status.DONE)
            if migration.get("status") in ("FAILURE", "CANCELLED"):
                return Outcome(change, Status.FAILED, f"Port ended the deletion of its entities: {migration['status']}")
            port.wait(POLL_SECONDS)
    except ApiError as error:
        return Outcome(change, Status.FAILED, error.message)
    if not number:
        return Outcome(change, Status.DONE)
    return Outcome(change, Status.FAILED, f"Port is still deleting its entities (migration {number}); plan again later")
