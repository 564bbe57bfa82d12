"""import: spec files for what Port has, or for what files of Port JSON hold."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import click

from portcfg.cli.common import reading, say, specs_options
from portcfg.errors import EXIT_OK, InvalidSpecsError, UsageError
from portcfg.importer import destinations, importable, in_their_order, irreplaceable, selected, spec_text, undeclared
from portcfg.kinds import KINDS
from portcfg.load import load_specs
from portcfg.model import Body, Document, Project, Ref, Resource
from portcfg.observe import Seen, see
from portcfg.pipeline import Specs, read_specs
from portcfg.places import as_said
from portcfg.plan import make_plan
from portcfg.portjson import read_port_json
from portcfg.project import load_project
from portcfg.render.safe import plain
from portcfg.settings import Settings
from portcfg.sidebar import Tree

UNSET = re.compile(r"(?:`vars\.|\$)(\w+)(?:` isn't set| is not defined)")
# Said in other words: as a note on what the imported refer to.
MISSING_TARGET = "PC702"


@click.command("import")
@specs_options
@click.argument("identifiers", nargs=-1)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Only this kind; may be repeated.")
@click.option(
    "--only", multiple=True, metavar="KIND/GLOB", help="Only these, as in blueprint/cursor_*; may be repeated."
)
@click.option("--exclude", multiple=True, metavar="KIND/GLOB", help="All but these; may be repeated.")
@click.option(
    "--from-json",
    "source",
    type=click.Path(exists=True, path_type=Path),
    help="Port JSON or an Ocean integration's resources, a file or a folder, in place of a Port.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist already.")
def import_command(
    settings: Settings,
    identifiers: tuple[str, ...],
    kinds: tuple[str, ...],
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    source: Path | None,
    overwrite: bool,
) -> int:
    """Write a spec file for every resource that Port has, or for the ones named. A plan of them shows no changes.

    A resource that the specs have already keeps its file.

    \b
    Examples:
      portcfg import
      portcfg import --kind blueprint service githubPullRequest
      portcfg import --only 'blueprint/cursor_*' --only 'dashboard/*' --exclude '*/*_test'
      portcfg import --from-json .port/resources
    """
    project, problems = load_project(settings.specs, settings.environment)
    if problems:
        raise InvalidSpecsError(problems)
    documents = _existing(settings.specs, project)
    seen = _found(settings, project, source)
    found = importable(seen.state, kinds or KINDS, identifiers)
    chosen = _chosen(found, identifiers, only, exclude, str(source or "Port"))
    resources = in_their_order(chosen, seen.tree, {document.ref.identifier for document in documents})
    written, kept = _write(settings.specs, resources, documents, project, overwrite)
    _say_what_they_need(settings, written, {document.ref for document in documents} | {*project.external}, project)
    differing = _differing(settings, kept, seen.tree)
    for ref in differing:
        say(f"differs {plain(str(ref))}: the spec says otherwise than {source or 'Port'}")
    counts = f"wrote {len(written)}, kept {len(kept)}" + (f" ({len(differing)} differ)" if differing else "")
    say(f"{counts}; look at them with `portcfg plan`")
    return EXIT_OK


def _found(settings: Settings, project: Project, source: Path | None) -> Seen:
    """What there is to import, from files or from Port."""
    if source is None:
        with reading(settings, Specs(project, (), ())) as port:
            seen = see(port)
        if seen.refused:
            say(f"note: no folders, and no order of pages: this Port refuses its sidebar: {plain(seen.refused)}")
        return seen
    read = read_port_json(source)
    for path in read.passed_over:
        say(f"passed over {plain(str(path))}: it holds no {', '.join(KINDS)}")
    return Seen({each.ref: each for each in read.resources})


def _chosen(
    found: Sequence[Resource], identifiers: Sequence[str], only: Sequence[str], exclude: Sequence[str], origin: str
) -> list[Resource]:
    """What the command line asks for; raises UsageError where it names what isn't there."""
    for pattern in (*only, *exclude):
        if "/" not in pattern:
            raise UsageError(f"{pattern!r} is no pattern of KIND/IDENTIFIER", f"try '*/{pattern}'")
    missing = {*identifiers} - {each.ref.identifier for each in found}
    missing |= {pattern for pattern in only if not selected(found, [pattern], ())}
    if missing:
        raise UsageError(f"{origin} has no {', '.join(sorted(missing))} of these kinds")
    return selected(found, only, exclude)


def _existing(root: Path, project: Project) -> tuple[Document, ...]:
    """The specs that are there already; what can't be read of them is said, for it may be one to import."""
    if not root.is_dir():
        return ()
    loaded = load_specs(root, project.variables)
    for problem in loaded.problems:
        if problem.severity == "error" and problem.id != "PC009":
            say(f"warning: {plain(problem.where)}: {problem.id}: {plain(problem.message)}")
    return loaded.documents


def _write(
    root: Path, resources: Sequence[Resource], documents: Sequence[Document], project: Project, overwrite: bool
) -> tuple[list[tuple[Resource, Path]], list[Resource]]:
    """Write the spec of each resource where there is none, or over it; those written, and those kept."""
    written, kept = [], []
    paths = destinations(root, [resource.ref for resource in resources], documents)
    reasons = irreplaceable(documents)
    for resource in resources:
        path = paths[resource.ref]
        if path.exists() and (not overwrite or path in reasons):
            why = f"{reasons[path]}; change it by hand" if overwrite else "exists; --overwrite replaces it"
            say(f"kept    {plain(str(path))} ({why})")
            kept.append(resource)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(spec_text(resource, project), encoding="utf-8")
        say(f"wrote   {plain(str(path))}")
        written.append((resource, path))
    return written, kept


def _say_what_they_need(
    settings: Settings, written: Sequence[tuple[Resource, Path]], known: set[Ref], project: Project
) -> None:
    """What the written specs refer to and the project doesn't have: resources, variables; and what is wrong in them."""
    external: dict[str, dict[str, Body]] = {}
    for ref in undeclared([each for each, _ in written], known | {each.ref for each, _ in written}):
        external.setdefault(KINDS[ref.kind].folder, {})[ref.identifier] = {}
    if external:
        say(f"note: the imported refer to what isn't in the specs; import it too, or add it to {project.file}:")
        say(f"      external: {json.dumps(external)}")
    files = {str(path) for _, path in written}
    problems = [each for each in read_specs(settings.specs, settings.environment).problems if each.file in files]
    unset = {name for each in problems for name in UNSET.findall(each.message)}
    if unset:
        say(f"note: the imported use variables that are not set; add them to `vars` in {project.file}:")
        say(f"      {', '.join(sorted(unset))}")
    for each in problems:
        if each.severity != "info" and each.id != MISSING_TARGET and not UNSET.search(each.message):
            say(f"{each.severity}: {plain(each.where)}: {each.id}: {plain(each.message)}")


def _differing(settings: Settings, kept: Sequence[Resource], tree: Tree) -> list[Ref]:
    """Those kept whose spec, as far as it can be compiled, isn't what was to be imported."""
    if not kept:
        return []
    try:
        desired = read_specs(settings.specs, settings.environment).compiled()
    except InvalidSpecsError:
        say("note: the specs have errors (`portcfg validate`), so those kept were not compared")
        return []
    both = {each.ref: desired[each.ref] for each in kept if each.ref in desired}
    live = as_said({each.ref: each for each in kept}, tree, both, {})
    return sorted(each.ref for each in make_plan(both, live).pending)
