"""The steps to take in the texts of spec files: each found its place, or refused with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path as File
from typing import Any

from portcfg.causes import value_at
from portcfg.kinds import KINDS
from portcfg.model import MISSING, Document, Path
from portcfg.specnodes import Place, RefusedError, Texts, is_list
from portcfg.splice import Container, Splice, container_splices, spliced
from portcfg.threeway import Step, taken


class Todo:
    """The steps to take in the texts of files, gathered until all are known."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._boxes: dict[int, tuple[File, Any, list[tuple[Any, Step]]]] = {}

    def take(self, document: Document, wanted: Sequence[Step], reasons: list[tuple[Path, str]]) -> list[Step]:
        """Note the steps that can be taken, and return them; `reasons` gets those that can't."""
        placed: list[tuple[Step, Place]] = []
        for step in wanted:
            try:
                placed.append((step, self._place(document, step)))
            except RefusedError as error:
                reasons.append((step.path, str(error)))
        accepted = [step for step, _ in placed]
        for place, value in self._whole(document, placed):
            step = Step(place.path, value, False)
            self._note(place, step)
        for step, place in placed:
            if not place.whole:
                self._note(place, step)
        return accepted

    def _place(self, document: Document, step: Step) -> Place:
        root, path = self._root(document, step.path)
        place = self._texts.find(File(document.file), root, path)
        if place.inherited and step.value is MISSING and not place.whole:
            raise RefusedError("a fragment or merge that others use has it")
        lead = step.path[: len(step.path) - len(path)]
        return Place(place.file, place.node, (*lead, *place.path), place.whole, place.inherited)

    def _root(self, document: Document, path: Path) -> tuple[Any, Path]:
        place = document.place(())
        root = self._texts.root(File(document.file), place.line, place.column)
        if not is_list(root):
            return root, path
        if path[0] != KINDS[document.kind].wrap_key:
            raise RefusedError("its file holds nothing but a list")
        return root, path[1:]

    def _whole(self, document: Document, placed: list[tuple[Step, Place]]) -> list[tuple[Place, Any]]:
        """What must be written out as a whole; steps inside of it are marked as done by that."""
        self._widen(document, placed)
        wholes = {place.path: place for _, place in placed if place.whole}
        outer = {path: place for path, place in wholes.items() if not any(path[:n] in wholes for n in range(len(path)))}
        for index, (step, place) in enumerate(placed):
            if any(step.path[: len(path)] == path for path in outer):
                placed[index] = (step, Place(place.file, place.node, place.path, True))
        return [(place, self._value(document, path, placed)) for path, place in outer.items()]

    def _value(self, document: Document, path: Path, placed: Iterable[tuple[Step, Place]]) -> Any:
        inner = [step for step, _ in placed if step.path[: len(path)] == path]
        relative = [Step(("", *step.path[len(path) :]), step.value, step.insert) for step in inner]
        return taken({"": value_at(document.body, path)}, relative)[""]

    def _widen(self, document: Document, placed: list[tuple[Step, Place]]) -> None:
        """What has no children, or keeps none, is written as a whole: brackets stand where a block was."""
        for index, (step, place) in enumerate(placed):
            same = [each for each, other in placed if other.node is place.node]
            count = len(place.node.value)
            if count and sum(each.value is MISSING for each in same) < count:
                continue
            if len(place.path) > 1:
                wider = self._place(document, Step(place.path[:-1], None))
                placed[index] = (step, Place(wider.file, wider.node, wider.path, True))

    def _note(self, place: Place, step: Step) -> None:
        entry = self._boxes.setdefault(id(place.node), (place.file, place.node, []))
        entry[2].append((place.path[-1], step))

    def written(self) -> dict[File, str]:
        """The files with all steps taken."""
        splices: dict[File, list[Splice]] = {}
        for file, node, todo in self._boxes.values():
            box = Container(self._texts.text[file], node, file.suffix.lower() == ".json")
            splices.setdefault(file, []).extend(container_splices(box, todo))
        return {file: spliced(self._texts.text[file], found) for file, found in splices.items()}
