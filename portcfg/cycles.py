"""Which resources refer to each other in a circle."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portcfg.model import Ref


def grouped(needs: Mapping[Ref, Collection[Ref]]) -> list[list[Ref]]:
    """The keys of `needs`, those that need each other in one list; lists and members in the order that is given.

    Needs that aren't keys are left out of account.
    """
    reached = {ref: _reached(ref, needs) for ref in needs}
    groups: list[list[Ref]] = []
    taken: set[Ref] = set()
    for ref in needs:
        if ref not in taken:
            # Only what comes back to itself is in a circle; most isn't.
            within = needs if ref in reached[ref] else (ref,)
            group = [other for other in within if other == ref or (other in reached[ref] and ref in reached[other])]
            groups.append(group)
            taken.update(group)
    return groups


def _reached(start: Ref, needs: Mapping[Ref, Collection[Ref]]) -> set[Ref]:
    seen: set[Ref] = set()
    todo = list(needs[start])
    while todo:
        ref = todo.pop()
        if ref not in seen:
            seen.add(ref)
            todo.extend(needs.get(ref, ()))
    return seen
