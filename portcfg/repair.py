"""What is wrong with the ledger, and what mends it. `examine` only reads; `mend` writes into the ledger alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portcfg import ledger
from portcfg.client import PortReader, PortWriter
from portcfg.compile import resolve_external
from portcfg.diff import same
from portcfg.errors import BusyError, MovedError, UsageError
from portcfg.kinds import KINDS
from portcfg.kinds.base import STAMPS
from portcfg.ledger import LEDGER_BLUEPRINT, Entry, Stamp, below
from portcfg.lock import LOCK, SYNC_LOCKS, locked
from portcfg.model import Action, Applied, Body, Change, Owner, Ref, Resource, State
from portcfg.observe import Seen, see
from portcfg.pipeline import Specs
from portcfg.places import as_said, needs_sidebar, placed, resolve_places
from portcfg.plan import make_plan

LOST = "what was applied to it can't be known any more; a plan shows the differences, and an apply writes it anew"
LEDGER = f"blueprint {LEDGER_BLUEPRINT}"
# Of a blueprint's property, what decides which values Port takes.
VALUE_KEYS = ("type", "format", "items", "enum", "pattern")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with the ledger; `remedy` says what mends it, or is empty where nothing can."""

    what: str
    problem: str
    remedy: str = ""


@dataclass
class Repair:
    """What was found, and what is to be written: entries with their stamps, names of entries to remove, the blueprint.

    `running` says who is applying just now, if somebody is.
    """

    findings: list[Finding] = field(default_factory=list)
    entries: list[tuple[Resource, Stamp, Mapping[str, Any]]] = field(default_factory=list)
    removals: list[str] = field(default_factory=list)
    blueprint: Body | None = None
    running: str = ""

    @property
    def pending(self) -> int:
        """How many findings can be mended."""
        return sum(bool(finding.remedy) for finding in self.findings)


@dataclass(frozen=True)
class _Scene:
    """What an examination looks at. `names` are those of all entries, `agreed` the resources that Port has as the
    specs say."""

    stamp: Stamp
    now: datetime
    desired: State
    live: State
    names: frozenset[str]
    agreed: frozenset[Ref]


def examine(specs: Specs, port: PortReader, now: datetime, commit: str = "", link: str = "") -> Repair:
    """Compare the ledger with itself, the specs and Port. Raises InvalidSpecsError, ApiError."""
    desired = specs.compiled()
    body, found = ledger.blueprint(port), list(ledger.every_entry(port))
    meant = {_meant(ref, entry) for ref, entry in found}
    seen = see(port, "needed" if needs_sidebar(desired.values(), meant) else "unasked")
    desired, notes = resolve_external(desired, ledger.seen(seen.state), specs.project)
    desired, _ = resolve_places(desired, notes, seen.tree, specs.project)
    stamp = Stamp(specs.project.owner, now.isoformat(), commit, link)
    entries = {ref: entry for ref, entry in found if entry.owner == stamp.owner}
    plan = _two_way(desired, seen, entries)
    agreed = frozenset(change.ref for change in plan if change.action is Action.NOOP)
    scene = _Scene(stamp, now, desired, seen.state, frozenset(entry.name for _, entry in found), agreed)
    repair = Repair()
    _look_at_blueprint(body, repair)
    for ref, entry in sorted(found, key=lambda each: each[1].name):
        _look_at(ref, entry, scene, repair)
    _look_for_lost([change for change in plan if change.ref not in meant], scene, repair)
    if body is None and repair.entries:
        why = "is gone; what was managed and isn't in the specs any more can't be known, and won't be pruned"
        repair.findings.insert(0, Finding(LEDGER, why, "made anew"))
    return repair


def _two_way(desired: State, seen: Seen, entries: Mapping[Ref, Entry]) -> tuple[Change, ...]:
    """A plan as if all had been applied as the specs say, so that only what Port itself added is no difference."""
    applied = {ref: Applied(desired[ref].body, entry.server or {}) for ref, entry in entries.items() if ref in desired}
    live = as_said(seen.state, seen.tree, desired, {ref: each.body for ref, each in applied.items()})
    return placed(make_plan(desired, live, applied=applied), seen.tree, live).changes


def _look_at_blueprint(live: Body | None, repair: Repair) -> None:
    if live is None:
        return
    ours = ledger.BLUEPRINT_BODY["schema"]
    schema = live.get("schema") or {}
    properties = schema.get("properties") or {}
    odd = [name for name, rule in ours["properties"].items() if not _takes(properties.get(name), rule)]
    required = set(schema.get("required") or ())
    problems = []
    if odd:
        problems.append(f"lacks, or has otherwise: {', '.join(odd)}")
    if required - set(ours["required"]):
        problems.append(f"requires {', '.join(sorted(required - set(ours['required'])))}")
    if problems:
        repair.findings.append(Finding(LEDGER, "; ".join(problems), "put back"))
        kept = {key: value for key, value in live.items() if key not in STAMPS}
        mended = {**schema, "properties": {**properties, **ours["properties"]}, "required": ours["required"]}
        repair.blueprint = {**kept, "schema": mended}


def _takes(live: Any, ours: Body) -> bool:
    return isinstance(live, dict) and all(same(live.get(key), ours.get(key)) for key in VALUE_KEYS)


def _look_at(ref: Ref, entry: Entry, scene: _Scene, repair: Repair) -> None:
    """One entry: the first thing that is wrong with it."""
    if _is_lock(entry):
        _look_at_lock(entry, scene.now, repair)
        return
    meant = _meant(ref, entry)
    if meant.kind not in KINDS or not meant.identifier:
        known = f"is of the kind {ref.kind!r}, which this portcfg doesn't know" if ref.kind else "names no resource"
        remedy = "" if ref.kind else "removed"
        _remove(entry, known, remedy, repair)
    elif entry.name != str(meant):
        _look_at_misplaced(meant, entry, scene, repair)
    elif meant not in scene.live:
        _look_at_orphan(meant, entry, scene, repair)
    elif ref != meant or not entry.whole or entry.altered:
        _look_at_damaged(meant, ref != meant or entry.owner == scene.stamp.owner, entry, scene, repair)
    elif entry.owner != scene.stamp.owner and meant in scene.desired:
        why = f"is managed by {entry}, and these specs have it, too: take it out of one of them"
        repair.findings.append(Finding(entry.name, why))


def _meant(ref: Ref, entry: Entry) -> Ref:
    """The resource that an entry is of: as it says itself, else as it is called."""
    kind, _, identifier = entry.name.partition("/")
    return ref if ref.kind and ref.identifier else Ref(kind, identifier)


def _remove(entry: Entry, problem: str, remedy: str, repair: Repair) -> None:
    repair.findings.append(Finding(entry.name, problem, remedy))
    if remedy:
        repair.removals.append(entry.name)


def _is_lock(entry: Entry) -> bool:
    return entry.name == LOCK or entry.name.startswith(SYNC_LOCKS)


def _ended(lock: Entry, now: datetime) -> bool | None:
    """Whether a lock has ended; None where it doesn't say when."""
    try:
        return datetime.fromisoformat(lock.expires_at) <= now
    except (ValueError, TypeError):
        return None


def _look_at_lock(entry: Entry, now: datetime, repair: Repair) -> None:
    ended = _ended(entry, now)
    if ended is None:
        _remove(entry, "is a lock that doesn't say when it ends", "removed", repair)
    elif ended:
        who = "an apply" if entry.name == LOCK else "a sync"
        _remove(entry, f"is the lock of {who} that was killed; it ended at {entry.expires_at}", "removed", repair)
    elif entry.name == LOCK:
        repair.running = f"an apply is running, or was killed; its lock ends at {entry.expires_at}"
        repair.findings.append(Finding(entry.name, repair.running))


def _look_at_misplaced(ref: Ref, entry: Entry, scene: _Scene, repair: Repair) -> None:
    if str(ref) in scene.names:
        _remove(entry, f"is a second entry of {ref}", "removed", repair)
    elif entry.applied is None:
        _remove(entry, f"is of {ref}, by a wrong name, and damaged", "removed", repair)
    else:
        _remove(entry, f"is of {ref}, by a wrong name", f"renamed to {ref}", repair)
        base = entry.link.removesuffix(below("", entry.file)) if entry.file else ""
        stamp = Stamp(entry.owner, entry.applied_at or scene.stamp.applied_at, entry.commit, base)
        repair.entries.append((Resource(ref, entry.applied.body, entry.file), stamp, entry.applied.server))


def _look_at_orphan(ref: Ref, entry: Entry, scene: _Scene, repair: Repair) -> None:
    if ref in scene.desired:
        return
    if entry.owner == scene.stamp.owner:
        _remove(entry, "is gone from Port and from the specs", "forgotten", repair)
    else:
        repair.findings.append(Finding(entry.name, f"is gone from Port; it is {entry.owner}'s: repair it there"))


def _look_at_damaged(ref: Ref, ours: bool, entry: Entry, scene: _Scene, repair: Repair) -> None:
    problem = "holds another body than was applied" if entry.altered else "doesn't say what was applied"
    if not ours:
        repair.findings.append(Finding(entry.name, f"{problem}; it is {entry.owner}'s: repair it there"))
    elif ref not in scene.desired:
        why = f"{problem}, and no spec here has it: `portcfg ledger release {ref}`, or write its spec"
        repair.findings.append(Finding(entry.name, why))
    elif ref in scene.agreed:
        repair.findings.append(Finding(entry.name, problem, "recorded anew: Port has it as the specs say"))
        repair.entries.append((scene.desired[ref], scene.stamp, entry.server or {}))
    else:
        repair.findings.append(Finding(entry.name, f"{problem}, and specs and Port differ: {LOST}"))


def _look_for_lost(changes: list[Change], scene: _Scene, repair: Repair) -> None:
    """What the specs have and Port has, too, and the ledger doesn't list."""
    for change in sorted(changes, key=lambda each: each.ref):
        if change.ref in scene.agreed:
            repair.findings.append(Finding(str(change.ref), "isn't listed; Port has it as the specs say", "recorded"))
            repair.entries.append((scene.desired[change.ref], scene.stamp, {}))
        elif change.action is Action.UPDATE:
            repair.findings.append(Finding(str(change.ref), f"isn't listed, and specs and Port differ: {LOST}"))


def mend(repair: Repair, again: Callable[[], Repair], port: PortWriter, owner: Owner, now: datetime) -> None:
    """Carry out a repair, if `again`, which examines once more under the lock, finds the same to mend.

    Raises BusyError while an apply runs, MovedError where that isn't so, ApiError, PartialError.
    """
    if repair.running:
        raise BusyError(repair.running, hint="wait for it, or `portcfg unlock` if it was killed")
    # Since it was examined, somebody may have begun, whose lock must stay.
    ended = {entry.name for _, entry in ledger.every_entry(port) if _is_lock(entry) and _ended(entry, now) is not False}
    if LOCK in repair.removals and LOCK in ended:
        ledger.forget(port, [LOCK])
    if repair.blueprint is not None:
        port.send("PUT", f"/blueprints/{LEDGER_BLUEPRINT}", repair.blueprint)
    with locked(port, owner, uuid.uuid4().hex, lambda: now):
        _refuse_moved(repair, again())
        for stamp, resources in _by_stamp(repair):
            ledger.record(port, [resource for resource, _ in resources], stamp, {r.ref: s for r, s in resources})
        ledger.forget(port, [name for name in repair.removals if name != LOCK])


def _refuse_moved(repair: Repair, fresh: Repair) -> None:
    """Raise MovedError unless all that is to be written, and was shown, is still to be written."""
    # The lock is our own by now, and the blueprint is mended.
    done = (LOCK, LEDGER)
    shown = [each for each in repair.findings if each.remedy and each.what not in done]
    moved = {each.what for each in shown if each not in fresh.findings}
    moved |= {str(each[0].ref) for each in repair.entries if each not in fresh.entries}
    if moved:
        names = ", ".join(sorted(moved))
        raise MovedError(f"the ledger has moved since it was examined: {names}", hint="repair again")


def _by_stamp(repair: Repair) -> Iterator[tuple[Stamp, list[tuple[Resource, Mapping[str, Any]]]]]:
    stamps = dict.fromkeys(stamp for _, stamp, _ in repair.entries)
    for wanted in stamps:
        yield wanted, [(resource, server) for resource, stamp, server in repair.entries if stamp == wanted]


def releasable(refs: Sequence[Ref], entries: Mapping[Ref, Entry], specs: Specs, foreign: bool) -> list[str]:
    """The names of the entries of resources that may be let go.

    Raises UsageError for one that isn't listed, that the specs still have, or (unless `foreign`) that is another's.
    """
    own = specs.project.owner
    for ref in refs:
        if ref not in entries:
            raise UsageError(f"the ledger doesn't list {ref}", hint="`portcfg ledger show` lists what is managed")
        if entries[ref].owner != own and not foreign:
            hint = "release it there, or with --foreign if nobody can any more"
            raise UsageError(f"{ref} is managed by {entries[ref]}, and these specs are {own}", hint=hint)
        if entries[ref].owner == own and ref in specs.compiled():
            where = specs.compiled()[ref].file
            raise UsageError(f"{where} still has {ref}", hint="take it out first, or the next apply manages it again")
    return [entries[ref].name for ref in refs]


def release(names: Sequence[str], port: PortWriter, owner: Owner, now: datetime) -> None:
    """Remove entries from the ledger. Raises BusyError while an apply runs."""
    with locked(port, owner, uuid.uuid4().hex, lambda: now):
        ledger.forget(port, names)
