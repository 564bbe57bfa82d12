"""plan and apply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from portcfg import planfile
from portcfg.cli.common import ask, checked_specs, format_option, reading, say, specs_options, writing
from portcfg.cli.state import JOURNALS, make_state_folder
from portcfg.client import api_root
from portcfg.errors import EXIT_CHANGES, EXIT_ERROR, EXIT_OK, EXIT_PARTIAL, UsageError
from portcfg.journal import Header, Journal
from portcfg.kinds import KINDS
from portcfg.model import Outcome, Plan, Report, Status
from portcfg.pipeline import Options, Specs, apply_specs, plan_specs, refuse_harm
from portcfg.plan import drift_of
from portcfg.render.plan import drift_text, plan_json, plan_markdown, plan_text, report_json, report_text
from portcfg.render.plans import plans_json, plans_markdown, plans_text
from portcfg.render.safe import plain
from portcfg.settings import Settings

PLAN_FORMATS = {"text": plan_text, "json": plan_json, "markdown": plan_markdown}
PLANS_FORMATS = {"text": plans_text, "json": plans_json, "markdown": plans_markdown}


def plan_options(command: click.decorators.FC) -> click.decorators.FC:
    """`--prune`, `--no-ledger` and what a plan may destroy."""
    command = click.option(
        "--allow-destructive",
        "allowed",
        multiple=True,
        metavar="KIND/IDENTIFIER",
        help="This resource's destructive changes are meant; may be repeated.",
    )(command)
    command = click.option("--allow-remove-all", "remove_all", is_flag=True, help="That nothing is left is meant.")(
        command
    )
    command = click.option("--prune", is_flag=True, help="Delete what portcfg manages and the specs no longer have.")(
        command
    )
    return click.option(
        "--no-ledger", is_flag=True, help="Don't read or keep portcfg's record in Port; nothing can be pruned then."
    )(command)


def _options(prune: bool, no_ledger: bool, allowed: tuple[str, ...], remove_all: bool) -> Options:
    if prune and no_ledger:
        raise UsageError("--prune needs the ledger", hint="without it portcfg can't know what it manages")
    return Options(prune=prune, use_ledger=not no_ledger, allowed=named_refs(allowed), remove_all=remove_all)


def named_refs(names: tuple[str, ...]) -> tuple[str, ...]:
    """Resources named as KIND/IDENTIFIER; raises UsageError for what isn't."""
    for name in names:
        if name.partition("/")[0] not in KINDS or not name.partition("/")[2]:
            kinds = ", ".join(f"{kind}/..." for kind in KINDS)
            raise UsageError(f"{name!r} names no resource", hint=f"write {kinds}")
    return names


@click.command("plan")
@specs_options
@plan_options
@format_option(*PLAN_FORMATS)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan for `apply FILE`.")
def plan_command(
    settings: Settings,
    prune: bool,
    no_ledger: bool,
    allowed: tuple[str, ...],
    remove_all: bool,
    format_: str,
    detailed_exitcode: bool,
    out: Path | None,
) -> int:
    """Show what would change in Port, resource by resource and field by field. Writes nothing.

    \b
    Examples:
      portcfg plan --env local
      portcfg plan --format markdown > comment.md
      portcfg plan --detailed-exitcode --prune
      portcfg plan --out plan.json
      portcfg plan --env staging,production
    """
    options = _options(prune, no_ledger, allowed, remove_all)
    names = list(dict.fromkeys(name.strip() for name in settings.environment.split(",")))
    if "" in names and len(names) > 1:
        raise UsageError("--env has an empty name", hint="name environments as in --env staging,production")
    if out and len(names) > 1:
        raise UsageError("--out saves the plan of one environment", hint="plan each on its own")
    chosen = [replace(settings, environment=name) for name in names]
    # All of them before the first request: a mistake in one stops them all.
    specs = [checked_specs(each) for each in chosen]
    plans = [_planned(each, found, options, out) for each, found in zip(chosen, specs, strict=True)]
    click.echo(PLANS_FORMATS[format_](plans) if len(plans) > 1 else PLAN_FORMATS[format_](plans[0]))
    return EXIT_CHANGES if detailed_exitcode and any(plan.pending for plan in plans) else EXIT_OK


def _planned(settings: Settings, specs: Specs, options: Options, out: Path | None) -> Plan:
    with reading(settings, specs) as port:
        plan = plan_specs(specs, port, options)
        if out:
            out.write_text(planfile.save(plan, _binding(settings, specs, options), settings.plan_key), encoding="utf-8")
        say(f"{port.requests_made} requests to {port.root}")
    return plan


@click.command("drift")
@specs_options
@format_option("text", "json", "markdown")
@click.option("--adopt", "adopt", is_flag=True, help="Write what was changed in Port into the spec files.")
@click.option(
    "--adopt-conflicts", "conflicts", is_flag=True, help="Also what the specs have changed, too: Port's value wins."
)
def drift_command(settings: Settings, format_: str, adopt: bool, conflicts: bool) -> int:
    """Show only what was changed in Port behind the specs' back, and by whom. Writes nothing; exits 2 if there is any.

    The ledger remembers what was applied: what differs from that in Port is drift, what differs in the specs isn't.
    With --adopt, the specs take it over, in the lines concerned; shown is what is left, for the reasons given.

    \b
    Examples:
      portcfg drift
      portcfg drift --format json
      portcfg drift --adopt
    """
    specs = checked_specs(settings)
    with reading(settings, specs) as port:
        if adopt or conflicts:
            from portcfg.cli.adoption import adopted_drift

            drift = adopted_drift(settings, specs, port, conflicts)
        else:
            drift = drift_of(plan_specs(specs, port))
    click.echo({**PLAN_FORMATS, "text": drift_text}[format_](drift))
    return EXIT_CHANGES if drift.pending else EXIT_OK


@click.command("apply")
@specs_options
@plan_options
@format_option("text", "json")
@click.option("--auto-approve", is_flag=True, help="Don't ask: for CI.")
@click.argument("plan_file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
def apply_command(
    settings: Settings,
    prune: bool,
    no_ledger: bool,
    allowed: tuple[str, ...],
    remove_all: bool,
    format_: str,
    auto_approve: bool,
    plan_file: Path | None,
) -> int:
    """Plan, show the plan, ask, write it in dependency order, and plan again: that plan must be empty.

    With a file of `plan --out`, the same is written without a question, or nothing at all: exit 4 when Port has moved
    since, 5 when the file or the specs aren't the ones that were planned.

    \b
    Examples:
      portcfg apply --env local
      portcfg apply --auto-approve --format json
      portcfg apply plan.json
    """
    specs = checked_specs(settings)
    options = _options(prune, no_ledger, allowed, remove_all)
    bound = planfile.read(plan_file.read_text(encoding="utf-8"), settings.plan_key) if plan_file else None
    if bound and (prune or no_ledger or allowed or remove_all):
        raise UsageError("the plan file says what it may do", hint="give these flags to `plan --out`")
    if bound:
        reviewed = bound.binding
        options = Options(reviewed.prune, reviewed.use_ledger, reviewed.allowed, reviewed.remove_all)
    with writing(settings, specs) as port:
        plan = plan_specs(specs, port, options)
        say(plan_text(plan))
        if bound:
            planfile.check(bound, _binding(settings, specs, options), plan)
        refuse_harm(plan)
        if not bound and (plan.pending or plan.adopted):
            ask_before_writing(plan, port.root, auto_approve)
        with kept_journal(settings, specs, plan, port.root) as note:
            report = apply_specs(
                specs, plan, port, options, clock=utc_now, progress=note, commit=settings.commit, link=settings.link
            )
        click.echo(report_text(report) if format_ == "text" else report_json(report))
        return _exit_code(report)


@contextmanager
def kept_journal(settings: Settings, specs: Specs, plan: Plan, root: str) -> Iterator[Callable[[Outcome], None]]:
    """Keep a journal of an apply of `plan`, if it writes anything; yields what is to be told of each outcome."""
    if not plan.pending:
        yield show_outcome
        return
    now = utc_now()
    project = specs.project
    header = Header("" if settings.is_local else root, project.name, project.environment, now.isoformat())
    make_state_folder(JOURNALS.parent)
    with closing(Journal(JOURNALS / f"{now:%Y%m%dT%H%M%S%f}.jsonl", header, plan)) as journal:

        def note(outcome: Outcome) -> None:
            journal.note(outcome)
            show_outcome(outcome)

        try:
            yield note
        finally:
            say(f"to undo: portcfg rollback {journal.path}")


def _binding(settings: Settings, specs: Specs, options: Options) -> planfile.Binding:
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


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def ask_before_writing(plan: Plan, root: str, auto_approve: bool) -> None:
    """Ask on a terminal; raises UsageError without one."""
    what = f"Write these {len(plan.pending)} change(s)" if plan.pending else "Manage these resources from now on"
    ask(f"{what}, in {root}?", auto_approve)


def show_outcome(outcome: Outcome) -> None:
    """One line on stderr for a step that ended."""
    say(f"{outcome.status} {outcome.change.action} {plain(str(outcome.change.ref))}")


def _exit_code(report: Report) -> int:
    done = any(outcome.status is Status.DONE for outcome in report.outcomes)
    if report.failed:
        return EXIT_PARTIAL if done else EXIT_ERROR
    if report.after is not None and report.after.pending:
        say("error: Port did not keep what was written; the fresh plan should be empty:")
        say(plan_text(report.after))
        return EXIT_PARTIAL
    return EXIT_OK
