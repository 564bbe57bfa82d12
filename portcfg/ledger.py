"""portcfg's record, kept in Port, of what it manages: one entity of LEDGER_BLUEPRINT a managed resource.

An entry names the project and the environment that applied the resource: several specs folders may share a Port.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portcfg import __version__
from portcfg.client import PortReader, PortWriter, bulks, segment
from portcfg.diff import canonical
from portcfg.errors import PartialError, Problem, TerminalApiError
from portcfg.model import Applied, Body, Owner, Project, Ref, Resource, State

LEDGER_BLUEPRINT = "portcfg_resource"
_TEXT = {"type": "string"}
BLUEPRINT_BODY: Body = {
    "identifier": LEDGER_BLUEPRINT,
    "title": "portcfg resource",
    "icon": "Git",
    "description": "What portcfg manages in this Port, and the spec file that says so. Kept by portcfg itself.",
    "schema": {
        "properties": {
            "kind": {**_TEXT, "title": "Kind"},
            "resource": {**_TEXT, "title": "Identifier"},
            "project": {**_TEXT, "title": "Project"},
            "environment": {**_TEXT, "title": "Environment"},
            "file": {**_TEXT, "title": "Spec file"},
            "digest": {**_TEXT, "title": "Digest of the applied body"},
            "applied": {"type": "object", "title": "Applied body"},
            "server": {"type": "object", "title": "Added by Port itself"},
            "commit": {**_TEXT, "title": "Commit"},
            "link": {**_TEXT, "format": "url", "title": "Spec file at that commit"},
            "applied_at": {**_TEXT, "format": "date-time", "title": "Applied at"},
            "tool": {**_TEXT, "title": "Applied by"},
            "run": {**_TEXT, "title": "Run"},
            "expires_at": {**_TEXT, "format": "date-time", "title": "Ends at"},
        },
        "required": ["kind", "resource"],
    },
}


@dataclass(frozen=True)
class Entry:
    """One entry: whose the resource is, and what was last applied (None where the entry is damaged)."""

    owner: Owner
    applied: Applied | None


def entries(port: PortReader) -> dict[Ref, Entry]:
    """What the ledger lists; nothing when Port has no ledger yet. One request for each 1,000 entries.

    An entry without a project was written before projects had names.
    """
    wanted = ["$identifier", "kind", "resource", "project", "environment", "applied", "server"]
    try:
        found = list(port.entities(LEDGER_BLUEPRINT, include=wanted))
    except TerminalApiError as error:
        if error.status == 404:
            return {}
        raise
    properties = (entry.get("properties") or {} for entry in found)
    return {Ref(str(entry.get("kind")), str(entry.get("resource"))): _read(entry) for entry in properties}


def _read(entry: Mapping[str, Any]) -> Entry:
    owner = Owner(str(entry.get("project") or Project.name), str(entry.get("environment") or ""))
    body, server = entry.get("applied"), entry.get("server")
    applied = Applied(body, server if isinstance(server, dict) else {}) if isinstance(body, dict) and body else None
    return Entry(owner, applied)


def conflicts(entries: Mapping[Ref, Entry], own: Owner, desired: State, live: State) -> list[Problem]:
    """P003 for each resource of the specs that exists in Port and is another project's or environment's."""
    hint = (
        f"let one of them have it: take it out of these specs, or, to move it here, delete its entity "
        f"of {LEDGER_BLUEPRINT} in Port"
    )
    return [
        Problem(desired[ref].file, 0, 0, "P003", f"{ref} is managed by {entry.owner}, and these specs are {own}", hint)
        for ref, entry in sorted(entries.items(), key=lambda item: item[0])
        if entry.owner != own and ref in desired and ref in live
    ]


@dataclass(frozen=True)
class Stamp:
    """What all entries of one apply share: whose they are, when (ISO), and the commit of the specs with its
    link on the web."""

    owner: Owner
    applied_at: str
    commit: str = ""
    link: str = ""


def record(
    port: PortWriter, resources: Sequence[Resource], stamp: Stamp, server: Mapping[Ref, Mapping[str, Any]] | None = None
) -> None:
    """Write down that `resources` are managed; `server` is what Port added to them. Raises ApiError, PartialError."""
    if not resources:
        return
    ensure_blueprint(port)
    for batch in bulks([_entry(resource, stamp, (server or {}).get(resource.ref, {})) for resource in resources]):
        path = f"/blueprints/{LEDGER_BLUEPRINT}/entities/bulk"
        answer = port.send("POST", path, {"entities": batch}, {"upsert": "true"})
        errors = answer.body.get("errors") or []
        if errors:
            raise PartialError(f"the ledger refused {len(errors)} entries: {errors[0].get('message')}")


def forget(port: PortWriter, refs: Iterable[Ref]) -> None:
    """Remove entries from the ledger; one that isn't there is fine."""
    for ref in refs:
        try:
            path = f"/blueprints/{LEDGER_BLUEPRINT}/entities/{segment(str(ref))}"
            port.send("DELETE", path, params={"delete_dependents": "false"})
        except TerminalApiError as error:
            if error.status != 404:
                raise


def ensure_blueprint(port: PortWriter) -> None:
    """Make the ledger's blueprint, or give an older portcfg's the properties that it lacks."""
    path = f"/blueprints/{LEDGER_BLUEPRINT}"
    properties = BLUEPRINT_BODY["schema"]["properties"]
    try:
        live = port.get(path).get("blueprint") or {}
    except TerminalApiError as error:
        if error.status != 404:
            raise
        _create_blueprint(port)
        return
    # The ledger of an older portcfg has fewer properties, and Port takes no entity with others.
    if not properties.keys() <= live["schema"]["properties"].keys():
        port.send("PATCH", path, {"schema": {"properties": properties}})


def _create_blueprint(port: PortWriter) -> None:
    try:
        port.send("POST", "/blueprints", BLUEPRINT_BODY, {"create_catalog_page": "true"})
    except TerminalApiError as error:
        # Made by another run just now, or by this one, whose answer was lost.
        if error.status != 409:
            raise


def _entry(resource: Resource, stamp: Stamp, server: Mapping[str, Any]) -> Body:
    return {
        "identifier": str(resource.ref),
        "title": str(resource.ref),
        "properties": {
            "kind": resource.ref.kind,
            "resource": resource.ref.identifier,
            "project": stamp.owner.project,
            "environment": stamp.owner.environment,
            "file": resource.file,
            "digest": hashlib.sha256(canonical(resource.body).encode()).hexdigest(),
            "applied": resource.body,
            "server": dict(server),
            "commit": stamp.commit or None,
            "link": f"{stamp.link}/{resource.file}" if stamp.link and resource.file else None,
            "applied_at": stamp.applied_at,
            "tool": f"portcfg {__version__}",
        },
    }
