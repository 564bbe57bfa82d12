"""explain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from portcfg.cli.common import format_option, specs_options
from portcfg.errors import EXIT_OK, InvalidSpecsError, UsageError
from portcfg.explaining import Explanation, explained
from portcfg.findings import lines_of
from portcfg.load import ENVIRONMENTS
from portcfg.model import State
from portcfg.pipeline import Specs, read_specs
from portcfg.render.explained import entries_markdown, entries_text, entry_markdown, entry_text
from portcfg.render.place import place_text
from portcfg.render.safe import fenced
from portcfg.rules.catalog import Entry, entries, entry, known_ids, meant_id
from portcfg.settings import Settings
from portcfg.validate import portal_of

PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d{1,9})(:(?P<column>\d{1,9}))?:?")


@click.command("explain")
@click.argument("what", required=False, default="", metavar="[ID | FILE:LINE[:COLUMN]]")
@specs_options
@format_option("text", "markdown")
def explain_command(settings: Settings, what: str, format_: str) -> int:
    """Say what a finding means, why it matters and what to do; without an argument, list all findings.

    Of a place in the specs: which resource it is, where it comes from, what it becomes in Port's JSON, what writes and
    what reads it.

    \b
    Examples:
      portcfg explain
      portcfg explain PC202
      portcfg explain specs/blueprints/service.yaml:12
      portcfg explain --format markdown > rules.md
    """
    markdown = format_ == "markdown"
    place = PLACE.fullmatch(what)
    if place:
        column = int(place["column"] or 0)
        text = place_text(_explanation(settings, Path(place["file"]), int(place["line"]), column))
        click.echo(fenced(text) if markdown else text)
    elif what:
        click.echo((entry_markdown if markdown else entry_text)(_known(what)))
    else:
        click.echo((entries_markdown if markdown else entries_text)(entries()).rstrip())
    return EXIT_OK


def _known(id_: str) -> Entry:
    if id_.upper() not in known_ids():
        hint = meant_id(id_) or "`portcfg explain` lists them; a place is FILE:LINE"
        raise UsageError(f"no finding has the id {id_!r}", hint=hint)
    return entry(id_.upper())


def _explanation(settings: Settings, file: Path, line: int, column: int) -> Explanation:
    root = settings.specs.resolve()
    if not file.resolve().is_relative_to(root):
        raise UsageError(f"{file} is not in {settings.specs}", hint="--specs names the specs folder")
    below = file.resolve().relative_to(root)
    if below.parts[:1] == (ENVIRONMENTS,) and len(below.parts) > 2 and not settings.environment:
        settings = replace(settings, environment=below.parts[1])
    specs = read_specs(settings.specs, settings.environment)
    name = str(settings.specs / below)
    if name not in specs.texts:
        raise UsageError(f"no spec is read from {file}", hint=f"there are: {', '.join(sorted(specs.texts)) or 'none'}")
    _known_line(line, lines_of(name, specs.texts[name]))
    portal = portal_of(specs.documents, specs.project, specs.texts)
    return explained(name, line, column, portal, specs.problems, specs.ignored, _state(specs))


def _known_line(line: int, lines: Sequence[str]) -> None:
    # What follows the last line break is no line.
    count = len(lines) - (len(lines) > 1 and not lines[-1])
    if not 0 < line <= count:
        told = f"{count} line{'s' * (count > 1)}"
        raise UsageError(f"there is no line {line}: the file has {told}", hint="lines count from 1")


def _state(specs: Specs) -> State | None:
    """What the specs compile to; None where they have errors."""
    try:
        return specs.compiled()
    except InvalidSpecsError:
        return None
