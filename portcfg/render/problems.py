"""Findings -> text for a terminal, JSON, markdown for a pull request comment."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict

from portcfg.errors import Problem
from portcfg.findings import Findings, weighs
from portcfg.render.safe import code, plain
from portcfg.render.source import excerpt

FORMAT = "portcfg/problems/1"
WIDTH = 120
# GitHub refuses comments over 65,536 characters.
MARKDOWN_LIMIT = 60_000
COLOURS = {"error": "1;31", "warning": "1;33", "info": "1;36", "caret": "1;31", "help": "1;32"}


def problems_text(findings: Findings, colour: bool = False, width: int = WIDTH, least: str = "info") -> str:
    """A finding a paragraph, as compilers print them, and a last line that counts. `least` is what is shown of it."""
    shown = (problem for problem in findings.problems if weighs(problem, least))
    parts = ["\n".join(problem_lines(problem, findings.line(problem), colour, width)) for problem in shown]
    return "\n\n".join([*parts, count_line(findings)])


def problem_lines(problem: Problem, line: str, colour: bool = False, width: int = WIDTH) -> Iterator[str]:
    """`file:line:column: error PC304: message`, the line with carets, and what to do."""
    paint = functools.partial(_painted, colour=colour)
    head = paint(f"{problem.severity} {problem.id}", problem.severity)
    yield f"{plain(problem.where)}: {head}: {plain(problem.message)}{plain(environments(problem))}"
    if line:
        yield from _quoted(line, problem, paint, width)
    if problem.hint:
        yield f"    {paint('help:', 'help')} {plain(problem.hint)}"


def environments(problem: Problem) -> str:
    """Where a finding shows only in some environments, which ones."""
    return f" (with --env {', '.join(problem.environments)})" if problem.environments else ""


def _quoted(line: str, problem: Problem, paint: Callable[[str, str], str], width: int) -> Iterator[str]:
    number = f"{problem.line:>6}"
    text, carets = excerpt(line, problem.column, width - len(number) - 3)
    yield f"{number} | {text}"
    yield f"{' ' * len(number)} | {carets.rstrip('^')}{paint(carets.lstrip(), 'caret')}"


def _painted(text: str, name: str, colour: bool) -> str:
    return f"\x1b[{COLOURS[name]}m{text}\x1b[0m" if colour else text


def count_line(findings: Findings) -> str:
    """What was checked and how much was found; what isn't shown is counted, too."""
    counts = [f"{findings.count(severity)} {severity}(s)" for severity in ("error", "warning")]
    told = {
        "info(s)": findings.count("info"),
        "ignored": len(findings.ignored),
        "in the baseline": findings.baseline,
        "in other files": findings.elsewhere,
    }
    counts += [f"{count} {what}" for what, count in told.items() if count]
    line = f"{findings.checked} resource(s) checked: {', '.join(counts)}"
    if findings.gone:
        line += f"\nthe baseline has {findings.gone} more, which are gone: --write-baseline takes them out"
    return line


def problems_json(findings: Findings) -> str:
    """The findings as docs/plan-json.md describes them."""
    body = {
        "format": FORMAT,
        "checked": findings.checked,
        "counts": {
            **{severity: findings.count(severity) for severity in ("error", "warning", "info")},
            "ignored": len(findings.ignored),
            "baseline": findings.baseline,
            "baseline_gone": findings.gone,
            "elsewhere": findings.elsewhere,
        },
        "problems": [asdict(problem) for problem in findings.problems],
        "ignored": [{**asdict(each.problem), "reason": each.reason, "by": each.by} for each in findings.ignored],
    }
    return json.dumps(body, indent=2, ensure_ascii=False)


def problems_markdown(findings: Findings) -> str:
    """A list for a pull request comment, the worst first, as much as fits into one."""
    lines = [f"**{count_line(findings)}**", ""]
    by_weight = sorted(findings.problems, key=lambda each: ("error", "warning", "info").index(each.severity))
    size = len(lines[0])
    for number, problem in enumerate(by_weight):
        hint = f" — {code(problem.hint)}" if problem.hint else ""
        only = f" {code(environments(problem).strip(' ()'))}" if problem.environments else ""
        line = f"- {code(problem.where)} {problem.severity} {problem.id}: {code(problem.message)}{hint}{only}"
        size += len(line) + 1
        if size > MARKDOWN_LIMIT:
            lines.append(f"\n{len(by_weight) - number} more don't fit; `portcfg validate` prints them.")
            break
        lines.append(line)
    return "\n".join(lines)
