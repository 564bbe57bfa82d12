"""One sync of a mapping at a time, and all the slices of one backfill side by side.

Each run has a lock of its own, and then looks for the locks of others that it doesn't go together with. Of two that
begin at once each sees the other one's, so that none goes on unseen; the one whose run's name is greater gives way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from portcfg.client import PortReader, PortWriter
from portcfg.errors import BusyError, TerminalApiError
from portcfg.ledger import LEDGER_BLUEPRINT, LOCK_KIND
from portcfg.lock import SETTLED_SECONDS, SYNC_LOCKS, Lock, locked, refuse_living, release, run_of
from portcfg.model import Body, Owner

_SLICE = re.compile(r"(?P<mapping>.+):(?P<days>[\d-]{10}\.\.[\d-]{10}):(?P<number>\d+)/(?P<of>\d+)")


def sync_lock(mapping: str, days: str = "", share: str = "") -> str:
    """The name of a mapping's lock, or, with a `share` such as `2/4` of `days` (`first..last`), of one slice's."""
    return f"{SYNC_LOCKS}{mapping}:{days}:{share}" if share else f"{SYNC_LOCKS}{mapping}"


@contextmanager
def sync_locked(port: PortWriter, owner: Owner, run: str, clock: Callable[[], datetime], name: str) -> Iterator[Lock]:
    """Hold the lock for the block, as `lock.locked` does. Raises BusyError while another run of the mapping writes that
    isn't another slice of the same days and number."""
    with locked(port, owner, run, clock, name) as lock:
        _stand_alone(port, name, run, clock)
        yield lock


def end_locks(port: PortWriter, name: str) -> None:
    """End the lock of this name and, where that is a mapping's, those of its slices, whoever has them."""
    names = [name, *(other for other in _held(port) if _mapping(other) == name and other != name)]
    for each in names:
        release(port, each)


def go_together(one: str, other: str) -> bool:
    """Whether the holders of two locks may write at once: of other mappings, or other slices of one whole."""
    a, b = _SLICE.fullmatch(one), _SLICE.fullmatch(other)
    if _mapping(one) != _mapping(other):
        return True
    return bool(a and b and (a["days"], a["of"]) == (b["days"], b["of"]) and a["number"] != b["number"])


def _mapping(name: str) -> str:
    found = _SLICE.fullmatch(name)
    return found["mapping"] if found else name


def _stand_alone(port: PortWriter, name: str, run: str, clock: Callable[[], datetime]) -> None:
    """Come back when nobody else is at work; locks that have ended are taken away, so that their runs notice."""
    for last in (False, True):
        others = {other: held for other, held in _held(port).items() if other != name and not go_together(name, other)}
        problems = {str(run_of(held)): _living(port, other, held, clock()) for other, held in others.items()}
        living = {theirs: problem for theirs, problem in problems.items() if problem}
        if not living:
            return
        if last or min(living) < run:
            raise next(iter(living.values()))
        # Whoever began just now, too, gives way.
        port.wait(SETTLED_SECONDS)


def _living(port: PortWriter, name: str, held: Body, now: datetime) -> BusyError | None:
    try:
        refuse_living(name, held, now)
    except BusyError as error:
        return error
    release(port, name)
    return None


def _held(port: PortReader) -> dict[str, Body]:
    """All locks that Port has, by name."""
    rules = [{"property": "kind", "operator": "=", "value": LOCK_KIND}]
    try:
        found = list(port.entities(LEDGER_BLUEPRINT, query={"combinator": "and", "rules": rules}))
    except TerminalApiError as error:
        if error.status != 404:
            raise
        return {}
    return {str(entity["identifier"]): entity for entity in found}
