"""The parts of a comment: one change, one finding, some texts. Markdown in which nothing that is told can act.

What comes from specs, Port or GitHub stands in code spans, fences, or escaped in <code>: GitHub makes no mentions,
references or markup of it there.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import replace

from portcfg.concealed import without_secrets
from portcfg.errors import Problem
from portcfg.findings import SEVERITIES
from portcfg.kinds.risk_base import Risk
from portcfg.model import Action, Cause, Change
from portcfg.render.budget import middle_cut
from portcfg.render.fields import fields_lines
from portcfg.render.plan import by_cause, contents, harms, state
from portcfg.render.problems import environments, problem_lines
from portcfg.render.safe import code, fenced, plain, shortened
from portcfg.review import cause

CALLED = {Cause.CONFLICT: "conflict", Cause.DRIFT: "drift"}
MAX_NAME = 200
MAX_FILE = 300
MAX_LINK = 1_000
MAX_TOLD = 1_000
# As wide as GitHub shows a code block without scrolling.
WIDTH = 110
# Of a change that doesn't fit whole.
FIRST_LINES = 12
_RUN = re.compile(r"(https?://[A-Za-z0-9.-]+(?::\d+)?/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)/actions/runs/[0-9/a-z]+")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")


def run_address(link: str) -> str:
    """The address of a workflow's run, where it is one; else ''."""
    return link if len(link) <= MAX_LINK and _RUN.fullmatch(link) else ""


def files_address(link: str, head: str) -> str:
    """Where GitHub shows the files of a commit, given the link to a run; '' where that can't be told."""
    found = _RUN.fullmatch(run_address(link))
    return f"{found[1]}/blob/{head}/" if found and _COMMIT.fullmatch(head) else ""


def place(file: str, line: int, files: str) -> str:
    """A file of the specs, linked where `files` says where GitHub shows them."""
    name = code(f"{middle_cut(plain(file), MAX_FILE)}{f':{line}' if line else ''}")
    path = "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in file.encode(errors="replace"))
    inside = not {"..", ".", ""} & set(file.split("/")) and "\\" not in file and len(path) <= MAX_LINK
    return f"[{name}]({files}{path}{f'#L{line}' if line else ''})" if files and inside else name


def name(change: Change) -> str:
    """What is done, and to what, in markdown."""
    old = f"{code(_named(change.move.old.kind, change.move.old.identifier))} → " if change.move else ""
    return f"**{verb(change)}** {old}{code(_named(change.ref.kind, change.ref.identifier))}"


def _named(kind: str, identifier: str) -> str:
    return f"{plain(kind)}/{middle_cut(plain(identifier), MAX_NAME)}"


def verb(change: Change) -> str:
    """What is done to a resource."""
    return "rename" if change.move else change.action.value


def _grades(change: Change) -> str:
    told = [Risk(change.risk).value] if change.risk != Risk.SAFE else []
    told += [CALLED[cause(change)]] if cause(change) in CALLED else []
    return f" · {', '.join(told)}" if told else ""


def opened(change: Change, files: str) -> Iterator[str]:
    """A change for everybody to see, from its beginning to all of it."""
    file = f" · {place(change.file, 0, files)}" if change.file else ""
    heading = f"{name(change)}{_grades(change)}{file}"
    lines = list(diff_lines(change))
    for some in _lengths(lines):
        yield f"{heading}\n\n{fenced(chr(10).join(some), 'diff')}" if some else heading


def folded(change: Change, files: str) -> Iterator[str]:
    """A change that shows its name until somebody unfolds it, from its beginning to all of it."""
    what = f"{verb(change)} {_named(change.ref.kind, change.ref.identifier)}{shortened(state(change), MAX_NAME)}"
    if change.move:
        old = _named(change.move.old.kind, change.move.old.identifier)
        what = f"{verb(change)} {old} -> {_named(change.ref.kind, change.ref.identifier)}"
    heading = f"<code>{html(what)}</code>{_grades(change)}"
    lines = list(diff_lines(change))
    for some in _lengths(lines):
        parts = [*([place(change.file, 0, files)] if change.file else [])]
        parts += [fenced("\n".join(some), "diff")] if some else []
        yield details(heading, "\n\n".join(parts)) if parts else f"- {code(what)}{_grades(change)}"


def _lengths(lines: list[str]) -> Iterator[list[str]]:
    if len(lines) > FIRST_LINES + 1:
        yield [*lines[:FIRST_LINES], f"# and {len(lines) - FIRST_LINES} more lines"]
    yield lines


def details(heading: str, inside: str, *, opened: bool = False) -> str:
    """What is folded under a heading, which is HTML."""
    return f"<details{' open' if opened else ''}><summary>{heading}</summary>\n\n{inside}\n\n</details>"


def diff_lines(change: Change) -> Iterator[str]:
    """A change as GitHub colours a diff: `!` for what is changed, `#` for what is said about it."""
    if change.move is None and (told := state(change).strip()):
        yield f"# {told}"
    yield from (f"# note: {said(note)}" for note in change.notes)
    yield from (f"! {impact['risk']}: {said(impact['reason'])}" for impact in harms(change))
    if change.action is Action.CREATE and not change.move:
        yield from (f"+ {line}" for line in contents(change.ref.kind, change.after))
    if change.action is Action.DELETE:
        yield from (f"- {line}" for line in contents(change.ref.kind, change.before))
    for heading, fields in by_cause(change):
        yield from ([f"# {heading}"] if heading else [])
        yield from map(_coloured, fields_lines(fields))


def _coloured(line: str) -> str:
    """A line of a field with its sign first, where a diff has it."""
    bare = line.lstrip()
    sign, indent = bare[:1], " " * (len(line) - len(bare))
    return f"{'!' if sign == '~' else sign}{indent}{bare[1:]}" if sign in ("+", "-", "~") else line


def said(text: str) -> str:
    """A text for people that may hold names and values, on one line."""
    return shortened(plain(without_secrets(text)), MAX_TOLD)


def lines_for(text: str, longest: int = MAX_TOLD) -> str:
    """A text for people, as it may stand in a fence with others: as wide as it is shown, without a fence of its own."""
    return "\n".join(_wrapped(shortened(said(text), longest))).replace("```", "ˋˋˋ")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) or [""]


def finding(problem: Problem, line: str, files: str) -> Iterator[str]:
    """A finding: where it is and what it says, then with the line, the place in it, and what to do.

    Raises ValueError for a severity that there isn't, as for a risk: these stand outside of code.
    """
    severity = SEVERITIES[SEVERITIES.index(problem.severity)]
    heading = f"**{severity}** {code(problem.id)} {place(problem.file, problem.line, files)}"
    message = problem.message + environments(problem)
    yield f"{heading}\n\n{fenced(lines_for(message, 300), 'text')}"
    _, *excerpt = problem_lines(replace(problem, hint=""), line, width=WIDTH)
    lines = [lines_for(message), *excerpt, *([lines_for(f"help: {problem.hint}")] if problem.hint else [])]
    yield f"{heading}\n\n{fenced(chr(10).join(lines), 'text')}"


def html(text: str) -> str:
    """Text inside HTML."""
    return plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "ˋ")
