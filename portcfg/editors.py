"""Who changed resources in Port since they were applied, when and through what: Port's audit log, where it may be read.

The log has the writes of blueprints and integrations, not those of pages (port-openapi.json, GET /v1/audit-log); of
these, and where the log can't be read, a resource's own stamps name its last editor. The form of its entries isn't
published, so whatever is missing in one is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from portcfg.client import PortReader
from portcfg.errors import ApiError
from portcfg.ledger import Entry
from portcfg.model import Action, Change, Plan, Ref

# kind -> what the log calls the resource, and where an entry's context names it.
LOGGED: Mapping[str, tuple[str, str]] = {
    "blueprint": ("blueprint", "blueprint"),
    "mapping": ("integration", "installationId"),
}
NEWEST = 1_000

Audit = Mapping[str, Any]


@dataclass(frozen=True)
class _Edit:
    """One write: `who` did it `through` what (UI, API, an integration)."""

    at: datetime
    who: str
    through: str
    deletes: bool


def with_editors(plan: Plan, entries: Mapping[Ref, Entry], port: PortReader) -> Plan:
    """`plan`, in which what drifted names the last editor and how many others there were.

    One request, and none without drift. When Port last wrote the ledger's entry is the moment since which edits count:
    it is later than all writes of that apply, and by the same clock as theirs.
    """
    drifted = [change.ref for change in plan.pending if change.drifted]
    edits = _edits(port, moments({ref: entries[ref] for ref in drifted if ref in entries}))
    return replace(plan, changes=tuple(_told(change, edits.get(change.ref, [])) for change in plan.changes))


def moments(entries: Mapping[Ref, Entry]) -> dict[Ref, datetime]:
    """Since when edits count, of what the log has."""
    kept = {ref: _moment(entry.kept_at) for ref, entry in entries.items() if ref.kind in LOGGED}
    return {ref: moment for ref, moment in kept.items() if moment}


def _edits(port: PortReader, since: Mapping[Ref, datetime]) -> dict[Ref, list[_Edit]]:
    """The writes of each resource since its moment, the newest first."""
    found: dict[Ref, list[_Edit]] = {}
    for ref, audit in logged(port, since):
        if edit := _edit(audit):
            found.setdefault(ref, []).append(edit)
    return {ref: sorted(edits, key=lambda edit: edit.at, reverse=True) for ref, edits in found.items()}


def logged(port: PortReader, since: Mapping[Ref, datetime]) -> Iterator[tuple[Ref, Audit]]:
    """The log's entries of what was written to each resource since its moment; none where it can't be read."""
    names = {(*LOGGED[ref.kind], ref.identifier): ref for ref in since}
    for audit in _audits(port, {name for name, _, _ in names}, min(since.values())) if since else ():
        context = _inner(audit, "context")
        refs = (names.get((str(audit.get("resourceType")), key, str(value))) for key, value in context.items())
        ref, edit = next(filter(None, refs), None), _edit(audit)
        if ref and edit and edit.at > since[ref]:
            yield ref, audit


def without_names(audit: Audit) -> dict[str, Any]:
    """An entry of the log that says what was written, when and through what, and not by whom."""
    context, trigger = _inner(audit, "context"), _inner(audit, "trigger")
    return {
        **{key: audit[key] for key in ("action", "resourceType") if key in audit},
        "context": {key: context[key] for _, key in LOGGED.values() if key in context},
        "trigger": {key: trigger[key] for key in ("at", "origin") if key in trigger},
    }


def _audits(port: PortReader, resources: Iterable[str], since: datetime) -> Iterator[Audit]:
    query = {
        "resources": sorted(resources),
        "from": since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "status": "SUCCESS",
        "includes": ["action", "context", "resourceType", "trigger"],
        "limit": NEWEST,
    }
    try:
        audits = port.get("/audit-log", query).get("audits")
    except ApiError:
        # Not everybody may read the log, and a plan can do without.
        return
    yield from (audit for audit in audits if isinstance(audit, dict)) if isinstance(audits, list) else ()


def _edit(audit: Mapping[str, Any]) -> _Edit | None:
    trigger = _inner(audit, "trigger")
    by, at = _inner(trigger, "by"), _moment(trigger.get("at"))
    who = next((str(by[key]) for key in ("email", "userId", "user") if by.get(key)), "somebody")
    return _Edit(at, who, str(trigger.get("origin") or ""), audit.get("action") == "DELETE") if at else None


def _inner(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _told(change: Change, edits: list[_Edit]) -> Change:
    """The change with what the log says, unless that is older than the resource's own stamps."""
    if change.action is Action.CREATE:
        edits = edits[next((index for index, edit in enumerate(edits) if edit.deletes), len(edits)) :]
    if not edits:
        return change
    last, others = edits[0], len({edit.who for edit in edits} - {edits[0].who})
    stamped = _moment((change.before or {}).get("updatedAt"))
    if stamped and stamped > last.at:
        others = len({edit.who for edit in edits} - {str((change.before or {}).get("updatedBy"))})
        text = change.drifted
    else:
        at = last.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = f"by {last.who} at {at}" + (f" through {last.through}" if last.through else "")
        text = f"deleted in Port {text}" if change.action is Action.CREATE else text
    return replace(change, drifted=f"{text}, and before that by {others} other(s)" if others else text)
