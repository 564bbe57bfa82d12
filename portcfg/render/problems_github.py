"""Findings -> GitHub's workflow commands, which show in the files of a pull request.

GitHub shows ten annotations of each type from one step, so the rest is summed up in the last notice, and printed as
plain lines for the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from portcfg.errors import Problem
from portcfg.findings import Findings
from portcfg.render.problems import count_line, environments
from portcfg.render.safe import plain
from portcfg.rules.catalog import entry, known_ids

SHOWN = 10
COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def problems_github(findings: Findings) -> str:
    """The annotations, what doesn't fit, and the count."""
    return "\n".join([*annotated(findings.problems), logged(count_line(findings))])


def annotated(problems: Sequence[Problem]) -> Iterator[str]:
    """As many as GitHub shows, and the rest as lines of the log."""
    rest: list[Problem] = []
    by_severity = {name: [each for each in problems if each.severity == name] for name in COMMANDS}
    # Ten, or of infos one less where the summary needs a place.
    over = any(len(found) > SHOWN for found in by_severity.values())
    for severity, found in by_severity.items():
        command, room = COMMANDS[severity], SHOWN - (over and severity == "info")
        yield from (_annotation(command, problem) for problem in found[:room])
        rest.extend(found[room:])
    if rest:
        counts = (f"{sum(each.severity == severity for each in rest)} {severity}(s)" for severity in COMMANDS)
        yield f"::notice title=portcfg::{len(rest)} more finding(s) than GitHub shows: {', '.join(counts)}; see the log"
        yield from (f"- {logged(_text(each))}" for each in rest)


def _annotation(command: str, problem: Problem) -> str:
    place = {"file": problem.file.replace("\\", "/")}
    if problem.line:
        place |= {"line": str(problem.line), "col": str(problem.column)}
    place["title"] = f"{problem.id} {entry(problem.id).title}" if problem.id in known_ids() else problem.id
    message = plain(problem.message) + plain(environments(problem))
    text = f"{message}\nhelp: {plain(problem.hint)}" if problem.hint else message
    return workflow_command(command, {name: plain(value) for name, value in place.items()}, text)


def workflow_command(name: str, properties: Mapping[str, str], text: str) -> str:
    """A line that GitHub's runner carries out, and no more than that, whatever `text` and the properties hold."""
    said = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {said}::{_data(text)}"


def _data(text: str) -> str:
    return logged(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _text(problem: Problem) -> str:
    hint = f" ({problem.hint})" if problem.hint else ""
    message = f"{problem.message}{environments(problem)}{hint}"
    return plain(f"{problem.where}: {problem.severity} {problem.id}: {message}")


def logged(text: str) -> str:
    """A line of a log that is no command; the older form of one works anywhere in a line."""
    return text.replace("##[", "## [")
