"""One apply at a time on a Port, and one sync of a mapping: an entity of the ledger that says who is at work, and until
when to believe it.

Whoever has it renews it as the work goes on. One that finds its lock gone, or couldn't renew it in time, stops writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from portcfg.client import PortWriter, segment
from portcfg.errors import ApiError, BusyError, TerminalApiError
from portcfg.ledger import ENTITIES, LOCK_KIND, ensure_blueprint
from portcfg.model import Body, Owner
from portcfg.processes import has_died

LOCK = "apply"
SYNC_LOCKS = "sync:"
LASTS = timedelta(minutes=10)
RENEWED = timedelta(minutes=3)
# Two may find one lock left behind, and the second take away the first one's new lock; it shows after a while.
SETTLED_SECONDS = 2.0


class Lock:
    """The lock that somebody holds. `lost` says that it is somebody else's by now, or nobody's."""

    def __init__(self, port: PortWriter, name: str, run: str, clock: Callable[[], datetime]) -> None:
        self.lost = False
        self.problem = ""
        self._port = port
        self._name = name
        self._run = run
        self._clock = clock
        self._hold(clock())

    def renew(self) -> None:
        """Call it often: renews the lock when it is time to, and halts the client where it is lost."""
        now = self._clock()
        if self.lost or now < self._due:
            return
        try:
            holder = _holder(self._port, self._name)
            if run_of(holder) == self._run:
                self._port.send("PATCH", _path(self._name), {"properties": _expiry(now)})
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
            if not self.lost and (self._clock() < self._until or self._is_ours()):
                release(self._port, self._name)
        except ApiError as error:
            self.problem = (
                f"the lock of this {_work(self._name)} could not be ended, and ends by itself: {error.message}"
            )

    def _is_ours(self) -> bool:
        return bool(run_of(_holder(self._port, self._name)) == self._run)

    def _hold(self, now: datetime) -> None:
        self._until, self._due = now + LASTS, now + RENEWED

    def _lose(self, why: str) -> None:
        self.lost = True
        self._port.halt(f"stopped, since {why}")


@contextmanager
def locked(port: PortWriter, owner: Owner, run: str, clock: Callable[[], datetime], name: str = LOCK) -> Iterator[Lock]:
    """Hold the lock for the block; `run` is a name that no other run has. Raises BusyError while another holds it.

    `name` is LOCK, or SYNC_LOCKS and a mapping. Who is killed leaves it behind, and nobody believes it after LASTS.
    """
    ensure_blueprint(port)
    _take(port, owner, run, clock(), name)
    lock = Lock(port, name, run, clock)
    try:
        yield lock
    finally:
        with port.finishing():
            lock.give_back()


def release(port: PortWriter, name: str = LOCK) -> None:
    """End the lock, whoever has it; fine if nobody does."""
    try:
        port.send("DELETE", _path(name), params={"delete_dependents": "false"})
    except TerminalApiError as error:
        if error.status != 404:
            raise


def _path(name: str) -> str:
    return f"{ENTITIES}/{segment(name)}"


def _work(name: str) -> str:
    """What the holder of a lock does."""
    return f"sync of {name.removeprefix(SYNC_LOCKS)}" if name.startswith(SYNC_LOCKS) else "apply"


def _one(name: str) -> str:
    return "an apply" if name == LOCK else f"a {_work(name)}"


def _take(port: PortWriter, owner: Owner, run: str, now: datetime, name: str = LOCK) -> None:
    entity = {
        "identifier": name,
        "title": f"{_one(name)} {'of' if name == LOCK else 'by'} {owner}",
        "properties": {
            "kind": LOCK_KIND,
            "resource": name,
            "run": run,
            "applied_at": now.isoformat(timespec="seconds"),
            **_expiry(now),
        },
    }
    if _posted(port, entity):
        return
    holder = _holder(port, name)
    # A POST whose answer was lost and that was sent again finds its own lock.
    if run_of(holder) == run:
        return
    if holder:
        refuse_living(name, holder, now)
    release(port, name)
    if _posted(port, entity):
        port.wait(SETTLED_SECONDS)
        if run_of(_holder(port, name)) == run:
            return
    raise BusyError(f"another {_work(name)} began just now", hint="wait for it, then try again")


def refuse_living(name: str, holder: Body, now: datetime) -> None:
    """Raise BusyError for a lock that hasn't ended, or of which nobody can tell whether it has.

    That of a process of this machine which was killed has.
    """
    if has_died(str(run_of(holder))):
        return
    since = (holder.get("properties") or {}).get("applied_at") or "an unknown time"
    running = f"{holder.get('title') or _one(name)} is running since {since}"
    ends, unlock = _ends(holder), "portcfg unlock" if name == LOCK else f"portcfg unlock {name}"
    if ends is None:
        raise BusyError(running, hint=f"its lock doesn't say when it ends; if it was killed: `{unlock}`")
    if ends > now:
        until = ends.isoformat(timespec="seconds")
        raise BusyError(
            running,
            hint=f"wait; if it was killed, its lock ends at {until}, or with `{unlock}`",
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


def run_of(holder: Body) -> Any:
    """The run that a lock says it is of."""
    return (holder.get("properties") or {}).get("run")


def _posted(port: PortWriter, entity: Body) -> bool:
    try:
        port.send("POST", ENTITIES, entity, {"upsert": "false"})
    except TerminalApiError as error:
        if error.status != 409:
            raise
        return False
    return True


def _holder(port: PortWriter, name: str) -> Body:
    try:
        entity: Body = port.get(_path(name)).get("entity") or {}
    except TerminalApiError as error:
        if error.status != 404:
            raise
        return {}
    return entity
