"""github comment."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from portcfg.cli.common import say
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
from portcfg.github.folder import Reviewed, comment_of, read_folder, rebuilt
from portcfg.github.labels import set_labels
from portcfg.github.outputs import annotation, write_summary
from portcfg.github.pulls import pull_of
from portcfg.render.comment import comment, marker
from portcfg.render.safe import plain
from portcfg.review import labels
from portcfg.settings import Settings, read_settings

UNCHECKED = "This is what the pull request's own run says, which has no access to Port; nothing else has checked it"

# Whoever opens a pull request chooses how many environments its run says that there are.
MOST = 20


@click.command("comment")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--required", is_flag=True, help="Fail where the token may not comment, instead of warning.")
def comment_command(folders: tuple[Path, ...], required: bool) -> int:
    """Post what review folders say on their pull request: a comment for each environment, and labels for all of them.

    A comment is edited in place, and only if something changed. Nothing is posted where the pull request has moved on.
    In a `workflow_run`, and for forks, texts in the folder are not posted: they are made anew from its checked data.

    \b
    Examples:
      portcfg github comment review
      portcfg github comment reviews/*
    """
    settings = read_settings("", "")
    event = read_event(settings.environ)
    if not event.pull_request and event.name != "workflow_run":
        say(f"an event of {event.name} has no pull request: nothing to post")
        return EXIT_OK
    if len(folders) > MOST:
        raise UsageError(f"{len(folders)} folders are more than the {MOST} that get a comment each")
    reviews = [read_folder(folder) for folder in folders]
    if len({each.environment for each in reviews}) < len(reviews):
        raise UsageError("two of the folders are of the same environment", hint="each environment has one comment")
    texts = [_text(each, event) for each in reviews]
    with closing(GitHub(settings.github, told=_say_wait)) as github:
        try:
            number = _number(github, event, reviews)
            if number:
                _post(github, number, reviews, texts)
        except ApiError as error:
            return _not_posted(settings, error, texts, required)
        if number:
            _label(github, number, {name for each in reviews for name in _deserved(each, event)})
    return EXIT_OK


def _trusted(event: Event) -> bool:
    """Whether the folder was made by this run's own jobs, from a branch of this repository."""
    return event.name != "workflow_run" and not event.from_fork


def _text(reviewed: Reviewed, event: Event) -> str:
    """The comment; where the folder isn't to be trusted, made anew by this job, from data that fits its schema.

    Raises UntrustedPlanError.
    """
    first = marker(reviewed.environment)
    if _trusted(event):
        text = comment_of(reviewed)
        if text.partition("\n")[0] != first:
            raise UntrustedPlanError(f"the comment in {reviewed.folder} doesn't begin with the marker {first}")
        return text
    if event.from_fork and reviewed.said["compared_with"] == "live":
        message = "a run for a fork's pull request says that it read the live Port, which it has no secrets for"
        raise UntrustedPlanError(message, hint="nothing was posted")
    try:
        return comment(rebuilt(reviewed, event.head, UNCHECKED))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # Bodies of resources are free in form, and these were made by somebody.
        raise UntrustedPlanError(
            f"{reviewed.folder} holds a plan that can't be shown ({type(error).__name__})"
        ) from error


def _deserved(reviewed: Reviewed, event: Event) -> tuple[str, ...]:
    return reviewed.labels if _trusted(event) else labels(rebuilt(reviewed, event.head, UNCHECKED))


def _number(github: GitHub, event: Event, reviews: list[Reviewed]) -> int:
    """The pull request to post on; 0 where another commit is its head by now, or it is closed."""
    others = [each for each in reviews if each.head != event.head]
    if others:
        raise UntrustedPlanError(
            f"{others[0].folder} was planned for {others[0].head or 'no commit'}, and this run is for {event.head}",
            hint="nothing was posted",
        )
    pull = pull_of(github, event)
    if pull is None or pull.get("state") != "open":
        what = "isn't the head of an open pull request any more: nothing was posted"
        click.echo(annotation("notice", "portcfg", f"{event.head} {what}"))
        return 0
    return int(pull["number"])


def _post(github: GitHub, number: int, reviews: list[Reviewed], texts: list[str]) -> None:
    for reviewed, text in zip(reviews, texts, strict=True):
        done = stick(github, on_issue(number), marker(reviewed.environment), text)
        name = f" for {plain(reviewed.environment)}" if reviewed.environment else ""
        say(f"the comment{name} on #{number} is {done}")


def _not_posted(settings: Settings, error: ApiError, texts: list[str], required: bool) -> int:
    """Say why on the run's page, and what wasn't posted in the summary. GitHub's own faults fail the job: it can be
    run again."""
    why = "; ".join(filter(None, (error.message, error.hint)))
    fails = required or isinstance(error, TransientApiError)
    level = "error" if fails else "warning"
    click.echo(annotation(level, "portcfg: not posted", f"{plain(why)}; the plan is in the job summary"))
    for text in texts:
        write_summary(settings.environ, text)
    return EXIT_ERROR if fails else EXIT_OK


def _label(github: GitHub, number: int, deserved: set[str]) -> None:
    """Set the labels; that this fails is worth a warning, and no more."""
    try:
        given, taken = set_labels(github, number, deserved)
    except PortcfgError as error:
        why = "; ".join(filter(None, (error.message, error.hint)))
        click.echo(annotation("warning", "portcfg: labels", plain(why)))
        return
    for what, names in (("given", given), ("taken away", taken)):
        if names:
            say(f"labels {what}: {', '.join(names)}")


def _say_wait(seconds: float, error: ApiError) -> None:
    say(f"waiting {seconds:.0f} s: {plain(error.message)}")
