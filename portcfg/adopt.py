"""`drift --adopt`: what was changed in Port, written back into the spec files, and nothing else in them touched."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from functools import partial
from pathlib import Path as File
from typing import Any, TypeVar

from portcfg.causes import list_path, same_value, value_at
from portcfg.compile import compile_specs
from portcfg.errors import InvalidSpecsError, PortcfgError
from portcfg.kinds import KINDS
from portcfg.kinds.respell import respelled
from portcfg.model import MISSING, Action, Body, Cause, Change, Document, FieldChange, Path, Plan, Project, Ref
from portcfg.overlaysteps import Layers, layers_of
from portcfg.specfiles import spec_files
from portcfg.specnodes import Texts
from portcfg.takesteps import Taken, Todo
from portcfg.threeway import steps, taken

# Reads the specs and plans: (documents, plan).
Again = Callable[[], tuple[Sequence[Document], Plan]]


@dataclass(frozen=True)
class Edit:
    """One field of a resource that a file now says as Port does; `before` and `after` as in a plan: Port's first.

    `file` is the one that is written, be it a fragment that `spec`, the resource's own file, includes.
    """

    file: str
    ref: Ref
    path: Path
    before: Any
    after: Any
    spec: str


@dataclass(frozen=True)
class Left:
    """What stays drift, and why; the path () is the resource as a whole."""

    ref: Ref
    path: Path
    reason: str


@dataclass
class Adoption:
    """What is to be written: new texts of files, the fields that this adopts, and what can't be.

    `read` is what the files held when the texts were made.
    """

    texts: dict[File, str] = dataclass_field(default_factory=dict)
    read: dict[File, str] = dataclass_field(default_factory=dict)
    edits: list[Edit] = dataclass_field(default_factory=list)
    left: list[Left] = dataclass_field(default_factory=list)


def adopt(
    documents: Sequence[Document], changes: Iterable[Change], project: Project, *, conflicts: bool = False
) -> Adoption:
    """The edits that make the specs say what was changed in Port. Reads the files, and writes nothing."""
    texts = Texts(spec_files(File(project.file).parent))
    known = {document.ref: document for document in documents}
    causes = {Cause.DRIFT, Cause.CONFLICT} if conflicts else {Cause.DRIFT}
    layers = layers_of(documents, project)
    adoption, todo = Adoption(), Todo(texts)
    for change in changes:
        if change.action is Action.CREATE and change.drifted:
            adoption.left.append(Left(change.ref, (), "it was deleted in Port: delete its spec, or apply it again"))
        elif change.action is Action.UPDATE and change.ref in known:
            _one(change, known[change.ref], layers.get(change.ref), project, causes, todo, adoption)
    adoption.texts = todo.written()
    adoption.read = {file: texts.text[file] for file in adoption.texts}
    return adoption


def _one(
    change: Change,
    document: Document,
    layers: Layers | None,
    project: Project,
    causes: Collection[Cause],
    todo: Todo,
    into: Adoption,
) -> None:
    kind = KINDS[document.kind]
    live = kind.comparable(change.before or {})
    compared = partial(_compared, document, change.before or {}, project)
    base = compared(document.body)
    wanted, left = _wanted(change, causes)
    if not wanted:
        into.left.extend(left)
        return
    target = _patched(base, live, wanted)
    old, new = (respelled(kind.name, body, document.body, project) for body in (base, target))
    reasons: list[tuple[Path, str]] = []
    accepted: list[Taken] = []
    if old is None or new is None:
        why = "can say this only with what is in conflict: --adopt-conflicts takes both"
        why = why if left and old is not None else "can't say this: it takes Port's own"
        reasons.append(((), f"the dashboard's short form {why}"))
    else:
        found = list(steps(document.body, old, new))
        accepted = layers.take(todo, found, reasons) if layers else todo.take(document, found, reasons)
    after = compared(taken(document.body, [step for step, _ in accepted])) if accepted else base
    files = [(step.path, file) for step, file in accepted]
    for field in wanted:
        there, wished = (value_at(body, list_path(field.path, body)) for body in (after, live))
        if files and same_value(there, wished):
            file = _named(_likest(field.path, files), project)
            specs = (document.file, *((layers.patch.file, layers.base.file) if layers else ()))
            spec = file if file in specs else document.file
            into.edits.append(Edit(file, change.ref, field.path, field.before, field.after, spec))
        else:
            left.append(Left(change.ref, field.path, _reason(field.path, reasons)))
    into.left.extend(left)


def _compared(document: Document, live: Body, project: Project, body: Body) -> Body:
    """What a spec of `body` would be compared as, with what only Port can know of it."""
    edited = Document(document.kind, body, document.file, document.positions)
    (resource,) = compile_specs([edited], project).values()
    kind = KINDS[document.kind]
    return kind.comparable(kind.matched(resource.body, live)[0])


def _wanted(change: Change, causes: Collection[Cause]) -> tuple[list[FieldChange], list[Left]]:
    """The fields to adopt, and those that can't be because the specs changed the same."""
    wanted, left = [], []
    for field in _by_lists(change):
        if field.cause in causes:
            wanted.append(field)
        elif field.cause is Cause.CONFLICT:
            left.append(Left(change.ref, field.path, "the specs have changed it, too: --adopt-conflicts takes Port's"))
    return wanted, left


def _by_lists(change: Change) -> Iterator[FieldChange]:
    """The fields of a change; a list is adopted as a whole, so it's a conflict where any item isn't Port's change."""
    live = KINDS[change.ref.kind].comparable(change.before or {})
    paths = [list_path(field.path, live) for field in change.fields]
    causes: dict[Path, set[Cause]] = {}
    for field, path in zip(change.fields, paths, strict=True):
        causes.setdefault(path, set()).add(field.cause)
    for field, path in zip(change.fields, paths, strict=True):
        found = causes[path] - {Cause.SERVER}
        cause = Cause.CONFLICT if len(found) > 1 else next(iter(found), Cause.SERVER)
        yield field if path == field.path else replace(field, cause=cause)


def _patched(base: Body, live: Body, fields: Iterable[FieldChange]) -> Body:
    """`base` with what Port has of the fields."""
    target = deepcopy(base)
    for field in fields:
        path = list_path(field.path, live)
        parent: Any = target
        for part in path[:-1]:
            parent = parent.setdefault(part, {})
        value = value_at(live, path)
        if value is MISSING:
            parent.pop(path[-1], None)
        else:
            parent[path[-1]] = deepcopy(value)
    return target


def _reason(path: Path, reasons: Sequence[tuple[Path, str]]) -> str:
    return _likest(path, reasons) if reasons else "the spec's form can't say it"


T = TypeVar("T")


def _likest(path: Path, found: Sequence[tuple[Path, T]]) -> T:
    """Of what was found at paths of the spec, what is most like the path of a field."""
    return max(found, key=lambda each: len({*map(str, each[0])} & {*map(str, path)}))[1]


def _named(file: File, project: Project) -> str:
    """A file as other files of the specs are named."""
    root = File(project.file).parent
    return str(root / file.relative_to(root.resolve())) if file.is_relative_to(root.resolve()) else str(file)


def write_edits(texts: Mapping[File, str], read: Mapping[File, str]) -> dict[File, bytes]:
    """Write files, each at once and only when all can be written; returns what they held before.

    Raises PortcfgError for a file that doesn't hold what was `read` any more: somebody is editing it.
    """
    before = {file: file.read_bytes() for file in texts}
    for file, data in before.items():
        if data != read[file].encode("utf-8"):
            raise PortcfgError(
                f"{file} was changed while it was adopted into", hint="nothing was written; run it again"
            )
    replace_files({file: text.encode("utf-8") for file, text in texts.items()})
    return before


def replace_files(contents: Mapping[File, bytes]) -> None:
    """Each file's new content beside it first, then all renamed."""
    written: list[tuple[str, File]] = []
    try:
        for file, data in contents.items():
            handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
            written.append((name, file))
            with os.fdopen(handle, "wb") as opened:
                opened.write(data)
            File(name).chmod(file.stat().st_mode & 0o777)
        for name, file in written:
            File(name).replace(file)
    finally:
        for name, _ in written:
            File(name).unlink(missing_ok=True)


def adopt_drift(
    documents: Sequence[Document], plan: Plan, project: Project, again: Again, *, conflicts: bool = False
) -> Adoption:
    """Adopt, read the specs `again` and plan, until nothing more can be adopted: what is written may free the rest."""
    total = Adoption()
    while True:
        one = _adopted(documents, plan, project, again, conflicts)
        total.edits.extend(one.edits)
        total.left = one.left
        if not (one.edits and one.left):
            return total
        documents, plan = again()


def _adopted(documents: Sequence[Document], plan: Plan, project: Project, again: Again, conflicts: bool) -> Adoption:
    """Adopt what would be gone from the plan then, and nothing else; if need be, each resource by itself."""
    whole = adopt(documents, plan.pending, project, conflicts=conflicts)
    if _kept(whole, plan, again):
        return whole
    total = Adoption()
    for change in plan.pending:
        one = adopt(documents, [change], project, conflicts=conflicts)
        if _kept(one, plan, again):
            total.edits.extend(one.edits)
            documents = again()[0]
        else:
            reason = "written into the file, it would not be read as Port has it"
            one.left.extend(Left(edit.ref, edit.path, reason) for edit in one.edits)
        total.left.extend(one.left)
    return total


def _kept(adoption: Adoption, plan: Plan, again: Again) -> bool:
    """Whether what was written is read as meant; else the files are as they were."""
    if not adoption.texts:
        return not adoption.edits
    before = write_edits(adoption.texts, adoption.read)
    fine = False
    try:
        fine = _open(again()[1]) <= _open(plan) - {(edit.ref, edit.path) for edit in adoption.edits}
    except InvalidSpecsError:
        return False
    finally:
        if not fine:
            # What somebody has saved since isn't ours to take back.
            ours = {file for file, text in adoption.texts.items() if file.read_bytes() == text.encode("utf-8")}
            replace_files({file: data for file, data in before.items() if file in ours})
    return fine


def _open(plan: Plan) -> set[tuple[Ref, Path]]:
    return {(change.ref, field.path) for change in plan.pending for field in change.fields}
