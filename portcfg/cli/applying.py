"""What every command that applies specs does: write a plan, keep its journal, and say what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from portcfg import planfile
from portcfg.cli.common import say
from portcfg.cli.writes import ending_well, exit_code, kept_journal, place_flags, utc_now
from portcfg.client import PortWriter, api_root
from portcfg.errors import EXIT_OK
from portcfg.model import Plan
from portcfg.pipeline import Options, Specs, apply_specs
from portcfg.render.plan import plan_text
from portcfg.render.problems_github import logged
from portcfg.report import Report
from portcfg.settings import Settings


def applied(
    settings: Settings,
    specs: Specs,
    plan: Plan,
    port: PortWriter,
    options: Options,
    parallelism: int,
    check: Callable[[Plan], None] | None,
) -> tuple[Report, str]:
    """Write a plan; the report, and the file of the journal."""
    if plan.pending and not options.use_ledger:
        say("without the ledger, no lock keeps another apply out, and nothing of this is managed afterwards")
    with kept_journal(settings, specs.project, plan, port.root, options.use_ledger) as journal, ending_well(port):
        report = apply_specs(
            specs,
            plan,
            port,
            options,
            clock=utc_now,
            progress=journal.note,
            commit=settings.commit,
            link=settings.link,
            parallelism=parallelism,
            check=check,
        )
    return report, journal.path


def binding_of(settings: Settings, specs: Specs, options: Options) -> planfile.Binding:
    """What a plan of these specs with these options is bound to."""
    # The embedded Port has another address each time; it is the same one all the same.
    base_url = "" if settings.is_local else api_root(settings.base_url(specs.project))
    digest = planfile.digest_of(specs.compiled())
    return planfile.Binding(
        digest,
        base_url,
        settings.environment,
        options.prune,
        options.use_ledger,
        options.allowed,
        options.remove_all,
    )


def what_next(report: Report, settings: Settings, options: Options, plan_file: Path | None) -> list[str]:
    """What to type to go on where an apply wasn't all done; a plan file is of no use any more then."""
    if not report.failed and exit_code(report) == EXIT_OK:
        return []
    flags = [*place_flags(settings), *(["--prune"] if options.prune else [])]
    flags += [] if options.use_ledger else ["--no-ledger"]
    flags += [part for name in options.allowed for part in ("--allow-destructive", name)]
    flags += ["--allow-remove-all"] if options.remove_all else []
    if plan_file is None:
        return [shlex.join(["portcfg", "apply", *flags])]
    return [
        shlex.join(["portcfg", "plan", "--out", str(plan_file), *flags]),
        shlex.join(["portcfg", "apply", str(plan_file), *place_flags(settings)]),
    ]


def say_what_was_not_kept(report: Report) -> None:
    """What Port holds otherwise than it was just written, on stderr; nothing where all is as it should be."""
    if report.after and report.after.pending and not report.failed:
        say("error: Port did not keep what was written; the fresh plan should be empty:")
        say(logged(plan_text(report.after)))
