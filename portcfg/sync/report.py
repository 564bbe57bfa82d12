"""What a sync did: frozen counts, rejects and notices. Rendering is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from portcfg.errors import EXIT_INCOMPLETE, EXIT_OK, EXIT_PARTIAL
from portcfg.traffic import Traffic


class StreamStatus(StrEnum):
    """How the reading of a stream ended."""

    READ = "read"
    NOT_IN_PLAN = "not in your plan"
    FAILED = "failed"


@dataclass(frozen=True)
class Reject:
    """A row or entity that was not written.

    `where` is a resource's label, or the stage that refused. `about` is what was at fault there: an expression, a
    property, a relation, or Port's status and error.
    """

    where: str
    blueprint: str
    identifier: str
    reason: str
    about: str = ""


@dataclass(frozen=True)
class RejectGroup:
    """Rejects with one cause: how many, and the first few."""

    where: str
    blueprint: str
    about: str
    count: int
    examples: tuple[Reject, ...]


@dataclass(frozen=True)
class StreamReport:
    """One stream. `total` is what the source says it has (None if it doesn't), `rows` what was read.

    `left_out` are rows of which the stream's `rows` made none (such as other days'), `kept` those that went on, and
    `days` the same by UTC day where the stream has one.
    """

    name: str
    status: StreamStatus
    requests: int = 0
    pages: int = 0
    rows: int = 0
    kept: int = 0
    duplicates: int = 0
    total: int | None = None
    message: str = ""
    left_out: int = 0
    days: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ValueReport:
    """How often an expression gave null, no output, failed, or gave several outputs, of which the first counts."""

    null: int = 0
    none: int = 0
    failed: int = 0
    several: int = 0

    @property
    def absent(self) -> int:
        """The rows for which there is no value."""
        return self.null + self.none


@dataclass(frozen=True)
class ResourceReport:
    """One resource. `mapped` of the `rows` (or, grouped, the groups) passed its query and were asked for `values`."""

    resource: str
    blueprint: str
    rows: int = 0
    mapped: int = 0
    left_out: int = 0
    without_identifier: int = 0
    fragments: int = 0
    values: Mapping[str, ValueReport] = field(default_factory=dict)


@dataclass(frozen=True)
class DayTotals:
    """Sums over a blueprint's entities of one UTC day, as Port has them after the run; `values` by property."""

    blueprint: str
    day: str
    entities: int
    values: Mapping[str, int | float]


@dataclass(frozen=True)
class BlueprintReport:
    """One blueprint. `skipped` counts by reason; `held` says why it, or the rest of it, was not written."""

    blueprint: str
    fragments: int = 0
    entities: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    held: str = ""
    deleted: int = 0


@dataclass(frozen=True)
class Deletion:
    """What a run deleted of one blueprint (would, in a dry run) for one `cause`: `retention` or `prune`.

    `found` of the `among` that could have gone are to go; `names` are the first few. `refused` says why they, or the
    rest of them, did not; `stay` are those that Port didn't let go, with its reasons.
    """

    blueprint: str
    cause: str
    found: int = 0
    among: int = 0
    deleted: int = 0
    names: tuple[str, ...] = ()
    refused: str = ""
    stay: tuple[str, ...] = ()


@dataclass(frozen=True)
class SyncReport:
    """The whole run. `first_day`..`last_day` are UTC days, empty where no stream has a window; `dry_run` means nothing
    was written. `quarantine` is the file that holds what was rejected, `deleted_kept` that of what was deleted, or
    ''. `settings` are choices that say what the numbers mean.

    `kept_rejects` rows and entities were kept, of which `kept_for_sync` can't be replayed, but by a sync of their days.
    Requests are counted with their retries: those to the source by path, those to Port by route (method and path).
    `port_writes` are, in a dry run, the requests that the run itself would make besides, by endpoint, and
    `paced_seconds` what those to the source take at the least, because of its rate limits.
    """

    mapping: str
    dry_run: bool
    first_day: str
    last_day: str
    streams: tuple[StreamReport, ...] = ()
    resources: tuple[ResourceReport, ...] = ()
    blueprints: tuple[BlueprintReport, ...] = ()
    totals: tuple[DayTotals, ...] = ()
    rejected: tuple[RejectGroup, ...] = ()
    quarantine: str = ""
    deletions: tuple[Deletion, ...] = ()
    deleted_kept: str = ""
    kept_rejects: int = 0
    kept_for_sync: int = 0
    settings: Mapping[str, str | bool] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    source_requests: int = 0
    requests_by_path: Mapping[str, int] = field(default_factory=dict)
    source_retries: int = 0
    retries_by_path: Mapping[str, int] = field(default_factory=dict)
    port_requests: int = 0
    port_requests_by_route: Mapping[str, int] = field(default_factory=dict)
    port_retries_by_route: Mapping[str, int] = field(default_factory=dict)
    port_writes: Mapping[str, int] = field(default_factory=dict)
    paced_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """The examples of all causes."""
        return tuple(reject for group in self.rejected for reject in group.examples)

    @property
    def writes(self) -> int:
        """Entities created or updated (that would be, in a dry run)."""
        return sum(item.created + item.updated for item in self.blueprints)

    @property
    def exit_code(self) -> int:
        """3 when a stream could not be read to its end, 6 when something was refused or held back, else 0."""
        if any(stream.status is StreamStatus.FAILED for stream in self.streams):
            return EXIT_INCOMPLETE
        held = any(item.held for item in self.blueprints) or any(item.refused for item in self.deletions)
        return EXIT_PARTIAL if self.rejected or held else EXIT_OK


def with_traffic(report: SyncReport, traffic: Traffic) -> SyncReport:
    """The report with what was asked of Port."""
    return replace(
        report,
        port_requests=traffic.requests.total(),
        port_requests_by_route=dict(traffic.requests),
        port_retries_by_route=dict(traffic.retries),
    )


@dataclass(frozen=True)
class Progress:
    """How far a stage is: `read`, `compare`, `write` or `delete`. `total` is 0 when it isn't known. Of what is
    read, `pages` are those so far.

    Stage `part` begins a part of a long range: `name` are its days, `done` its number. Stage `wait` comes before a long
    wait: `name` is its reason, `done` its seconds.
    """

    stage: str
    name: str
    done: int
    total: int = 0
    pages: int = 0
