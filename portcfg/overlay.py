"""What an environment says otherwise: specs/environments/NAME/ holds patches of the specs, and specs of its own.

A patch is a JSON merge patch (RFC 7396) of the spec with its identifier: mappings merge key by key, null takes a key
away, everything else replaces. A document whose identifier no spec has is a spec that only this environment has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from portcfg.errors import Problem
from portcfg.load import ENVIRONMENTS, Loaded, load_folder, spec_files
from portcfg.model import Body, Document, Project, Ref


def with_overlay(loaded: Loaded, root: Path, project: Project) -> Loaded:
    """`loaded` as the project's environment has it."""
    environment, known, variables = project.environment, project.environments, project.variables
    overlay = load_folder(root, root / ENVIRONMENTS / environment, variables) if environment else Loaded((), ())
    patches = {_ref(patch): patch for patch in overlay.documents}
    documents = tuple(_patched(document, patches.pop(_ref(document), None)) for document in loaded.documents)
    found = [problem for problem in loaded.problems if problem.id != "L009" or not overlay.documents]
    problems = (*found, *overlay.problems, *_unknown(root, known))
    return Loaded((*documents, *patches.values()), tuple(sorted(problems)))


def _ref(document: Document) -> Ref:
    return Ref(document.kind, str(document.body.get("identifier")))


def _unknown(root: Path, known: Collection[str]) -> Iterator[Problem]:
    folder = root / ENVIRONMENTS
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if entry.is_dir() and entry.name not in known and spec_files(entry):
            hint = f"the project file has: {', '.join(known) or 'none'}"
            message = f"these specs are of the environment {entry.name!r}, which doesn't exist"
            yield Problem(str(entry), 0, 0, "L010", message, hint, "warning")


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
