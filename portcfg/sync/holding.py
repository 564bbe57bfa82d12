"""Which blueprints a run holds back as a whole, and why: each of their entities may lack, or not be, what it should."""

from __future__ import annotations

from collections.abc import Collection

from portcfg.sync.intake import Intake
from portcfg.sync.spec import SyncResource


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
