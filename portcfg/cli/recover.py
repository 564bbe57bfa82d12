"""rollback and unlock."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from portcfg.bookkeeping import lagging
from portcfg.cli.common import say, specs_options, writing
from portcfg.cli.reconcile import named_refs
from portcfg.cli.writes import (
    ask_before_writing,
    ending_well,
    exit_code,
    kept_journal,
    parallelism_option,
    undo_command,
    utc_now,
)
from portcfg.client import PortWriter
from portcfg.errors import EXIT_OK, MovedError, PortcfgError, UsageError
from portcfg.journal import Recorded, read
from portcfg.lock import SYNC_LOCKS, release
from portcfg.model import Owner, Plan, Ref
from portcfg.observe import see
from portcfg.pipeline import Specs, read_specs, refuse_harm, undo, weighed_rollback
from portcfg.render.plan import headline, plan_text
from portcfg.render.report import outcome_lines
from portcfg.render.safe import plain
from portcfg.report import Report
from portcfg.rollback import way_back
from portcfg.settings import Settings
from portcfg.slicelock import end_locks
from portcfg.undoing import already_back


@click.command("rollback")
@specs_options
@click.argument("journal", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--auto-approve", is_flag=True, help="Don't ask: for CI.")
@parallelism_option
@click.option("--overwrite", is_flag=True, help="Take back also what somebody changed since the apply.")
@click.option(
    "--allow-destructive",
    "allowed",
    multiple=True,
    metavar="KIND/IDENTIFIER",
    help="That this resource loses data by it is meant; may be repeated.",
)
def rollback_command(
    settings: Settings,
    journal: Path,
    auto_approve: bool,
    overwrite: bool,
    parallelism: int,
    allowed: tuple[str, ...],
) -> int:
    """Bring Port back to what it held before an apply, as the apply's journal has it: only what the apply touched.

    What was changed since is left alone. Values of entities can't come back; the plan says where that matters. A
    rollback has a journal of its own. After an apply without the ledger, it does without, too.

    \b
    Examples:
      portcfg rollback .portcfg/journal/20260302T101500000000.jsonl
    """
    recorded = read(journal)
    specs = read_specs(settings.specs, settings.environment)
    with writing(settings, specs) as port:
        _same_place(recorded.header.base_url, "" if settings.is_local else port.root)
        seen = see(port)
        back = way_back(recorded, seen.state, seen.tree, overwrite=overwrite)
        plan = weighed_rollback(back, seen.state, port, named_refs(allowed))
        done = already_back(recorded, seen.state, plan, overwrite=overwrite)
        say(plan_text(plan) if plan.pending or plan.notes else "Nothing to undo.")
        if not plan.pending:
            _finish(specs.project.owner, recorded, plan, port, done)
            return EXIT_OK
        refuse_harm(plan)
        ask_before_writing(plan, port.root, auto_approve)
        use_ledger = recorded.header.ledger
        with kept_journal(settings, specs.project, plan, port.root, use_ledger) as kept, ending_well(port):
            report = undo(
                specs.project.owner,
                recorded,
                plan,
                port,
                clock=utc_now,
                progress=kept.note,
                parallelism=parallelism,
                settled=done,
                # Whoever answers may take a while.
                check=None if auto_approve else partial(_check_unmoved, recorded, back, port, overwrite),
            )
            report = report if report.halted else _read_back(report, recorded, port, overwrite)
    return _tell(report, undo_command(settings, str(journal)), undo_command(settings, kept.path))


def _tell(report: Report, again: str, back: str) -> int:
    """Print what was undone, and what to type next; the exit code."""
    click.echo("\n".join(outcome_lines(report)))
    if (rest := report.after) is not None:
        click.echo(f"Read back from Port: {headline(rest) if rest.pending else 'what it held before the apply.'}")
    if (code := exit_code(report)) != EXIT_OK:
        click.echo(f"next: {again}")
    click.echo(f"to undo: {back}")
    return code


def _finish(owner: Owner, recorded: Recorded, plan: Plan, port: PortWriter, done: set[Ref]) -> None:
    """What a rollback that was stopped at its end has left undone: the ledger."""
    if recorded.header.ledger and lagging(owner, recorded, done, port):
        undo(owner, recorded, plan, port, clock=utc_now, progress=lambda _: None, settled=done)
        say("the ledger says again what it said before the apply")


def _read_back(report: Report, recorded: Recorded, port: PortWriter, overwrite: bool) -> Report:
    """The report with what is left to undo, or with why that isn't known."""
    try:
        seen = see(port)
        return replace(report, after=way_back(recorded, seen.state, seen.tree, overwrite=overwrite))
    except PortcfgError as error:
        problem = f"what was undone could not be read back from Port: {error.message}"
        return replace(report, problems=(*report.problems, problem), halted=port.halted)


def _check_unmoved(recorded: Recorded, shown: Plan, port: PortWriter, overwrite: bool) -> None:
    """Raise MovedError unless the way back is still the one that was shown."""
    seen = see(port)
    now = way_back(recorded, seen.state, seen.tree, overwrite=overwrite)
    if now.changes != shown.changes:
        refs = {
            each.ref for each in (*now.changes, *shown.changes) if not (each in now.changes and each in shown.changes)
        }
        raise MovedError("Port has moved since the plan: " + ", ".join(map(str, sorted(refs))), hint="roll back again")


def _same_place(recorded: str, root: str) -> None:
    if recorded != root:
        where = recorded or "the embedded Port"
        raise UsageError(f"the journal is of {where}, and this is {root or 'the embedded Port'}")


@click.command("unlock")
@specs_options
@click.argument("names", nargs=-1, metavar="[sync:MAPPING]...")
def unlock_command(settings: Settings, names: tuple[str, ...]) -> int:
    """End the lock that a killed apply left behind, or those of a mapping's killed syncs, slices included.

    Make sure that it isn't running: two would mix their writes.

    \b
    Examples:
      portcfg unlock
      portcfg unlock sync:cursor
    """
    if wrong := [name for name in names if not name.startswith(SYNC_LOCKS)]:
        raise UsageError(f"there is no lock {wrong[0]!r}", hint=f"a sync's is called {SYNC_LOCKS}MAPPING")
    project = read_specs(settings.specs, settings.environment).project
    with writing(settings, Specs(project, (), ())) as port:
        for name in names:
            end_locks(port, name)
        if not names:
            release(port)
    say(f"nobody holds the lock of {', '.join(map(plain, names)) or 'an apply'} any more")
    return EXIT_OK
