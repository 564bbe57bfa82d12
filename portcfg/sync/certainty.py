"""Whether a part of a run knows all that the source has of a blueprint, so that the rest can be said to be gone."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.sync.intake import Intake
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.report import StreamStatus
from portcfg.sync.spec import SyncMapping, SyncResource
from portcfg.sync.tally import Tally


def unsure(mapping: SyncMapping, intake: Intake, tally: Tally, quarantine: Quarantine, blueprint: str) -> str:
    """Why nobody can tell what the source no longer has, or ''."""
    return next(_reasons(mapping, intake, tally, quarantine, blueprint), "")


def _reasons(
    mapping: SyncMapping, intake: Intake, tally: Tally, quarantine: Quarantine, blueprint: str
) -> Iterator[str]:
    def feeds(resource: SyncResource) -> bool:
        return resource.blueprint in ("", blueprint)

    feeding = {item.stream for item in mapping.resources if feeds(item)}
    read = {item.name for item in intake.streams if item.status is StreamStatus.READ}
    if tally.held:
        yield f"it was held back: {tally.held}"
    if any(map(feeds, mapping.left_out)):
        yield "the run was asked for some of its streams only"
    # A row that finds nothing in a lookup may become another entity.
    for name in sorted({*feeding, *(lookup.stream for lookup in mapping.lookups)} - read):
        yield f"{name} was not read to its end"
    if any(map(feeds, intake.unread)):
        yield "rows failed that may be of it"
    for name in sorted(feeding):
        days = intake.days.get(name)
        if not days or any(day.total is None for day in days.values()):
            yield f"{name} didn't state how many rows there are"
    if any(group.blueprint in ("", blueprint) for group in quarantine.groups()):
        yield "rows or entities that are of it, or may be, were rejected"
