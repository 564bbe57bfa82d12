"""Everything that a plan may read from a Port, whatever the specs say, read once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from portcfg import ledger
from portcfg.client import PortReader
from portcfg.counting import counted
from portcfg.editors import logged, moments
from portcfg.errors import TerminalApiError
from portcfg.kinds import KINDS
from portcfg.kinds.base import members_of
from portcfg.kinds.blueprint_renames import PROPERTIES, RELATIONS
from portcfg.kinds.risk_base import Count, has_no_value, has_value
from portcfg.model import Body
from portcfg.observe import REFUSED, listed
from portcfg.recorded import Holdings, RecordedPort
from portcfg.workers import Flow, side_by_side

# One request each; Port takes 15,000 of them in five minutes (port-api.md §1.3).
MOST_COUNTS = 3_000
AT_ONCE = 8
BLUEPRINT = next(kind for kind in KINDS.values() if kind.emptied)


def read_holdings(port: PortReader, blueprints: Collection[str]) -> Holdings:
    """What Port holds now. Entities are counted in `blueprints` and in those that the ledger lists. Raises ApiError."""
    lists: dict[str, list[Body]] = {}
    refused: dict[str, tuple[int, str]] = {}
    for kind in KINDS.values():
        try:
            lists[kind.name] = listed(port, kind)
        except TerminalApiError as error:
            if not kind.beta or error.status not in REFUSED:
                raise
            refused[kind.name] = (error.status, error.message)
    held = Holdings(lists, _ledger(port), refused=refused)
    entries = ledger.entries(RecordedPort(held))
    names = {*blueprints, *(ref.identifier for ref in entries if ref.kind == BLUEPRINT.name)}
    counted_in = [body for body in lists[BLUEPRINT.name] if body.get(BLUEPRINT.id_field) in names]
    audits = [audit for _, audit in logged(port, moments(entries))]
    return replace(held, audits=audits, counts=_counts(port, counted_in))


def _ledger(port: PortReader) -> list[Body] | None:
    try:
        return list(port.entities(ledger.LEDGER_BLUEPRINT))
    except TerminalApiError as error:
        if error.status != 404:
            raise
        return None


def _counts(port: PortReader, blueprints: Sequence[Body]) -> dict[Count, int]:
    """How many entities each blueprint has, and how many of them have a value, or none, in each of its parts.

    These are what plans ask for most; enums and bounds, of which there is no end, are left out.
    """
    numbers: dict[Count, int | None] = {}

    def flow() -> Flow[int | None]:
        totals = [Count(str(body["identifier"])) for body in blueprints]
        numbers.update(zip(totals, (yield _calls(port, totals)), strict=True))
        # Where there is no entity, none has a value.
        filled = (body for body, total in zip(blueprints, totals, strict=True) if numbers[total])
        parts = list(islice((count for body in filled for count in _parts(body)), MOST_COUNTS))
        numbers.update(zip(parts, (yield _calls(port, parts)), strict=True))

    for _ in side_by_side([flow()], [()], AT_ONCE):
        pass
    return {count: number for count, number in numbers.items() if number is not None}


def _calls(port: PortReader, counts: Sequence[Count]) -> list[Callable[[], int | None]]:
    return [partial(_number, port, count) for count in counts]


def _number(port: PortReader, count: Count) -> int | None:
    try:
        return counted(port, count)
    except TerminalApiError:
        return None


def _parts(body: Body) -> Iterator[Count]:
    name = str(body["identifier"])
    for part in sorted(members_of(body, PROPERTIES)):
        yield Count(name, (has_value(part),))
        yield Count(name, (has_no_value(part),))
    for part in sorted(members_of(body, RELATIONS)):
        yield Count(name, ({"relation": part, "operator": "isNotEmpty"},))
        yield Count(name, ({"relation": part, "operator": "isEmpty"},))
