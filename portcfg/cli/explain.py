"""explain."""

from __future__ import annotations

import difflib

import click

from portcfg.cli.common import format_option, specs_options
from portcfg.errors import EXIT_OK, UsageError
from portcfg.render.explained import entries_markdown, entries_text, entry_markdown, entry_text
from portcfg.rules.catalog import Entry, entries, entry, known_ids
from portcfg.settings import Settings


@click.command("explain")
@click.argument("what", required=False, default="", metavar="[ID]")
@specs_options
@format_option("text", "markdown")
def explain_command(settings: Settings, what: str, format_: str) -> int:
    """Say what a finding means, why it matters and what to do; without an id, list all findings.

    \b
    Examples:
      portcfg explain
      portcfg explain PC202
      portcfg explain --format markdown > rules.md
    """
    markdown = format_ == "markdown"
    if not what:
        click.echo((entries_markdown if markdown else entries_text)(entries()).rstrip())
    else:
        click.echo((entry_markdown if markdown else entry_text)(_known(what)))
    return EXIT_OK


def _known(id_: str) -> Entry:
    if id_.upper() not in known_ids():
        guess = difflib.get_close_matches(id_.upper(), known_ids(), n=1)
        hint = f"did you mean {guess[0]}?" if guess else "`portcfg explain` lists them"
        raise UsageError(f"no finding has the id {id_!r}", hint=hint)
    return entry(id_.upper())
