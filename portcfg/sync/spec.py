"""A mapping as frozen values. `parse.parse_mapping` makes them; everything after works on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portcfg.sync.privacy import PrivacySpec
from portcfg.sync.windows import SETTLE_DAYS, WindowSpec

MERGE_RULES = ("any", "max", "min", "sum", "first", "union", "count_union", "object")
AGGREGATORS = (
    "sum", "count", "count_distinct", "min", "max", "any", "mode", "first", "latest", "object", "collect",
)  # fmt: skip

# The key of a selector that says of rows without an identifier that they are meant.
SKIP_NAMELESS = "skip_without_identifier"


@dataclass(frozen=True)
class Auth:
    """How the source is asked. Only names of environment variables; the values come in with the run."""

    type: str = "none"
    username_env: str = ""
    password_env: str = ""
    token_env: str = ""
    header: str = ""


@dataclass(frozen=True)
class SourceSpec:
    """`rate_limits` are requests a minute by path prefix; `timeout` is in seconds.

    `max_answer_mib` is the size, unpacked, of the largest answer that is read.
    """

    base_url: str
    auth: Auth = field(default_factory=Auth)
    rate_limits: Mapping[str, int] = field(default_factory=dict)
    timeout: float = 60.0
    max_answer_mib: int = 64


@dataclass(frozen=True)
class Pagination:
    """Where the page number goes (`place` is query or body) and how the end is known; see paging.py."""

    type: str
    place: str = "query"
    page: str = "page"
    size: str = ""
    page_size: int = 100
    start: int = 1
    more: str = ""
    next: str = ""
    total: str = ""
    same: str = ""
    max_pages: int = 10_000


@dataclass(frozen=True)
class Dedupe:
    """Of rows with equal `by`, the one with the greatest `keep` stays (the first one without `keep`)."""

    by: str
    keep: str = ""


@dataclass(frozen=True)
class PathParameter:
    """Ocean's: the values of `{name}` in a stream's path, one for each row of another stream that passes `filter`."""

    name: str
    stream: Stream
    field: str
    filter: str = ""


@dataclass(frozen=True)
class Stream:
    """One family of requests, read once a run. `body` is None, jq text, or an object whose leaves may be jq."""

    name: str
    path: str
    method: str = "GET"
    body: Any = None
    query_params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    data_path: str = ""
    pagination: Pagination | None = None
    window: WindowSpec | None = None
    rows: str = ""
    dedupe: Dedupe | None = None
    shape: Mapping[str, str] = field(default_factory=dict)
    required: bool = False
    parameter: PathParameter | None = None

    @property
    def day(self) -> str:
        """The jq of a row's UTC day, or '' where nothing is said about it."""
        return self.window.day if self.window else ""


@dataclass(frozen=True)
class Lookup:
    """A table made of a stream: `$lookup.<name>[key]` is the list of the values of all rows with that key."""

    name: str
    stream: str
    key: str
    value: str


@dataclass(frozen=True)
class EntityMapping:
    """Ocean's `port.entity.mappings`, every expression normalised. `blueprint` is jq, mostly a constant.

    With `search` the identifier's jq gives a search query instead, and Port finds the one entity that is meant.
    """

    identifier: str
    blueprint: str
    title: str = ""
    icon: str = ""
    team: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    relations: Mapping[str, str] = field(default_factory=dict)
    search: bool = False


@dataclass(frozen=True)
class ItemsToParse:
    """Ocean's fan-out: each element of `path` as `.<name>` beside the rest of the row."""

    path: str
    name: str = "item"
    strip: bool = True


@dataclass(frozen=True)
class SyncResource:
    """One entry of `resources`: a stream, what to keep and group, and the entity that each row or group makes.

    `nameless` is what becomes of rows without an identifier: `reject`; `skip`, as Ocean does; or `expect`, where they
    may be all of them.
    """

    label: str
    stream: str
    entity: EntityMapping
    query: str = "true"
    group_by: Mapping[str, str] = field(default_factory=dict)
    aggregate: Mapping[str, Any] = field(default_factory=dict)
    creates: str = "true"
    nameless: str = "reject"
    items: ItemsToParse | None = None
    dedupe: Dedupe | None = None

    @property
    def blueprint(self) -> str:
        """The blueprint's identifier if it is a constant, else ''."""
        text = self.entity.blueprint
        return text[1:-1] if text[:1] == text[-1:] == '"' and "\\" not in text and text.count('"') == 2 else ""

    def expressions(self) -> list[str]:
        """Every expression of the resource, for finding the variables it uses."""
        entity = self.entity
        return [
            *(entity.identifier, entity.blueprint, entity.title, entity.icon, entity.team, self.query, self.creates),
            *((self.items.path,) if self.items else ()),
            *((self.dedupe.by, self.dedupe.keep) if self.dedupe else ()),
            *entity.properties.values(),
            *entity.relations.values(),
            *self.group_by.values(),
            *aggregate_expressions(self.aggregate),
        ]


def aggregate_expressions(tree: Any) -> list[str]:
    """The jq strings in an `aggregate` tree."""
    if isinstance(tree, str):
        return [tree]
    return [text for value in tree.values() for text in aggregate_expressions(value)] if isinstance(tree, dict) else []


@dataclass(frozen=True)
class Retention:
    """How many whole UTC days of a blueprint's entities are kept; `property` is the date-time that tells their day."""

    days: int
    property: str


@dataclass(frozen=True)
class DeletionLimits:
    """How much a run may delete of one blueprint before somebody must say that it is meant.

    The share is of the entities that could have gone, and counts once there are `share_from` of them.
    """

    delete_share: float = 0.2
    delete_count: int = 1000
    share_from: int = 10


@dataclass(frozen=True)
class SyncMapping:
    """A whole mapping file. `merge`, `fill` and `missing_relations` are by blueprint, then by property or relation.

    `settle_days` are the days after which a day's rows don't change any more. `report` are the properties, by
    blueprint, whose sums by day are in the report; with `record_run` the run is an entity in Port.

    `last_wins`: of resources that say different things of one entity the last one counts, as with Ocean. `override`:
    an entity is what the mapping says and nothing else. `aliases`: address by address, which of a person's counts.
    `settings` are the choices among the mapping's variables, which say what its numbers mean. `notices` are what a
    person should know of the mapping itself.

    `retention` and `prune` are by blueprint, and say what is deleted: what is too old, and what the source has no more;
    the value of `prune` is the property that tells an entity's day. `guards` limit both.

    In a run of some streams only, `left_out` are the resources of the others, and `unfinished` the streams of which not
    all is written because of that.
    """

    identifier: str
    source: SourceSpec
    streams: Mapping[str, Stream]
    resources: tuple[SyncResource, ...]
    lookups: tuple[Lookup, ...] = ()
    merge: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fill: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    missing_relations: Mapping[str, str] = field(default_factory=dict)
    missing_default: str = "quarantine"
    variables: Mapping[str, Any] = field(default_factory=dict)
    settle_days: int = SETTLE_DAYS
    report: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    record_run: bool = False
    last_wins: bool = False
    override: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)
    privacy: PrivacySpec | None = None
    settings: Mapping[str, str | bool] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    retention: Mapping[str, Retention] = field(default_factory=dict)
    prune: Mapping[str, str] = field(default_factory=dict)
    guards: DeletionLimits = field(default_factory=DeletionLimits)
    left_out: tuple[SyncResource, ...] = ()
    unfinished: frozenset[str] = frozenset()

    def dropped_values(self) -> frozenset[tuple[str, str]]:
        """The expressions, by resource, that are nothing but a field which `privacy` drops."""
        gone = {f".{name}" for name in self.privacy.drop} if self.privacy else ()
        return frozenset(
            (item.label, f"properties.{name}")
            for item in self.resources
            for name, text in item.entity.properties.items()
            if text in gone
        )

    def when_missing(self, blueprint: str, relation: str) -> str:
        """What to do with a relation whose target doesn't exist."""
        return self.missing_relations.get(f"{blueprint}.{relation}", self.missing_default)
