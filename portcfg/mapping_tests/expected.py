"""The text of expected files: written anew with the comments that people have put there, and put in place at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from portcfg import yamlread
from portcfg.mapping_tests.case import read_file
from portcfg.model import Path as NodePath
from portcfg.model import Position

HEADER = "# What the mapping makes of this case. `portcfg test --update` writes this; review its diff.\n"
# Where comments at the head and at the end of a file are kept.
_HEAD: NodePath = ()
_END: NodePath = ("", "end")


def expected_text(body: Mapping[str, Any]) -> str:
    """The text of an expected file without comments."""
    return yamlread.dump(dict(body))


def update(file: Path, body: Mapping[str, Any]) -> None:
    """Write an expected file, whole or not at all. Comments stay with what they stand above or behind."""
    if not file.is_file():
        replace_file(file, HEADER + expected_text(body))
        return
    old = file.read_text(encoding="utf-8")
    before, after = _comments(old, read_file(file)[1])
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(expected_text(body), encoding="utf-8")
    try:
        places = _lines(read_file(fresh)[1])
    finally:
        fresh.unlink()
    lines: list[str] = []
    for number, line in enumerate(expected_text(body).splitlines(), 1):
        path = places.get(number)
        indent = line[: len(line) - len(line.lstrip())]
        lines += [f"{indent}{comment}" if comment else "" for comment in before.pop(path, [])] if path else []
        lines.append(f"{line}  {after[path]}" if path in after else line)
    replace_file(file, "\n".join([*before.pop(_HEAD, []), *lines, *before.pop(_END, [])]) + "\n")


def replace_file(file: Path, text: str) -> None:
    """Put a text in the place of a file in one step."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text, encoding="utf-8", newline="\n")
    fresh.replace(file)


def _lines(places: Mapping[NodePath, Position]) -> dict[int, NodePath]:
    """The outermost path that begins on each line."""
    found: dict[int, NodePath] = {}
    for path, place in places.items():
        if path and (place.line not in found or len(path) < len(found[place.line])):
            found[place.line] = path
    return found


def _comments(text: str, places: Mapping[NodePath, Position]) -> tuple[dict[NodePath, list[str]], dict[NodePath, str]]:
    """The comments above a path, with the empty lines between them, and the one behind it."""
    paths = _lines(places)
    inside = {line for node in yamlread.parse(text.encode(), is_json=False) for line in _inside(node)}
    above: dict[NodePath, list[str]] = {}
    behind: dict[NodePath, str] = {}
    waiting: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if number in inside:
            continue
        if not bare or bare.startswith("#"):
            waiting.append(bare)
            continue
        path = paths.get(number)
        if path is not None:
            if any(waiting):
                above[_HEAD if number == min(paths) else path] = waiting
            if found := _behind(line):
                behind[path] = found
        waiting = []
    if any(waiting):
        above[_END] = waiting
    return above, behind


def _inside(node: Any) -> Iterator[int]:
    """The lines on which texts of several lines go on: a # there begins no comment."""
    if isinstance(node, yamlread.ScalarNode):
        yield from range(node.start_mark.line + 2, node.end_mark.line + 1 + (node.end_mark.column > 0))
    else:
        for item in node.value:
            for part in item if isinstance(item, tuple) else (item,):
                yield from _inside(part)


def _behind(line: str) -> str:
    """The comment at the end of a line: what follows a `#` that is not inside of quotes."""
    for match in re.finditer(r"\s(#.*)$|\s(#)", line):
        try:
            yamlread.parse(line[: match.start()].strip().encode(), is_json=False)
        except yamlread.ReadError:
            continue
        return line[match.start() :].strip()
    return ""
