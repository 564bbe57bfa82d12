"""The numbers of a plan's impacts, asked of Port by routes that only read: one request a count, none without impact."""

from __future__ import annotations

from collections.abc import Iterable

from portcfg.client import PortReader
from portcfg.counting import counted
from portcfg.errors import ApiError, TransientApiError
from portcfg.model import Plan, State
from portcfg.risk import Count, Impact, Risks, plan_impacts


def assess(plan: Plan, live: State, port: PortReader) -> Risks:
    """The impacts of a plan's steps, counted."""
    found = plan_impacts(plan, live)
    return Risks(found, count_impacts(port, (impact for parts in found.values() for impact in parts)))


def count_impacts(port: PortReader, impacts: Iterable[Impact]) -> dict[Count, int | None]:
    """How many entities each impact concerns; None where Port doesn't say, for want of a permission say.

    A plan is worth having without its numbers, so no error stops it; a Port that can't be reached is asked once.
    """
    counts: dict[Count, int | None] = {}
    reachable = True
    for impact in impacts:
        if impact.count is not None and impact.count not in counts:
            counts[impact.count] = None
            try:
                if reachable:
                    counts[impact.count] = counted(port, impact.count)
            except TransientApiError:
                reachable = False
            except ApiError:
                pass
    return counts
