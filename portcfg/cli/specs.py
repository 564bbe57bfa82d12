"""compile and schema: what specs become, and how they are written."""

from __future__ import annotations

import json
from pathlib import Path

import click

from portcfg import __version__
from portcfg.cli.common import checked_specs, say, specs_options
from portcfg.errors import EXIT_OK, UsageError
from portcfg.kinds import KINDS, load_schema
from portcfg.settings import Settings

SCHEMAS = ("project", *KINDS)


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


@click.command("schema")
@click.argument("name", type=click.Choice(SCHEMAS), required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Write all schemas into this folder.")
def schema_command(name: str | None, out: Path | None) -> int:
    """Print the JSON Schema of a kind of spec, or write all of them into a folder for your editor.

    With the YAML language server a first line `# yaml-language-server: $schema=...` turns on completion.

    \b
    Examples:
      portcfg schema blueprint
      portcfg schema --out .portcfg/schemas
    """
    if (name is None) == (out is None):
        raise UsageError("give a kind to print its schema, or --out DIR to write them all")
    if name:
        click.echo(json.dumps(load_schema(name), indent=2, ensure_ascii=False))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for each in SCHEMAS:
            body = {**load_schema(each), "x-portcfg-version": __version__}
            path = out / f"{each}.schema.json"
            path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            say(f"wrote {path}")
    return EXIT_OK
