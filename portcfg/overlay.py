"""What an environment says otherwise: specs/environments/NAME/ holds patches of the specs, and specs of its own.

A patch is a JSON merge patch (RFC 7396) of the spec with its identifier: mappings merge key by key, null takes a key
away, everything else replaces. A document whose identifier no spec has is a spec that only this environment has.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path as File
from typing import Any

from portcfg.errors import Problem
from portcfg.load import ENVIRONMENTS, Loaded, load_folder
from portcfg.model import Body, Document, Path, Project, Ref
from portcfg.specfiles import spec_files

# How alike two names must be for one to be taken for a slip of the other.
CLOSE = 0.75


def with_overlay(loaded: Loaded, root: File, project: Project) -> Loaded:
    """`loaded` as the project's environment has it."""
    environment, known, variables = project.environment, project.environments, project.variables
    overlay = load_folder(root, root / ENVIRONMENTS / environment, variables) if environment else Loaded((), ())
    patches = {_ref(patch): patch for patch in overlay.documents}
    documents = tuple(_patched(document, patches.pop(_ref(document), None)) for document in loaded.documents)
    found = [problem for problem in loaded.problems if problem.id != "PC009" or not overlay.documents]
    doubts = _doubts(loaded.documents, overlay.documents, environment)
    problems = (*found, *overlay.problems, *_unknown(root, known), *doubts)
    texts = {**loaded.texts, **overlay.texts}
    return Loaded((*documents, *patches.values()), tuple(sorted(problems)), texts)


def _ref(document: Document) -> Ref:
    return Ref(document.kind, str(document.body.get("identifier")))


def _unknown(root: File, known: Collection[str]) -> Iterator[Problem]:
    folder = root / ENVIRONMENTS
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if entry.is_dir() and entry.name not in known and spec_files(entry):
            hint = f"the environments are: {', '.join(known) or 'none'}"
            message = f"the project file has no environment {entry.name!r}, so nothing reads these specs"
            yield Problem(str(entry), 0, 0, "PC010", message, hint, "warning")


def _doubts(base: Sequence[Document], patches: Sequence[Document], environment: str) -> Iterator[Problem]:
    """What a patch says of something that isn't there, and is there under a name much like it."""
    bodies = {_ref(document): document.body for document in base}
    for patch in patches:
        ref = _ref(patch)
        if ref in bodies:
            yield from _misses(patch, bodies[ref], patch.body, ())
            continue
        names = [other.identifier for other in bodies if other.kind == ref.kind]
        if guess := difflib.get_close_matches(ref.identifier, names, n=1, cutoff=CLOSE):
            message = f"no spec is called {str(ref)!r}, so this is one of its own, of {environment!r} only"
            yield _doubt(patch, ("identifier",), message, f"did you mean {guess[0]!r}?")


def _misses(patch: Document, body: Any, said: Any, path: Path) -> Iterator[Problem]:
    for key, value in said.items() if isinstance(said, dict) and isinstance(body, dict) else ():
        if key in body:
            yield from _misses(patch, body[key], value, (*path, key))
        elif value is None or _is_partial(value, body):
            guess = difflib.get_close_matches(key, body, n=1, cutoff=CLOSE)
            hint = f"did you mean {guess[0]!r}?" if guess else f"the spec has: {', '.join(map(str, body))}"
            what = "takes away" if value is None else "changes"
            message = f"this {what} {'.'.join(map(str, (*path, key)))}, which the spec doesn't have"
            yield _doubt(patch, (*path, key), message, hint)


def _is_partial(value: Any, siblings: Body) -> bool:
    """Whether a mapping lacks what all those beside it in the spec have: a new one wouldn't."""
    others = [set(sibling) for sibling in siblings.values() if isinstance(sibling, dict)]
    return isinstance(value, dict) and len(others) == len(siblings) > 0 and not set.intersection(*others) <= set(value)


def _doubt(patch: Document, path: Path, message: str, hint: str) -> Problem:
    place = patch.place(path)
    return Problem(place.file, place.line, place.column, "PC011", message, hint, "warning")


def _patched(document: Document, patch: Document | None) -> Document:
    if patch is None:
        return document
    # What the patch says has its place there, so that a finding points to the line that is to be mended.
    positions = {**document.positions, **patch.positions}
    return Document(document.kind, merged(document.body, patch.body), document.file, positions, patch.file)


def merged(body: Any, patch: Any) -> Any:
    """`body` with the merge patch applied."""
    if not isinstance(patch, dict):
        return patch
    result: Body = dict(body) if isinstance(body, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
