"""github drift: what was changed in Port behind the specs' back is an issue, for as long as it is so."""

from __future__ import annotations

import shlex
from functools import partial

import click

from portcfg.cli.common import checked_specs, reading, say, specs_options
from portcfg.cli.github_job import connected, failure_told, labels_there, posted, run_line
from portcfg.cli.writes import place_flags
from portcfg.errors import EXIT_CHANGES, EXIT_ERROR, EXIT_OK
from portcfg.github.api import GitHub
from portcfg.github.issues import Matter, close_issue, keep_issue
from portcfg.github.outputs import write_outputs, write_summary
from portcfg.model import Plan
from portcfg.pipeline import plan_specs
from portcfg.plan import drift_of
from portcfg.render.applied import hidden, titled
from portcfg.render.comment import drift_markdown
from portcfg.render.plan import drift_text
from portcfg.render.problems_github import logged
from portcfg.render.safe import fenced
from portcfg.settings import Settings

TITLE = "portcfg drift"
# Bytes; what is to be done about it, and the link to the run, have the rest.
ROOM = 60_000
CLEAN = "There is no drift any more: Port holds what was applied."


@click.command("drift", short_help="Look for what was changed in Port behind the specs' back; an issue says what.")
@specs_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there is drift.")
def drift_command(settings: Settings, detailed_exitcode: bool) -> int:
    """Find what was changed in Port, as `portcfg drift` does, and keep one issue of it: opened, edited when something
    else drifts, closed when nothing does any more. Writes nothing to Port.

    \b
    Examples:
      portcfg github drift --env production
      portcfg github drift --detailed-exitcode
    """
    with connected(settings) as github, failure_told(settings, "drift"):
        specs = checked_specs(settings)
        with reading(settings, specs) as port:
            drift = drift_of(plan_specs(specs, port))
        click.echo(logged(drift_text(drift)))
        write_outputs(settings.environ, {"has-drift": _yes(drift), "resources": str(len(drift.pending))})
        write_summary(settings.environ, drift_markdown(drift))
        if not posted(settings, "the drift", partial(_follow, settings, github, drift)):
            return EXIT_ERROR
        labels_there(github)
    return EXIT_CHANGES if detailed_exitcode and drift.pending else EXIT_OK


def _yes(drift: Plan) -> str:
    return str(bool(drift.pending)).lower()


def _follow(settings: Settings, github: GitHub, drift: Plan) -> None:
    mark = hidden("drift", settings.environment)
    if drift.pending:
        text = f"{drift_markdown(drift, ROOM)}\n\n{_advice(settings)}{run_line(settings)}"
        say(f"the issue: {keep_issue(github, Matter(mark, titled(TITLE, settings.environment), text))}")
    elif drift.notes:
        # Of what isn't in the ledger nobody can tell whether it drifted.
        say("an open issue stays as it is: not all of the resources can be told")
    else:
        close_issue(github, mark, CLEAN + run_line(settings))


def _advice(settings: Settings) -> str:
    adopt = shlex.join(["portcfg", "drift", "--adopt", *place_flags(settings)])
    return (
        "To keep what was changed, take it over into the specs, and open a pull request with that:\n\n"
        f"{fenced(adopt, 'sh')}\n\nTo set it back, apply the specs."
    )
