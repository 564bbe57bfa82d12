"""specs/ -> Documents: files found, YAML read strictly, includes and variables resolved, every node with its place.

Nothing stops at the first mistake: each becomes a Problem, and what can be read is returned beside them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portcfg import yamlread
from portcfg.errors import Problem
from portcfg.kinds import KINDS, Kind
from portcfg.model import Body, Document, Position
from portcfg.model import Path as NodePath
from portcfg.shape import not_a_mapping
from portcfg.specfiles import SUFFIXES, named_as_specs, refused, spec_files
from portcfg.unread import UNREAD, Incomplete, Unread
from portcfg.variables import substituted
from portcfg.yamlread import MappingNode, Node, ReadError, ScalarNode, SequenceNode

PROJECT_FILE = "portcfg.yaml"
FRAGMENTS = "fragments"
ENVIRONMENTS = "environments"
INCLUDE = "$include"
MAX_DEPTH = 60
MAX_NODES = 200_000


# The value of a YAML document, and the places of its nodes.
Read = tuple[Any, dict[NodePath, Position]]


@dataclass(frozen=True)
class Loaded:
    """What was read, and everything that was wrong with it. `texts` are the files by name, fragments included."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    texts: Mapping[str, str] = field(default_factory=dict)


def load_specs(root: Path, variables: Mapping[str, Any]) -> Loaded:
    """Every Document below `root`. A folder with a project file of its own is another project and is left out."""
    if not root.is_dir():
        return Loaded((), (Problem(str(root), 0, 0, "PC001", "there is no such folder", "run this beside specs/"),))
    found = load_folder(root, root, variables)
    problems = [*_stray_files(root), *found.problems]
    if not found.documents and all(problem.id == "PC012" for problem in problems):
        folders = ", ".join(f"{root}/{kind.folder}/" for kind in KINDS.values())
        hint = f"put YAML files into {folders}"
        # Beside a project file, an empty folder may be what is meant: all of it was taken out.
        severity = "warning" if (root / PROJECT_FILE).is_file() else "error"
        if severity == "error":
            hint += f"; or, if nothing shall be left, write `version: 1` into {root / PROJECT_FILE}, and plan again"
        problems.append(Problem(str(root), 0, 0, "PC009", "there are no specs here", hint, severity))
    return Loaded(found.documents, tuple(sorted(problems)), found.texts)


def load_folder(root: Path, folder: Path, variables: Mapping[str, Any]) -> Loaded:
    """Every Document in the kinds' folders below `folder`, which is `root` or inside it."""
    found: list[Document | Problem] = []
    texts: dict[str, str] = {}
    for kind in KINDS.values():
        for file in named_as_specs(folder / kind.folder):
            if problem := refused(root, file):
                found.append(problem)
                continue
            reader = Reader(root, variables)
            inside = [*_documents(kind, file, reader.read_file(file)), *reader.problems]
            texts |= reader.texts
            found.extend(inside or [_emptied(file)])
    documents = tuple(each for each in found if isinstance(each, Document))
    return Loaded(documents, tuple(each for each in found if isinstance(each, Problem)), texts)


def _emptied(file: Path) -> Problem:
    hint = "delete the file if that is meant: what it held is no longer in the specs, so --prune may delete it in Port"
    return Problem(str(file), 0, 0, "PC012", "this file holds no spec", hint, "warning")


def _stray_files(root: Path) -> Iterator[Problem]:
    folders = {kind.folder for kind in KINDS.values()} | {FRAGMENTS, ENVIRONMENTS}
    for entry in sorted(each for each in root.iterdir() if not each.name.startswith(".")):
        if entry.is_dir() and entry.name not in folders and not (entry / PROJECT_FILE).exists():
            strays = spec_files(entry)
        else:
            strays = [entry] if entry.suffix.lower() in SUFFIXES and entry.name != PROJECT_FILE else []
        for stray in strays:
            hint = f"specs live in {', '.join(sorted(folders))}; move it, or it is ignored"
            yield Problem(str(stray), 0, 0, "PC008", "this file is in no known folder", hint, "warning")


def _documents(kind: Kind, file: Path, values: Iterable[Read]) -> Iterator[Document | Problem]:
    """A Document for each resource among the values of a file, and a Problem for what can't be one."""
    for value, positions in values:
        if not isinstance(value, list) or kind.is_one(value):
            yield _document(kind, file, value, positions)
            continue
        for index, item in enumerate(value):
            inner = {path[1:]: place for path, place in positions.items() if path and path[0] == index}
            if not isinstance(item, Unread):
                yield _document(kind, file, item, inner)


def _document(kind: Kind, file: Path, value: Any, positions: Mapping[NodePath, Position]) -> Document | Problem:
    if isinstance(value, list) and kind.is_one(value):
        value, positions = kind.wrap(value, positions)
    if not isinstance(value, dict):
        return not_a_mapping(positions.get((), Position(str(file), 1, 1)), value)
    body = value if "identifier" in value else type(value)({"identifier": file.stem, **value})
    return Document(kind.name, body, str(file), positions)


class Reader:
    """Reads one file with its includes; holds the problems found and the chain of open files."""

    def __init__(self, root: Path, variables: Mapping[str, Any] | None) -> None:
        self.problems: list[Problem] = []
        self.texts: dict[str, str] = {}
        self._root = root.resolve()
        self._variables = variables
        self._nodes = 0
        self._open: list[Path] = []
        self._inside: list[Node] = []
        self._fragments: dict[Path, list[Node]] = {}
        self._targets: dict[Path, Path] = {}

    def read_file(self, file: Path) -> list[Read]:
        """The values of a file's YAML documents, each with the places of its nodes."""
        values: list[Read] = []
        self._open.append(file)
        for node in self._parse(file):
            positions: dict[NodePath, Position] = {}
            value = self._value(node, (), positions)
            # A `---` at the end of a file begins a document with nothing in it; half a document is none.
            if value is not None and not isinstance(value, Unread) and self._nodes < MAX_NODES:
                values.append((value, positions))
        self._open.pop()
        return values

    def _parse(self, file: Path) -> list[Node]:
        try:
            with file.open("rb") as opened:
                data = opened.read(yamlread.MAX_BYTES + 1)
            self.texts[str(file)] = data.decode("utf-8", errors="replace")
            return yamlread.parse(data, is_json=file.suffix.lower() == ".json")
        except ReadError as error:
            self.problems.append(Problem(str(file), error.line, error.column, "PC002", error.message, error.hint))
        except OSError as error:
            self.problems.append(Problem(str(file), 0, 0, "PC001", f"can't be read: {error.strerror}"))
        return []

    def _problem(self, node: Node, id_: str, message: str, hint: str = "") -> None:
        place = self._place(node)
        self.problems.append(Problem(place.file, place.line, place.column, id_, message, hint))

    def _place(self, node: Node) -> Position:
        return Position(str(self._open[-1]), node.start_mark.line + 1, node.start_mark.column + 1)

    def _value(self, node: Node, path: NodePath, positions: dict[NodePath, Position]) -> Any:
        self._nodes += 1
        # Merges and includes nest without making the path longer.
        if self._nodes >= MAX_NODES or len(self._inside) >= MAX_DEPTH:
            if self._nodes <= MAX_NODES:
                self._problem(node, "PC003", "too many nodes, or nested too deeply (an alias that multiplies?)")
            return UNREAD
        positions.setdefault(path, self._place(node))
        if not self._tag_is_fine(node):
            return UNREAD
        return self._scalar(node) if isinstance(node, ScalarNode) else self._collection(node, path, positions)

    def _collection(self, node: Node, path: NodePath, positions: dict[NodePath, Position]) -> Any:
        if any(node is outer for outer in self._inside):
            self._problem(node, "PC003", "an alias stands inside the node that it repeats", "it would have no end")
            return UNREAD
        self._inside.append(node)
        if isinstance(node, MappingNode):
            value: Any = self._mapping(node, path, positions)
        else:
            value = [self._value(item, (*path, index), positions) for index, item in enumerate(node.value)]
        self._inside.pop()
        return value

    def _scalar(self, node: Node) -> Any:
        known = len(self.problems)
        try:
            value = yamlread.scalar(node)
        except ReadError as error:
            self._problem(node, "PC002", error.message)
            return UNREAD
        if self._variables is not None and isinstance(value, str) and "${" in value:
            told = functools.partial(self._problem, node, "PC006")
            value = substituted(value, self._variables, PROJECT_FILE, told)
        return value if len(self.problems) == known else UNREAD

    def _tag_is_fine(self, node: Node) -> bool:
        try:
            yamlread.check_tag(node)
        except ReadError as error:
            self._problem(node, "PC002", error.message, error.hint)
            return False
        return True

    def _mapping(self, node: MappingNode, path: NodePath, positions: dict[NodePath, Position]) -> Body:
        """A mapping's value. Included keys stand where `$include` stands, and local keys win over them."""
        spliced: Body = {}
        local = self._keys(node)
        known = len(self.problems)
        order: list[str] = []
        for key, (key_node, value_node) in local.items():
            if key == INCLUDE:
                spliced |= self._included(value_node, path, positions)
            elif key == "<<" and key_node.tag == yamlread.YAML_PLAIN:
                spliced |= self._merged(value_node, path, positions)
            else:
                order.append(key)
                continue
            order.extend(spliced)
        whole = len(self.problems) == known
        own = {key: self._local(key, *local[key], path, positions) for key in order if key in local}
        body = {key: own[key] if key in own else spliced[key] for key in order}
        return body if whole else Incomplete(body)

    def _keys(self, node: MappingNode) -> dict[str, tuple[ScalarNode, Node]]:
        """The key and value nodes of a mapping by the key's text; what can't be a key is a problem."""
        keys: dict[str, tuple[ScalarNode, Node]] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if not isinstance(key_node, ScalarNode):
                self._problem(key_node, "PC002", "a key must be text")
            elif not self._tag_is_fine(key_node):
                continue
            elif key in keys:
                first = keys[key][0].start_mark.line + 1
                self._problem(key_node, "PC004", f"the key {key!r} stands twice, first in line {first}", "keep one")
            else:
                keys[key] = key_node, value_node
        return keys

    def _local(
        self, key: str, key_node: ScalarNode, node: Node, path: NodePath, positions: dict[NodePath, Position]
    ) -> Any:
        if (*path, key) in positions:
            # The local value shadows an included one, so the places below it are the local ones.
            for stale in [known for known in positions if known[: len(path) + 1] == (*path, key)]:
                del positions[stale]
        positions[(*path, key)] = self._place(key_node)
        return self._value(node, (*path, key), positions)

    def _merged(self, node: Node, path: NodePath, positions: dict[NodePath, Position]) -> Body:
        merged: Body = {}
        for part in reversed(node.value if isinstance(node, SequenceNode) else [node]):
            if isinstance(part, MappingNode):
                merged |= self._value(part, path, positions) or {}
            else:
                self._problem(part, "PC002", "<< takes a mapping, or a list of mappings")
        return merged

    def _included(self, node: Node, path: NodePath, positions: dict[NodePath, Position]) -> Body:
        merged: Body = {}
        for name in node.value if isinstance(node, SequenceNode) else [node]:
            if isinstance(name, ScalarNode):
                merged |= self._include(name, path, positions)
            else:
                self._problem(name, "PC005", f"{INCLUDE} takes a file name, or a list of them")
        return merged

    def _resolved(self, file: Path) -> Path:
        """Where it is behind all links, looked up once: a fragment may be included a hundred thousand times."""
        if file not in self._targets:
            self._targets[file] = file.resolve()
        return self._targets[file]

    def _include(self, node: ScalarNode, path: NodePath, positions: dict[NodePath, Position]) -> Body:
        file = Path(os.path.normpath(self._open[-1].parent / str(node.value)))
        try:
            target = self._resolved(file)
            exists = file in self._fragments or target.is_file()
        except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, or a circle of links
            self._problem(node, "PC005", "this can't be the name of a file")
            return {}
        if not target.is_relative_to(self._root):
            self._problem(node, "PC005", f"{node.value} is outside {self._root.name}/", "includes stay inside it")
            return {}
        if target in map(self._resolved, self._open):
            self._problem(node, "PC005", f"{node.value} includes itself")
            return {}
        if not exists:
            self._problem(node, "PC005", f"there is no file {file}", "the path is relative to this file")
            return {}
        known = len(self.problems)
        trees = self._fragments.get(file) or self._parse(file)
        if len(trees) != 1 or not isinstance(trees[0], MappingNode):
            if len(self.problems) == known:
                self._problem(node, "PC005", f"{node.value} isn't one mapping of keys")
            return {}
        self._fragments[file] = trees
        self._open.append(file)
        body: Body = self._value(trees[0], path, positions) or {}
        self._open.pop()
        return body
