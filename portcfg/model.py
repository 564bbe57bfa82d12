"""The frozen values that flow through the pipeline. No I/O, no logic beyond small look-ups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Body = dict[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Ref:
    """What a resource is called: its kind and its identifier in Port."""

    kind: str
    identifier: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.identifier}"


@dataclass(frozen=True, order=True)
class Position:
    """A place in a spec file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """One resource as it stands in a spec file, includes and variables already resolved.

    `positions` maps the path of every node in `body` to its place; keys of mappings have the place of the key.
    `overlay` is the file that says it otherwise for the chosen environment, if there is one.
    """

    kind: str
    body: Body
    file: str
    positions: Mapping[Path, Position]
    overlay: str = ""

    @property
    def ref(self) -> Ref:
        """What it is called; the identifier is empty where the spec's is missing."""
        return Ref(self.kind, str(self.body.get("identifier", "")))

    def place(self, path: Path) -> Position:
        """The position of `path`, or of its nearest known parent."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions.get(path, Position(self.file, 1, 1))


@dataclass(frozen=True, order=True)
class Rename:
    """A part of a resource that gets another name and keeps its values. `section` is the path of what holds it."""

    section: Path
    old: str
    new: str

    @property
    def back(self) -> Rename:
        """The rename that undoes this one."""
        return Rename(self.section, self.new, self.old)


@dataclass(frozen=True)
class Migration:
    """A part whose values go, by way of `jq` on each entity, into a part that Port can't make of it in place.

    `source` is its name in Port now, `name` the one in the specs. Without `jq` the part is dropped and added again, and
    its values are lost; with `converts`, what comes out isn't what went in. `reads` are the properties and relations
    that the jq reads, none where that may be all of an entity. `late` waits until all that it may name has moved. Of
    the entities with a value, `lost` would have none afterwards, `example` says which; None where unknown.
    """

    section: Path
    source: str
    name: str
    jq: str
    converts: bool = False
    late: bool = False
    reads: tuple[str, ...] = ()
    lost: int | None = None
    example: str = ""


@dataclass(frozen=True)
class Move:
    """A resource that gets another identifier: what its entities hold moves from `old` to `new` by way of `parts`.

    `body` is what Port holds at `old`, with the old names of `renames`; `foreign` what of others it hides at `new`.
    """

    old: Ref
    new: Ref
    body: Body
    parts: tuple[Migration, ...] = ()
    renames: tuple[Rename, ...] = ()
    foreign: str = ""


@dataclass(frozen=True)
class Resource:
    """A resource in Port's own JSON. `body` is what portcfg compares and sends; `file` is where it is specified.

    `renames` is what the spec says that parts were called before, `was` what the resource itself was called, `migrate`
    the jq for parts that change their type, by name.
    """

    ref: Ref
    body: Body
    file: str = ""
    renames: tuple[Rename, ...] = ()
    was: str = ""
    migrate: Mapping[str, str] = field(default_factory=dict)


State = Mapping[Ref, Resource]


class Action(StrEnum):
    """What a plan does with one resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NOOP = "noop"


class Cause(StrEnum):
    """Who made a field differ; causes.py has the rules."""

    SPEC = "spec"
    DRIFT = "drift"
    CONFLICT = "conflict"
    SERVER = "server"


@dataclass(frozen=True)
class FieldChange:
    """One field that differs. `path` is the key path in the body; an absent side is `MISSING`.

    With `renamed_from`, what stands at `path` had that name before; the sides are the names then. `applied` is what was
    applied last, in a conflict.
    """

    path: Path
    before: Any
    after: Any
    cause: Cause = Cause.SPEC
    renamed_from: str = ""
    applied: Any = field(default_factory=lambda: MISSING)


@dataclass(frozen=True)
class Applied:
    """What the ledger knows of a resource: the body that was applied, and what Port added to it by itself.

    `server` maps a path (as causes.path_key writes it) to the value; `file` is the spec file of then.
    """

    body: Body
    server: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""


class _Missing:
    """The value of a field that isn't there (None would mean JSON's null)."""

    def __repr__(self) -> str:
        return "(absent)"


MISSING: _Missing = _Missing()


@dataclass(frozen=True)
class Change:
    """One step of a plan.

    `before` is the live body as compared (None for a create), `after` the desired one (None for a delete).
    `adopted` marks a live object that portcfg didn't manage before. `drifted` says who last changed it in Port and
    when, if somebody did after portcfg; for a create it says that it was deleted there. `applied` is the body that the
    ledger has of it, `applied_file` the spec file. `risk` is `safe`, `breaking` or `destructive`, `approved` says that
    it was named as meant, and `impacts` says why: `{risk, reason, entities, read_by}` each, `reason` for people.
    `renames` and `migrations` are to be made first: `before` still has the old names and types. A `move` stands at both
    resources that it concerns: the one to come, and the one to delete.
    """

    action: Action
    ref: Ref
    before: Body | None
    after: Body | None
    fields: tuple[FieldChange, ...] = ()
    file: str = ""
    notes: tuple[str, ...] = ()
    adopted: bool = False
    drifted: str = ""
    applied: Body | None = None
    applied_file: str = ""
    risk: str = "safe"
    approved: bool = False
    impacts: tuple[Mapping[str, Any], ...] = ()
    renames: tuple[Rename, ...] = ()
    migrations: tuple[Migration, ...] = ()
    move: Move | None = None

    @property
    def moved_away(self) -> bool:
        """Whether this is the end of a move: the delete of what it leaves behind."""
        return self.move is not None and self.action is Action.DELETE


@dataclass(frozen=True)
class Plan:
    """All steps, in the order in which `apply` takes them, one for every desired or pruned resource.

    `stale` names what the ledger lists although it is neither in the specs nor in Port any more.
    `refusals` says why `apply` won't carry it out unless it is told that this is meant.
    """

    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()
    environment: str = ""
    stale: tuple[Ref, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def pending(self) -> tuple[Change, ...]:
        """The steps that would write."""
        return tuple(change for change in self.changes if change.action is not Action.NOOP)

    @property
    def adopted(self) -> tuple[Change, ...]:
        """The resources that Port has as the specs want them, and that portcfg will manage from now on."""
        return tuple(change for change in self.changes if change.action is Action.NOOP and change.adopted)

    def count(self, action: Action) -> int:
        """How many steps have this action; a move is none of them."""
        return sum(change.action is action and change.move is None for change in self.changes)

    @property
    def moved(self) -> int:
        """How many resources get another identifier."""
        return sum(change.move is not None and not change.moved_away for change in self.changes)


class Status(StrEnum):
    """How one step of an apply ended."""

    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Outcome:
    """How one change went; `message` says why it failed or what blocked it.

    `begun` marks a create that failed after its first stage: the resource is there, and it is ours. `answer` is the
    resource as Port answered the last write of it; empty where it answers less, None where nothing was written.
    """

    change: Change
    status: Status
    message: str = ""
    begun: bool = False
    answer: Body | None = None


@dataclass(frozen=True)
class Owner:
    """Whose a managed resource is: the project and the environment that applied it."""

    project: str
    environment: str

    def __str__(self) -> str:
        return f"project {self.project!r} ({f'environment {self.environment!r}' if self.environment else 'no --env'})"


@dataclass(frozen=True)
class Project:
    """What `specs/portcfg.yaml` says, for one environment.

    `name` tells the resources of several specs folders in one Port apart: each project prunes only its own.
    `external` maps a Ref that lives in Port but not in the specs to what happens when it's missing: error or skip.
    `mapping_source` is the `source` of mappings that name none. `guards` is how much a plan may do unasked (guard.py).
    `ignores` and `writers` (name, who) are entries of the file by place, `text` is the file; `actions` None for any.
    """

    file: str
    environment: str = ""
    base_url: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    external: Mapping[Ref, str] = field(default_factory=dict)
    line_chart: str = "multi-line-chart"
    mapping_source: Mapping[str, Any] = field(default_factory=dict)
    emulator: Mapping[str, Any] = field(default_factory=dict)
    name: str = "default"
    guards: Mapping[str, Any] = field(default_factory=dict)
    environments: tuple[str, ...] = ("local",)
    ignores: Mapping[Position, Body] = field(default_factory=dict)
    writers: Mapping[Position, tuple[str, str]] = field(default_factory=dict)
    variable_places: Mapping[str, Position] = field(default_factory=dict)
    actions: tuple[str, ...] | None = None
    text: str = field(default="", repr=False)

    @property
    def owner(self) -> Owner:
        """Whose the resources of these specs are."""
        return Owner(self.name, self.environment)
