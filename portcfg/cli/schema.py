"""schema: how specs are written, for people and for editors."""

from __future__ import annotations

import json
from pathlib import Path

import click

from portcfg import __version__
from portcfg.cli.common import say
from portcfg.errors import EXIT_OK, UsageError
from portcfg.kinds import KINDS, load_schema

SCHEMAS = ("project", *KINDS)


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
