"""The steps to take in the texts of spec files: each found its place, or refused with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path as File
from typing import Any

from portcfg.causes import value_at
from portcfg.kinds import KINDS
from portcfg.model import MISSING, Document, Path
from portcfg.specnodes import Place, RefusedError, Texts, is_list
from portcfg.splice import Container, Splice, container_splices, spliced
from portcfg.threeway import Step, taken

# Where, what is written there, and the steps that are done by it.
_Edit = tuple[Place, Step, list[Step]]
# A step, and the file that it is taken in: the spec's, or a fragment's.
Taken = tuple[Step, File]


class Todo:
    """The steps to take in the texts of files, gathered until all are known."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._boxes: dict[int, tuple[File, Any, list[tuple[Any, Step]]]] = {}

    def take(self, document: Document, wanted: Sequence[Step], reasons: list[tuple[Path, str]]) -> list[Taken]:
        """Note the steps that can be taken, and return them with their files; `reasons` gets those that can't."""
        placed: list[tuple[Step, Place]] = []
        for step in wanted:
            try:
                placed.append((step, self._place(document, step)))
            except RefusedError as error:
                reasons.append((step.path, str(error)))
        edits: dict[int, list[_Edit]] = {}
        for place, value, done in self._whole(document, placed, reasons):
            edits.setdefault(id(place.node), []).append((place, Step(place.path, value), done))
        for step, place in placed:
            if not place.whole:
                edits.setdefault(id(place.node), []).append((place, step, [step]))
        return [(step, each[0][0].file) for each in edits.values() for step in self._noted(each, reasons)]

    def _noted(self, edits: Sequence[_Edit], reasons: list[tuple[Path, str]]) -> Iterator[Step]:
        """Note all edits of one node, and yield what they do; or none of them, where one can't be made."""
        node = edits[0][0].node
        file, _, known = self._boxes.get(id(node), (edits[0][0].file, node, []))
        box = (file, node, [*known, *((place.path[-1], step) for place, step, _ in edits)])
        done = [step for _, _, steps in edits for step in steps]
        try:
            self._splices(*box)
        except RefusedError as error:
            reasons.extend((step.path, str(error)) for step in done)
            return
        self._boxes[id(node)] = box
        yield from done

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

    def _whole(
        self, document: Document, placed: list[tuple[Step, Place]], reasons: list[tuple[Path, str]]
    ) -> list[tuple[Place, Any, list[Step]]]:
        """What is to be written out as a whole, its value, and the steps that are done by it, which get marked so."""
        self._widen(document, placed, reasons)
        wholes = {place.path: place for _, place in placed if place.whole}
        outer = {path: place for path, place in wholes.items() if not any(path[:n] in wholes for n in range(len(path)))}
        for index, (step, place) in enumerate(placed):
            if any(step.path[: len(path)] == path for path in outer):
                placed[index] = (step, Place(place.file, place.node, place.path, True))
        inner = {path: [step for step, _ in placed if step.path[: len(path)] == path] for path in outer}
        return [(place, self._value(document, path, inner[path]), inner[path]) for path, place in outer.items()]

    def _value(self, document: Document, path: Path, inner: Iterable[Step]) -> Any:
        relative = [Step(("", *step.path[len(path) :]), step.value, step.insert) for step in inner]
        return taken({"": value_at(document.body, path)}, relative)[""]

    def _widen(self, document: Document, placed: list[tuple[Step, Place]], reasons: list[tuple[Path, str]]) -> None:
        """What has no children, or keeps none, is written as a whole: brackets stand where a block was."""
        for step, place in list(placed):
            same = [each for each, other in placed if other.node is place.node]
            count = len(place.node.value)
            if len(place.path) == 1 or (count and sum(each.value is MISSING for each in same) < count):
                continue
            index = next(index for index, (each, _) in enumerate(placed) if each is step)
            try:
                wider = self._place(document, Step(place.path[:-1], None))
            except RefusedError as error:
                reasons.append((step.path, str(error)))
                del placed[index]
            else:
                placed[index] = (step, Place(wider.file, wider.node, wider.path, True))

    def written(self) -> dict[File, str]:
        """The files with all steps taken."""
        splices: dict[File, list[Splice]] = {}
        for file, node, todo in self._boxes.values():
            splices.setdefault(file, []).extend(self._splices(file, node, todo))
        return {file: spliced(self._texts.text[file], found) for file, found in splices.items()}

    def _splices(self, file: File, node: Any, todo: Sequence[tuple[Any, Step]]) -> list[Splice]:
        return container_splices(Container(self._texts.text[file], node, file.suffix.lower() == ".json"), todo)
