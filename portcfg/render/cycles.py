"""Resources that refer to each other in a circle: a plan shows them as one change, though it counts each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portcfg.cycles import grouped
from portcfg.kinds import KINDS
from portcfg.model import Action, Change, Plan, Ref


@dataclass(frozen=True)
class Cycle:
    """Changes that are made together, and how."""

    changes: tuple[Change, ...]

    @property
    def refs(self) -> list[str]:
        """The names of the resources, in the order of the plan."""
        return [str(change.ref) for change in self.changes]

    @property
    def heading(self) -> str:
        """What happens to them, for people."""
        if self.changes[0].action is Action.DELETE:
            return f"cycle of {len(self.changes)}, deleted together: they let go of each other first"
        return f"cycle of {len(self.changes)}, written together: bare first, then relations, then the rest"


def cycles_of(plan: Plan) -> list[Cycle]:
    """The cycles among what a plan creates, and among what it deletes. What Port has already can be written whole."""
    writes = [change for change in plan.pending if change.action is not Action.DELETE]
    deletes = [change for change in plan.pending if change.action is Action.DELETE]
    new = [cycle for cycle in _cycles(writes) if any(change.action is Action.CREATE for change in cycle.changes)]
    return [*new, *_cycles(deletes)]


def _cycles(changes: Sequence[Change]) -> Iterator[Cycle]:
    known = {change.ref: change for change in changes}
    for group in grouped({change.ref: _needs(change) & known.keys() for change in changes}):
        if len(group) > 1:
            yield Cycle(tuple(known[ref] for ref in group))


def _needs(change: Change) -> set[Ref]:
    body = change.before if change.action is Action.DELETE else change.after
    return KINDS[change.ref.kind].needs(body or {})
