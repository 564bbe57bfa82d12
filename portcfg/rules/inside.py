"""Places inside the texts of specs: the n-th character of a value as line and column of its file.

Documents hold the places of keys only. Where a finding needs more, the file is read again, as nobody minds who has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from portcfg import yamlread
from portcfg.model import Document, Path, Position
from portcfg.yamlread import MappingNode, Node, ReadError, ScalarNode, SequenceNode

_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)


def place_inside(document: Document, path: Path, value: str, at: int, texts: Mapping[str, str]) -> Position:
    """The place of the character `at` of the text `value` that stands at `path`; the value's key where it isn't known:
    variables or an overlay may have made the text."""
    key = document.place(path)
    text = texts.get(key.file, "")
    node = _scalars(text, key.file.lower().endswith(".json")).get((key.line, key.column))
    if node is None or node.value != value or path not in document.positions:
        return key
    line, column = _place(text, node, at)
    return Position(key.file, line, column)


@lru_cache(maxsize=8)
def _scalars(text: str, is_json: bool) -> Mapping[tuple[int, int], ScalarNode]:
    """The texts of a file by the place of their key, or their own in a list."""
    try:
        trees = yamlread.parse(text.encode(), is_json)
    except ReadError:
        return {}
    found = (pair for tree in trees for pair in _walk(tree, set()))
    return {(place.start_mark.line + 1, place.start_mark.column + 1): node for place, node in found}


def _walk(node: Node, seen: set[int]) -> Iterator[tuple[Node, ScalarNode]]:
    """(the node of its key, or itself in a list; a scalar)"""
    # An alias is the very node that it repeats.
    if id(node) in seen:
        return
    seen.add(id(node))
    pairs = node.value if isinstance(node, MappingNode) else ()
    items = node.value if isinstance(node, SequenceNode) else ()
    for place, value in [*pairs, *((item, item) for item in items)]:
        if isinstance(value, ScalarNode):
            yield place, value
        else:
            yield from _walk(value, seen)


def _place(text: str, node: ScalarNode, at: int) -> tuple[int, int]:
    """Line and column of a character: that many characters which aren't blank stand before it, in whatever style."""
    lines = text.split("\n")
    line, column = node.start_mark.line, node.start_mark.column
    before = sum(not character.isspace() for character in node.value[:at])
    if node.style in ("|", ">"):
        line, column = line + 1, 0
    elif node.style in ("'", '"'):
        column += 1
    source = "\n".join([lines[line][column:], *lines[line + 1 :]])
    offset = next((where for number, where in enumerate(_solid(source, node.style)) if number == before), 0)
    read = source[:offset]
    row = read.count("\n")
    return line + row + 1, offset - (read.rfind("\n") + 1) + (0 if row else column) + 1


def _solid(source: str, style: str | None) -> Iterator[int]:
    """Where each character of the value that isn't blank begins in the source."""
    at = 0
    while at < len(source):
        length = 1
        if style == '"' and (escape := _ESCAPE.match(source, at)):
            length = len(escape[0])
            blank = escape[0][1] in "nrt \n\t0abefvN_LP"
        else:
            blank = source[at].isspace()
            length = 2 if style == "'" and source.startswith("''", at) else 1
        if not blank:
            yield at
        at += length
