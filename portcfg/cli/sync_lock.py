"""One sync of a mapping at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from portcfg.cli.common import say
from portcfg.cli.writes import utc_now
from portcfg.client import SLICE_SECONDS, PortReader, PortWriter
from portcfg.errors import HaltedError
from portcfg.model import Owner
from portcfg.slicelock import sync_lock, sync_locked
from portcfg.sync.choice import default_days
from portcfg.sync.entities import safe_identifier
from portcfg.sync.report import Progress
from portcfg.sync.run import SyncOptions
from portcfg.sync.spec import SyncMapping
from portcfg.sync.windows import day_range


def lock_of(mapping: SyncMapping, options: SyncOptions | None = None) -> str:
    """The name of the lock of a run, or of a replay, which has no options."""
    name = safe_identifier(mapping.identifier)
    if options is None or options.slice is None:
        return sync_lock(name)
    whole = day_range(options.now, options.first_day, options.last_day, options.days, default_days(mapping))
    return sync_lock(name, f"{whole.first}..{whole.last}", str(options.slice))


def sleeping(port: PortReader, seconds: float) -> None:
    """Sleep, for as long as the client isn't halted; raises HaltedError when it is."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        if port.halted:
            raise _halted(port)
        time.sleep(min(left, SLICE_SECONDS))


def _halted(port: PortReader) -> HaltedError:
    return HaltedError(port.halted, sent=False, why=port.halted)


@contextmanager
def alone(
    port: PortReader, owner: Owner, name: str, run: str, progress: Callable[[Progress], None]
) -> Iterator[Callable[[Progress], None]]:
    """Hold the lock of this name for the block, with a client that writes; yields the `progress` that also renews it,
    and that raises HaltedError where something is read for a client that was told to stop.

    `run` is a name that no other run has. Raises BusyError while another sync of the mapping writes that doesn't go
    together with this one.
    """
    if not isinstance(port, PortWriter):
        yield progress
        return
    with sync_locked(port, owner, run, utc_now, name) as lock:

        def renewing(step: Progress) -> None:
            lock.renew()
            progress(step)
            if port.halted and step.stage == "read":
                raise _halted(port)

        yield renewing
    if lock.problem:
        say(lock.problem)
