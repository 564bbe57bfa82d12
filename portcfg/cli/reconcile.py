"""plan and apply."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from portcfg import planfile
from portcfg.cli.applying import applied, binding_of, say_what_was_not_kept, what_next
from portcfg.cli.common import (
    Command,
    checked_specs,
    format_option,
    reading,
    say,
    specs_options,
    write_private,
    writing,
)
from portcfg.cli.writes import (
    ask_before_writing,
    exit_code,
    parallelism_option,
    undo_command,
    utc_now,
)
from portcfg.errors import EXIT_CHANGES, EXIT_OK, UsageError
from portcfg.kinds import KINDS
from portcfg.model import Plan
from portcfg.offline import offline_plan
from portcfg.pipeline import Options, Specs, plan_specs, refuse_harm
from portcfg.plan import drift_of
from portcfg.render.comment import drift_markdown, plan_markdown
from portcfg.render.plan import drift_text, plan_json, plan_text
from portcfg.render.plans import plans_json, plans_markdown, plans_text
from portcfg.render.report import report_json, report_text
from portcfg.settings import Settings

PLAN_FORMATS: dict[str, Callable[[Plan], str]] = {"text": plan_text, "json": plan_json, "markdown": plan_markdown}
DRIFT_FORMATS: dict[str, Callable[[Plan], str]] = {"text": drift_text, "json": plan_json, "markdown": drift_markdown}
PLANS_FORMATS = {"text": plans_text, "json": plans_json, "markdown": plans_markdown}


def plan_options(command: Command) -> Command:
    """`--prune`, `--no-ledger` and what a plan may destroy, handed to the command as one `options`."""

    @click.option(
        "--no-ledger", is_flag=True, help="Don't read or keep portcfg's record in Port; nothing can be pruned then."
    )
    @click.option("--prune", is_flag=True, help="Delete what portcfg manages and the specs no longer have.")
    @click.option("--allow-remove-all", "remove_all", is_flag=True, help="That nothing is left is meant.")
    @click.option(
        "--allow-destructive",
        "allowed",
        multiple=True,
        metavar="KIND/IDENTIFIER",
        help="This resource's destructive changes are meant; may be repeated.",
    )
    @functools.wraps(command)
    def wrapped(prune: bool, no_ledger: bool, allowed: tuple[str, ...], remove_all: bool, **arguments: Any) -> Any:
        return command(options=_options(prune, no_ledger, allowed, remove_all), **arguments)

    return wrapped  # type: ignore[return-value]


def offline_options(command: click.decorators.FC) -> click.decorators.FC:
    """`--against` and `--base`."""
    command = click.option(
        "--base",
        type=click.Path(path_type=Path, file_okay=False),
        help="Plan without a network: what changes against the specs in this folder, the base branch's say.",
    )(command)
    return click.option(
        "--against",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Plan without a network or credentials, against a file of `portcfg snapshot`.",
    )(command)


def check_offline(against: Path | None, base: Path | None, out: Path | None) -> None:
    """Raise UsageError for options that can't be had together, and for base specs that aren't there."""
    if against and base:
        raise UsageError("--against and --base are two things to compare with", hint="choose one")
    if out and (against or base):
        name = "--against" if against else "--base"
        raise UsageError(f"{name} excludes --out", hint="a plan to apply is made against Port itself")
    if base and not base.is_dir():
        raise UsageError(f"--base: {base} is no folder", hint="name that of the specs to compare with")


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
@offline_options
def plan_command(
    settings: Settings,
    options: Options,
    format_: str,
    detailed_exitcode: bool,
    out: Path | None,
    against: Path | None,
    base: Path | None,
) -> int:
    """Show what would change in Port, resource by resource and field by field. Writes nothing.

    \b
    Examples:
      portcfg plan --env local
      portcfg plan --format markdown > comment.md
      portcfg plan --detailed-exitcode --prune
      portcfg plan --out plan.json
      portcfg plan --env staging,production
      portcfg plan --against snapshot.json
      portcfg plan --base ../main/specs
    """
    names = list(dict.fromkeys(name.strip() for name in settings.environment.split(",")))
    if "" in names and len(names) > 1:
        raise UsageError("--env has an empty name", hint="name environments as in --env staging,production")
    if out and len(names) > 1:
        raise UsageError("--out saves the plan of one environment", hint="plan each on its own")
    check_offline(against, base, out)
    chosen = [replace(settings, environment=name) for name in names]
    # All of them before the first request: a mistake in one stops them all.
    specs = [checked_specs(each) for each in chosen]
    if against or base:
        plans = [offline_plan(found, options, against=against, base=base, now=utc_now())[0] for found in specs]
    else:
        plans = [_planned(each, found, options, out) for each, found in zip(chosen, specs, strict=True)]
    click.echo(PLANS_FORMATS[format_](plans) if len(plans) > 1 else PLAN_FORMATS[format_](plans[0]))
    return EXIT_CHANGES if detailed_exitcode and any(plan.pending for plan in plans) else EXIT_OK


def _planned(settings: Settings, specs: Specs, options: Options, out: Path | None) -> Plan:
    with reading(settings, specs) as port:
        plan = plan_specs(specs, port, options)
        if out:
            write_private(out, planfile.save(plan, binding_of(settings, specs, options), settings.plan_key))
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
    click.echo(DRIFT_FORMATS[format_](drift))
    return EXIT_CHANGES if drift.pending else EXIT_OK


@click.command("apply")
@specs_options
@plan_options
@format_option("text", "json")
@click.option("--auto-approve", is_flag=True, help="Don't ask: for CI.")
@parallelism_option
@click.argument("plan_file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
def apply_command(
    settings: Settings,
    options: Options,
    format_: str,
    auto_approve: bool,
    parallelism: int,
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
    bound = planfile.read(plan_file.read_bytes(), settings.plan_key) if plan_file else None
    if bound and options != Options():
        raise UsageError("the plan file says what it may do", hint="give these flags to `plan --out`")
    if bound:
        reviewed = bound.binding
        options = Options(reviewed.prune, reviewed.use_ledger, reviewed.allowed, reviewed.remove_all)
    with writing(settings, specs) as port:
        plan = plan_specs(specs, port, options)
        say(plan_text(plan))
        if bound:
            planfile.check(bound, binding_of(settings, specs, options), plan)
        refuse_harm(plan)
        if not bound and (plan.pending or plan.adopted) and not auto_approve:
            ask_before_writing(plan, port.root, auto_approve)
            # Whoever answers may take a while.
            bound = planfile.shown(plan, binding_of(settings, specs, options))
        check = functools.partial(planfile.check, bound, binding_of(settings, specs, options)) if bound else None
        report, journal = applied(settings, specs, plan, port, options, parallelism, check)
        following = what_next(report, settings, options, plan_file)
        told = {"text": report_text, "json": report_json}[format_]
        click.echo(told(report, following, undo_command(settings, journal)))
        say_what_was_not_kept(report)
        return exit_code(report)
