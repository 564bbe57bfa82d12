"""Findings -> GitHub's workflow commands, which show in the files of a pull request.

GitHub shows ten annotations of each type from one step, so the rest is summed up in the last notice, and printed as
plain lines for the log.
"""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.errors import Problem
from portcfg.findings import Findings
from portcfg.render.problems import count_line, environments
from portcfg.render.safe import plain
from portcfg.rules.catalog import entry, known_ids

SHOWN = 10
COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def problems_github(findings: Findings) -> str:
    """The annotations, what doesn't fit, and the count."""
    return "\n".join(_lines(findings))


def _lines(findings: Findings) -> Iterator[str]:
    rest: list[Problem] = []
    for severity, command in COMMANDS.items():
        found = [problem for problem in findings.problems if problem.severity == severity]
        room = SHOWN if severity != "info" else _room_for_infos(findings)
        yield from (_annotation(command, problem) for problem in found[:room])
        rest.extend(found[room:])
    if rest:
        counts = (f"{sum(each.severity == severity for each in rest)} {severity}(s)" for severity in COMMANDS)
        yield f"::notice title=portcfg::{len(rest)} more finding(s) than GitHub shows: {', '.join(counts)}; see the log"
        yield from (f"- {_logged(_text(each))}" for each in rest)
    yield _logged(count_line(findings))


def _room_for_infos(findings: Findings) -> int:
    """Ten, or one less where the summary needs a place."""
    over = any(findings.count(severity) > SHOWN for severity in COMMANDS)
    return SHOWN - 1 if over else SHOWN


def _annotation(command: str, problem: Problem) -> str:
    place = {"file": problem.file.replace("\\", "/")}
    if problem.line:
        place |= {"line": str(problem.line), "col": str(problem.column)}
    place["title"] = f"{problem.id} {entry(problem.id).title}" if problem.id in known_ids() else problem.id
    properties = ",".join(f"{name}={_property(plain(value))}" for name, value in place.items())
    message = plain(problem.message) + plain(environments(problem))
    text = f"{message}\nhelp: {plain(problem.hint)}" if problem.hint else message
    return f"::{command} {properties}::{_data(text)}"


def _data(text: str) -> str:
    return _logged(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _text(problem: Problem) -> str:
    hint = f" ({problem.hint})" if problem.hint else ""
    message = f"{problem.message}{environments(problem)}{hint}"
    return plain(f"{problem.where}: {problem.severity} {problem.id}: {message}")


def _logged(text: str) -> str:
    """The older form of a command works anywhere in a line."""
    return text.replace("##[", "## [")
