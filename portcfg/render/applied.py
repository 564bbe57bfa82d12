"""How an apply in a job ended, as markdown: for the job's summary, the commit and an issue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portcfg.errors import Problem
from portcfg.model import Plan
from portcfg.render.budget import middle_cut, size
from portcfg.render.comment import LIMIT, body, marker
from portcfg.render.report import outcome_lines
from portcfg.render.safe import code, fenced, plain, shortened
from portcfg.report import Report
from portcfg.review import Review

SUMMARY_LIMIT = 900_000
# Bytes; what is told of reasons and steps leaves room for the plan.
MAX_TOLD = 600
SHOWN_REASONS = 10
SHOWN_STEPS = 30


@dataclass(frozen=True)
class Ending:
    """How an apply ended: `what` says so in a few words, `code` is the exit code.

    `reasons` say why nothing was applied, each with the pull request that it is about, 0 for none. `plan` is what
    would be done now, `report` what was done, `problems` what is wrong in the specs. `commands` are what to type to go
    on, after `advice`; `undo` takes back what was done. `newest` tells whether it is about the newest commit of its
    branch: only that one may say what becomes of an issue that is open.
    """

    environment: str
    commit: str
    code: int
    what: str
    because: str = ""
    reasons: tuple[tuple[int, str], ...] = ()
    plan: Plan | None = None
    digest: str = ""
    report: Report | None = None
    problems: tuple[Problem, ...] = ()
    advice: str = ""
    commands: tuple[str, ...] = ()
    undo: str = ""
    newest: bool = True


def hidden(what: str, environment: str) -> str:
    """The hidden line by which an issue or a commit's comment about `what` of an environment is found."""
    return marker(environment).replace("portcfg:", f"portcfg {what}:", 1)


def titled(what: str, environment: str) -> str:
    """The title of an issue about `what` of an environment."""
    return f"{what}: {shortened(plain(environment), 100)}" if environment else what


def of_environment(environment: str) -> str:
    """` (production)` with the name in a code span; nothing where none is named."""
    return f" ({code(shortened(environment, 100))})" if environment else ""


def ending_markdown(ending: Ending, room: int = LIMIT) -> str:
    """What there is to say of an ending, in `room` bytes; the plan, or what is wrong, has what the rest leaves."""
    head = "\n\n".join(_parts(ending))
    if ending.plan is None and not ending.problems:
        return head
    review = Review(ending.environment, ending.plan, ending.problems, digest=ending.digest)
    return f"{head}\n\n{body(review, room - size(head), '`portcfg plan`')}"


def _parts(ending: Ending) -> Iterator[str]:
    yield f"### portcfg apply{of_environment(ending.environment)}: {ending.what}"
    because = f"; {ending.because}" if ending.because else ""
    yield f"Commit {ending.commit}{because}."
    if ending.reasons:
        told = (f"- {f'#{number}: ' if number else ''}{_quoted(why)}" for number, why in ending.reasons[:SHOWN_REASONS])
        yield "\n".join(told)
    if ending.report:
        yield "\n".join(f"- {line}" for line in _steps(ending.report))
    if ending.digest and ending.code:
        yield f"What would be done now has the digest `{ending.digest}`."
    if ending.advice:
        yield ending.advice
    if ending.commands:
        yield fenced("\n".join(ending.commands), "sh")
    if ending.undo:
        yield f"To undo what was done, with the journal of this run: {_quoted(ending.undo)}"


def _steps(report: Report) -> Iterator[str]:
    """Each step where not all went well; the last line has the counts."""
    *steps, counts = outcome_lines(report)
    yield from map(_quoted, steps[:SHOWN_STEPS])
    if len(steps) > SHOWN_STEPS:
        yield f"and {len(steps) - SHOWN_STEPS} more; the log of the run has all of them"
    yield counts


def _quoted(text: str) -> str:
    return code(middle_cut(plain(text), MAX_TOLD))
