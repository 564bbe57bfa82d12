"""One apply at a time on a Port: an entity of the ledger that says who is applying, and until when to believe it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from portcfg.client import PortWriter
from portcfg.errors import BusyError, TerminalApiError
from portcfg.ledger import LEDGER_BLUEPRINT, ensure_blueprint
from portcfg.model import Body, Owner

LOCK = "apply"
LASTS = timedelta(minutes=30)
ENTITIES = f"/blueprints/{LEDGER_BLUEPRINT}/entities"


@contextmanager
def locked(port: PortWriter, owner: Owner, run: str, now: datetime) -> Iterator[None]:
    """Hold the lock for the block; `run` is a name that no other run has. Raises BusyError while another holds it.

    A killed apply leaves its lock behind, which nobody believes after LASTS.
    """
    ensure_blueprint(port)
    _take(port, owner, run, now)
    try:
        yield
    finally:
        release(port)


def release(port: PortWriter) -> None:
    """Give the lock back, whoever has it; fine if nobody does."""
    try:
        port.send("DELETE", f"{ENTITIES}/{LOCK}", params={"delete_dependents": "false"})
    except TerminalApiError as error:
        if error.status != 404:
            raise


def _take(port: PortWriter, owner: Owner, run: str, now: datetime) -> None:
    entity = {
        "identifier": LOCK,
        "title": f"an apply of {owner}",
        "properties": {
            "kind": "lock",
            "resource": LOCK,
            "run": run,
            "applied_at": now.isoformat(timespec="seconds"),
            "expires_at": (now + LASTS).isoformat(timespec="seconds"),
        },
    }
    if _posted(port, entity):
        return
    holder = _holder(port)
    properties = holder.get("properties") or {}
    # A POST whose answer was lost and that was sent again finds its own lock.
    if properties.get("run") == run:
        return
    if properties and datetime.fromisoformat(properties["expires_at"]) > now:
        raise BusyError(
            f"{holder.get('title')} is running since {properties.get('applied_at')}",
            hint=f"wait; if it was killed, its lock ends at {properties['expires_at']}, or with `portcfg unlock`",
        )
    release(port)
    if not _posted(port, entity):
        raise BusyError("another apply began just now", hint="wait for it, then apply again")


def _posted(port: PortWriter, entity: Body) -> bool:
    try:
        port.send("POST", ENTITIES, entity, {"upsert": "false"})
    except TerminalApiError as error:
        if error.status != 409:
            raise
        return False
    return True


def _holder(port: PortWriter) -> Body:
    try:
        entity: Body = port.get(f"{ENTITIES}/{LOCK}").get("entity") or {}
    except TerminalApiError as error:
        if error.status != 404:
            raise
        return {}
    return entity
