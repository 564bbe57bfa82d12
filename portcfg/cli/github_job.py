"""What the commands share that tell GitHub how they ended: a connection, and an end that posting can't change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import click

from portcfg.cli.common import say
from portcfg.errors import ApiError
from portcfg.github.api import GitHub
from portcfg.github.outputs import annotation, write_summary
from portcfg.render.safe import code, plain
from portcfg.settings import Settings


@contextmanager
def connected(settings: Settings) -> Iterator[GitHub]:
    """A session with the repository of the job; raises UsageError where the environment names none."""
    with closing(GitHub(settings.github, told=_say_wait)) as github:
        yield github


def _say_wait(seconds: float, error: ApiError) -> None:
    say(f"waiting {seconds:.0f} s: {plain(error.message)}")


def posted(settings: Settings, what: str, post: Callable[[], object]) -> bool:
    """Whether `post` went through; where it didn't, a warning and the summary say so, and what is missing."""
    try:
        post()
        return True
    except ApiError as error:
        why = f"{what} could not be posted: {error.message}" + (f"; {error.hint}" if error.hint else "")
        click.echo(annotation("warning", "portcfg", plain(why)))
        write_summary(settings.environ, f"**Not posted.** {code(why)}")
        return False
