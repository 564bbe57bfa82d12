"""The sidebar as a tree of identifiers: which parent, which order, and the moves from one order to another. Pure.

`after: x` means: below the same parent, after x, with nothing of the specs in between but what comes after x, too; what
portcfg doesn't manage may stand in between. `after: null` means first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from portcfg.model import Body

# Identifiers in their order, by parent; those at the top are below "".
Tree = Mapping[str, Sequence[str]]
# What comes after what; None for what is first.
Wanted = Mapping[str, str | None]


def tree_of(items: Iterable[Body]) -> dict[str, list[str]]:
    """The tree that Port's list of the sidebar makes: by `after`, and in the list's order where that leaves it open."""
    below: dict[str, dict[str, str]] = {}
    for item in items:
        below.setdefault(item.get("parent") or "", {})[str(item["identifier"])] = item.get("after") or ""
    return {parent: _in_order(afters) for parent, afters in below.items()}


def _in_order(afters: Mapping[str, str]) -> list[str]:
    followers: dict[str, list[str]] = {}
    for identifier, after in afters.items():
        followers.setdefault(after if after in afters else "", []).append(identifier)
    ordered: list[str] = []
    stack = followers.get("", [])[::-1]
    while stack:
        ordered.append(stack.pop())
        stack.extend(followers.get(ordered[-1], [])[::-1])
    return [*ordered, *(identifier for identifier in afters if identifier not in set(ordered))]


def _chain(identifier: str, wanted: Wanted) -> dict[str | None, None]:
    """What it comes after, what that comes after, and so on: a dict for its order and its quick look-ups."""
    chain: dict[str | None, None] = {}
    while identifier in wanted and wanted[identifier] not in chain:
        after = wanted[identifier]
        chain[after] = None
        identifier = after or ""
    return chain


def fits(identifier: str, siblings: Sequence[str], wanted: Wanted, ours: Collection[str]) -> bool:
    """Whether it stands where it is wanted."""
    after, between = wanted[identifier], siblings[: siblings.index(identifier)]
    if after is not None:
        if after not in between:
            return False
        between = [each for each in between[between.index(after) + 1 :] if each in ours]
    return all(after in _chain(each, wanted) for each in between)


def arranged(
    siblings: Sequence[str], wanted: Wanted, ours: Collection[str], fresh: Collection[str] = ()
) -> list[tuple[str, str | None]]:
    """The moves, (identifier, after), that bring siblings where they are wanted, one after the other.

    What is `fresh` comes right after what it is to come after, with nobody else's in between.
    """
    order, moves = list(siblings), []
    # What others come after goes first; of several after one, the last goes first, so that they keep their order.
    todo = sorted(
        (each for each in siblings if each in wanted and (wanted[each] is None or wanted[each] in siblings)),
        key=lambda each: (len(_chain(each, wanted)), -siblings.index(each)),
    )
    # Nothing is moved twice for one reason: once for each link of its chain is enough.
    for _ in range(len(todo) + 1):
        misfits = False
        for each in todo:
            if not fits(each, order, wanted, order if each in fresh else ours):
                order.remove(each)
                after = wanted[each]
                order.insert(0 if after is None else order.index(after) + 1, each)
                moves.append((each, after))
                misfits = True
        if not misfits:
            break
    return moves


def parents_in(tree: Tree) -> dict[str, str]:
    """What each stands below, "" at the top."""
    return {child: parent for parent, children in tree.items() for child in children}


def lineage(name: str, parents: Mapping[str, str]) -> list[str]:
    """It and what it stands below, up to the top; to what comes a second time where that leads in a circle."""
    line = [name]
    while (above := parents.get(line[-1])) and line[-1] not in line[:-1]:
        line.append(above)
    return line
