"""github comment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from portcfg.cli.common import say
from portcfg.cli.github_job import connected
from portcfg.errors import (
    EXIT_ERROR,
    EXIT_OK,
    ApiError,
    PortcfgError,
    TransientApiError,
    UntrustedPlanError,
    UsageError,
)
from portcfg.github.api import GitHub
from portcfg.github.comments import on_issue, stick
from portcfg.github.event import Event, read_event
from portcfg.github.folder import Reviewed, comment_of, read_folder, rebuilt, review_folders
from portcfg.github.labels import LABELS, set_labels
from portcfg.github.outputs import annotation, told, write_summary
from portcfg.github.pulls import pull_of
from portcfg.render.comment import comment, marker
from portcfg.render.safe import plain
from portcfg.review import labels
from portcfg.settings import Settings, read_settings

NOTHING = "nothing of it was posted"

# Whoever opens a pull request chooses how many environments its run says that there are.
MOST = 20


@click.command("comment")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--required", is_flag=True, help="Fail where the token may not comment, or there is no review, instead of warning."
)
def comment_command(folders: tuple[Path, ...], required: bool) -> int:
    """Post what review folders say on their pull request: a comment for each environment, and labels for all of them.

    Each of FOLDERS is a review folder, or holds some, as a download of several artifacts does.
    A comment is edited in place, and only if something changed. Nothing is posted where the pull request has moved on.
    Of several, those that are in order are posted though one isn't, which the exit code tells; labels then stay.
    In a `workflow_run`, and for forks, texts in the folder are not posted: they are made anew from its checked data.

    \b
    Examples:
      portcfg github comment review
      portcfg github comment reviews
    """
    settings = read_settings("", "")
    event = read_event(settings.environ)
    if not event.pull_request and event.name != "workflow_run":
        say(f"an event of {event.name} has no pull request: nothing to post")
        return EXIT_OK
    found = [review for folder in folders for review in review_folders(folder)]
    if not found:
        return _nothing_found(folders, required)
    if len(found) > MOST:
        raise UsageError(f"{len(found)} folders are more than the {MOST} that get a comment each")
    postings, unfit = _postings(found, event, settings)
    if len({each.reviewed.environment for each in postings}) < len(postings):
        raise UsageError("two of the folders are of the same environment", hint="each environment has one comment")
    ended = _posted(settings, event, postings, required, labelled=not unfit) if postings else EXIT_OK
    if unfit:
        raise unfit[0]
    return ended


def _postings(found: list[Path], event: Event, settings: Settings) -> tuple[list[Posting], list[UntrustedPlanError]]:
    """What can be posted, and why the rest can't: one environment's broken review keeps no other's back."""
    postings: list[Posting] = []
    unfit: list[UntrustedPlanError] = []
    for folder in found:
        try:
            postings.append(posting_of(read_folder(folder), event, settings))
        except UntrustedPlanError as error:
            click.echo(annotation("error", "portcfg: not posted", f"{plain(str(folder))}: {plain(told(error))}"))
            unfit.append(error)
    return postings, unfit


def _posted(settings: Settings, event: Event, postings: list[Posting], required: bool, *, labelled: bool) -> int:
    """The exit code of posting. Labels are for all environments: they stay where not all can be read."""
    with connected(settings) as github:
        try:
            number = _number(github, event)
            if number:
                _post(github, number, postings)
        except ApiError as error:
            return _not_posted(settings, error, [each.text for each in postings], required)
        if number and labelled:
            _label(github, number, {name for each in postings for name in each.labels})
    return EXIT_OK


def _nothing_found(folders: tuple[Path, ...], required: bool) -> int:
    """A run that failed before it planned leaves no review, and has told why itself."""
    where = ", ".join(map(str, folders))
    text = f"there is no review folder in {where}: the run that planned has left nothing to post"
    click.echo(annotation("error" if required else "warning", "portcfg: not posted", plain(text)))
    return EXIT_ERROR if required else EXIT_OK


@dataclass(frozen=True)
class Posting:
    """What is posted for one environment."""

    reviewed: Reviewed
    text: str
    labels: tuple[str, ...]

    @property
    def marker(self) -> str:
        """The first line of the comment."""
        return marker(self.reviewed.environment)


def posting_of(reviewed: Reviewed, event: Event, settings: Settings) -> Posting:
    """What to post; where the folder isn't to be trusted, made anew by this job, from data that fits its schema.

    Raises UntrustedPlanError.
    """
    if reviewed.head != event.head:
        message = f"{reviewed.folder} was planned for {reviewed.head or 'no commit'}, and this run is for {event.head}"
        raise UntrustedPlanError(message, hint=NOTHING)
    if event.name != "workflow_run" and not event.from_fork:
        posting = Posting(reviewed, comment_of(reviewed), reviewed.labels)
        if posting.text.partition("\n")[0] != posting.marker:
            raise UntrustedPlanError(
                f"the comment in {reviewed.folder} doesn't begin with {posting.marker}", hint=NOTHING
            )
        return posting
    if event.from_fork and reviewed.said["compared_with"] == "live":
        message = "a run for a fork's pull request says that it read the live Port, which it has no secrets for"
        raise UntrustedPlanError(message, hint=NOTHING)
    try:
        review = rebuilt(reviewed, event.head, _planning_run(event, settings))
        return Posting(reviewed, comment(review), labels(review))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # Bodies of resources are free in form, and these were made by somebody.
        message = f"{reviewed.folder} holds a plan that can't be shown ({type(error).__name__})"
        raise UntrustedPlanError(message, hint=NOTHING) from error


def _planning_run(event: Event, settings: Settings) -> str:
    """Where the run that planned is on the web."""
    return f"{settings.run_link.rpartition('/')[0]}/{event.run}" if event.run else settings.run_link


def _number(github: GitHub, event: Event) -> int:
    """The pull request to post on; 0 where another commit is its head by now, or it is closed."""
    pull = pull_of(github, event)
    if pull is None or pull.get("state") != "open":
        what = "isn't the head of an open pull request any more: nothing was posted"
        click.echo(annotation("notice", "portcfg", f"{event.head} {what}"))
        return 0
    return int(pull["number"])


def _post(github: GitHub, number: int, postings: list[Posting]) -> None:
    for posting in postings:
        done = stick(github, on_issue(number), posting.marker, posting.text)
        name = f" for {plain(posting.reviewed.environment)}" if posting.reviewed.environment else ""
        say(f"the comment{name} on #{number} is {done}")


def _not_posted(settings: Settings, error: ApiError, texts: list[str], required: bool) -> int:
    """Say why on the run's page, and what wasn't posted in the summary. GitHub's own faults fail the job: it can be
    run again."""
    fails = required or isinstance(error, TransientApiError)
    level = "error" if fails else "warning"
    click.echo(annotation(level, "portcfg: not posted", f"{plain(told(error))}; the plan is in the job summary"))
    for text in texts:
        write_summary(settings.environ, text)
    return EXIT_ERROR if fails else EXIT_OK


def _label(github: GitHub, number: int, deserved: set[str]) -> None:
    """Set the labels; that this fails is worth a warning, and no more."""
    try:
        done = set_labels(github, number, deserved)
    except PortcfgError as error:
        click.echo(annotation("warning", "portcfg: labels", plain(told(error))))
        return
    for what, names in (("given", done.given), ("taken away", done.taken)):
        if names:
            say(f"labels {what}: {', '.join(names)}")
    if done.missing:
        make = "; ".join(f"gh label create {name} --color {LABELS[name][0]}" for name in done.missing)
        how = f"make it once ({make}), or give one run of this job `permissions:` with issues: write"
        click.echo(annotation("notice", "portcfg: labels", f"there is no label {', '.join(done.missing)}: {how}"))
