"""portcfg's record, kept in Port, of what it manages: one entity of LEDGER_BLUEPRINT a managed resource.

An entry names the project and the environment that applied the resource: several specs folders may share a Port.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from portcfg import __version__
from portcfg.bulk import BULK_BYTES, bulks
from portcfg.client import PortReader, PortWriter, segment
from portcfg.diff import canonical
from portcfg.errors import PartialError, Problem, TerminalApiError
from portcfg.model import Applied, Body, Owner, Project, Ref, Resource, State

LEDGER_BLUEPRINT = "portcfg_resource"
LEDGER_REF = Ref("blueprint", LEDGER_BLUEPRINT)
ENTITIES = f"/blueprints/{LEDGER_BLUEPRINT}/entities"
KEEP_OTHERS = {"delete_dependents": "false"}
# Port deletes at most so many entities at once.
BULK_DELETED = 100
# The kind of the entries that aren't of resources, but of who is at work (lock.py).
LOCK_KIND = "lock"
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
            "too_large": {"type": "boolean", "title": "Applied body is too large to be kept"},
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
    """One entry: whose the resource is, from which file and commit, when (ISO), and what was last applied.

    `applied` is None where the entry is damaged, or where it was too large: then `digest` still tells whether the
    specs are as they were. `altered` says that the body isn't what its digest is of. `kept_at` is when Port last wrote
    the entry, by its own clock; `name` is its identifier. Only a lock has `expires_at`.
    """

    owner: Owner
    applied: Applied | None
    name: str = ""
    file: str = ""
    commit: str = ""
    link: str = ""
    applied_at: str = ""
    tool: str = ""
    kept_at: str = ""
    expires_at: str = ""
    digest: str = ""
    too_large: bool = False
    altered: bool = False
    server: Mapping[str, Any] | None = None

    @property
    def whole(self) -> bool:
        """Whether it says what was applied, or at least its digest because there was no room for more."""
        return self.applied is not None or (self.too_large and bool(self.digest))

    def last(self, desired: Resource | None) -> Applied | None:
        """What was applied. Where only the digest was kept, that is known as long as the specs still say the same."""
        if self.applied is None and self.too_large and desired and digest_of(desired.body) == self.digest:
            return Applied(desired.body, self.server or {}, self.file)
        return self.applied

    def __str__(self) -> str:
        details = (self.file, f"at {self.commit[:12]}" if self.commit else "", self.applied_at)
        told = ", ".join(filter(None, (" ".join(filter(None, details[:2])), details[2])))
        return f"{self.owner} [{told}]" if told else str(self.owner)


def entries(port: PortReader) -> dict[Ref, Entry]:
    """The resources that the ledger lists, those of later kinds, too; nothing when Port has no ledger yet.

    One request for each 1,000 entries.
    """
    found: dict[Ref, Entry] = {}
    for ref, entry in every_entry(port):
        # Of several for one resource, that with its name is the one that portcfg keeps.
        if ref.kind != LOCK_KIND and (ref not in found or entry.name == str(ref)):
            found[ref] = entry
    return found


def every_entry(port: PortReader) -> Iterator[tuple[Ref, Entry]]:
    """Each entity of the ledger, damaged or twice as it may be.

    An entry without a project was written before projects had names.
    """
    try:
        # All of them whole: the blueprint of an older ledger may lack a property that an `include` would name.
        found = list(port.entities(LEDGER_BLUEPRINT))
    except TerminalApiError as error:
        if error.status == 404:
            return
        raise
    for entity in found:
        properties = entity.get("properties") or {}
        yield Ref(_text(properties, "kind"), _text(properties, "resource")), _read(entity, properties)


def _read(entity: Mapping[str, Any], properties: Mapping[str, Any]) -> Entry:
    owner = Owner(_text(properties, "project") or Project.name, _text(properties, "environment"))
    body, server = properties.get("applied"), properties.get("server")
    added = server if isinstance(server, dict) else {}
    digest, file = _text(properties, "digest"), _text(properties, "file")
    applied = Applied(body, added, file) if isinstance(body, dict) and body else None
    return Entry(
        owner,
        applied,
        name=_text(entity, "identifier"),
        file=file,
        commit=_text(properties, "commit"),
        link=_text(properties, "link"),
        applied_at=_text(properties, "applied_at"),
        tool=_text(properties, "tool"),
        kept_at=_text(entity, "updatedAt"),
        expires_at=_text(properties, "expires_at"),
        digest=digest,
        too_large=properties.get("too_large") is True,
        altered=applied is not None and digest not in ("", digest_of(applied.body)),
        server=added,
    )


def last_commit(port: PortReader, own: Owner) -> str:
    """The commit of the newest of a project's and environment's entries that has one; empty where none has."""
    ours = (entry for entry in entries(port).values() if entry.owner == own and entry.commit)
    newest = max(ours, key=lambda entry: entry.applied_at, default=None)
    return newest.commit if newest else ""


def of_commit(port: PortReader, own: Owner, commit: str) -> frozenset[Ref]:
    """What a project and environment has applied last from this very commit."""
    known = entries(port).items()
    return frozenset(ref for ref, entry in known if entry.owner == own and entry.commit == commit)


def writer(port: PortReader, ref: Ref) -> str:
    """Who Port says wrote the entry of a resource last: after an apply, that is we. Raises ApiError."""
    return _text(port.get(f"{ENTITIES}/{segment(str(ref))}").get("entity") or {}, "updatedBy")


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def digest_of(body: Body) -> str:
    """The digest by which the ledger knows an applied body."""
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def conflicts(entries: Mapping[Ref, Entry], own: Owner, desired: State, live: State) -> list[Problem]:
    """PC803 for each resource of the specs that exists in Port and is another project's or environment's."""
    return [
        Problem(
            desired[ref].file,
            0,
            0,
            "PC803",
            f"{ref} is managed by {entry}, and these specs are {own}",
            "let one of them have it: take it out of these specs; or, to move it here, take it out of the other ones "
            f"and run `portcfg ledger release {ref}` there",
        )
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
    for batch in bulks([entity(resource, stamp, (server or {}).get(resource.ref, {})) for resource in resources]):
        path = f"{ENTITIES}/bulk"
        answer = port.send("POST", path, {"entities": batch}, {"upsert": "true"})
        errors = answer.body.get("errors") or []
        if errors:
            raise PartialError(f"the ledger refused {len(errors)} entries: {errors[0].get('message')}")


def forget(port: PortWriter, refs: Iterable[Ref | str]) -> None:
    """Remove entries, by resource or by their own names, from the ledger; one that isn't there is fine."""
    names = [str(ref) for ref in refs]
    for start in range(0, len(names), BULK_DELETED):
        for name in _left(port, names[start : start + BULK_DELETED]):
            try:
                port.send("DELETE", f"{ENTITIES}/{segment(name)}", params=KEEP_OTHERS)
            except TerminalApiError as error:
                if error.status != 404:
                    raise


def _left(port: PortWriter, names: list[str]) -> list[str]:
    """What one request for all of them doesn't say that it has deleted (port-api.md §3.5)."""
    if len(names) == 1:
        return names
    try:
        body = {"entities": names}
        answer = port.send("POST", f"/blueprints/{LEDGER_BLUEPRINT}/bulk/entities/delete", body, KEEP_OTHERS)
    except TerminalApiError:
        # One of them may have failed all; asked for one by one, each has its own answer.
        return names
    deleted = answer.body.get("deletedEntities")
    return [name for name in names if name not in (deleted if isinstance(deleted, list) else ())]


def blueprint(port: PortReader) -> Body | None:
    """The ledger's blueprint as Port has it; None where there is none."""
    try:
        return dict(port.get(f"/blueprints/{LEDGER_BLUEPRINT}").get("blueprint") or {})
    except TerminalApiError as error:
        if error.status != 404:
            raise
        return None


def seen(live: State) -> State:
    """`live` with the ledger's blueprint, which isn't observed but may be referred to: an apply makes it first."""
    return {**live, LEDGER_REF: Resource(LEDGER_REF, {})}


def ensure_blueprint(port: PortWriter) -> None:
    """Make the ledger's blueprint, or give an older portcfg's the properties that it lacks."""
    live = blueprint(port)
    if live is None:
        _create_blueprint(port)
        return
    properties = BLUEPRINT_BODY["schema"]["properties"]
    # The ledger of an older portcfg has fewer properties, and Port takes no entity with others.
    if not properties.keys() <= live["schema"]["properties"].keys():
        port.send("PATCH", f"/blueprints/{LEDGER_BLUEPRINT}", {"schema": {"properties": properties}})


def _create_blueprint(port: PortWriter) -> None:
    try:
        port.send("POST", "/blueprints", BLUEPRINT_BODY, {"create_catalog_page": "true"})
    except TerminalApiError as error:
        # Made by another run just now, or by this one, whose answer was lost.
        if error.status != 409:
            raise


def _below_here(file: str) -> bool:
    """Whether a link may end in it: a name from the top of a disk, or from above, leads nowhere."""
    path = PurePath(file)
    return bool(file) and not path.is_absolute() and ".." not in path.parts


def below(page: str, file: str) -> str:
    """The link to a file below a page: Port takes no link with a space, and # or ? would lead elsewhere."""
    return f"{page}/{quote(file, errors='replace')}"


def entity(resource: Resource, stamp: Stamp, server: Mapping[str, Any]) -> Body:
    """The entry of a resource, as Port takes and answers it; `server` is what Port added, by path."""
    properties = {
        "kind": resource.ref.kind,
        "resource": resource.ref.identifier,
        "project": stamp.owner.project,
        "environment": stamp.owner.environment,
        "file": resource.file,
        "digest": digest_of(resource.body),
        "applied": resource.body,
        "too_large": False,
        "server": dict(server),
        "commit": stamp.commit or None,
        "link": below(stamp.link, resource.file) if stamp.link and _below_here(resource.file) else None,
        "applied_at": stamp.applied_at,
        "tool": f"portcfg {__version__}",
    }
    # Port takes 1 MiB a request (port-api.md §1.2), and a page alone may fill that.
    if len(json.dumps(properties)) > BULK_BYTES:
        properties |= {"applied": None, "too_large": True}
    return {"identifier": str(resource.ref), "title": str(resource.ref), "properties": properties}
