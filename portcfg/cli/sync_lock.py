"""One sync of a mapping at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from portcfg.cli.common import say
from portcfg.cli.writes import utc_now
from portcfg.client import PortReader, PortWriter
from portcfg.lock import SYNC_LOCKS, locked
from portcfg.model import Owner
from portcfg.sync.choice import Slice
from portcfg.sync.entities import safe_identifier
from portcfg.sync.report import Progress


@contextmanager
def alone(
    port: PortReader,
    owner: Owner,
    mapping: str,
    run: str,
    progress: Callable[[Progress], None],
    share: Slice | None = None,
) -> Iterator[Callable[[Progress], None]]:
    """Hold the mapping's lock for the block, with a client that writes; yields the `progress` that also renews it.

    `run` is a name that no other run has. A slice has a lock of its own. Raises BusyError while another sync of the
    mapping, or of that slice, writes.
    """
    if not isinstance(port, PortWriter):
        yield progress
        return
    name = SYNC_LOCKS + safe_identifier(mapping) + (f":{share.number}-of-{share.of}" if share else "")
    with locked(port, owner, run, utc_now, name) as lock:

        def renewing(step: Progress) -> None:
            lock.renew()
            progress(step)

        yield renewing
    if lock.problem:
        say(lock.problem)
