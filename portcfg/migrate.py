"""Migrations (port-api.md §2.2): values of entities moved by Port, part by part, and none dropped before it is checked.

A property gets another type, or a relation another target, by way of a temporary one: made, filled by a migration of
the blueprint onto itself, counted; then the old one is dropped and the temporary one renamed. Meanwhile nothing in the
blueprint refuses an entity, for Port keeps entities that break what was narrowed. Stopped anywhere, the next apply
finds what is done: while the old part is there the migration is made anew, and after that only renamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portcfg.client import PortReader, PortWriter, segment
from portcfg.counting import counted
from portcfg.errors import AnswerError, ApiError
from portcfg.kinds import KINDS
from portcfg.kinds.base import members_of, unmanaged
from portcfg.kinds.blueprint_aside import standing, without_part
from portcfg.kinds.blueprint_moves import (
    name_holders,
    own_mapping,
    temporary,
    under_way,
    with_temporary,
    without_temporaries,
)
from portcfg.kinds.risk_base import Count, has_no_value
from portcfg.model import Body, Change, Migration, Path, Ref, Rename, Resource, State
from portcfg.observe import listed
from portcfg.renames import WAITS, held, rename_parts

POLL_SECONDS = 5.0
# Half a day: Port takes its time for large blueprints, and a part of them is no use.
POLLS = 8640
ENDED = frozenset({"COMPLETED", "FAILURE", "CANCELLED"})


def free_names(port: PortWriter, path: str, change: Change) -> None:
    """Drop the mirrors and calculations that the specs don't have any more, and whose names others get."""
    live = change.before or {}
    held_by = [(section, rename.new) for rename in change.renames for section in name_holders(live, rename)]
    taken = [(section, name) for section, name in held_by if name not in members_of(change.after, section)]
    state = _step_aside(port, path, change) if taken else {}
    for section, name in taken:
        _drop(port, path, section, name, state)


def migrate_parts(port: PortWriter, path: str, change: Change) -> None:
    """Move the values of a resource's parts, at its `path`. Raises ApiError, with nothing dropped that isn't moved."""
    state = _step_aside(port, path, change) if change.migrations else {}
    for part in change.migrations:
        settle(port, change.ref.identifier)
        before = values(port, change.ref, part, part.source)
        if not part.jq:
            _check_loss(part, before, 0, change.approved, "")
            _drop(port, path, part.section, part.source, state)
            continue
        refused = _fill(port, path, change, part)
        after = _filled(port, change.ref, part, before - refused)
        why = _unfilled(port, change.ref, part, refused) if after < before else ""
        _check_loss(part, before, after, change.approved, why)
        _drop(port, path, part.section, part.source, state)
        rename_parts(port, path, change.ref, [Rename(part.section, temporary(part.name), part.name)])


def _step_aside(port: PortWriter, path: str, change: Change) -> State:
    """Take away what leads nowhere since others made their steps; what Port holds of all resources of that kind."""
    kind = KINDS[change.ref.kind]
    state = {(ref := Ref(kind.name, str(body.get(kind.id_field)))): Resource(ref, body) for body in listed(port, kind)}
    live = held(port, path)
    rest = standing(live, state)
    if rest != live:
        _put(port, path, unmanaged(rest, ()))
    return state


def _drop(port: PortWriter, path: str, section: Path, name: str, state: State) -> None:
    _put(port, path, without_part(held(port, path), section, name, state))


def _fill(port: PortWriter, path: str, change: Change, part: Migration) -> int:
    """How many entities Port refused to give their value."""
    live = held(port, path)
    if part.source not in members_of(live, part.section):
        raise AnswerError(f"Port has no {part.source} any more", hint="plan again")
    if temporary(part.name) in members_of(live, part.section):
        # Of an apply that was stopped, perhaps with another jq: what it left could pass for the values of this one.
        live = without_temporaries(live, [part])
        _put(port, path, unmanaged(live, ()))
    _put(port, path, with_temporary(live, change.after or {}, part))
    return int(run(port, change.ref.identifier, own_mapping(part)).get("failureCount") or 0)


def _put(port: PortWriter, path: str, body: Body) -> None:
    port.send("PUT", path, under_way(body))


def _filled(port: PortReader, ref: Ref, part: Migration, before: int) -> int:
    """How many entities have a value in the temporary part: as many as there should be, or what there is in the end."""
    after = 0
    for wait in WAITS if before > 0 else ():
        port.wait(wait)
        after = values(port, ref, part, temporary(part.name))
        if after >= before - (part.lost or 0):
            break
    return after


def _unfilled(port: PortReader, ref: Ref, part: Migration, refused: int) -> str:
    """What can be said of the entities without a value in the temporary part: Port's own count, and one of them."""
    rules = KINDS[ref.kind].renaming.rules(part.section, part.source)
    name = temporary(part.name)
    empty = {"relation": name, "operator": "isEmpty"} if "relation" in rules[0] else has_no_value(name)
    query = {"combinator": "and", "rules": [*rules, empty]}
    try:
        found = next(iter(port.entities(ref.identifier, ["$identifier"], query)), {})
    except ApiError:
        found = {}
    told = [f"Port refused {refused} of them"] if refused else []
    told += [f"one without is {found['identifier']!r}"] if "identifier" in found else []
    return f" ({'; '.join(told)})" if told else ""


def _check_loss(part: Migration, before: int, after: int, approved: bool, why: str) -> None:
    """Refuse to lose what the plan didn't say: nothing without approval, and not more than was reviewed."""
    allowed = before if approved and (part.lost is None or not part.jq) else part.lost or 0
    if before - after > (allowed if approved else 0):
        raise AnswerError(
            f"of {before} entities with a value in {part.source}, {after} would have one after its migration{why}; "
            "nothing was dropped",
            hint="plan again: it says which entities, and what to do",
        )


def values(port: PortReader, ref: Ref, part: Migration, name: str) -> int:
    """How many entities have a value in a property or relation. Raises ApiError."""
    rules = KINDS[ref.kind].renaming.rules(part.section, name)
    if "relation" in rules[0]:
        # Port's count takes no rules on relations.
        query = {"combinator": "and", "rules": list(rules)}
        return sum(1 for _ in port.entities(ref.identifier, ["$identifier"], query))
    number = counted(port, Count(ref.identifier, rules))
    if number is None:
        raise AnswerError(f"Port doesn't say how many entities of {ref} have a value in {name}")
    return number


def run(port: PortWriter, source: str, mapping: Body) -> Body:
    """Have Port migrate the entities of a blueprint, and follow it to its end. Raises ApiError."""
    answer = port.send("POST", "/migrations", {"sourceBlueprint": source, "mapping": mapping}).body
    migration = _followed(port, answer.get("migration") or {})
    # A request that was sent again, since its answer was lost, is a second migration.
    settle(port, source)
    if migration.get("status") != "COMPLETED":
        raise AnswerError(f"Port ended the migration of {source}: {migration.get('status')}")
    return migration


def settle(port: PortReader, source: str) -> None:
    """Wait until no migration of a blueprint is under way, one that an earlier apply began say. Raises ApiError."""
    try:
        found: Any = port.get("/migrations", {"blueprint": source}).get("migrations")
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return
    running: Sequence[Body] = found if isinstance(found, list) else []
    for migration in running:
        _followed(port, migration)


def _followed(port: PortReader, migration: Body) -> Body:
    for _ in range(POLLS):
        if migration.get("status") in ENDED or "id" not in migration:
            break
        migration = port.get(f"/migrations/{segment(str(migration['id']))}").get("migration") or {}
        if migration.get("status") not in ENDED:
            port.wait(POLL_SECONDS)
    return migration
