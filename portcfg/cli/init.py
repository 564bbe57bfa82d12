"""init: a repo of one's own, ready to use."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from portcfg.cli.common import say
from portcfg.cli.schema import VSCODE, schema_files, vscode_settings
from portcfg.errors import EXIT_OK, UsageError
from portcfg.init.contents import (
    EXAMPLES,
    PROJECT,
    TWINS,
    example_files,
    folder_files,
    github_files,
    project_file,
    repository_files,
    root_files,
)
from portcfg.init.placing import SAME, Kept, place, survey
from portcfg.init.readme import readme
from portcfg.kinds import KINDS
from portcfg.pipeline import read_specs
from portcfg.project import load_project
from portcfg.render.safe import plain
from portcfg.shipped import specs_folder

SCHEMAS = Path(".vscode/schemas")


@click.command("init")
@click.argument("root", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@click.option("--example", type=click.Choice(list(EXAMPLES)), help="Begin with a small blueprint, or Cursor's usage.")
@click.option("--github/--no-github", default=None, help="GitHub's files; by default, at the root of a repository.")
@click.option("--env", "environments", multiple=True, metavar="NAME", help="An environment of your own; repeat it.")
def init_command(root: Path, example: str | None, github: bool | None, environments: tuple[str, ...]) -> int:
    """Make a ready repo in DIR: project file, folders, workflows, editor settings, pre-commit.

    Asks nothing and overwrites nothing: what is there already is kept and named, and a second run does nothing. A file
    that you delete is made anew.

    \b
    Examples:
      portcfg init my-portal --example cursor
      portcfg init --env staging --env production
    """
    above = _repository_above(root)
    if github and above:
        raise UsageError(
            f"{root} is inside of the repository {above}, and GitHub reads its files only there",
            hint=f"portcfg init {shlex.quote(str(above))}, or leave --github out",
        )
    with_github = not above and github is not False
    files = _files(root, example, environments)
    mapped = _has_mappings(root, files)
    files["README.md"] = readme(tuple(dict.fromkeys(environments)), with_github, mapped)
    files |= repository_files() if not above else {}
    files |= github_files(mapped) if with_github else {}
    twins = [Kept(twin, f"in the place of {path}") for path in files if (twin := _twin(root, path))]
    new, kept = survey(root, {path: text for path, text in files.items() if not _twin(root, path)})
    for path in place(root, {path: files[path] for path in new}):
        click.echo(f"made  {plain(path)}")
    _say_kept([*twins, *kept])
    if above:
        say(f"note: workflows and pre-commit belong at the root of the repository, which is {plain(str(above))};")
        say("      if this folder is to be one of its own, run `git init` in it and then this again")
    if any(each.path == PROJECT and each.why != SAME for each in kept):
        _say_what_is_missing(root, example, environments)
    click.echo(f"{len(new)} file(s) made" if new else "nothing to do")
    if new:
        _say_next(root, example)
    return EXIT_OK


def _files(root: Path, example: str | None, environments: tuple[str, ...]) -> dict[str, str]:
    specs = example_files(example or "", specs_folder() if example == "cursor" else None)
    specs[PROJECT] = project_file(specs[PROJECT], environments)
    folders = folder_files(list(specs)) if not _has_files(root / "specs") else {}
    editor = {str(SCHEMAS / name): text for name, text in schema_files().items()}
    return {**root_files(), **specs, **folders, str(VSCODE): vscode_settings({}, SCHEMAS, Path("specs")), **editor}


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))


def _has_mappings(root: Path, files: Iterable[str]) -> bool:
    made = any(path.startswith("specs/mappings/") and not path.endswith(".gitkeep") for path in files)
    return made or any(path.is_file() and path.name != ".gitkeep" for path in (root / "specs/mappings").rglob("*"))


def _repository_above(root: Path) -> Path | None:
    """The git repository that `root` is a folder of, unless it is its root."""
    here = root.resolve()
    return None if (here / ".git").exists() else next((each for each in here.parents if (each / ".git").exists()), None)


def _twin(root: Path, path: str) -> str:
    """What there is already that does the same; never the file itself."""
    found = (each.relative_to(root).as_posix() for glob in TWINS.get(path, ()) for each in sorted(root.glob(glob)))
    own = root / path
    return "" if own.exists() or own.is_symlink() else next(found, "")


def _say_kept(kept: list[Kept]) -> None:
    for each in kept:
        if each.why != SAME:
            click.echo(f"kept  {plain(each.path)} ({plain(each.why)})")
    if any(each.path == str(VSCODE) and each.why != SAME for each in kept):
        say(f"note: `portcfg schema --out {SCHEMAS} --vscode` adds the schemas to {VSCODE}")


def _say_what_is_missing(root: Path, example: str | None, environments: tuple[str, ...]) -> None:
    """What was asked for and the project file that was kept doesn't have."""
    theirs = load_project(root / "specs", "")[0]
    missing: dict[str, dict[str, Any]] = {
        "environments": {name: {} for name in environments if name not in theirs.environments}
    }
    if example == "cursor":
        ours = load_project(specs_folder(), "")[0]
        missing["vars"] = {name: value for name, value in ours.variables.items() if name not in theirs.variables}
        for ref in sorted(ours.external.keys() - theirs.external.keys()):
            folder = missing.setdefault("external", {}).setdefault(KINDS[ref.kind].folder, {})
            folder[ref.identifier] = {"missing": ours.external[ref]}
    if any(missing.values()):
        say(f"note: {PROJECT} was kept; what you asked for needs this in it:")
    for key, value in missing.items():
        if value:
            say(f"      {key}: {json.dumps(value)}")


def _say_next(root: Path, example: str | None) -> None:
    say("Next:")
    if root.resolve() != Path.cwd():
        # `cd -` goes elsewhere.
        name = f"./{root}" if str(root).startswith("-") else str(root)
        say(f"  cd {plain(shlex.quote(name))}")
    if read_specs(root / "specs").documents:
        say("  portcfg plan --env local          # against the embedded Port, with no account")
        if example == "cursor":
            say(f"and put the name of your organization into {PROJECT}: org")
    else:
        say("  portcfg init --example blueprint  # a small spec to begin with")
        say("  portcfg import                    # what your Port has, as specs; needs PORT_CLIENT_ID and its secret")
