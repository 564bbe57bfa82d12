"""Plans without a network: against a snapshot of a Port, or against other specs as if they had been applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path, PurePath

from portcfg import __version__, ledger
from portcfg.client import api_root
from portcfg.errors import InvalidSpecsError, PortcfgError, UsageError
from portcfg.kinds import KINDS
from portcfg.ledger import Stamp
from portcfg.masking import without_login
from portcfg.model import Body, Plan, Ref, Resource, State
from portcfg.pipeline import Options, Specs, plan_specs, read_specs
from portcfg.places import in_sidebar, wanted_of
from portcfg.recorded import Holdings, RecordedPort
from portcfg.sidebar import arranged
from portcfg.snapshot import Snapshot, read

# What is only taken as applied was applied at no time.
NEVER = "1970-01-01T00:00:00+00:00"
OLD = timedelta(days=7)


def offline_plan(
    specs: Specs,
    options: Options,
    *,
    against: Path | None = None,
    base: Path | None = None,
    now: datetime | None = None,
) -> tuple[Plan, str]:
    """The plan against the snapshot in the file `against`, else against the specs in `base`, and for a review which of
    them it was: `snapshot` or `base`. Port isn't asked, and what can't be known without it is unknown in the plan.

    From `now` counts the age of a snapshot, which is told. Raises UsageError where the file is no snapshot of this
    Port, or there is nothing to compare with; InvalidSpecsError.
    """
    if against is not None:
        return plan_against_snapshot(specs, read(against), options, now), "snapshot"
    if base is None:
        raise UsageError("there is nothing to compare with", hint="name a snapshot, or the specs of the base branch")
    return plan_against_base(specs, base, options), "base"


def plan_against_snapshot(specs: Specs, snapshot: Snapshot, options: Options, now: datetime | None = None) -> Plan:
    """What it takes to bring a Port to the specs, if it is still as in the snapshot.

    Raises UsageError for a snapshot of another Port than that of the specs' environment; InvalidSpecsError, ApiError.
    """
    meant = without_login(specs.project.base_url)
    if meant and api_root(meant) != snapshot.root:
        message = f"the snapshot is of {snapshot.root}, and the environment {specs.project.environment!r} has {meant}"
        raise UsageError(message, hint="plan against a snapshot that was taken with the same --env")
    plan = plan_specs(specs, RecordedPort(snapshot.holdings), options, concealing=True)
    return replace(plan, notes=(*_of_snapshot(snapshot, now), *plan.notes))


def _of_snapshot(snapshot: Snapshot, now: datetime | None) -> Iterator[str]:
    age = now - snapshot.taken_at if now else timedelta(0)
    when = snapshot.taken_at.isoformat(timespec="minutes")
    since = f" ({_told(age)})" if now else ""
    yield f"compared with a snapshot of {snapshot.root}, taken at {when}{since}; Port was not asked"
    if age > OLD:
        yield f"the snapshot is older than {OLD.days} days: Port may hold something else by now"
    if snapshot.tool != __version__:
        yield f"the snapshot was taken by portcfg {snapshot.tool}, and this is {__version__}"


def _told(age: timedelta) -> str:
    if age < timedelta(0):
        return "in the future"
    days, hours = age.days, age.seconds // 3600
    return f"{days} day(s) ago" if days else f"{hours} hour(s) ago" if hours else "less than an hour ago"


def plan_against_base(specs: Specs, base: Path, options: Options) -> Plan:
    """What changes between the specs in `base` and these, if Port holds what those say.

    What both only refer to is taken as existing. Base specs with errors count as none, and a note says so. Raises
    InvalidSpecsError.
    """
    before, note = _applied(specs, base)
    plan = plan_specs(specs, RecordedPort(_holdings(specs, before)), options)
    return replace(plan, notes=(note, *plan.notes))


def _applied(specs: Specs, base: Path) -> tuple[State, str]:
    """What the base specs compile to, with the names that their files have here, and what is to be said of it."""
    root = PurePath(specs.project.file).parent
    try:
        found = read_specs(base, specs.project.environment).compiled()
    except PortcfgError as error:
        why = f"the specs in {base} can't be planned against ({_why(error)})"
        return {}, f"{why}, so everything counts as new; Port was not asked"
    named = {ref: replace(each, file=_here(each.file, base, root)) for ref, each in found.items()}
    return named, f"compared with the specs in {base}, as if Port held what they say; Port was not asked"


def _why(error: PortcfgError) -> str:
    """The error; of mistakes in specs, the first one."""
    if not isinstance(error, InvalidSpecsError):
        return error.message
    first, more = error.problems[0], len(error.problems) - 1
    return f"{first.where}: {first.message}" + (f", and {more} more" if more else "")


def _here(file: str, base: Path, root: PurePath) -> str:
    path = PurePath(file)
    return str(root / path.relative_to(base)) if path.is_relative_to(base) else file


def _holdings(specs: Specs, before: State) -> Holdings:
    """A Port in which `before` was applied by the project of `specs`, and which has what either refers to."""
    after = specs.compiled()
    others = _referred_to({**after, **before}.values(), before, after)
    live = {**{ref: Resource(ref, {KINDS[ref.kind].id_field: ref.identifier}) for ref in others}, **before}
    lists: dict[str, list[Body]] = {kind.name: [] for kind in KINDS.values()}
    for ref, resource in live.items():
        lists[ref.kind].append(resource.body)
    # Of folders, the list of the sidebar is the list.
    for kind in (each for each in KINDS.values() if each.beta):
        lists[kind.name] = list(_sidebar(specs, before, after))
    stamp = Stamp(specs.project.owner, NEVER)
    return Holdings(lists, [ledger.entity(resource, stamp, {}) for resource in before.values()])


def _referred_to(resources: Iterable[Resource], before: State, after: State) -> Iterator[Ref]:
    """What resources refer to and the base doesn't have: blueprints of Port's own, and those that are `external`."""
    targets = {target for each in resources for _, target in KINDS[each.ref.kind].references(each.body)}
    targets |= {ref for ref in after if KINDS[ref.kind].system(ref.identifier)}
    own = (ref for ref in after if not KINDS[ref.kind].system(ref.identifier))
    yield from sorted(targets - {*before, *own})


def _sidebar(specs: Specs, before: State, after: State) -> Iterator[Body]:
    """The list of the sidebar as it is with `before`, each item below the one that it stands after."""
    bodies = in_sidebar(before.values())
    parents = {name: body.get("parent") or "" for name, body in bodies.items()}
    for body in (*bodies.values(), *in_sidebar(after.values()).values()):
        # Siblings that only Port has are below the same parent, and their parents, as far as is known, at the top.
        parents.setdefault(body.get("after") or "", body.get("parent") or "")
        parents.setdefault(body.get("parent") or "", "")
    fresh = in_sidebar(after.values()).keys() - bodies.keys()
    known = {name: parent for name, parent in parents.items() if name and name not in fresh}
    folders = {ref.identifier for ref in (*before, *specs.project.external) if KINDS[ref.kind].beta}
    for parent in sorted({*known.values()}):
        order = _in_order([name for name in known if known[name] == parent], bodies)
        for name, sibling in zip(order, [None, *order], strict=False):
            item = {"identifier": name, "title": name, **bodies.get(name, {}), "parent": parent or None}
            yield {**item, "after": sibling, "sidebarType": "folder" if name in folders else "page"}


def _in_order(siblings: list[str], bodies: Mapping[str, Body]) -> list[str]:
    order = sorted(siblings)
    for name, after in arranged(order, wanted_of(bodies), bodies):
        order.remove(name)
        order.insert(0 if after is None else order.index(after) + 1, name)
    return order
