"""One apply at a time on a Port: an entity of the ledger that says who is applying, and until when to believe it.

The apply renews it as it goes on. One that finds its lock gone, or couldn't renew it in time, stops writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from portcfg.client import PortWriter
from portcfg.errors import ApiError, BusyError, TerminalApiError
from portcfg.ledger import LEDGER_BLUEPRINT, ensure_blueprint
from portcfg.model import Body, Owner

LOCK = "apply"
LASTS = timedelta(minutes=10)
RENEWED = timedelta(minutes=3)
ENTITIES = f"/blueprints/{LEDGER_BLUEPRINT}/entities"


class Lock:
    """The lock that an apply holds. `lost` says that it is somebody else's by now, or nobody's."""

    def __init__(self, port: PortWriter, run: str, clock: Callable[[], datetime]) -> None:
        self.lost = False
        self.problem = ""
        self._port = port
        self._run = run
        self._clock = clock
        self._hold(clock())

    def renew(self) -> None:
        """Call it often: renews the lock when it is time to, and halts the client where it is lost."""
        now = self._clock()
        if self.lost or now < self._due:
            return
        try:
            holder = _holder(self._port)
            if _run_of(holder) == self._run:
                self._port.send("PATCH", f"{ENTITIES}/{LOCK}", {"properties": _expiry(now)})
                self._hold(now)
            else:
                self._lose(f"{holder['title']} took over" if holder.get("title") else "somebody ended the lock")
        except ApiError as error:
            # Tried again as long as nobody may take it over.
            if now >= self._until:
                self._lose(f"the lock could not be renewed ({error.message})")

    def give_back(self) -> None:
        """End the lock, if it is still ours; `problem` says why that couldn't be done."""
        try:
            # Past its end, another apply may have taken over.
            if not self.lost and (self._clock() < self._until or _run_of(_holder(self._port)) == self._run):
                release(self._port)
        except ApiError as error:
            self.problem = f"the lock of this apply could not be ended, and ends by itself: {error.message}"

    def _hold(self, now: datetime) -> None:
        self._until, self._due = now + LASTS, now + RENEWED

    def _lose(self, why: str) -> None:
        self.lost = True
        self._port.halt(f"stopped, since {why}")


@contextmanager
def locked(port: PortWriter, owner: Owner, run: str, clock: Callable[[], datetime]) -> Iterator[Lock]:
    """Hold the lock for the block; `run` is a name that no other run has. Raises BusyError while another holds it.

    A killed apply leaves its lock behind, which nobody believes after LASTS.
    """
    ensure_blueprint(port)
    _take(port, owner, run, clock())
    lock = Lock(port, run, clock)
    try:
        yield lock
    finally:
        with port.finishing():
            lock.give_back()


def release(port: PortWriter) -> None:
    """End the lock, whoever has it; fine if nobody does."""
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
            **_expiry(now),
        },
    }
    if _posted(port, entity):
        return
    holder = _holder(port)
    # A POST whose answer was lost and that was sent again finds its own lock.
    if _run_of(holder) == run:
        return
    if holder:
        _refuse_living(holder, now)
    release(port)
    # Read again, since another apply may have found the same lock left behind.
    if not _posted(port, entity) or _run_of(_holder(port)) != run:
        raise BusyError("another apply began just now", hint="wait for it, then apply again")


def _refuse_living(holder: Body, now: datetime) -> None:
    """Raise BusyError for a lock that hasn't ended, or of which nobody can tell whether it has."""
    since = (holder.get("properties") or {}).get("applied_at") or "an unknown time"
    running = f"{holder.get('title') or 'an apply'} is running since {since}"
    ends = _ends(holder)
    if ends is None:
        raise BusyError(running, hint="its lock doesn't say when it ends; if it was killed: `portcfg unlock`")
    if ends > now:
        until = ends.isoformat(timespec="seconds")
        raise BusyError(
            running,
            hint=f"wait; if it was killed, its lock ends at {until}, or with `portcfg unlock`",
        )


def _ends(holder: Body) -> datetime | None:
    """When a lock ends. A damaged one lasts as long as any, from when Port last wrote it."""
    expires = _moment((holder.get("properties") or {}).get("expires_at"))
    written = _moment(holder.get("updatedAt"))
    return expires or (written + LASTS if written else None)


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _expiry(now: datetime) -> Body:
    return {"expires_at": (now + LASTS).isoformat(timespec="seconds")}


def _run_of(holder: Body) -> Any:
    return (holder.get("properties") or {}).get("run")


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
