"""From a place in a file back to the resource and the key that stand there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath

from portcfg.errors import Problem
from portcfg.model import Document, Path


@dataclass(frozen=True)
class Node:
    """A node of a resource; `path` is where it stands in the document's body."""

    document: Document
    path: Path


@dataclass(frozen=True)
class Places:
    """The nodes of all documents, by file and place. A fragment's have a node for each resource that includes it."""

    documents: Sequence[Document]
    files: frozenset[str]

    @cached_property
    def _nodes(self) -> Mapping[str, Mapping[tuple[int, int], list[Node]]]:
        found: dict[str, dict[tuple[int, int], list[Node]]] = {file: {} for file in self.files}
        for document in self.documents:
            for path, place in document.positions.items():
                if place.file in found:
                    found[place.file].setdefault((place.line, place.column), []).append(Node(document, path))
        return found

    @cached_property
    def _order(self) -> Mapping[str, list[tuple[int, int]]]:
        return {file: sorted(nodes) for file, nodes in self._nodes.items()}

    def at(self, file: str, line: int, column: int = 0) -> list[Node]:
        """The nodes at a place, or at the last one before it; without a column, at the first one of the line.

        Of the nodes that one resource has there, the deepest: a mapping begins where its first key does.
        """
        order = self._order.get(file, [])
        index = bisect_right(order, (line, column or 0))
        if not column and index < len(order) and order[index][0] == line:
            index += 1
        if not index:
            return []
        nodes = self._nodes[file][order[index - 1]]
        deepest: dict[int, Node] = {}
        for node in nodes:
            known = deepest.get(id(node.document))
            if known is None or len(node.path) > len(known.path):
                deepest[id(node.document)] = node
        return list(deepest.values())


def with_subjects(problems: Iterable[Problem], documents: Sequence[Document], root: str) -> Iterator[Problem]:
    """Each finding with what it is about: `blueprint/service schema.properties.tier`.

    That of a fragment, which belongs to no resource, and of a whole file is the file, by its path below `root`.
    """
    found = list(problems)
    places = Places(documents, frozenset(each.file for each in found if each.line))
    for problem in found:
        nodes = places.at(problem.file, problem.line, problem.column) if problem.line else []
        own = [node for node in nodes if problem.file in (node.document.file, node.document.overlay)]
        yield replace(problem, subject=_subject(own[0]) if own else _below(problem.file, root))


def _below(file: str, root: str) -> str:
    path = PurePath(file)
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _subject(node: Node) -> str:
    """Items of lists have no numbers here: one more above another is not another finding."""
    path = ".".join("[]" if isinstance(part, int) else str(part) for part in node.path).replace(".[]", "[]")
    return f"{node.document.ref} {path}".strip()
