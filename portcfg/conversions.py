"""What the jq of migrations makes of the entities that Port has, tried at plan time: who would lose a value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import jq

from portcfg.client import PortReader
from portcfg.errors import ApiError
from portcfg.kinds import KINDS
from portcfg.kinds.risk_base import AtLeast
from portcfg.model import Change, Migration, Plan, Ref

# Ten pages: more would cost a plan more than it tells.
MOST = 10_000
SHOWN = 40


class _Nothing:
    """What jq makes of an entity when it fails, or makes nothing."""


NOTHING = _Nothing()


class Converter:
    """A compiled jq program; called with an entity, the first value that it makes, or NOTHING."""

    def __init__(self, text: str) -> None:
        self._program = jq.compile(text)

    def __call__(self, entity: Mapping[str, Any]) -> Any:
        try:
            value = self._program.input_value(dict(entity)).first()
        except (ValueError, StopIteration):
            return NOTHING
        return NOTHING if value is None else value


def tried(plan: Plan, port: PortReader) -> Plan:
    """`plan` with how many entities each conversion of it would leave without a value. Only reads."""
    return replace(plan, changes=tuple(_tried(change, port) for change in plan.changes))


def _tried(change: Change, port: PortReader) -> Change:
    if change.moved_away:
        return change
    parts = tuple(_counted(part, change.ref, port) for part in change.migrations)
    move = change.move
    if move:
        move = replace(move, parts=tuple(_counted(part, move.old, port) for part in move.parts))
    return replace(change, migrations=parts, move=move)


def _counted(part: Migration, ref: Ref, port: PortReader) -> Migration:
    if not part.converts:
        return replace(part, lost=0) if part.jq else part
    convert = Converter(part.jq)
    lost, example, read = 0, "", 0
    try:
        for entity in islice(_with_value(part, ref, port), MOST):
            read += 1
            if convert(entity) is NOTHING:
                lost, example = lost + 1, example or _example(entity, part)
    except ApiError:
        return part
    return replace(part, lost=AtLeast(lost) if read == MOST else lost, example=example)


def needed(parts: Sequence[Migration]) -> list[str]:
    """What to ask Port for of an entity, so that the jq of `parts` finds what it reads; nothing stands for all."""
    if not all(part.reads for part in parts):
        return []
    return ["$identifier", *sorted({name for part in parts for name in (part.source, *part.reads)})]


def _with_value(part: Migration, ref: Ref, port: PortReader) -> Iterator[Mapping[str, Any]]:
    query = {"combinator": "and", "rules": list(KINDS[ref.kind].renaming.rules(part.section, part.source))}
    return port.entities(ref.identifier, needed([part]), query)


def _example(entity: Mapping[str, Any], part: Migration) -> str:
    value = json.dumps((entity.get(str(part.section[-1])) or {}).get(part.source), ensure_ascii=False)
    short = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
    return f"`{entity.get('identifier')}`: {short}"
