"""compile: what specs become."""

from __future__ import annotations

import json

import click

from portcfg.cli.common import checked_specs, specs_options
from portcfg.errors import EXIT_OK, UsageError
from portcfg.settings import Settings


@click.command("compile")
@specs_options
@click.argument("names", nargs=-1, metavar="[KIND/IDENTIFIER]...")
def compile_command(settings: Settings, names: tuple[str, ...]) -> int:
    """Print what the specs compile to, as Port's own JSON: a list of {kind, identifier, file, body}.

    \b
    Examples:
      portcfg compile
      portcfg compile dashboard/cursor_ai_insights
    """
    desired = checked_specs(settings).compiled()
    unknown = sorted(set(names) - {str(ref) for ref in desired})
    if unknown:
        hint = "there are: " + ", ".join(map(str, desired))
        raise UsageError(f"the specs have no {', '.join(unknown)}", hint=hint)
    rows = [
        {"kind": ref.kind, "identifier": ref.identifier, "file": resource.file, "body": resource.body}
        for ref, resource in desired.items()
        if not names or str(ref) in names
    ]
    click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    return EXIT_OK
