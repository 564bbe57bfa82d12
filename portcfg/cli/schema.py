"""schema: how specs are written, for people and for editors."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from portcfg import __version__
from portcfg.cli.common import say, specs_options
from portcfg.errors import EXIT_OK, UsageError
from portcfg.kinds import KINDS, load_schema
from portcfg.raw_schema import raw_schema
from portcfg.settings import Settings

SCHEMAS = ("project", *KINDS)
VSCODE = Path(".vscode", "settings.json")


@click.command("schema")
@specs_options
@click.argument("name", type=click.Choice(SCHEMAS), required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Write all schemas into this folder.")
@click.option("--vscode", is_flag=True, help=f"With --out: name the schemas in {VSCODE}, for files below the specs.")
def schema_command(settings: Settings, name: str | None, out: Path | None, vscode: bool) -> int:
    """Print the JSON Schema of a kind of spec, or write all of them into a folder for your editor.

    They describe files as they stand, with $include, << and ${vars.name}, and say what each key is for.
    VS Code needs its YAML extension. In IntelliJ, and with any editor that has the YAML language server, a first line
    `# yaml-language-server: $schema=../../.portcfg/schemas/blueprint.schema.json` in a spec does the same.

    \b
    Examples:
      portcfg schema blueprint
      portcfg schema --out .portcfg/schemas --vscode
    """
    if (name is None) == (out is None):
        raise UsageError("give a kind to print its schema, or --out DIR to write them all")
    if vscode and out is None:
        raise UsageError(
            "--vscode needs the schemas in a folder", hint="portcfg schema --out .portcfg/schemas --vscode"
        )
    if name:
        click.echo(_text(_published(name)))
    if out:
        found = _settings_of_vscode() if vscode else {}
        _write_schemas(out)
        if vscode:
            _write(VSCODE, vscode_settings(found, out, settings.specs))
    return EXIT_OK


def _published(name: str) -> dict[str, Any]:
    return {**raw_schema(load_schema(name), name), "x-portcfg-version": __version__}


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def schema_files() -> dict[str, str]:
    """File name -> text of every published schema."""
    return {f"{each}.schema.json": _text(_published(each)) + "\n" for each in SCHEMAS}


def _write_schemas(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, text in schema_files().items():
        _write(out / name, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    say(f"wrote {path}")


def _settings_of_vscode() -> dict[str, Any]:
    """What the settings hold, which this command adds to; comments in them would be lost, so it leaves those alone."""
    try:
        found = json.loads(VSCODE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        found = None
    lists = {"yaml.schemas": dict, "json.schemas": list}
    if isinstance(found, dict) and all(isinstance(found.get(key, each()), each) for key, each in lists.items()):
        return found
    raise UsageError(
        f"{VSCODE} isn't plain JSON, so nothing can be added to it",
        hint="take the comments out, or put a `# yaml-language-server: $schema=...` line into the specs",
    )


def vscode_settings(found: dict[str, Any], out: Path, specs: Path) -> str:
    """The text of VS Code's settings: those `found`, and the schemas in `out` for the files below `specs`."""
    here = Path.cwd()
    below = Path(os.path.relpath(specs, here)).as_posix()
    folders = {name: f"{below}/{kind.folder}" for name, kind in KINDS.items()}
    paths = {name: f"./{Path(os.path.relpath(out / f'{name}.schema.json', here)).as_posix()}" for name in SCHEMAS}
    ours = {paths["project"]: [f"{below}/portcfg.yaml"]}
    ours |= {paths[name]: [f"{folder}/**/*.{ending}" for ending in ("yaml", "yml")] for name, folder in folders.items()}
    json_ours = [{"fileMatch": [f"{folder}/**/*.json"], "url": paths[name]} for name, folder in folders.items()]
    others = [each for each in found.get("json.schemas", []) if each not in json_ours]
    merged = {**found, "yaml.schemas": {**found.get("yaml.schemas", {}), **ours}, "json.schemas": [*others, *json_ours]}
    return _text(merged) + "\n"
