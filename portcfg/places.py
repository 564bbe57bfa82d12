"""Where folders and pages stand in the sidebar: below a parent, after a sibling. Pure.

Port answers with the neighbour of the moment, which shifts when somebody else moves (port-api.md §2.8), so orders are
compared, never neighbours; sidebar.py says what an order is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from portcfg.errors import InvalidSpecsError, Problem
from portcfg.kinds import KINDS
from portcfg.kinds.folder import MAX_LEVELS
from portcfg.model import Action, Body, Cause, Change, Plan, Project, Ref, Resource, State
from portcfg.sidebar import Tree, Wanted, arranged, fits, lineage, parents_in

Notes = Mapping[Ref, tuple[str, ...]]
PLACE = ("parent", "after")
ALONG = "moves along with what it comes after"


def in_sidebar(resources: Iterable[Resource]) -> dict[str, Body]:
    """The bodies of what has a place in the sidebar, by identifier: folders and pages share their identifiers."""
    return {each.ref.identifier: each.body for each in resources if KINDS[each.ref.kind].parents}


def wanted_of(bodies: Mapping[str, Body]) -> dict[str, str | None]:
    """What is to come after what, where that is said."""
    return {identifier: body["after"] for identifier, body in bodies.items() if "after" in body}


def needs_sidebar(resources: Iterable[Resource], managed: Iterable[Ref] = ()) -> bool:
    """Whether Port must be asked for its sidebar, since something of a place is said, or a folder is managed."""
    said = any(
        KINDS[each.ref.kind].beta or (KINDS[each.ref.kind].parents and not each.body.keys().isdisjoint(PLACE))
        for each in resources
    )
    return said or any(ref.kind in KINDS and KINDS[ref.kind].beta for ref in managed)


def as_said(live: State, tree: Tree, desired: State, applied: Mapping[Ref, Body]) -> dict[Ref, Resource]:
    """`live` with `after` as the specs would say it: in their own words where it is so, absent where they say nothing.

    Where it isn't so, what was applied last if that still holds, else the neighbour among what the specs have.
    """
    bodies = in_sidebar(desired.values())
    last = in_sidebar(Resource(ref, body) for ref, body in applied.items())
    orders = [(wanted_of(bodies), bodies), (wanted_of(last), last)]
    parents = parents_in(tree)
    known = dict(live)
    for ref, resource in desired.items():
        name = ref.identifier
        # What says nothing of its order needs no tree.
        if ref in live and KINDS[ref.kind].parents and (name in parents or "after" not in resource.body):
            body = {key: value for key, value in live[ref].body.items() if key != "after"}
            if "after" in resource.body:
                body["after"] = _said(name, tree[parents[name]], orders)
            known[ref] = replace(live[ref], body=body)
    return known


def _said(name: str, siblings: Sequence[str], orders: Sequence[tuple[Wanted, Collection[str]]]) -> str | None:
    for wanted, ours in orders:
        if name in wanted and fits(name, siblings, wanted, ours):
            return wanted[name]
    wanted, ours = orders[0]
    above = siblings[: siblings.index(name)][::-1]
    tracked = next((each for each in above if each in ours), None)
    # What should be first and isn't stands behind something, be that unmanaged.
    return above[0] if tracked is None and wanted[name] is None else tracked


def only_moves(change: Change) -> bool:
    """Whether nothing of a resource changes but what it comes after."""
    moves = change.action is Action.UPDATE and bool(KINDS[change.ref.kind].parents)
    return moves and all(field.path[0] == "after" or field.cause is Cause.SERVER for field in change.fields)


def _bodies(plan: Plan) -> dict[str, Body]:
    return in_sidebar(Resource(change.ref, change.after) for change in plan.changes if change.after is not None)


def projected(plan: Plan, tree: Tree) -> dict[str, list[str]]:
    """The sidebar once everything is made, deleted and below its parent, before anything is put in order."""
    bodies = _bodies(plan)
    gone = {change.ref.identifier for change in plan.changes if change.after is None and KINDS[change.ref.kind].parents}
    parents = parents_in(tree)
    targets = {name: _target(body, parents.get(name, "")) for name, body in bodies.items()}
    after = {
        parent: [each for each in children if each not in gone and targets.get(each, parent) == parent]
        for parent, children in tree.items()
    }
    for name in (*(each for each in parents if each in targets), *(each for each in targets if each not in parents)):
        if name not in parents or targets[name] != parents[name]:
            after.setdefault(targets[name], []).append(name)
    return after


def _target(body: Body, now: str) -> str:
    return (body["parent"] or "") if "parent" in body else now


def placed(plan: Plan, tree: Tree, live: State) -> Plan:
    """`plan` with what must move although nothing about itself changes, and with the deletes that can't be.

    guard.py refuses the deletes of folders that hold something of `live`; here are those that hold other pages.
    Raises InvalidSpecsError where something is to come after what stands below another parent (PC805), or below what
    Port, with what the specs don't place, can't have it below (PC807).
    """
    after = projected(plan, tree)
    bodies = _bodies(plan)
    wanted = wanted_of(bodies)
    problems = [
        _apart(change, parent)
        for parent, children in after.items()
        for change in plan.changes
        if change.after is not None and KINDS[change.ref.kind].parents and change.ref.identifier in children
        if wanted.get(change.ref.identifier) not in (None, *children)
    ]
    problems += _misfits(plan, parents_in(after), parents_in(tree), _folders(plan, live))
    if problems:
        raise InvalidSpecsError(sorted(problems))
    moved = {name for children in after.values() for name, _ in arranged(children, wanted, bodies)}
    changes = tuple(_along(change) if _follows(change, moved) else change for change in plan.changes)
    return replace(plan, changes=changes, refusals=(*plan.refusals, *_full(plan, after, in_sidebar(live.values()))))


def _follows(change: Change, moved: Collection[str]) -> bool:
    place = KINDS[change.ref.kind].parents and change.ref.identifier in moved
    return bool(place) and change.action is Action.NOOP


def _along(change: Change) -> Change:
    return replace(change, action=Action.UPDATE, notes=(*change.notes, ALONG))


def _apart(change: Change, parent: str) -> Problem:
    after = (change.after or {})["after"]
    where = f"below {parent!r}" if parent else "at the top of the sidebar"
    message = f"{change.ref} is to come after {after!r}, which isn't {where} as it is"
    return Problem(change.file, 0, 0, "PC805", message, "give both the same `parent`")


def _folders(plan: Plan, live: State) -> set[str]:
    refs = (*live, *(change.ref for change in plan.changes))
    return {ref.identifier for ref in refs if KINDS[ref.kind].beta}


def _misfits(
    plan: Plan, parents: Mapping[str, str], before: Mapping[str, str], folders: Collection[str]
) -> Iterator[Problem]:
    """PC807 where a new parent brings folders too deep, or below themselves: rules/ can't see what only Port has."""
    moving = {
        change.ref.identifier: change
        for change in plan.pending
        if KINDS[change.ref.kind].parents and change.ref.identifier in parents
        if parents[change.ref.identifier] not in ("", before.get(change.ref.identifier))
    }
    lines: dict[str, list[str]] = {}
    for name in parents:
        line = lineage(name, parents)
        # One of a circle moves; what only hangs below it isn't what is wrong.
        circle = name in moving and len(line) > 1 and line[-1] == name
        deep = len(line) > MAX_LEVELS and name in folders and len(set(line)) == len(line)
        # The lowest that moves is what brings it there.
        mover = next((each for each in line if each in moving), None)
        if mover and (circle or deep) and len(line) > len(lines.get(mover, ())):
            lines[mover] = line
    yield from (_misfit(moving[name], line, _bodies(plan), before) for name, line in lines.items())


def _misfit(change: Change, line: Sequence[str], bodies: Mapping[str, Body], before: Mapping[str, str]) -> Problem:
    unsaid = dict.fromkeys(name for name in line[::-1] if before.get(name) and "parent" not in bodies.get(name, {}))
    theirs, circle = ", ".join(unsaid), line[0] == line[-1]
    what = "is a circle" if circle else f"are {len(line)} levels of folders"
    message = f"{change.ref} can't go below {(change.after or {})['parent']!r}: "
    message += f"with {theirs} as in Port, {' > '.join(line[::-1])} {what}"
    hint = (
        f"place {theirs} elsewhere, by the specs or in Port, or let --prune delete what the specs don't have any more"
    )
    return Problem(change.file, 0, 0, "PC807", message, hint if circle else f"Port takes {MAX_LEVELS}: {hint}")


def _full(plan: Plan, after: Tree, known: Collection[str]) -> Iterator[str]:
    """Port's answer to the delete of what still holds something isn't known, so none is tried."""
    for change in plan.changes:
        if change.action is Action.DELETE and KINDS[change.ref.kind].beta:
            held = [each for each in after.get(change.ref.identifier, ()) if each not in known]
            if held:
                why = "move them elsewhere in Port, or keep the folder"
                yield f"{change.ref} can't be deleted while it holds the page(s) {', '.join(held)}: {why}"


def resolve_places(
    desired: State, notes: Notes, tree: Tree, project: Project
) -> tuple[State, dict[Ref, tuple[str, ...]]]:
    """`desired` as far as Port, or the specs, have the parents and siblings that it names; to `notes` is added what was
    left out (`missing: skip`). Raises InvalidSpecsError for all others.
    """
    known = {*in_sidebar(desired.values()), *parents_in(tree)}
    resolved, said, problems = dict(desired), dict(notes), list[Problem]()
    for ref, resource in desired.items():
        for key in PLACE if KINDS[ref.kind].parents else ():
            target = resource.body.get(key)
            if not target or target in known:
                continue
            if skipped(target, project):
                kept = {name: value for name, value in resolved[ref].body.items() if name != key}
                resolved[ref] = replace(resolved[ref], body=kept)
                note = f"left out, since Port has no folder or page {target!r} (missing: skip): {key}"
                said[ref] = (*said.get(ref, ()), note)
            else:
                problems.append(_missing(resource, key, target, project))
    if problems:
        raise InvalidSpecsError(sorted(problems))
    return resolved, said


def skipped(target: str, project: Project) -> bool:
    """Whether the project says that a folder or page may be missing in Port."""
    kinds = (kind.name for kind in KINDS.values() if kind.parents)
    return any(project.external.get(Ref(name, target)) == "skip" for name in kinds)


def _missing(resource: Resource, key: str, target: str, project: Project) -> Problem:
    hint = f"create it in Port first, or let {project.file} say external.folders.{target}.missing: skip"
    message = f"{resource.ref}: there is no folder or page {target!r} in Port, which `{key}` names"
    return Problem(resource.file, 0, 0, "PC801", message, hint)
