"""Where in which file the value at a path stands: node trees of ruamel.yaml, with their marks and anchors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from portcfg import spelling
from portcfg.errors import PortcfgError
from portcfg.load import INCLUDE
from portcfg.model import Path

MERGE = "<<"


class RefusedError(Exception):
    """Why a step can't be taken in the text."""


@dataclass(frozen=True)
class Place:
    """Where a step is taken: a child of `node`, which is a mapping or sequence of `file`, at `path` of the document.

    `whole` is where the step is further down in what has to be written out here; `inherited` where it comes from a
    fragment or merge that others have, too.
    """

    file: File
    node: Any
    path: Path
    whole: bool = False
    inherited: bool = False


class Texts:
    """The files of a specs folder as node trees."""

    def __init__(self, files: Iterable[File]) -> None:
        self.text: dict[File, str] = {}
        self._trees: dict[File, list[Any]] = {}
        self._uses: Counter[File] = Counter()
        for file in files:
            for node in self.trees(file):
                self._uses.update(self._included(file, node))

    def trees(self, file: File) -> list[Any]:
        """The documents of a file; raises PortcfgError for one that isn't YAML (any more)."""
        file = file.resolve()
        if file not in self._trees:
            from ruamel.yaml import YAML  # late: only who adopts needs it
            from ruamel.yaml.error import YAMLError

            self.text[file] = file.read_bytes().decode("utf-8")
            try:
                self._trees[file] = [node for node in YAML(typ="rt").compose_all(self.text[file]) if node is not None]
            except YAMLError as error:
                raise PortcfgError(f"{file} can't be edited: {error}", hint="`portcfg validate` may say why") from error
        return self._trees[file]

    def root(self, file: File, line: int, column: int) -> Any:
        """The node that begins at a place, counted from 1: a document, or an item of one."""
        for tree in self.trees(file):
            for node in (tree, *(tree.value if is_list(tree) else ())):
                if (node.start_mark.line + 1, node.start_mark.column + 1) == (line, column):
                    return node
        raise RefusedError("the place of this resource in its file wasn't found")

    def find(self, file: File, node: Any, path: Path, depth: int = 0) -> Place:
        """Where the last part of `path`, below `node`, is to be edited."""
        file = file.resolve()
        for index in range(depth, len(path)):
            last, part = index == len(path) - 1, path[index]
            if not isinstance(node.value, list):
                raise RefusedError("the spec has a ${variable} there")
            found = child(node, part)
            if found is None:
                inherited = self._inherited(file, node, part)
                if inherited is not None and not inherited[2]:
                    return self.find(inherited[0], inherited[1], path, index)
                if inherited is not None:
                    self.check_variables(inherited[0], child(inherited[1], part))
                return Place(file, node, path[: index + 1], not last, inherited is not None)
            if last or is_alias(node, part):
                self.check_variables(file, found)
                if not is_alias(node, part):
                    self.check_anchors(file, found)
                return Place(file, node, path[: index + 1], not last)
            self.check_anchor(file, found)
            node = found
        raise RefusedError("the whole resource")

    def check_anchor(self, file: File, node: Any) -> None:
        """Refuse what other places repeat."""
        if node.anchor and re.search(rf"\*{re.escape(node.anchor)}(?![\w-])", self.text[file]):
            raise RefusedError(f"other places in {file.name} repeat it as *{node.anchor}")

    def check_anchors(self, file: File, node: Any) -> None:
        """The same for all that stands in a node."""
        self.check_anchor(file, node)
        for _, value in pairs(node):
            self.check_anchors(file, value)

    def check_variables(self, file: File, node: Any) -> None:
        """Refuse what a variable is part of: the spec would lose it."""
        text = self.text[file][node.start_mark.index : node.end_mark.index]
        if variables(text):
            raise RefusedError("the spec has a ${variable} there")

    def _inherited(self, file: File, node: Any, part: Any) -> tuple[File, Any, bool] | None:
        """The mapping that a key comes from by $include or <<, and whether others have it from there too."""
        if is_list(node) or not isinstance(node.value, list):
            return None
        for key, value in reversed(node.value):
            sources = [(file, each) for each in (value.value if is_list(value) else [value])]
            if key.value == INCLUDE:
                names = [file.parent / str(each.value) for _, each in reversed(sources)]
                sources = [(name.resolve(), tree) for name in names for tree in self.trees(name)]
            elif key.value != MERGE:
                continue
            for where, source in sources:
                shared = key.value == MERGE or self._uses[where] > 1
                if child(source, part) is not None:
                    return where, source, shared
                deeper = self._inherited(where, source, part)
                if deeper:
                    return deeper[0], deeper[1], shared or deeper[2]
        return None

    def _included(self, file: File, node: Any) -> Iterator[File]:
        for key, value in pairs(node):
            if key is not None and key.value == INCLUDE:
                names = value.value if is_list(value) else [value]
                yield from ((file.parent / str(name.value)).resolve() for name in names)
            else:
                yield from self._included(file, value)


def is_list(node: Any) -> bool:
    """Whether a node is a sequence."""
    return type(node).__name__ == "SequenceNode"


def pairs(node: Any) -> list[tuple[Any, Any]]:
    """(key, value) of a mapping, (None, item) of a sequence, nothing of a scalar."""
    if not isinstance(node.value, list):
        return []
    return [(None, item) for item in node.value] if is_list(node) else list(node.value)


def child(node: Any, part: Any) -> Any:
    """The node below a mapping's key or a sequence's index; None if there is none."""
    found = pairs(node)
    if is_list(node):
        return found[part][1] if isinstance(part, int) and part < len(found) else None
    return next((value for key, value in found if key.value == part), None)


def is_alias(node: Any, part: Any) -> bool:
    """Whether what is there is a `*name`: its node begins before the place it stands at."""
    value = child(node, part)
    key = None if is_list(node) else next(key for key, _ in pairs(node) if key.value == part)
    return bool(value.start_mark.index < (key or node).start_mark.index)


def variables(text: str) -> bool:
    """Whether a `${...}` in a text is a variable, and not escaped."""
    return any(not match[1] for match in spelling.VARIABLE.finditer(text))
