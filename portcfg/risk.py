"""What the steps of a plan cost: how bad each is, why, what to count in Port, and who reads what goes. Pure.

The kinds know their own: two functions each, in the tables below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from portcfg.kinds import KINDS, blueprint_reads, blueprint_risk, dashboard_risk, folder_risk, mapping_risk
from portcfg.kinds.risk_base import ENTITIES, AtLeast, Count, Impact, Impacts, Part, ReadBy, Reader, Risk, worst
from portcfg.model import Action, Body, Change, Path, Plan, Ref, Resource, State

__all__ = ["AtLeast", "Count", "Impact", "Reader", "Risk", "Risks", "impacts", "plan_impacts", "readers", "told"]

Reads = Callable[[Resource, State], Iterator[tuple[Part, Reader]]]
IMPACTS: Mapping[str, Impacts] = {
    "blueprint": blueprint_risk.impacts,
    "mapping": mapping_risk.impacts,
    "dashboard": dashboard_risk.impacts,
    "folder": folder_risk.impacts,
}
READS: Mapping[str, Reads] = {
    "blueprint": blueprint_reads.reads,
    "mapping": mapping_risk.reads,
    "dashboard": dashboard_risk.reads,
    "folder": folder_risk.reads,
}


def impacts(change: Change, live: State, desired: State) -> tuple[Impact, ...]:
    """The consequences of one change, where `desired` comes to stand over `live`."""
    gone = {change.ref} if change.action is Action.DELETE else set()
    state = standing(live, desired, gone)
    return _impacts(change, state, _reading(state))


def plan_impacts(plan: Plan, live: State) -> dict[Ref, tuple[Impact, ...]]:
    """The consequences of each step of a plan that has any."""
    costly = [change for change in plan.pending if change.before is not None or change.move]
    if not costly:
        return {}
    desired = {
        change.ref: Resource(change.ref, change.after, change.file or str(change.ref))
        for change in plan.changes
        if change.after is not None
    }
    deleted = {change.ref for change in plan.changes if change.action is Action.DELETE}
    state = standing(live, desired, deleted)
    read_by = _reading(state)
    found = {change.ref: _impacts(change, state, read_by) for change in costly}
    return {ref: parts for ref, parts in found.items() if parts}


def _impacts(change: Change, state: State, read_by: ReadBy) -> tuple[Impact, ...]:
    known = IMPACTS.get(change.ref.kind)
    return tuple(known(change, state, read_by)) if known else ()


def standing(live: State, desired: State, deleted: Collection[Ref]) -> dict[Ref, Resource]:
    """What Port will hold: what the specs say, and what they leave alone, resources made by hand included."""
    state = {ref: resource for ref, resource in live.items() if ref not in deleted}
    for ref, resource in desired.items():
        before, kind = live[ref].body if ref in live else {}, KINDS[ref.kind]
        merged = _merged if kind.system(ref.identifier) else partial(_over, kind.sections)
        state[ref] = Resource(ref, merged(before, resource.body), resource.file)
    return state


def _over(sections: Collection[str], live: Body, desired: Body) -> Body:
    """What becomes of a resource of which the specs manage some sections, named or not."""
    return {**{key: value for key, value in live.items() if key not in sections}, **desired}


def _merged(live: Body, desired: Body) -> Body:
    """What becomes of Port's own resources, of which a spec names only a part."""
    merged = dict(live)
    for key, value in desired.items():
        both = isinstance(value, dict) and isinstance(live.get(key), dict)
        merged[key] = _merged(live[key], value) if both else value
    return merged


def readers(ref: Ref, path: Path, state: State) -> tuple[Reader, ...]:
    """What reads a resource of `state` (path `()`), or the property, relation or computed property at `path`."""
    return _reading(state)(ref, str(path[-1]) if path else "")


def _reading(state: State) -> ReadBy:
    """Who reads what in `state`: all of it is looked through once, when first asked for."""
    index: dict[Part, dict[Reader, None]] = {}

    def read_by(ref: Ref, name: str) -> tuple[Reader, ...]:
        if not index:
            index[Ref("", ""), ""] = {}
            for resource in state.values():
                for part, reader in _reads(resource, state):
                    index.setdefault(part, {})[reader] = None
        return tuple(sorted(index.get((ref, name), ())))

    return read_by


def _reads(resource: Resource, state: State) -> Iterator[tuple[Part, Reader]]:
    known = READS.get(resource.ref.kind)
    return known(resource, state) if known else iter(())


Counts = Mapping[Count, int | None]


def told(impact: Impact, counts: Counts) -> str:
    """An impact for people: "drops `total_cents` from 12,480 entities; read by 2 widgets, 1 mapping"."""
    number = counts.get(impact.count) if impact.count else None
    text = impact.reason.replace(ENTITIES, _entities(number), 1)
    return f"{text}; read by {_tally(impact.readers)}" if impact.readers else text


def _entities(number: int | None) -> str:
    if number is None:
        return "? entities"
    least = "at least " if isinstance(number, AtLeast) else ""
    return f"{least}{int(number):,} {'entity' if number == 1 else 'entities'}"


WHATS = ("widget", "mapping", "calculation", "mirror", "aggregation", "relation", "ownership", "place")


def _tally(found: tuple[Reader, ...]) -> str:
    numbers = Counter(reader.what for reader in found)
    order = sorted(numbers, key=lambda what: WHATS.index(what) if what in WHATS else len(WHATS))
    return ", ".join(f"{numbers[what]} {what}{'' if numbers[what] == 1 else 's'}" for what in order)


def graded(impact: Impact, counts: Counts) -> Risk:
    """The risk, now that Port has counted: where no entity is concerned, only those who read it can break."""
    if impact.count is None or counts.get(impact.count) != 0:
        return impact.risk
    return Risk.BREAKING if impact.readers else Risk.SAFE


@dataclass(frozen=True)
class Risks:
    """What a plan costs, as far as known. Without `counts`, every number is unknown and nothing is graded down."""

    impacts: Mapping[Ref, tuple[Impact, ...]] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)

    def of(self, ref: Ref) -> Risk:
        """The worst that the change of a resource does."""
        return worst(graded(impact, self.counts) for impact in self.impacts.get(ref, ()))

    def lines(self, ref: Ref, risk: Risk | None = None) -> tuple[str, ...]:
        """The impacts of a change for people; of one risk only, if given."""
        found = self.impacts.get(ref, ())
        return tuple(told(impact, self.counts) for impact in found if risk in (None, graded(impact, self.counts)))

    def json(self, ref: Ref) -> list[dict[str, Any]]:
        """The impacts of a change for programs; `entities` is null where Port didn't say or none are concerned."""
        return [
            {
                "risk": graded(impact, self.counts).value,
                "reason": told(impact, self.counts),
                "entities": self.counts.get(impact.count) if impact.count else None,
                "read_by": list(map(str, impact.readers)),
            }
            for impact in self.impacts.get(ref, ())
        ]
