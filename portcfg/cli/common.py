"""Options and helpers that several commands share."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from portcfg.client import PortReader, PortWriter
from portcfg.errors import ApiError, UsageError
from portcfg.pipeline import Specs, read_specs
from portcfg.render.safe import plain
from portcfg.settings import Settings, read_settings

Command = TypeVar("Command", bound=Callable[..., Any])


def specs_options(command: Command) -> Command:
    """`--specs` and `--env`, handed to the command as one `settings`."""

    @click.option("--specs", "specs_", default="specs", show_default=True, metavar="DIR", help="The specs folder.")
    @click.option(
        "--env",
        "environment",
        default="",
        metavar="NAME",
        help="An environment of specs/portcfg.yaml; `local` is the embedded Port.",
    )
    @functools.wraps(command)
    def wrapped(specs_: str, environment: str, **arguments: Any) -> Any:
        return command(settings=read_settings(specs_, environment), **arguments)

    return wrapped  # type: ignore[return-value]


def format_option(*formats: str) -> Callable[[Command], Command]:
    """`--format`, the first being the default."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How to print the result on stdout.",
    )


def checked_specs(settings: Settings) -> Specs:
    """The specs; raises InvalidSpecsError with every problem when there is an error among them."""
    specs = read_specs(settings.specs, settings.environment)
    specs.compiled()
    return specs


@contextmanager
def reading(settings: Settings, specs: Specs) -> Iterator[PortReader]:
    """A client that can't write, on the Port that the settings name."""
    with _base_url_and_client(settings, specs, PortReader) as port:
        yield port


@contextmanager
def writing(settings: Settings, specs: Specs) -> Iterator[PortWriter]:
    """A client that can write, on the Port that the settings name."""
    with _base_url_and_client(settings, specs, PortWriter) as port:
        yield port


Client = TypeVar("Client", bound=PortReader)


@contextmanager
def _base_url_and_client(settings: Settings, specs: Specs, client: type[Client]) -> Iterator[Client]:
    if settings.is_local:
        from portcfg.cli.embedded import embedded_port

        with embedded_port(specs.project) as (base_url, credentials), closing(client(base_url, credentials)) as port:
            yield port
    else:
        base_url, credentials = settings.base_url(specs.project), settings.credentials()
        with closing(client(base_url, credentials, told=say_wait)) as port:
            yield port


def say_wait(seconds: float, error: ApiError) -> None:
    """Tell that a request is made again, in how many seconds, and what was wrong."""
    say(f"waiting {seconds:.0f} s: {plain(error.message)}")


def ask(question: str, auto_approve: bool) -> None:
    """Ask on a terminal before something is written; raises UsageError without one, and Abort for a no."""
    if auto_approve:
        return
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on", hint="add --auto-approve to go on without a question")
    click.confirm(question, abort=True, err=True)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read: it holds what Port does."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        os.fchmod(opened.fileno(), 0o600)
        opened.write(text)


def say(text: str) -> None:
    """A line for people, on stderr: stdout is for data. Nobody listening is no reason to stop half-way."""
    with suppress(BrokenPipeError):
        click.echo(text, err=True)
