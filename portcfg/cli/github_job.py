"""What the commands share that tell GitHub how they ended: a connection, and an end that posting can't change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import click

from portcfg.cli.common import say_wait
from portcfg.errors import InvalidSpecsError, PortcfgError
from portcfg.github.api import GitHub
from portcfg.github.labels import make_labels
from portcfg.github.outputs import annotation, told, write_summary
from portcfg.render.applied import SUMMARY_LIMIT, of_environment
from portcfg.render.comment import body
from portcfg.render.safe import code, plain
from portcfg.review import Review
from portcfg.settings import Settings


@contextmanager
def connected(settings: Settings) -> Iterator[GitHub]:
    """A session with the repository of the job; raises UsageError where the environment names none."""
    with closing(GitHub(settings.github, told=say_wait)) as github:
        yield github


def labels_there(github: GitHub) -> None:
    """Make portcfg's labels for pull requests: the jobs that comment may not. That it fails is no reason to stop."""
    with suppress(PortcfgError):
        make_labels(github)


def posted(settings: Settings, what: str, post: Callable[[], object]) -> bool:
    """Whether `post` went through; where it didn't, a warning and the summary say so, and what is missing."""
    try:
        post()
        return True
    except PortcfgError as error:
        reason = told(error)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # What GitHub, or a proxy before it, answers must not take away how the command itself ended.
        reason = f"GitHub's answer isn't what it documents ({type(error).__name__})"
    why = f"{what} could not be posted: {reason}"
    click.echo(annotation("warning", "portcfg", plain(why)))
    write_summary(settings.environ, f"**Not posted.** {code(why)}")
    return False


@contextmanager
def failure_told(settings: Settings, what: str) -> Iterator[None]:
    """An error that ends the block goes into the summary, too."""
    try:
        yield
    except PortcfgError as error:
        review = Review(settings.environment, None, error.problems if isinstance(error, InvalidSpecsError) else ())
        place = of_environment(settings.environment)
        write_summary(settings.environ, f"### portcfg {what}{place}: failed\n\n{code(told(error))}")
        if review.problems:
            write_summary(settings.environ, body(review, SUMMARY_LIMIT))
        raise


def run_line(settings: Settings) -> str:
    """The last lines of what is posted: where the run is on the web, if anywhere."""
    return f"\n\nRun: {settings.run_link}" if settings.run_link else ""
