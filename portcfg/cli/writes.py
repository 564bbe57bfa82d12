"""What the commands that write configuration share: the journal, signals, and what to type next."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from portcfg.apply import PARALLELISM
from portcfg.cli.common import ask, say
from portcfg.cli.state import JOURNALS, make_state_folder
from portcfg.client import PortWriter
from portcfg.errors import (
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_PARTIAL,
    PortcfgError,
)
from portcfg.journal import Header, Journal
from portcfg.model import Outcome, Plan, Project, Status
from portcfg.render.safe import plain
from portcfg.report import Report
from portcfg.retry import CONNECTIONS
from portcfg.settings import Settings

INTERRUPTED = "interrupted"
ENDING = b"\ninterrupted: what is under way ends; once more stops at once\n"
STOPPED = b"\nstopped at once; apply again goes on from there, once the lock has ended or after `portcfg unlock`\n"


def parallelism_option(command: click.decorators.FC, default: int = PARALLELISM) -> click.decorators.FC:
    """`--parallelism`."""
    return click.option(
        "--parallelism",
        type=click.IntRange(1, CONNECTIONS),
        default=default,
        show_default=True,
        metavar="N",
        help="How many requests to Port may be under way at once while writing.",
    )(command)


@contextmanager
def ending_well(port: PortWriter, stopped: bytes = STOPPED) -> Iterator[None]:
    """In the block, SIGINT and SIGTERM let what is under way end, and nothing new begin; a second one exits at once.

    GitHub Actions sends first the one, then the other, when a job is cancelled.
    """
    seen: set[int] = set()

    def handle(number: int, _: Any) -> None:
        # Straight to the file: what is interrupted may be in the middle of a `say`.
        with suppress(OSError):
            os.write(2, stopped if number in seen else ENDING)
        if number in seen:
            os._exit(EXIT_INTERRUPTED)
        seen.add(number)
        port.halt(INTERRUPTED)

    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = (signal.SIGINT, signal.SIGTERM)
        # Where a shell has its background jobs ignore a signal, that stays so.
        before = {number: signal.signal(number, handle) for number in numbers if _heard(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heard(number: signal.Signals) -> bool:
    return signal.getsignal(number) is not signal.SIG_IGN


@dataclass(frozen=True)
class Kept:
    """A journal that is being kept: what is to be told of each outcome, and its file; empty with nothing to write."""

    note: Callable[[Outcome], None]
    path: str = ""


@contextmanager
def kept_journal(settings: Settings, project: Project, plan: Plan, root: str, use_ledger: bool) -> Iterator[Kept]:
    """Keep a journal of an apply of `plan`, if it writes anything. Raises PortcfgError where that can't be."""
    if not plan.pending:
        yield Kept(show_outcome)
        return
    now = utc_now()
    base_url = "" if settings.is_local else root
    header = Header(base_url, project.name, project.environment, now.isoformat(), use_ledger)
    journal, noted = _journal(JOURNALS / f"{now:%Y%m%dT%H%M%S%f}.jsonl", header, plan), list[Outcome]()
    try:
        yield Kept(_noting(journal, noted), str(journal.path))
    except BaseException as error:
        # A step's own error is an outcome. One before the first step: nothing was written, so there's nothing to undo.
        if isinstance(error, PortcfgError) and not noted:
            journal.close()
            journal.path.unlink()
        else:
            say(f"to undo: {undo_command(settings, str(journal.path))}")
        raise
    finally:
        with suppress(OSError):
            journal.close()


def _journal(path: Path, header: Header, plan: Plan) -> Journal:
    try:
        make_state_folder(JOURNALS.parent)
        return Journal(path, header, plan)
    except OSError as error:
        raise PortcfgError(
            f"the journal for `rollback` can't be written to the folder {JOURNALS}: {error.strerror or error}; "
            "nothing was written to Port",
            hint="let this user write there, or make room on the disk; or run portcfg in another folder, with --specs",
        ) from error


def _noting(journal: Journal, noted: list[Outcome]) -> Callable[[Outcome], None]:
    broken: list[OSError] = []

    def note(outcome: Outcome) -> None:
        noted.append(outcome)
        try:
            if not broken:
                journal.note(outcome)
        except OSError as error:
            broken.append(error)
            # What Port held before is on disk already, which is what a rollback needs.
            say(f"warning: the journal doesn't say any more how steps ended: {error.strerror or error}")
        show_outcome(outcome)

    return note


def show_outcome(outcome: Outcome) -> None:
    """One line on stderr for a step that ended."""
    say(f"{outcome.status} {outcome.change.action} {plain(str(outcome.change.ref))}")


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def ask_before_writing(plan: Plan, root: str, auto_approve: bool) -> None:
    """Ask on a terminal; raises UsageError without one."""
    what = f"Write these {len(plan.pending)} change(s)" if plan.pending else "Manage these resources from now on"
    ask(f"{what}, in {root}?", auto_approve)


def place_flags(settings: Settings) -> list[str]:
    """The flags that name the same specs and environment again."""
    specs = ["--specs", str(settings.specs)] if settings.specs != Path("specs") else []
    return [*specs, *(["--env", settings.environment] if settings.environment else [])]


def undo_command(settings: Settings, journal: str) -> str:
    """What takes an apply back; empty where it kept no journal."""
    return shlex.join(["portcfg", "rollback", journal, *place_flags(settings)]) if journal else ""


def exit_code(report: Report) -> int:
    """The exit code that goes with what was done."""
    done = any(outcome.status is Status.DONE for outcome in report.outcomes)
    if report.halted == INTERRUPTED:
        return EXIT_INTERRUPTED
    if report.failed:
        return EXIT_PARTIAL if done else EXIT_ERROR
    unfinished = report.problems or (report.after is not None and report.after.pending)
    return EXIT_PARTIAL if unfinished else EXIT_OK
