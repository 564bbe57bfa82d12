"""Entities move from a blueprint to the one that takes its place, and the old one is deleted once all have arrived.

The new one is made in a form that refuses no entity; Port migrates (port-api.md §2.2), first without the relations to
what is itself being renamed, then with them; then every entity is compared. Stopped anywhere, the next apply compares
first, and migrates only if something is missing. What somebody else has written into the new one is never overwritten
unless that was approved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portcfg.client import PortReader, PortWriter
from portcfg.conversions import NOTHING, Converter, needed
from portcfg.diff import canonical, same
from portcfg.errors import AnswerError, ApiError, TerminalApiError
from portcfg.kinds import KINDS
from portcfg.kinds.base import unmanaged
from portcfg.kinds.blueprint_moves import move_mapping, opened, opening
from portcfg.migrate import run, settle
from portcfg.model import Change, Migration, Move, Plan, State
from portcfg.renames import WAITS, held


@dataclass(frozen=True)
class Arrived:
    """How far a move has come: entities that aren't there yet, lack a value, or hold another, and one of the last; and
    those of which jq makes nothing of a value that they have. `late` is one of the first two."""

    missing: int = 0
    lacking: int = 0
    foreign: int = 0
    example: str = ""
    lost: int = 0
    late: str = ""

    @property
    def complete(self) -> bool:
        """Whether nothing is left to move."""
        return not (self.missing or self.lacking)


def open_new(port: PortWriter, path: str, change: Change, move: Move) -> None:
    """Make the new blueprint, bare: others that are renamed with it may name it. Raises ApiError."""
    kind = KINDS[change.ref.kind]
    form = {**opening(move, change.after or {}), "relations": {}}
    try:
        port.send("POST", kind.collection, form, kind.create_params)
    except TerminalApiError as error:
        # There already: an apply was stopped, or its answer was lost.
        if error.status != 409:
            raise


def carry(port: PortWriter, path: str, change: Change, move: Move) -> None:
    """Have Port move the entities, but for relations that must wait. Raises ApiError."""
    settle(port, move.old.identifier)
    found = _compared(port, change, move)
    if found.complete:
        return
    port.send("PUT", path, opened(held(port, path), opening(move, change.after or {})))
    _migrate(port, change, move, late=False)


def carry_rest(port: PortWriter, path: str, change: Change, move: Move) -> None:
    """The relations that had to wait; then nothing may be missing. Raises ApiError."""
    if any(part.late for part in move.parts) and not _compared(port, change, move).complete:
        _migrate(port, change, move, late=True)
    check_moved(port, change, move)


def keep_unmanaged(port: PortWriter, path: str, change: Change, move: Move) -> None:
    """Give the new blueprint what the old one has and no spec manages: aggregations, ownership, unknown keys.

    That comes last, since it may need what others have got by then. Raises ApiError.
    """
    kind = KINDS[change.ref.kind]
    live = unmanaged(held(port, path), ())
    # Port answers {} for a section that was never written.
    own = {key: value for key, value in live.items() if value not in ({}, [], None)}
    body = kind.carried(own, kind.renaming.renamed(move.body, move.renames))
    if not same(body, own):
        port.send("PUT", path, body)


def _migrate(port: PortWriter, change: Change, move: Move, *, late: bool) -> None:
    ended = run(port, move.old.identifier, move_mapping(move, change.after or {}, late=late))
    if failures := ended.get("failureCount"):
        done = ended.get("successCount")
        # No limit of the new blueprint's stands by then, so what is refused has a value of another form.
        raise AnswerError(
            f"Port moved {done} entities from {move.old} to {move.new}, and refused {failures}"
            f"{_one(arrived(port, move))}; both are still there",
            hint="an entity that the new blueprint refuses must be put right first, in the old one",
        )


def _one(found: Arrived) -> str:
    return f" (one is {found.late!r})" if found.late else ""


def check_moved(port: PortReader, change: Change, move: Move) -> None:
    """Raise AnswerError unless every entity, and every value that is to be kept, is in the new blueprint."""
    found = Arrived()
    for wait in WAITS:
        port.wait(wait)
        found = _compared(port, change, move)
        if found.complete:
            return
    raise AnswerError(
        f"{found.missing} entities of {move.old} aren't in {move.new}, and {found.lacking} lack a value there"
        f"{_one(found)}; "
        f"{move.old} stays as it is",
        hint="apply again",
    )


def _compared(port: PortReader, change: Change, move: Move) -> Arrived:
    found = arrived(port, move)
    if found.foreign and not change.approved:
        raise AnswerError(f"{foreign_text(move, found)}; nothing was moved over them, and {move.old} stays")
    if found.lost and not change.approved:
        raise AnswerError(
            f"{found.lost} entities of {move.old} have values that can't be converted; {move.old} stays as it is",
            hint="plan again: it says which entities, and what to do",
        )
    return found


def foreign_text(move: Move, found: Arrived) -> str:
    """What is to be said of a new blueprint that holds other values than the old one."""
    return f"{found.foreign} entities hold something else in {move.new} than in {move.old} (e.g. {found.example!r})"


def arrived(port: PortReader, move: Move) -> Arrived:
    """Compare every entity of both blueprints, in pages of 1,000. Raises ApiError."""
    expected = dict(_expected(port, move))
    missing, lacking, foreign, example = set(expected), list[str](), 0, ""
    for entity in port.entities(move.new.identifier, ["$identifier", *(part.name for part in move.parts)]):
        identifier = str(entity.get("identifier"))
        wanted = expected.get(identifier)
        if wanted is None:
            continue
        missing.discard(identifier)
        now = [_value(entity, part, part.name) for part in move.parts]
        states = [_state(part, old, new) for part, old, new in zip(move.parts, wanted, now, strict=True)]
        lacking += [identifier] if "lacking" in states else []
        if "foreign" in states:
            foreign, example = foreign + 1, example or identifier
    lost = sum(NOTHING in wanted for wanted in expected.values())
    late = min([*missing, *lacking], default="")
    return Arrived(len(missing), len(lacking), foreign, example, lost, late)


def _expected(port: PortReader, move: Move) -> Iterator[tuple[str, list[Any]]]:
    """What each entity of the old blueprint is to hold in the new one, part by part."""
    converters = [Converter(part.jq) for part in move.parts]
    for entity in port.entities(move.old.identifier, needed(move.parts)):
        held_by = [(part, converter) for part, converter in zip(move.parts, converters, strict=True)]
        values = [None if _empty(entity, part) else converter(entity) for part, converter in held_by]
        yield str(entity.get("identifier")), values


def _empty(entity: Mapping[str, Any], part: Migration) -> bool:
    return _value(entity, part, part.source) in (None, [])


def _value(entity: Mapping[str, Any], part: Migration, name: str) -> Any:
    return (entity.get(str(part.section[-1])) or {}).get(name)


def _state(part: Migration, wanted: Any, now: Any) -> str:
    if wanted in (NOTHING, None, []):
        return ""
    if now in (None, []):
        return "lacking"
    # What was converted may be spelled otherwise by Port; that there is a value must do.
    return "" if part.converts or _same(wanted, now) else "foreign"


def _same(left: Any, right: Any) -> bool:
    return canonical(left) == canonical(right)


def with_arrivals(plan: Plan, live: State, port: PortReader) -> Plan:
    """`plan` with what moves that were begun would write over, or leave behind. Only reads."""
    return replace(plan, changes=tuple(_with_arrivals(change, live, port) for change in plan.changes))


def _with_arrivals(change: Change, live: State, port: PortReader) -> Change:
    if change.move is None or change.moved_away or change.move.new not in live:
        return change
    try:
        found = arrived(port, change.move)
    except ApiError:
        return replace(change, move=replace(change.move, foreign="what has moved so far isn't known"))
    foreign = foreign_text(change.move, found) if found.foreign else ""
    return replace(change, move=replace(change.move, foreign=foreign))
