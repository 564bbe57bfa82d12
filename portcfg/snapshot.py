"""What a plan reads from Port, in a file that holds no secret: `portcfg snapshot` writes it, `plan --against` reads it.

Secrets are digests there, as in a plan, so that a change of one still shows. Of entities it has numbers only, and of
people nothing: who edited something is left out, when and through what isn't. The same Port makes the same file, but
for the time. It isn't signed: whoever alters it alters what a plan shows, and no plan made from it can be applied.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from portcfg import __version__
from portcfg.causes import key_path
from portcfg.concealed import concealed
from portcfg.diff import canonical
from portcfg.editors import without_names
from portcfg.errors import UsageError
from portcfg.kinds import KINDS, Kind
from portcfg.kinds.base import STAMPS
from portcfg.kinds.mapping import OWN_KEYS, PASSED_KEYS
from portcfg.kinds.risk_base import AtLeast, Count
from portcfg.ledger import LOCK_KIND
from portcfg.model import Body
from portcfg.recorded import Holdings
from portcfg.sidebar import tree_of

FORMAT = "portcfg/snapshot/1"
# A Port of 5,000 resources takes a tenth of this.
MAX_BYTES = 64 * 1024 * 1024
ANEW = "take it anew with `portcfg snapshot --out FILE`"
# Of these kinds only some keys are what a plan compares; the others change whenever an integration runs.
KEPT: Mapping[str, frozenset[str]] = {"mapping": frozenset({*OWN_KEYS.values(), *PASSED_KEYS, "config"})}
# Of what is of no known kind, what tells where it stands.
PLACES = frozenset({"type", "sidebarType", "parent", "after"})
ENTRY = (
    *("kind", "resource", "project", "environment", "file", "commit", "applied_at"),
    *("digest", "applied", "too_large", "server"),
)
TIMELY = frozenset({"taken_at", "digest"})


@dataclass(frozen=True)
class Snapshot:
    """`holdings` of the Port at `root` (`/v1` and all), as they were at `taken_at` (with a time zone); `tool` is the
    portcfg that took it."""

    root: str
    taken_at: datetime
    holdings: Holdings
    tool: str = __version__


def redacted(holdings: Holdings) -> Holdings:
    """The holdings less secrets, people and what no plan compares, in an order of their own."""
    lists = {name: _in_order(KINDS[name], bodies) for name, bodies in holdings.lists.items()}
    kept = None if holdings.ledger is None else [_entry(each) for each in holdings.ledger if not _is_lock(each)]
    return replace(
        holdings,
        lists={name: [_listed(KINDS[name], body) for body in bodies] for name, bodies in lists.items()},
        ledger=sorted(kept, key=canonical) if kept is not None else None,
        audits=sorted(map(without_names, holdings.audits), key=canonical),
    )


def _in_order(kind: Kind, bodies: Sequence[Body]) -> list[Body]:
    """Bodies by identifier; what is in a tree, in the tree's order, which may hang on that of the list."""
    names = [str(body.get(kind.id_field)) for body in bodies]
    if kind.beta:
        names = [name for _, siblings in sorted(tree_of(bodies).items()) for name in siblings]
    places = {name: place for place, name in enumerate(names if kind.beta else sorted(names))}
    return sorted(bodies, key=lambda body: places[str(body.get(kind.id_field))])


def _listed(kind: Kind, body: Body) -> Body:
    if not kind.belongs(body):
        return {key: value for key, value in body.items() if key in PLACES | {kind.id_field}}
    known = KEPT.get(kind.name, body.keys())
    own = {key: value for key, value in _unsigned(body).items() if key in known and key != "id"}
    changed = {key: value for key, value in body.items() if key == "updatedAt"}
    return {**_concealed(own), **changed}


def _concealed(body: Body) -> Body:
    found: Body = concealed(body)
    return found


def _unsigned(body: Body) -> Body:
    """A body, and the widgets in it, without the stamps; elsewhere, keys of these names are people's own."""
    kept = {key: value for key, value in body.items() if key not in STAMPS or key == "id"}
    for key in ("widgets", "groups"):
        if isinstance(kept.get(key), list):
            kept[key] = [_unsigned(part) if isinstance(part, dict) else part for part in kept[key]]
    return kept


def _is_lock(entity: Body) -> bool:
    return (entity.get("properties") or {}).get("kind") == LOCK_KIND


def _entry(entity: Body) -> Body:
    """An entry of the ledger as far as a plan reads it."""
    values = entity.get("properties") or {}
    kept = {key: values[key] for key in ENTRY if values.get(key) is not None}
    if isinstance(kept.get("applied"), dict):
        kept["applied"] = concealed(kept["applied"])
    if isinstance(kept.get("server"), dict):
        kept["server"] = {key: concealed(value, key_path(key)) for key, value in kept["server"].items()}
    if not kept.get("too_large"):
        # Of a body that is told without its secrets, a digest of it with them would help to guess them.
        kept.pop("digest", None)
    return {"identifier": entity.get("identifier"), "updatedAt": entity.get("updatedAt"), "properties": kept}


def save(snapshot: Snapshot) -> str:
    """The text of a snapshot's file. What it holds must be `redacted`."""
    held = snapshot.holdings
    body: Body = {
        "format": FORMAT,
        "tool": snapshot.tool,
        "root": snapshot.root,
        "taken_at": snapshot.taken_at.isoformat(timespec="seconds"),
        "lists": held.lists,
        "refused": {name: list(why) for name, why in held.refused.items()},
        "ledger": held.ledger,
        "audits": held.audits,
        "counts": sorted((_counted(count, number) for count, number in held.counts.items()), key=canonical),
    }
    text = json.dumps({**body, "digest": _digest(body)}, indent=1, ensure_ascii=False, sort_keys=True)
    return text + "\n"


def _counted(count: Count, number: int) -> Body:
    known = {"blueprint": count.blueprint, "rules": list(count.rules), "entities": int(number)}
    return {**known, "at_least": True} if isinstance(number, AtLeast) else known


def _digest(body: Body) -> str:
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def same_but_time(text: str, other: str) -> bool:
    """Whether two files tell the same of one Port."""
    try:
        one, two = (json.loads(each) for each in (text, other))
        timeless = [{key: value for key, value in each.items() if key not in TIMELY} for each in (one, two)]
    except (ValueError, AttributeError, RecursionError):
        return False
    return canonical(timeless[0]) == canonical(timeless[1])


def read(file: Path) -> Snapshot:
    """The snapshot in a file; raises UsageError for one that is missing, too large, damaged, or of another version."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UsageError(f"{file} is too large for a snapshot: over {MAX_BYTES // 2**20} MiB", hint=ANEW)
        return parsed(file.read_bytes(), str(file))
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}", hint=ANEW) from error


def parsed(data: bytes, name: str) -> Snapshot:
    """The snapshot that a file called `name` holds; raises UsageError."""
    try:
        body = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} isn't JSON, so no snapshot", hint=ANEW) from error
    found = body.get("format") if isinstance(body, dict) else None
    if found != FORMAT:
        raise UsageError(
            f"{name} is no snapshot that this portcfg reads: its format is {found!r}, not {FORMAT!r}", ANEW
        )
    digest = body.pop("digest", None)
    try:
        if digest != _digest(body):
            raise UsageError(f"{name} was damaged or changed after it was taken", hint=ANEW)
        return _snapshot(body)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UsageError(f"{name} isn't a snapshot that portcfg wrote", hint=ANEW) from error


def _snapshot(body: Body) -> Snapshot:
    lists, refused = body["lists"], {name: (int(status), str(why)) for name, (status, why) in body["refused"].items()}
    if KINDS.keys() - {*lists, *refused} or not all(map(_are_bodies, (*lists.values(), body["audits"]))):
        raise TypeError
    if not (body["ledger"] is None or _are_bodies(body["ledger"])):
        raise TypeError
    taken_at = datetime.fromisoformat(body["taken_at"])
    if taken_at.tzinfo is None or not isinstance(body["root"], str):
        raise TypeError
    counts = {
        Count(str(each["blueprint"]), tuple(each["rules"])): (AtLeast if each.get("at_least") else int)(
            each["entities"]
        )
        for each in body["counts"]
    }
    held = Holdings(lists, body["ledger"], body["audits"], counts, refused)
    return Snapshot(body["root"], taken_at, held, str(body["tool"]))


def _are_bodies(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)
