"""What it takes to write or delete one resource in Port. A step's own error is its Outcome, never an exception."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from portcfg import preparing
from portcfg.client import PortWriter, segment
from portcfg.diff import same
from portcfg.errors import AnswerError, ApiError, HaltedError, TerminalApiError
from portcfg.kinds import KINDS, Kind
from portcfg.kinds.base import unmanaged
from portcfg.kinds.matching import sent
from portcfg.model import Action, Body, Change, Outcome, Ref, Status
from portcfg.moves import check_moved
from portcfg.observe import listed
from portcfg.places import only_moves
from portcfg.plan import compared
from portcfg.preparing import path_of
from portcfg.renames import held

POLL_SECONDS = 5.0
# An hour: large blueprints take Port a while.
POLLS = 720
EMPTY_FIRST = "delete the entities, and whatever else refers to it, in Port, then prune again"


def ended(change: Change, error: ApiError) -> Outcome:
    """How a change ended that an error kept from being done; what wasn't even begun is blocked, not failed."""
    if isinstance(error, HaltedError) and not error.sent:
        return Outcome(change, Status.BLOCKED, f"not done: {error.why}")
    return Outcome(change, Status.FAILED, error.message)


def prepare(port: PortWriter, change: Change, step: preparing.Step, begun: bool) -> Outcome:
    """Make a step of what comes before a resource's body; `begun` if a new one is there by then."""
    try:
        step(port)
    except ApiError as error:
        return replace(ended(change, error), begun=begun and change.action is Action.CREATE)
    return Outcome(change, Status.DONE)


def stages(port: PortWriter, change: Change, moved: bool) -> list[Body]:
    """The bodies to write one after the other; one that the next only repeats, or that Port has, is left out.

    Where renames were made (`moved`), Port holds something else than the plan saw, also in what names the parts.
    """
    before = change.before
    if moved and before is not None:
        try:
            before = held(port, path_of(change.ref))
        except ApiError:
            before = KINDS[change.ref.kind].renaming.renamed(before, change.renames)
    bodies = KINDS[change.ref.kind].stages(change.after or {}, before)
    now = unmanaged(before, ()) if before is not None else None
    following = zip(bodies, [*bodies[1:], None], strict=True)
    return [body for body, after in following if after is None or not (same(body, after) or same(body, now))]


def write(port: PortWriter, change: Change, body: Body, *, update: bool = False) -> Outcome:
    """Create a resource, or write `body` over it; with `update`, a create of which a part is written already."""
    kind = KINDS[change.ref.kind]
    if only_moves(change):
        # Places are written last (placing.py).
        return Outcome(change, Status.DONE)
    try:
        if update or change.action is Action.UPDATE:
            answer = _update(port, kind, change.ref, body)
        else:
            answer = _create(port, kind, change, body)
    except ApiError as error:
        return ended(change, error)
    # Of a page, Port may answer the identifier only (port-api.md §4.1).
    return Outcome(change, Status.DONE, answer=next((part for part in answer.values() if isinstance(part, dict)), {}))


def come_nearer(port: PortWriter, change: Change) -> bool:
    """Whether one more member of what is to be written could be, where the whole is refused."""
    kind, path = KINDS[change.ref.kind], path_of(change.ref)
    try:
        bodies = kind.nearer(change.after or {}, held(port, path))
    except ApiError:
        return False
    for body in bodies:
        try:
            port.send("PUT", path, body, headers=kind.headers(body))
            return True
        except ApiError:
            continue
    return False


def _create(port: PortWriter, kind: Kind, change: Change, body: Body) -> Body:
    try:
        return port.send("POST", kind.collection, sent(kind.content(body)), kind.create_params, kind.headers(body)).body
    except TerminalApiError as error:
        if error.status != 409:
            raise
        # A POST whose answer was lost and that was sent again finds its own work.
        if not _is_there(port, kind, change.ref, kind.content(body)):
            raise AnswerError(
                f"{change.ref} is in Port since the plan, otherwise than the specs say; plan again"
            ) from error
        return {}


def _is_there(port: PortWriter, kind: Kind, ref: Ref, body: Body) -> bool:
    """Whether Port holds just what was to be created. Raises ApiError."""
    found = (each for each in listed(port, kind) if kind.belongs(each))
    live = next((each for each in found if each.get(kind.id_field) == ref.identifier), None)
    return live is not None and same(*compared(kind, *kind.matched(body, live)))


def _update(port: PortWriter, kind: Kind, ref: Ref, body: Body) -> Body:
    """Write `body` over what Port holds now, so that what the spec doesn't manage is carried along; Port's answer."""
    path, body = path_of(ref), kind.content(body)
    if kind.system(ref.identifier):
        return port.send("PATCH", path, body).body
    if kind.update_verb == "PATCH":
        return port.send("PATCH", path, body, headers=kind.headers(body)).body
    whole = kind.carried(body, held(port, path))
    try:
        return port.send("PUT", path, whole, headers=kind.headers(body)).body
    except TerminalApiError as error:
        # The sibling that it stands behind has just moved elsewhere.
        if error.error != "after_item_not_in_parent":
            raise
        return port.send("PUT", path, kind.content(whole), headers=kind.headers(body)).body


def let_go(port: PortWriter, changes: Sequence[Change]) -> Outcome:
    """Write the members of a cycle without what they have of each other and of others, once they have no entities.

    Entities would lose their relations by it, and Port would then refuse the delete all the same. So all those that
    have some must have been named: then the entities go first.
    """
    names = " and ".join(str(change.ref) for change in changes)
    try:
        holding = [(change, count) for change in changes if (count := _left_in(port, change)) != 0]
        for change, count in holding:
            if not change.approved:
                why = f"{names} refer to each other, and {change.ref} still has entities ({count}): {EMPTY_FIRST}"
                return Outcome(change, Status.FAILED, why)
        for change, _ in holding:
            # Without the query, which would have the blueprint deleted, too.
            route = KINDS[change.ref.kind].emptied.partition("?")[0]
            outcome = _emptied(port, change, f"{path_of(change.ref)}/{route}")
            if outcome.status is not Status.DONE:
                return outcome
        _strip(port, changes)
    except HaltedError as error:
        return ended(changes[0], error)
    except ApiError as error:
        why = f"{names} refer to each other, and couldn't be taken apart: {error.message}"
        return Outcome(changes[0], Status.FAILED, why)
    return Outcome(changes[0], Status.DONE)


def _left_in(port: PortWriter, change: Change) -> Any:
    """How many entities would be lost; Port not saying how many there are doesn't mean none. Raises ApiError."""
    if change.move:
        check_moved(port, change, change.move)
        return 0
    return port.get(f"{path_of(change.ref)}/entities-count").get("count", "?")


def _strip(port: PortWriter, changes: Sequence[Change]) -> None:
    """In as many rounds as it takes: what one has may build on a relation of another. Raises ApiError."""
    waiting = list(changes)
    while waiting:
        errors: dict[Ref, ApiError] = {}
        for change in waiting:
            kind = KINDS[change.ref.kind]
            # Bare, as it began: what it reads elsewhere may have changed already.
            body = kind.stages(unmanaged(change.before or {}, ()), None)[0]
            try:
                port.send("PUT", path_of(change.ref), body, headers=kind.headers(body))
            except ApiError as error:
                errors[change.ref] = error
        if len(errors) == len(waiting):
            raise errors[waiting[0].ref]
        waiting = [change for change in waiting if change.ref in errors]


def delete(port: PortWriter, change: Change) -> Outcome:
    """Delete a resource; its entities only where it was named, or once they are elsewhere."""
    emptied = KINDS[change.ref.kind].emptied
    try:
        if change.move:
            check_moved(port, change, change.move)
        port.send("DELETE", path_of(change.ref))
    except ApiError as error:
        if error.status == 404:
            return Outcome(change, Status.DONE)
        if error.error != "has_dependents":
            return ended(change, error)
        # Only for a resource that was named: the entities go with it.
        if not (emptied and (change.approved or change.move)):
            return Outcome(change, Status.FAILED, f"{error.message}: {EMPTY_FIRST}")
        return _emptied(port, change, f"{path_of(change.ref)}/{emptied}")
    return Outcome(change, Status.DONE)


def _emptied(port: PortWriter, change: Change, route: str) -> Outcome:
    """Delete the entities of a resource, and it too where the route says so, and follow Port until it has."""
    path, _, query = route.partition("?")
    number = None
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
    except HaltedError as error:
        return Outcome(change, Status.FAILED, f"{error.message}, while Port deletes its entities")
    except ApiError as error:
        # A DELETE whose answer was lost and that was sent again finds nothing left to delete.
        if error.status == 404 and number is None:
            return Outcome(change, Status.DONE)
        return ended(change, error)
    if not number:
        return Outcome(change, Status.DONE)
    return Outcome(change, Status.FAILED, f"Port is still deleting its entities (migration {number}); plan again later")
