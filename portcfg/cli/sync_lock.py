"""One sync of a mapping at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from portcfg.cli.common import say
from portcfg.cli.writes import utc_now
from portcfg.client import PortReader, PortWriter
from portcfg.lock import SYNC_LOCKS, locked
from portcfg.model import Owner
from portcfg.sync.entities import safe_identifier
from portcfg.sync.report import Progress


@contextmanager
def alone(
    port: PortReader, owner: Owner, mapping: str, run: str, progress: Callable[[Progress], None]
) -> Iterator[Callable[[Progress], None]]:
    """Hold the mapping's lock for the block, with a client that writes; yields the `progress` that also renews it.

    `run` is a name that no other run has. Raises BusyError while another sync of the mapping writes.
    """
    if not isinstance(port, PortWriter):
        yield progress
        return
    with locked(port, owner, run, utc_now, SYNC_LOCKS + safe_identifier(mapping)) as lock:

        def renewing(step: Progress) -> None:
            lock.renew()
            progress(step)

        yield renewing
    if lock.problem:
        say(lock.problem)
