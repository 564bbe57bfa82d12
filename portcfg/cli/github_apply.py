"""github apply: what was reviewed in a pull request is written to Port, or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import chain

import click

from portcfg.cli.applying import applied, binding_of, say_what_was_not_kept
from portcfg.cli.common import checked_specs, say, specs_options, writing
from portcfg.cli.github_ending import (
    ending_of_apply,
    ending_of_error,
    ending_of_overtaken,
    ending_of_stop,
    tell_ending,
    with_rest,
)
from portcfg.cli.github_job import connected
from portcfg.cli.reconcile import plan_options
from portcfg.cli.writes import parallelism_option, undo_command
from portcfg.client import PortWriter
from portcfg.errors import EXIT_OK, PortcfgError, UsageError
from portcfg.github.api import GitHub
from portcfg.github.branch import Standing, comes_after, standing
from portcfg.github.commits import recent_plans, reviews_of
from portcfg.github.event import at, is_private, read_event
from portcfg.github.verdict import Verdict, by_digest, by_review, by_steps
from portcfg.ledger import last_commit, of_commit
from portcfg.model import Plan, Ref
from portcfg.pipeline import Options, Specs, plan_specs, refuse_harm
from portcfg.planfile import Binding, bound_changes, changes_digest
from portcfg.render.applied import Ending
from portcfg.render.comment import marker
from portcfg.render.plan import plan_text
from portcfg.render.problems_github import logged
from portcfg.render.report import report_text
from portcfg.render.safe import plain
from portcfg.settings import Settings

# Of these, GITHUB_SHA is no commit of the branch that Port follows.
BEFORE_MERGE = ("pull_request", "pull_request_target", "pull_request_review", "merge_group", "workflow_run")


def _digest(_context: click.Context, _option: click.Parameter, text: str | None) -> str:
    if text and not re.fullmatch("[0-9a-f]{64}", text):
        raise UsageError(f"{text!r} is no digest of a plan", hint="a digest has 64 hexadecimal digits")
    return text or ""


@dataclass(frozen=True)
class _Job:
    """One run of the command. `standing` is that of its commit on the branch when it began."""

    settings: Settings
    options: Options
    commit: str
    branch: str
    standing: Standing
    private: bool
    digest: str
    unreviewed: bool
    parallelism: int


@click.command("apply", short_help="Apply what was reviewed in the pull request of this commit, or nothing.")
@specs_options
@plan_options
@click.option(
    "--digest",
    callback=_digest,
    metavar="HEX",
    help="Apply what has this digest, as the issue of a stopped apply shows it; empty for none.",
)
@click.option(
    "--unreviewed",
    type=click.Choice(["stop", "apply"]),
    default="stop",
    show_default=True,
    help="What to do with a commit that no pull request brought.",
)
@click.option(
    "--branch",
    default="",
    metavar="NAME",
    help="The branch that Port follows, and the only one to apply; the default branch if it is empty.",
)
@parallelism_option
def apply_command(
    settings: Settings,
    options: Options,
    digest: str,
    unreviewed: str,
    branch: str,
    parallelism: int,
) -> int:
    """Find the pull request that brought this commit and the plan that was reviewed there, and apply it.

    What was planned is compared with a plan made now, by the same options as `github plan` was given. Where they
    aren't the same, nothing is written: exit 4, and a comment on the commit and an issue say what differs and how to go
    on. A run that is repeated goes on with what is left of the reviewed plan. Only the branch that Port follows is
    applied, and no commit after which a newer one was.

    \b
    Examples:
      portcfg github apply --env production
      portcfg github apply --env production --digest "$DIGEST"
      portcfg github apply --unreviewed apply
    """
    event = read_event(settings.environ)
    if event.name in BEFORE_MERGE:
        raise UsageError(f"there is nothing to apply for {event.name}", hint="apply on push, or by workflow_dispatch")
    if not event.head:
        raise UsageError("GITHUB_SHA names no commit", hint="apply runs for a commit that is on a branch")
    with connected(settings) as github:
        followed = _followed(settings, branch or event.default_branch or _default_branch(github))
        private = is_private(event, github)
        place = standing(github, event.head, followed)
        job = _Job(settings, options, event.head, followed, place, private, digest, unreviewed == "apply", parallelism)
        try:
            specs = checked_specs(settings)
            with writing(settings, specs) as port:
                ending = _ending_of(job, github, specs, port)
        except PortcfgError as error:
            tell_ending(settings, github, _seen(job, ending_of_error(settings, job.commit, error)))
            raise
        tell_ending(settings, github, _seen(job, ending))
    return ending.code


def _seen(job: _Job, ending: Ending) -> Ending:
    return replace(ending, newest=job.standing is Standing.NEWEST)


def _default_branch(github: GitHub) -> str:
    return str(at(github.get(""), "default_branch") or "")


def _followed(settings: Settings, branch: str) -> str:
    """The branch that Port follows; raises UsageError for another ref, whose commits nobody may have merged."""
    ref = settings.environ.get("GITHUB_REF", "")
    if ref != f"refs/heads/{branch}":
        message = f"this run is for {ref or 'no ref'!r}, and only the branch {branch!r} is applied"
        raise UsageError(message, hint="run it on that branch; if Port follows another one, name that with --branch")
    return branch


def _ending_of(job: _Job, github: GitHub, specs: Specs, port: PortWriter) -> Ending:
    settings, options = job.settings, job.options
    plan = plan_specs(specs, port, options)
    say(logged(plan_text(plan)))
    refuse_harm(plan)
    overtaken = _overtaken(job, github, specs, port) if bound_changes(plan) else ""
    if overtaken:
        say(logged(f"nothing was applied: {overtaken}"))
        return ending_of_overtaken(settings, job.commit, plan, overtaken)
    binding = binding_of(settings, specs, options)
    digest = changes_digest(plan, binding, settings.plan_key)
    done_before = of_commit(port, specs.project.owner, job.commit) if options.use_ledger else frozenset()
    verdict = _verdict(job, github, plan, binding, done_before)
    if not verdict.check:
        say(logged("nothing was applied: " + "; ".join(plain(why) for _, why in verdict.reasons)))
        return ending_of_stop(settings, job.commit, plan, digest, verdict.reasons)
    say(f"applied because {verdict.because}")
    report, journal = applied(settings, specs, plan, port, options, job.parallelism, verdict.check)
    undo = undo_command(settings, journal)
    click.echo(logged(report_text(report, (), undo)))
    say_what_was_not_kept(report)
    # What a public repository's jobs leave behind anybody could read, so that no journal is kept.
    kept = undo if job.private else ""
    done = ending_of_apply(settings, job.commit, plan, digest, report, verdict.because, kept)
    if done.code == EXIT_OK:
        return done
    after = report.after
    rest = changes_digest(after, binding, settings.plan_key) if after else ""
    return with_rest(settings, done, after, rest, job.digest)


def _overtaken(job: _Job, github: GitHub, specs: Specs, port: PortWriter) -> str:
    """Why what was reviewed for this commit is over, and a digest of it too; empty where it isn't."""
    if job.standing is Standing.ELSEWHERE:
        return f"this commit isn't on the branch {plain(job.branch)} any more"
    # A run that waits may begin when the branch has gone on; one that is run again was meant for what was then.
    if job.standing is Standing.OLDER and job.settings.environ.get("GITHUB_RUN_ATTEMPT", "1") != "1":
        return f"this run was run again, and the branch {plain(job.branch)} has newer commits"
    last = last_commit(port, specs.project.owner) if job.options.use_ledger else ""
    return (
        f"commit {last}, which comes after this one, has been applied" if comes_after(github, last, job.commit) else ""
    )


def _verdict(job: _Job, github: GitHub, plan: Plan, binding: Binding, done: frozenset[Ref]) -> Verdict:
    key, environment = job.settings.plan_key, job.settings.environment
    if job.digest:
        return by_digest(plan, binding, key, job.digest)
    reviews = reviews_of(github, job.commit, job.branch, environment, marker(environment), key)
    verdict = by_review(plan, binding, key, reviews, job.unreviewed, done)
    if verdict.check or not reviews:
        return verdict
    # Of several applies that wait, GitHub keeps only the last, which has the steps of all of them to do.
    recent = recent_plans(github, job.branch, environment, key)
    return by_steps(plan, binding, key, chain(reviews, recent)) or verdict
