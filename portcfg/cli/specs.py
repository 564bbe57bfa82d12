"""validate, compile, import and schema: the commands about spec files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from portcfg import __version__
from portcfg.cli.common import checked_specs, format_option, reading, say, specs_options
from portcfg.errors import EXIT_ERROR, EXIT_OK, InvalidSpecsError, UsageError
from portcfg.importer import destinations, importable, irreplaceable, spec_text, undeclared
from portcfg.kinds import KINDS, load_schema
from portcfg.load import load_specs
from portcfg.model import Body, Document, Project, Resource
from portcfg.observe import observe
from portcfg.pipeline import Specs, read_specs
from portcfg.project import load_project
from portcfg.render.problems import problems_json, problems_markdown, problems_text
from portcfg.render.safe import plain
from portcfg.rules.names import ref_of
from portcfg.settings import Settings

SCHEMAS = ("project", *KINDS)
FORMATS = {"text": problems_text, "json": problems_json, "markdown": problems_markdown}


@click.command("validate")
@specs_options
@format_option(*FORMATS)
def validate_command(settings: Settings, format_: str) -> int:
    """Check the specs without a network. Reports every mistake with file, line and column; exits 1 if there is one.

    \b
    Examples:
      portcfg validate
      portcfg validate --specs specs/examples --format json
    """
    specs = read_specs(settings.specs, settings.environment)
    click.echo(FORMATS[format_](specs.problems, len(specs.documents)))
    return EXIT_ERROR if any(problem.severity == "error" for problem in specs.problems) else EXIT_OK


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


@click.command("import")
@specs_options
@click.argument("identifiers", nargs=-1)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Only this kind; may be repeated.")
@click.option("--overwrite", is_flag=True, help="Replace files that exist already.")
def import_command(settings: Settings, identifiers: tuple[str, ...], kinds: tuple[str, ...], overwrite: bool) -> int:
    """Write a spec file for every resource that Port has, or for the ones named. A plan of them shows no changes.

    A resource that the specs have already keeps its file.

    \b
    Examples:
      portcfg import
      portcfg import --kind blueprint service githubPullRequest
    """
    project, problems = load_project(settings.specs, settings.environment)
    if problems:
        raise InvalidSpecsError(problems)
    documents = _existing(settings.specs, project)
    with reading(settings, Specs(project, (), ())) as port:
        resources = importable(observe(port), kinds or KINDS, identifiers)
    missing = sorted(set(identifiers) - {resource.ref.identifier for resource in resources})
    if missing:
        raise UsageError(f"Port has no {', '.join(missing)} of these kinds")
    written = _write(settings.specs, resources, documents, overwrite)
    known = {ref_of(document) for document in documents} | {each.ref for each in resources} | set(project.external)
    external: dict[str, dict[str, Body]] = {}
    for ref in undeclared(written, known):
        external.setdefault(KINDS[ref.kind].folder, {})[ref.identifier] = {}
    if external:
        say(f"note: the imported refer to what isn't in the specs; import it too, or add it to {project.file}:")
        say(f"      external: {json.dumps(external)}")
    say(f"{len(resources)} resource(s); look at them with `portcfg plan`")
    return EXIT_OK


def _existing(root: Path, project: Project) -> tuple[Document, ...]:
    """The specs that are there already; what can't be read of them is said, for it may be one to import."""
    if not root.is_dir():
        return ()
    loaded = load_specs(root, project.variables)
    for problem in loaded.problems:
        if problem.severity == "error" and problem.id != "L009":
            say(f"warning: {plain(problem.where)}: {plain(problem.message)}")
    return loaded.documents


def _write(
    root: Path, resources: Sequence[Resource], documents: Sequence[Document], overwrite: bool
) -> Iterator[Resource]:
    """Write the spec of each resource where there is none, or over it; yields those written."""
    paths = destinations(root, [resource.ref for resource in resources], documents)
    reasons = irreplaceable(documents)
    for resource in resources:
        path = paths[resource.ref]
        if path.exists() and (not overwrite or path in reasons):
            why = f"{reasons[path]}; change it by hand" if overwrite else "exists; --overwrite replaces it"
            say(f"kept    {plain(str(path))} ({why})")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(spec_text(resource), encoding="utf-8")
        say(f"wrote   {plain(str(path))}")
        yield resource


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
