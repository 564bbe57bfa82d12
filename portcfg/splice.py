"""Edits of spec files as text: what a step is about is replaced, and nothing else in the file touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from portcfg import spelling
from portcfg.model import MISSING
from portcfg.specnodes import RefusedError, is_list, pairs
from portcfg.threeway import Step

# Of an item that is an alias, the tree knows where its anchor stands, and not where it stands itself.
BESIDE_ALIAS = "it stands in a list beside an alias"
BLOCK = re.compile(r" ?[|>][-+]?")


@dataclass(frozen=True)
class Splice:
    """`text` in the place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """`text` after all splices; those at one place in their order."""
    ordered = sorted(enumerate(splices), key=lambda each: (each[1].start, each[1].end, each[0]), reverse=True)
    for _, splice in ordered:
        new = splice.text.replace("\n", "\r\n") if "\r\n" in text else splice.text
        text = text[: splice.start] + new + text[splice.end :]
    return text


class Container:
    """One mapping or sequence of a file, and the splices that edit its children."""

    def __init__(self, text: str, node: Any, is_json: bool) -> None:
        self.text, self.node, self.is_json = text, node, is_json
        self.children = pairs(node)
        self.flow = bool(node.flow_style)
        self.keyed = not is_list(node)

    def end(self, node: Any) -> int:
        """Where the text of a node ends, without the comments and empty lines behind it."""
        if isinstance(node.value, list) and not node.flow_style:
            inner = pairs(node)
            key, value = inner[-1]
            before = value.start_mark.index < (key or node).start_mark.index
            return (
                self.alias_end(key.end_mark.index if key else node.start_mark.index)
                if before
                else self._reach(key, value)
            )
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(self.text[start:end].rstrip()) if getattr(node, "style", None) in ("|", ">") else int(end)

    def _reach(self, key: Any, value: Any) -> int:
        end = self.end(value)
        return max(end, self.text.index(":", key.end_mark.index) + 1) if key else end

    def alias_end(self, start: int) -> int:
        """Where the `*name` after `start` ends."""
        found = re.compile(r"\*[^\s,\]}]+").search(self.text, start)
        return found.end() if found else start

    def start_of(self, index: int) -> int:
        """Where a child begins, at its key or (in a block) its dash."""
        key, value = self.children[index]
        if key is not None:
            return int(key.start_mark.index)
        if self._aliased(index):
            raise RefusedError(BESIDE_ALIAS)
        start = int(value.start_mark.index)
        return start if self.flow else self.text.rindex("-", 0, start)

    def end_of(self, index: int) -> int:
        """Where a child ends."""
        key, value = self.children[index]
        if self._aliased(index):
            if key is None:
                raise RefusedError(BESIDE_ALIAS)
            return self.alias_end(key.end_mark.index)
        return self._reach(key, value)

    def _aliased(self, index: int) -> bool:
        key, value = self.children[index]
        return bool(value.start_mark.index < (key or self.node).start_mark.index)

    def index_of(self, part: Any) -> int | None:
        """The number of the child that a part of a path names."""
        if not self.keyed:
            return part if part < len(self.children) else None
        return next((index for index, (key, _) in enumerate(self.children) if key.value == part), None)

    @property
    def column(self) -> int:
        """The column at which the children of a block stand."""
        # A collection begins where its first child does, or at its own anchor.
        start = int(self.node.start_mark.index) if self._aliased(0) and not self.node.anchor else self.start_of(0)
        return start - self.line(start)

    def line(self, index: int) -> int:
        """Where the line begins that a place is in."""
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        """Where the line ends that a place is in."""
        found = self.text.find("\n", index)
        found = len(self.text) if found < 0 else found
        return found - 1 if self.text[found - 1 : found] == "\r" else found

    def replace(self, index: int, value: Any) -> Splice:
        """Another value for a child."""
        key, node = self.children[index]
        end = self.end_of(index)
        if self._aliased(index) or isinstance(node.value, list) or isinstance(value, dict | list):
            start = self.text.index(":", key.end_mark.index) + 1 if key else self.start_of(index)
            if key is None:
                whole = spelling.in_flow(value, self.is_json) if self.flow else spelling.item(value, self.column)
                return Splice(start, end, whole)
            flow = " " + spelling.in_flow(value, self.is_json)
            return (
                Splice(start, end, flow)
                if self.flow
                else self._block(start, end, spelling.in_block(value, self.column))
            )
        start = node.start_mark.index
        typed = self.text[start:end].replace("\r\n", "\n")
        new = spelling.scalar(value, typed, self.column, flow=self.flow, is_json=self.is_json)
        if typed or not key:
            return self._block(start, end, new if typed else f" {new}")
        return self._block(end, end, f" {new}")

    def _block(self, start: int, end: int, new: str) -> Splice:
        """A splice after which a comment behind the old value stands behind the key, or the `|`, of a new block."""
        head, line_break, rest = new.partition("\n")
        line_end = self.line_end(end)
        comment = self.text[end:line_end].rstrip()
        if line_break and comment.lstrip().startswith("#") and (not head or BLOCK.fullmatch(head)):
            return Splice(start, line_end, f"{head}{comment}\n{rest}")
        return Splice(start, end, new)

    def add(self, before: int, entries: Sequence[tuple[Any, Any]]) -> Splice:
        """New children before a child, or behind the last one."""
        texts = [self._child_text(key, value) for key, value in entries]
        if not self.flow:
            pad = " " * self.column
            if not self.keyed and before < len(self.children):
                start = self.start_of(before)
                return Splice(start, start, "".join(f"{text}\n{pad}" for text in texts))
            at = self.line_end(self.end_of(self._after(entries) if self.keyed else before - 1))
            return Splice(at, at, "".join(f"\n{pad}{text}" for text in texts))
        gap = self._gap()
        if before < len(self.children):
            start = self.start_of(before)
            return Splice(start, start, "".join(f"{text},{gap}" for text in texts))
        end = self.end_of(len(self.children) - 1)
        return Splice(end, end, "".join(f",{gap}{text}" for text in texts))

    def _child_text(self, key: Any, value: Any) -> str:
        if self.flow:
            text = spelling.in_flow(value, self.is_json)
            return f"{spelling.in_flow(key, self.is_json)}: {text}" if self.keyed else text
        return spelling.entry(key, value, self.column) if self.keyed else spelling.item(value, self.column)

    def _after(self, entries: Sequence[tuple[Any, Any]]) -> int:
        """A plain value goes behind the last plain one, all else behind everything."""
        plain = [index for index, (_, value) in enumerate(self.children) if not isinstance(value.value, list)]
        nested = any(isinstance(value, dict | list) for _, value in entries)
        return len(self.children) - 1 if nested or not plain else plain[-1]

    def _gap(self) -> str:
        """What stands between two children in brackets: a space, or a line break with the indentation."""
        start = self.start_of(len(self.children) - 1)
        before = self.text[self.line(start) : start]
        return " " if before.strip() else f"\n{before}"

    def remove(self, index: int, kept: Callable[[int], bool]) -> Splice:
        """Without a child; `kept` says which children stay."""
        start, end = self.start_of(index), self.end_of(index)
        following = index + 1 < len(self.children)
        if self.flow:
            if any(map(kept, range(index + 1, len(self.children)))):
                return Splice(start, self.start_of(index + 1), "")
            return Splice(self.end_of(index - 1), end, "")
        if self.text[self.line(start) : start].strip():
            if not following:
                raise RefusedError("nothing else stands behind its dash")
            return Splice(start, self.start_of(index + 1), "")
        after = self.text.find("\n", self.line_end(end))
        return Splice(self.line(start), len(self.text) if after < 0 else after + 1, "")


def container_splices(box: Container, todo: Sequence[tuple[Any, Step]]) -> list[Splice]:
    """The splices for all steps on the children of one container; `todo` has the child's key or index with each."""
    gone = {box.index_of(part) for part, step in todo if step.value is MISSING}
    found: list[Splice] = []
    added: dict[tuple[int, bool], list[tuple[Any, Any]]] = {}
    for part, step in todo:
        index = None if step.insert else box.index_of(part)
        if step.value is MISSING:
            if index is not None:
                found.append(box.remove(index, lambda each: each not in gone))
        elif index is None:
            nested = isinstance(step.value, dict | list)
            before = part if step.insert else len(box.children)
            added.setdefault((before, nested and box.keyed), []).append((part, spelling.escaped(step.value)))
        else:
            found.append(box.replace(index, spelling.escaped(step.value)))
    return [*found, *(box.add(before, entries) for (before, _), entries in added.items())]
