"""What a kind of Port resource is made of: one `Kind` row tells every stage all it needs to know."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal

from portcfg.model import Body, Change, Migration, Path, Position, Project, Ref, Rename, State

STAMPS = frozenset({"createdAt", "createdBy", "updatedAt", "updatedBy", "id", "_id", "orgId"})


def never(_: Any) -> bool:
    """The predicate that holds for nothing."""
    return False


def always(_: Any) -> bool:
    """The predicate that holds for everything."""
    return True


def unchanged(body: Body, _: Project) -> Body:
    """The compile step of kinds whose specs are Port's JSON already."""
    return body


def as_it_is(body: Body, _: Project) -> Body:
    """The decompile step of kinds whose specs are Port's JSON already."""
    return dict(body)


def unnamed(body: Body, _: str) -> Body:
    """The form in a file of kinds whose JSON is the same everywhere and holds its own identifier."""
    return body


def no_references(_: Body) -> Iterator[tuple[Path, Ref]]:
    """A body that refers to nothing."""
    return iter(())


def no_parts(_: Body) -> Iterator[tuple[str, list[str]]]:
    """A kind whose bodies have no parts worth naming."""
    return iter(())


def whole(desired: Body, _: Body | None) -> list[Body]:
    """A body that is written in one go."""
    return [desired]


def as_they_are(desired: Body, live: Body) -> tuple[Body, Body]:
    """Two bodies that are compared without knowing of each other."""
    return desired, live


def live_under_desired(desired: Body, unmanaged: Body) -> Body:
    """The body to write: what the spec says, over what else Port holds."""
    return {**unmanaged, **desired}


# (live, desired, jq by part, renames to be made, resources renamed in the same plan: old -> new) -> what must move
Values = Callable[
    [Body, Body, Mapping[str, str], Sequence[Rename], Mapping[str, str]],
    tuple[Migration, ...],
]


@dataclass(frozen=True)
class Renaming:
    """How a kind's resources, and parts of them, get other names and types.

    `asked(spec)` is what a spec asks for, `renamed(body, renames)` the body as Port holds it afterwards. `request`
    gives a rename's route, as segments below the resource's own, and the body to PATCH. `rules(section, name)` find
    the entities with a value in a part. `was(spec)` is what the resource was called before, `migrate(spec)` the jq by
    part. `migrations` are the parts whose values must move before the specs' body can be written, `moving` those that
    move into a resource of another name, `left_over` and `without_temporaries` what an interrupted migration left.
    `moved(body, pairs)` is the body under its new name. `losers(changes, live)` names what no spec has and
    migrations would cost. `stopped(live)` tells whether an apply was stopped while values moved, `loose(body)` is the
    form that a body has meanwhile.
    """

    asked: Callable[[Body], tuple[Rename, ...]]
    renamed: Callable[[Body, Sequence[Rename]], Body]
    request: Callable[[Rename], tuple[list[str], Body]]
    rules: Callable[[Path, str], tuple[Body, ...]]
    was: Callable[[Body], str] = lambda _: ""
    migrate: Callable[[Body], Mapping[str, str]] = lambda _: {}
    migrations: Values = lambda *_: ()
    moving: Values = lambda *_: ()
    left_over: Callable[[Body, Body], tuple[Rename, ...]] = lambda *_: ()
    without_temporaries: Callable[[Body, Sequence[Migration]], Body] = lambda body, _: body
    moved: Callable[[Body, Mapping[str, str]], Body] = lambda body, _: body
    losers: Callable[[Sequence[Change], State], Iterable[tuple[Ref, list[str]]]] = lambda *_: ()
    stopped: Callable[[Body], bool] = never
    loose: Callable[[Body], Body] = lambda body: body


NO_RENAMING = Renaming(lambda _: (), lambda body, _: body, lambda _: ([], {}), lambda *_: ())


@dataclass(frozen=True)
class Kind:
    """One row of the table of kinds.

    Routes are below `/v1`. `id_field` is the identifier's name in Port's body. `sections` are the keys that a spec
    manages even when it doesn't name them; other keys of a live object are managed only if the spec names them.
    `matched(desired, live)` gives each body what only the other one can know, and `comparable` brings a body, desired
    or live, into the form that is compared. `carried(desired, live)` is the body to PUT. `stages(desired, live)` splits
    a write into several, one after the other, for resources that refer to each other; each may name what the ones
    before it have written; `nearer(desired, live)` are the bodies that have one more part as desired, for resources
    that wait for parts of each other. `parts` names what a new resource consists of, for people who read a plan.
    `emptied` is the route below a resource that deletes its entities and, with its query, it.
    `decompile(live, project)` inverts `compile`: the spec of a live body. `recognises` tells Port's JSON of this kind,
    met in some file, and `from_file(body, name)` makes it what Port would answer; `name` is for what goes by the file's
    or folder's name.
    `parents` are the kinds that it may stand below in the sidebar, none for what isn't in it. The list of a `beta` kind
    is asked for only where somebody needs it; it comes by `list_route`, in the envelope `list_in`, if not as usual.
    `keys` are all that Port takes, where it refuses what else it answers.
    """

    name: str
    folder: str
    collection: str
    list_key: str
    level: int
    sections: frozenset[str]
    comparable: Callable[[Body], Body]
    id_field: str = "identifier"
    list_params: Mapping[str, Any] = field(default_factory=dict)
    create_params: Mapping[str, Any] = field(default_factory=dict)
    update_verb: Literal["PUT", "PATCH"] = "PUT"
    belongs: Callable[[Body], bool] = always
    system: Callable[[str], bool] = never
    compile: Callable[[Body, Project], Body] = unchanged
    decompile: Callable[[Body, Project], Body] = as_it_is
    recognises: Callable[[Body], bool] = never
    from_file: Callable[[Body, str], Body] = unnamed
    references: Callable[[Body], Iterable[tuple[Path, Ref]]] = no_references
    without: Callable[[Body, Ref], Body] | None = None
    matched: Callable[[Body, Body], tuple[Body, Body]] = as_they_are
    carried: Callable[[Body, Body], Body] = live_under_desired
    stages: Callable[[Body, Body | None], list[Body]] = whole
    nearer: Callable[[Body, Body], Iterable[Body]] = lambda *_: ()
    parts: Callable[[Body], Iterable[tuple[str, list[str]]]] = no_parts
    headers: Callable[[Body], Mapping[str, str]] = lambda _: {}
    renaming: Renaming = NO_RENAMING
    emptied: str = ""
    parents: tuple[str, ...] = ()
    beta: bool = False
    list_route: str = ""
    list_in: str = ""
    keys: tuple[str, ...] = ()
    is_one: Callable[[list[Any]], bool] = never
    wrap_key: str = ""

    def above(self, body: Body) -> set[Ref]:
        """What a body may stand below in the sidebar: one of these, for Port tells parents by identifier alone."""
        parent = body.get("parent")
        return {Ref(name, parent) for name in self.parents} if isinstance(parent, str) else set()

    def needs(self, body: Body) -> set[Ref]:
        """What a body refers to or stands below."""
        return {ref for _, ref in self.references(body)} | self.above(body)

    def content(self, body: Body) -> Body:
        """What of a body is written by itself: it gets its place among its siblings once those are all there."""
        taken = body.keys() & self.keys if self.keys else body.keys()
        return {key: value for key, value in body.items() if key in taken and not (self.parents and key == "after")}

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of this kind's specs."""
        return load_schema(self.name)

    def wrap(self, value: list[Any], positions: Mapping[Path, Position]) -> tuple[Body, Mapping[Path, Position]]:
        """A file that is a list but one resource (`is_one`) as that resource's body."""
        moved = {((self.wrap_key, *path) if path else ()): place for path, place in positions.items()}
        return {self.wrap_key: value}, moved


@functools.cache
def load_schema(name: str) -> dict[str, Any]:
    """A JSON Schema from the package data: a kind's name, or `project`."""
    text = resources.files("portcfg").joinpath(f"schemas/{name}.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def members_of(body: Body | None, section: Path) -> Body:
    """The mapping at `section`; empty where there is none."""
    found: Any = body
    for key in section:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def due(renames: Iterable[Rename], body: Body) -> tuple[Rename, ...]:
    """Of `renames`, those to be made where Port holds `body`: it has the old name, and not the new one."""
    return tuple(
        rename
        for rename in renames
        if rename.old in (members := members_of(body, rename.section)) and rename.new not in members
    )


def unmanaged(live: Body, sections: Collection[str]) -> Body:
    """What a PUT must carry along, since it replaces: all that Port holds beside its stamps and the spec's sections."""
    return {key: value for key, value in live.items() if key not in STAMPS and key not in sections}


def without_empty(body: Body) -> Body:
    """`body` less its null, "", {} and [] values: Port treats them as absent in optional keys (port-api.md §6.2-3)."""
    return {key: value for key, value in body.items() if value not in (None, "", {}, [])}
