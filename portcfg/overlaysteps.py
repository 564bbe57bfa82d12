"""Which of two files a step is for, where an environment says a spec otherwise: the one that says it now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from portcfg.causes import same_value, value_at
from portcfg.load import ENVIRONMENTS, load_folder, load_specs
from portcfg.model import MISSING, Body, Document, Path, Project, Ref
from portcfg.takesteps import Taken, Todo
from portcfg.threeway import Step


@dataclass(frozen=True)
class Layers:
    """The spec of all environments, and the merge patch of one."""

    base: Document
    patch: Document

    def _patched(self, path: Path) -> bool:
        """Whether the patch says it, or at least has alone what it is in."""
        return said_by(self.patch.body, path) or value_at(self.base.body, path[:-1]) is MISSING

    def take(self, todo: Todo, wanted: Sequence[Step], reasons: list[tuple[Path, str]]) -> list[Taken]:
        """Note each step in the file that it is for, and return those that can be taken, with their files."""
        theirs = [step for step in wanted if self._patched(step.path)]
        ours = [step for step in wanted if not self._patched(step.path)]
        steps = [_in_patch(step, self.base.body) for step in theirs]
        patching = {id(patched): step for patched, step in zip(steps, theirs, strict=True)}
        taken = todo.take(self.patch, steps, reasons)
        return [*todo.take(self.base, ours, reasons), *((patching[id(step)], file) for step, file in taken)]


def layers_of(documents: Sequence[Document], project: Project) -> dict[Ref, Layers]:
    """The two files of each document that the project's environment says otherwise. Reads the specs once more."""
    wanted = {document.ref for document in documents if document.overlay}
    if not wanted:
        return {}
    root = File(project.file).parent
    base = {each.ref: each for each in load_specs(root, project.variables).documents}
    folder = root / ENVIRONMENTS / project.environment
    patches = {each.ref: each for each in load_folder(root, folder, project.variables).documents}
    return {ref: Layers(base[ref], patches[ref]) for ref in wanted}


def said_by(patch: Any, path: Path) -> bool:
    """Whether a merge patch decides what is at `path`: it names it, or replaces or removes what it is in."""
    for part in path:
        if not isinstance(patch, dict):
            return True
        if part not in patch:
            return False
        patch = patch[part]
    return True


def _in_patch(step: Step, base: Body) -> Step:
    """A step of the merged spec as one of the patch: null takes away what `base` has, and what is as there may go."""
    if any(isinstance(part, int) for part in step.path):
        return step
    below = value_at(base, step.path)
    if step.value is MISSING:
        return step if below is MISSING else Step(step.path, None)
    return Step(step.path, MISSING if same_value(below, step.value) else _merging(below, step.value))


def _merging(base: Any, value: Any) -> Any:
    """The merge patch that makes `value` of `base`; it says all of `value`, and null for what that hasn't."""
    if not isinstance(base, dict) or not isinstance(value, dict):
        return value
    gone: Body = {key: None for key in base if key not in value}
    return {**gone, **{key: _merging(base.get(key), part) for key, part in value.items()}}
