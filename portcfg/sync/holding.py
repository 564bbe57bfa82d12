"""Which blueprints a run holds back as a whole, and why: each of their entities may lack, or not be, what it should."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from portcfg.errors import ApiError, TransientApiError
from portcfg.sync.intake import Intake
from portcfg.sync.spec import SyncResource
from portcfg.sync.tally import Tally

UNAUTHORIZED = 401


class Guard:
    """Holds a blueprint back for which Port fails and, once Port can't be reached any more, all that come after.

    `stopped` says why nothing is tried any more, or ''.
    """

    def __init__(self, tallies: Mapping[str, Tally]) -> None:
        self._tallies = tallies
        self.stopped = ""

    def do(self, name: str, work: Callable[[], object]) -> bool:
        """Do `work` for a blueprint; whether Port let it be done."""
        tally = self._tallies[name]
        if self.stopped:
            tally.held = tally.held or f"not tried any more: {self.stopped}"
            return False
        try:
            work()
        except ApiError as error:
            tally.held = f"Port failed: {error.message}"
            # No other blueprint would fare better.
            if isinstance(error, TransientApiError) or error.status == UNAUTHORIZED:
                self.stopped = error.message
            return False
        return True


def held_back(intake: Intake, blueprints: Collection[str]) -> dict[str, str]:
    """The reason by blueprint. A resource that could write any of the `blueprints`, as its rows name it, holds all."""
    streams: dict[str, dict[str, None]] = {}
    for item in intake.failed:
        for name in _written_by(item.resource, blueprints):
            streams.setdefault(name, {})[item.stream] = None
    held = {name: f"{' and '.join(causes)} could not be read to the end" for name, causes in streams.items()}
    for mapper in intake.mappers:
        if problem := mapper.problem():
            held = {**dict.fromkeys(_written_by(mapper.resource, blueprints), problem), **held}
    return held


def _written_by(resource: SyncResource, blueprints: Collection[str]) -> Collection[str]:
    return [resource.blueprint] if resource.blueprint else blueprints or [resource.entity.blueprint]
