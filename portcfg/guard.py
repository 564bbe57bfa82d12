"""What a plan may not do without being told so: lose data, or take away or upset too much at once. Pure."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from portcfg.model import Action, Change, Plan, Ref
from portcfg.risk import Risk, Risks, graded

ALLOW = "--allow-destructive"
ALLOW_ALL = "--allow-remove-all"
SETTING = "guards in portcfg.yaml"
# The readers without whose consent a blueprint or a folder can't go.
BINDING = frozenset({"relation", "aggregation", "place"})


@dataclass(frozen=True)
class Limits:
    """How much a plan may do at once before somebody must confirm it.

    A share is of the managed resources that Port has, and counts once there are `share_from` of them: half of two is
    no disaster. Updates count if they break or destroy something. `entities` is how many entities such changes may
    concern, those of one blueprint counted once. `from_file` says that the project file may allow something, too.
    """

    delete_share: float = 0.3
    delete_count: int = 10
    update_share: float = 0.5
    update_count: int = 50
    entities: int = 100_000
    share_from: int = 10
    remove_all: bool = False
    from_file: bool = True

    @classmethod
    def none(cls) -> Limits:
        """For a plan that may be as large as what it takes back."""
        return cls(1.0, sys.maxsize, 1.0, sys.maxsize, sys.maxsize, remove_all=True, from_file=False)


def guard(plan: Plan, risks: Risks, limits: Limits = Limits(), allowed: Collection[str] = ()) -> list[str]:
    """Why the plan is refused, with the way out; empty if it may go ahead.

    `allowed` names resources ("blueprint/x") whose change or delete is meant, whatever it costs: they don't count
    towards the limits either. Only `limits.remove_all` lets a plan delete everything that is managed.
    """
    if not limits.remove_all and _removes_all(plan):
        return [_remove_all(plan)]
    open_changes = [change for change in plan.pending if str(change.ref) not in allowed]
    return [
        *_still_referred_to(plan, risks),
        *_destructive(open_changes, risks, limits),
        *_crowd(plan, open_changes, risks, limits),
    ]


def unheard(plan: Plan, live: Collection[Ref], asked: Collection[str], lasting: Collection[str]) -> Iterator[str]:
    """Notes on what was named as meant and isn't there, or, where it was `asked` for this once, isn't concerned.

    What stands in the project file (`lasting`) may wait for its day.
    """
    pending = {str(change.ref) for change in plan.pending}
    known = {*map(str, live), *(str(change.ref) for change in plan.changes)}
    for name in sorted({*asked} - pending):
        why = "this plan doesn't change it" if name in known else _unknown(name, pending or known)
        yield f"{ALLOW} {name} allows nothing: {why}"
    for name in sorted({*lasting} - {*asked} - known):
        yield f"allow_destructive {name} of {SETTING} allows nothing: {_unknown(name, known)}"


def _unknown(name: str, known: Collection[str]) -> str:
    guess = difflib.get_close_matches(name, known, n=1)
    return "neither the specs nor Port have it" + (f"; did you mean {guess[0]}?" if guess else "")


def _still_referred_to(plan: Plan, risks: Risks) -> Iterator[str]:
    """Deletes that Port would refuse, since something that stays refers to what is to go (port-api.md §2.1)."""
    for change in plan.pending:
        if change.action is Action.DELETE:
            found = {reader for impact in risks.impacts.get(change.ref, ()) for reader in impact.readers}
            if binding := sorted(str(reader) for reader in found if reader.what in BINDING):
                yield (
                    f"{change.ref} can't be deleted: it is still referred to by {', '.join(binding)}. "
                    "Take that out first, in the specs or, where no spec has it, in Port"
                )


def _removes_all(plan: Plan) -> bool:
    return bool(plan.changes) and all(change.action is Action.DELETE for change in plan.changes)


def _remove_all(plan: Plan) -> str:
    number = len(plan.changes)
    return (
        f"this would delete all {number} managed resource(s): the specs hold nothing any more. "
        f"Is it the right folder? If it is meant, pass {ALLOW_ALL}"
    )


def _destructive(changes: Sequence[Change], risks: Risks, limits: Limits) -> Iterator[str]:
    for change in changes:
        lines = risks.lines(change.ref, Risk.DESTRUCTIVE)
        if lines:
            # Where a workflow applies, nobody can pass anything.
            lasting = f", or have {_entry(change.ref)} until it is applied" if limits.from_file else ""
            way_out = f"If it is meant, pass {ALLOW} {change.ref}{lasting}"
            yield f"{change.ref} is destructive: {'; and '.join(lines)}. {way_out}"


def _entry(ref: Ref) -> str:
    return f"guards: {{allow_destructive: [{ref}]}} in portcfg.yaml"


def _crowd(plan: Plan, changes: Sequence[Change], risks: Risks, limits: Limits) -> Iterator[str]:
    managed = sum(change.before is not None and not change.adopted for change in plan.changes)
    deletes = sum(change.action is Action.DELETE and not change.moved_away for change in changes)
    if not _removes_all(plan):
        yield from _too_many("deletes", deletes, managed, limits, "delete")
    risky = [change for change in changes if change.action is Action.UPDATE and risks.of(change.ref) is not Risk.SAFE]
    yield from _too_many("breaking or destructive updates", len(risky), managed, limits, "update")
    touched = _entities([change for change in changes if change.before is not None], risks)
    if touched > limits.entities:
        over = f"over the limit of {limits.entities:,}"
        yield f"too many entities: {touched:,} are concerned, {over}. {_way_out('entities')}"


def _too_many(what: str, number: int, managed: int, limits: Limits, name: str) -> Iterator[str]:
    most = {"delete": limits.delete_count, "update": limits.update_count}[name]
    share = {"delete": limits.delete_share, "update": limits.update_share}[name]
    if number > most:
        yield f"too many {what}: {number} resources, over the limit of {most}. {_way_out(f'{name}_count')}"
    if managed >= limits.share_from and number > share * managed:
        part = f"{number} of {managed} managed resources ({number / managed:.1%})"
        yield f"too many {what}: {part}, over the limit of {share:.1%}. {_way_out(f'{name}_share')}"


def _way_out(setting: str) -> str:
    return f"If it is meant, name them with {ALLOW} REF, or raise {setting} under {SETTING}"


def _entities(changes: Sequence[Change], risks: Risks) -> int:
    """How many entities are concerned: in each blueprint as many as its widest impact says."""
    widest: dict[str, int] = {}
    for change in changes:
        for impact in risks.impacts.get(change.ref, ()):
            number = risks.counts.get(impact.count) if impact.count else None
            if impact.count and number and graded(impact, risks.counts) is not Risk.SAFE:
                widest[impact.count.blueprint] = max(number, widest.get(impact.count.blueprint, 0))
    return sum(widest.values())
