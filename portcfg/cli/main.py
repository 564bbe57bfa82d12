"""The `portcfg` group: which commands there are, and what becomes of errors. Command modules are imported late."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from portcfg import __version__
from portcfg.cli.late import LateGroup, Table
from portcfg.errors import EXIT_BUG, EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, InvalidSpecsError, PortcfgError

COMMANDS: Table = {
    "init": ("init", "Make a ready repo: specs, workflows, editor settings; overwrites nothing."),
    "validate": ("validate", "Check the specs without a network: every mistake, with its place."),
    "explain": ("explain", "Say what a finding means, or what a line of the specs is and does."),
    "lineage": ("lineage", "Print who writes and who reads each property."),
    "compile": ("specs", "Print what the specs compile to: Port's own JSON."),
    "plan": ("reconcile", "Show what would change in Port; writes nothing."),
    "drift": ("reconcile", "Show only what was changed in Port behind the specs' back."),
    "snapshot": ("snapshot", "Write what a plan reads from Port into a file, to plan without credentials."),
    "apply": ("reconcile", "Plan, ask, write, and prove that a fresh plan is empty."),
    "rollback": ("recover", "Bring Port back to what it held before an apply."),
    "unlock": ("recover", "End the lock that a killed apply left behind."),
    "ledger": ("ledger", "Show and mend portcfg's record in Port of what it manages."),
    "sync": ("sync_group", "Move rows from a mapping's source into Port entities."),
    "test": ("test", "Run mappings over recorded answers and compare the entities, offline."),
    "import": ("imports", "Write specs for what Port has, or for Port JSON in files."),
    "github": ("github_group", "The steps of the workflows: plan, comment, and the like on GitHub Actions."),
    "ocean": ("ocean", "Print the command that installs Port's Ocean for a mapping that it runs."),
    "doctor": ("doctor", "Say what portcfg would talk to, with which credentials, and whether it answers."),
    "schema": ("schema", "Write the JSON Schemas that editors use for specs."),
    "emulator": ("emulator", "Serve the embedded Port, and a stand-in Cursor, on loopback."),
    "demo": ("demo", "The whole Cursor integration on an embedded Port, start to end."),
    "completion": ("doctor", "Print the completion script of a shell."),
}

EPILOG = """
\b
Examples:
  portcfg demo                           try everything, with no account
  portcfg init my-portal                 a repo of your own
  portcfg validate                       check specs/
  portcfg plan --env local               plan against the embedded Port
  portcfg plan --format markdown         a pull request comment
  portcfg apply --auto-approve           what CI runs on merge
  portcfg sync                           read the days that are missing or may still change

\b
Exit codes: 0 done or no changes, 1 error or invalid, 2 changes pending (plan --detailed-exitcode),
  3 sync incomplete, 4 Port moved since the plan, 5 plan file not trusted, 6 partly applied or rows rejected,
  64 usage, 70 a bug, 130 interrupted.
"""


INTERRUPTED = "interrupted; what is done is done, and the same command goes on from there"


class Portcfg(LateGroup):
    """The group of all commands, which owns the exit codes."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> NoReturn:
        extra["standalone_mode"] = False
        try:
            code = super().main(args, **extra)
        except Exception as error:
            code = exit_code_of(error)
        except KeyboardInterrupt:
            click.echo(INTERRUPTED, err=True)
            code = EXIT_INTERRUPTED
        sys.exit(code if isinstance(code, int) else EXIT_OK)


def exit_code_of(error: Exception) -> int:
    """Say what went wrong on stderr; the exit code that goes with it."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        # click turns Ctrl-C into an Abort; at a question it comes without a cause, and then nothing has been done.
        interrupted = isinstance(error.__cause__, KeyboardInterrupt)
        click.echo(INTERRUPTED if interrupted else "stopped; nothing was written", err=True)
        return EXIT_INTERRUPTED
    if isinstance(error, click.ClickException):
        # click's own code for a usage error is 2, which here means "changes pending".
        error.show()
        return EXIT_USAGE
    if isinstance(error, BrokenPipeError):
        # The reader went away (`portcfg plan | head`); stdout must not be flushed into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    if isinstance(error, PortcfgError):
        say_error(error)
        return error.exit_code
    if isinstance(error, OSError):
        # A full disk, a folder that can't be written: the user's to mend.
        name = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {name}{error.strerror or error}", err=True)
        return EXIT_ERROR
    traceback.print_exception(error)
    click.echo("this is a bug in portcfg; please report it with the lines above", err=True)
    return EXIT_BUG


def say_error(error: PortcfgError) -> None:
    """An expected error on stderr: what, where, and what to do. In a job on GitHub, nothing of it is a command."""
    from portcfg.findings import Findings
    from portcfg.render.problems import problem_lines
    from portcfg.render.problems_github import logged
    from portcfg.render.safe import plain

    if isinstance(error, InvalidSpecsError):
        findings = Findings(error.problems, texts=error.texts)
        for problem in error.problems:
            click.echo(logged("\n".join(problem_lines(problem, findings.line(problem)))), err=True)
    click.echo(logged(f"error: {plain(error.message)}"), err=True)
    if error.hint:
        click.echo(logged(f"  {plain(error.hint)}"), err=True)


@click.group(cls=Portcfg, table=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="portcfg", message="%(prog)s %(version)s")
def main() -> None:
    """Port (port.io) as code: YAML specs, a plan you can trust, and Cursor usage synced into Port."""
