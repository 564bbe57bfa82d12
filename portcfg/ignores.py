"""What the specs say is meant, and shall not be found: entries of `ignore` in the project file, and comments.

A comment `# portcfg: ignore PC304 (why)` holds for its own line or, standing alone, for the next line that is no
comment. In the first line of a block of text, where it is jq's comment, it also holds for the line that begins the
block. In quoted texts and in blocks of prose it is somebody's words. What keeps specs from being read, compiled or kept
record of (LASTING), what Port itself says (PC8xx) and ignores that are wrong themselves can't be ignored.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from portcfg import yamlread
from portcfg.errors import Problem
from portcfg.findings import Ignored, lines_of
from portcfg.model import Position, Project
from portcfg.rules.catalog import known_ids, meant_id
from portcfg.yamlread import MappingNode, Node, ReadError, ScalarNode, SequenceNode

UNKNOWN = "PC790"
MALFORMED = "PC791"
UNUSED = "PC792"
# PC401: rows without their widgets can't be compiled. PC701, PC703: portcfg's record of what it manages would break.
LASTING = ("PC0", "PC1", "PC401", "PC701", "PC703", "PC8", UNKNOWN, MALFORMED, UNUSED)
_MARK = "portcfg:"
_COMMENT = re.compile(r"(?:^|(?<=\s))#\s*portcfg:\s*(?P<verb>[a-z-]*)\s*(?P<rest>.*?)\s*$")
_IDS = re.compile(r"(?P<ids>[\w-]+(?:\s*,\s*[\w-]+)*)\s*\((?P<reason>.*\S.*)\)")
_UNEXPLAINED = re.compile(r"(?P<ids>[\w-]+(?:\s*,\s*[\w-]+)*)\s*(?:\(\s*\))?")
# Whose blocks people read, but in mappings, where everything may be jq.
_PROSE = ("title", "description", "markdown", "emptyStateText")
_BLOCK = re.compile(r"\|[-+1-9]*\s*(?:#.*)?$")
# What other tools call it. Any other comment that begins with `portcfg:` is somebody's note.
_MEANT = ("ignore", "disable", "noqa", "silence", "skip", "suppress")
_FORM = "write `# portcfg: ignore PC304 (why)`, or several ids with commas between them"


@dataclass(frozen=True)
class _Ignore:
    """One id that is ignored. `lines` of a comment; `patterns` of the project file, none of them meaning all files."""

    rule: str
    reason: str
    place: Position
    lines: frozenset[int] = frozenset()
    patterns: tuple[str, ...] = ()

    @property
    def by(self) -> str:
        """What says it."""
        return "comment" if self.lines else "project"

    def covers(self, problem: Problem, names: Iterable[str]) -> bool:
        """Whether it means a finding in a file that goes by these names."""
        if self.lines:
            return problem.file == self.place.file and problem.line in self.lines
        return not self.patterns or any(fnmatchcase(name, each) for each in self.patterns for name in names)


@dataclass(frozen=True)
class Sifted:
    """The findings that count, with those about the ignores themselves; and the others."""

    problems: tuple[Problem, ...]
    ignored: tuple[Ignored, ...]


def sifted(problems: Iterable[Problem], project: Project, texts: Mapping[str, str]) -> Sifted:
    """Take out what the specs say is meant. `texts` are the files by name."""
    root = Path(project.file).parent
    said = [*_of_project(project), *(each for file, text in texts.items() for each in _of_comments(file, text, root))]
    ignores = [each for each in said if isinstance(each, _Ignore)]
    mistakes = [each for each in said if isinstance(each, Problem)]
    by_rule: dict[str, list[_Ignore]] = {}
    for ignore in ignores:
        by_rule.setdefault(ignore.rule, []).append(ignore)
    used: set[_Ignore] = set()
    left: list[Problem] = []
    ignored: set[Ignored] = set()
    for problem in problems:
        names = _names(problem.file, root) if problem.id in by_rule else ()
        covering = [each for each in by_rule.get(problem.id, ()) if each.covers(problem, names)]
        used.update(covering)
        if covering:
            ignored.add(Ignored(problem, covering[0].reason, covering[0].by))
        else:
            left.append(problem)
    unused = (_unused(each) for each in ignores if each not in used)
    return Sifted(tuple(sorted({*left, *mistakes, *unused})), tuple(sorted(ignored)))


def _names(file: str, root: Path) -> tuple[str, ...]:
    """What a pattern may call a file: its path below the specs folder, or with the folder's own name before it."""
    path = Path(file)
    if not path.is_relative_to(root):
        return (path.as_posix(),)
    below = path.relative_to(root).as_posix()
    return below, f"{root.name}/{below}"


def _of_project(project: Project) -> Iterator[_Ignore | Problem]:
    for place, entry in project.ignores.items():
        yield _checked(_Ignore(entry["rule"], entry["reason"], place, patterns=tuple(entry.get("files", ()))))


def _of_comments(file: str, text: str, root: Path) -> Iterator[_Ignore | Problem]:
    if _MARK not in text or file.lower().endswith(".json"):
        return
    lines = lines_of(file, text)
    words = list(_words(text, in_mapping="mappings" in Path(_names(file, root)[0]).parts))
    for number, line in enumerate(lines, 1):
        found = _COMMENT.search(line) if _MARK in line else None
        if not found or not difflib.get_close_matches(found["verb"], _MEANT, n=1, cutoff=0.7):
            continue
        if any(start <= (number, found.start() + 1) < end for start, end in words):
            continue
        place = Position(file, number, found.start() + 1)
        said = _IDS.fullmatch(found["rest"])
        if found["verb"] != "ignore" or not said:
            message = f"this comment to portcfg has no effect: {line[found.start() :].strip()!r}"
            yield Problem(file, number, place.column, MALFORMED, message, _form(found), "warning")
            continue
        where = frozenset(_lines_of(lines, number) if not line[: found.start()].strip() else {number})
        for rule in dict.fromkeys(re.split(r"\s*,\s*", said["ids"])):
            yield _checked(_Ignore(rule, said["reason"].strip(), place, where))


def _form(comment: re.Match[str]) -> str:
    said = _UNEXPLAINED.fullmatch(comment["rest"]) if comment["verb"] == "ignore" else None
    return f"the reason is missing: `# portcfg: ignore {said['ids']} (why)`" if said else _FORM


def _words(text: str, *, in_mapping: bool) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """(line, column) of the begin and of the end of what is no comment: quoted texts, and blocks of prose."""
    try:
        left: list[tuple[str, Node]] = [("", tree) for tree in yamlread.parse(text.encode(), is_json=False)]
    except ReadError:
        return
    seen: set[int] = set()
    while left:
        key, node = left.pop()
        # An alias is the very node that it repeats.
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            left.extend(each for name, value in node.value for each in (("", name), (str(name.value), value)))
        elif isinstance(node, SequenceNode):
            left.extend((key, item) for item in node.value)
        elif isinstance(node, ScalarNode) and _is_words(node, key, in_mapping):
            # Behind the `|` of a block a comment may stand.
            in_block = node.style in ("|", ">")
            begin = (
                (node.start_mark.line + 2, 0) if in_block else (node.start_mark.line + 1, node.start_mark.column + 1)
            )
            yield begin, (node.end_mark.line + 1, node.end_mark.column + 1)


def _is_words(node: ScalarNode, key: str, in_mapping: bool) -> bool:
    return node.style in ("'", '"') or (node.style in ("|", ">") and key in _PROSE and not in_mapping)


def _lines_of(lines: list[str], number: int) -> Iterator[int]:
    """The lines that a comment alone on line `number` is about."""
    yield number
    after = number + 1
    while after <= len(lines) and lines[after - 1].lstrip()[:1] in ("", "#"):
        after += 1
    yield after
    before = number - 1
    while before and lines[before - 1].lstrip().startswith("#"):
        before -= 1
    if before and _BLOCK.search(lines[before - 1]):
        yield before


def _checked(ignore: _Ignore) -> _Ignore | Problem:
    """The ignore, or what is wrong with its id."""
    rule = ignore.rule
    if rule.startswith(LASTING):
        return _mistaken(ignore, f"{rule} can't be ignored", "mend what it says")
    if rule not in known_ids():
        message = f"nothing is found under the id {rule!r}, so it can't be ignored"
        return _mistaken(ignore, message, f"{meant_id(rule)} `portcfg explain` lists them".strip())
    return ignore


def _mistaken(ignore: _Ignore, message: str, hint: str) -> Problem:
    place = ignore.place
    return Problem(place.file, place.line, place.column, UNKNOWN, message, hint, "warning")


def _unused(ignore: _Ignore) -> Problem:
    message = f"nothing that is found here is ignored by this: {ignore.rule} ({ignore.reason})"
    place = ignore.place
    return Problem(place.file, place.line, place.column, UNUSED, message, "take it out", "info")
