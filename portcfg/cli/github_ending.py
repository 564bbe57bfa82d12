"""What a job says of an apply: step outputs, the summary, the commit's comment and the environment's issue."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from portcfg.cli.common import say
from portcfg.cli.github_job import labels_there, posted, run_line
from portcfg.cli.writes import exit_code
from portcfg.errors import (
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_MOVED,
    EXIT_OK,
    EXIT_PARTIAL,
    ApiError,
    BusyError,
    GuardError,
    InvalidSpecsError,
    PortcfgError,
)
from portcfg.github.api import GitHub, lacks_permission
from portcfg.github.comments import on_commit, own_comments, stick
from portcfg.github.issues import Matter, close_issue, keep_issue
from portcfg.github.outputs import told, write_outputs, write_summary
from portcfg.model import Plan, Status
from portcfg.render.applied import SUMMARY_LIMIT, Ending, ending_markdown, hidden, titled
from portcfg.render.safe import plain
from portcfg.report import Report
from portcfg.settings import Settings

# What a person has to look at; other ends are about how the command was called.
ATTENTION = frozenset({EXIT_ERROR, EXIT_MOVED, EXIT_PARTIAL, EXIT_INTERRUPTED})
TITLE = "portcfg apply needs attention"
AGAIN = "Run the job again: it goes on with what is left of the reviewed plan, if the branch has no newer commit."
LEFT = "What is left has another digest: start the workflow by hand with it."
OTHERS = " A digest is for this environment only: for those after it, start the workflow again afterwards, without one."
BUSY = "Run the job again when the other apply, or the lock that it left, has ended."
UNKNOWN = "Run the job again: it stops, and shows what is left, and the digest of that."
OVERTAKEN = (
    "Nothing was written to Port: the plan below may take back what other commits did. Start the workflow by hand to "
    "apply what is on the branch now."
)
REVIEW = (
    "Nothing was written to Port. If the plan below is right as it is, start the workflow by hand with its digest, on "
    "the page of the workflow or by this command; if it isn't, change the specs, or Port."
)


def ending_of_stop(
    settings: Settings, commit: str, plan: Plan, digest: str, reasons: tuple[tuple[int, str], ...]
) -> Ending:
    """An apply that wrote nothing, since the plan isn't the reviewed one."""
    return Ending(
        settings.environment,
        commit,
        EXIT_MOVED,
        "stopped, the plan is not the one that was reviewed",
        reasons=reasons,
        plan=plan,
        digest=digest,
        advice=REVIEW + (OTHERS if settings.environment else ""),
        commands=(_dispatch(settings, digest),),
    )


def ending_of_overtaken(settings: Settings, commit: str, plan: Plan, why: str) -> Ending:
    """An apply that wrote nothing, since its commit is over; `plan` would set back what newer ones did."""
    return Ending(
        settings.environment,
        commit,
        EXIT_MOVED,
        "stopped, the commit is not the newest",
        reasons=((0, why),),
        plan=plan,
        advice=OVERTAKEN,
        commands=(_dispatch(settings, ""),),
    )


def ending_of_apply(
    settings: Settings, commit: str, plan: Plan, digest: str, report: Report, because: str, undo: str
) -> Ending:
    """An apply that did something, or had nothing to do; `plan` is what was applied."""
    code = exit_code(report)
    return Ending(
        settings.environment,
        commit,
        code,
        _outcome(report, code),
        because=because,
        plan=plan,
        digest=digest,
        report=report if report.outcomes or code else None,
        undo=undo if code else "",
    )


def with_rest(settings: Settings, ending: Ending, left: Plan | None, digest: str, given: str) -> Ending:
    """How to go on where not all was done: `left` is what there is to do now, None where nobody knows.

    What was applied by a `given` digest has another one now.
    """
    plan, rerun = left or ending.plan, _rerun(settings)
    if not given:
        return replace(ending, plan=plan, digest=digest, advice=AGAIN, commands=(rerun,) if rerun else ())
    command = _dispatch(settings, digest) if left else rerun
    advice = LEFT + (OTHERS if settings.environment else "") if left else UNKNOWN
    return replace(ending, plan=plan, digest=digest, advice=advice, commands=(command,) if command else ())


def ending_of_error(settings: Settings, commit: str, error: PortcfgError) -> Ending:
    """An apply that ended with an error."""
    invalid = isinstance(error, InvalidSpecsError)
    # What is refused stays refused; the refusal says what to do.
    again = "" if isinstance(error, InvalidSpecsError | GuardError) else _rerun(settings)
    return Ending(
        settings.environment,
        commit,
        error.exit_code,
        "the specs are invalid" if invalid else "failed",
        reasons=() if invalid else ((0, told(error)),),
        problems=error.problems if isinstance(error, InvalidSpecsError) else (),
        advice=BUSY if isinstance(error, BusyError) else "",
        commands=(again,) if again else (),
    )


def tell_ending(settings: Settings, github: GitHub, ending: Ending) -> None:
    """Outputs and summary first; then the commit and the issue, of which none changes how the command ends."""
    write_outputs(settings.environ, _outputs(ending))
    write_summary(settings.environ, ending_markdown(ending, SUMMARY_LIMIT))
    text = ending_markdown(ending) + run_line(settings)
    mark = hidden("apply", ending.environment)
    if ending.code in (EXIT_OK, EXIT_MOVED) and ending.commit:
        posted(settings, "the comment on the commit", lambda: _on_commit(github, ending, mark, text))
    if ending.code == EXIT_OK and ending.newest:
        said = f"Over with commit {ending.commit}: {ending.what}.{run_line(settings)}"
        posted(settings, "the end of the issue", lambda: close_issue(github, mark, said))
    elif ending.code in ATTENTION:
        matter = Matter(mark, titled(TITLE, ending.environment), text)
        posted(settings, "the issue", lambda: say(f"the issue: {keep_issue(github, matter, ending.newest)}"))
    labels_there(github)


def _on_commit(github: GitHub, ending: Ending, mark: str, text: str) -> None:
    """An apply that went well says so only where an earlier one was stopped."""
    thread = on_commit(ending.commit)
    if ending.code == EXIT_OK and not own_comments(github, thread, mark):
        return
    try:
        stick(github, thread, mark, f"{mark}\n{text}")
    except ApiError as error:
        # To edit a comment takes more than to make one; the issue says it all.
        if not lacks_permission(error) or "PATCH" not in error.message:
            raise
        say(f"the comment on the commit stays as it is: {plain(error.message)}")


def _outputs(ending: Ending) -> dict[str, str]:
    done = ending.report.outcomes if ending.report else ()
    return {
        "exit-code": str(ending.code),
        "applied": str(sum(outcome.status is Status.DONE for outcome in done)),
        "stopped": str(ending.code == EXIT_MOVED).lower(),
        "plan-digest": ending.digest,
    }


def _outcome(report: Report, code: int) -> str:
    number = len(report.outcomes)
    done = sum(outcome.status is Status.DONE for outcome in report.outcomes)
    if code == EXIT_OK:
        return f"{number} change(s) applied" if number else "nothing to do"
    if done == number:
        return f"{number} change(s) applied, but not all is well"
    stopped_by = "interrupted, " if code == EXIT_INTERRUPTED else ""
    return f"{stopped_by}{done} of {number} change(s) applied"


def _dispatch(settings: Settings, digest: str) -> str:
    """How the workflow of this job is started by hand, to apply what has this digest, or else what was reviewed."""
    named = ["-f", f"environment={settings.environment}"] if settings.environment else []
    given = ["-f", f"digest={digest}"] if digest else []
    return shlex.join(["gh", "workflow", "run", _workflow(settings), *named, *given])


def _workflow(settings: Settings) -> str:
    found = re.search(r"/\.github/workflows/([^/@]+)@", settings.environ.get("GITHUB_WORKFLOW_REF", ""))
    return found[1] if found else "apply.yml"


def _rerun(settings: Settings) -> str:
    run = settings.environ.get("GITHUB_RUN_ID", "")
    return f"gh run rerun {run}" if run.isdecimal() else ""
