"""The files of a new repo: path below its root -> text. Reads the shipped templates and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from portcfg import __version__
from portcfg.errors import UsageError
from portcfg.init.templates import template
from portcfg.kinds import KINDS, load_schema
from portcfg.project import LOCAL
from portcfg.shape import value_mistake
from portcfg.shipped import workflow

# Example -> its specs and their templates; those of Cursor come with portcfg anyway.
EXAMPLES: dict[str, dict[str, str]] = {
    "blueprint": {"specs/blueprints/first_example.yaml": "first_example.yaml"},
    "cursor": {},
}
PROJECT = "specs/portcfg.yaml"
# What YAML takes for something else than a text.
NO_NAMES = frozenset({"true", "false", "null"})
WORKFLOWS = ("validate-plan.yml", "comment-fork.yml", "apply.yml", "drift.yml", "code-scanning.yml")
SYNC_WORKFLOWS = ("sync.yml",)
# In this project's own workflows, what is installed is the checkout, or a version that may be an earlier one.
_CHECKOUT = re.compile(r"(PORTCFG_PACKAGE: (?:.*')?)\.((?:\[emulator\])?(?='|$))", re.MULTILINE)
_RELEASE = re.compile(r"(portcfg(?:\[emulator\])?)==[\w.]+")
# Where a repo may have the same thing by another name (as globs); GitHub and the tools read only one of them.
TWINS: dict[str, tuple[str, ...]] = {
    "README.md": ("[Rr][Ee][Aa][Dd][Mm][Ee]*", ".github/README*", "docs/README*"),
    ".github/CODEOWNERS": ("CODEOWNERS", "docs/CODEOWNERS"),
    ".github/dependabot.yml": (".github/dependabot.yaml",),
    ".pre-commit-config.yaml": (".pre-commit-config.yml",),
}


def root_files() -> dict[str, str]:
    """What belongs to every repo."""
    return {".gitignore": template("gitignore")}


def repository_files() -> dict[str, str]:
    """What git's and GitHub's tools read at the root of a repository, and nowhere else."""
    return {
        ".gitattributes": template("gitattributes"),
        ".pre-commit-config.yaml": template("pre-commit-config.yaml"),
    }


def github_files(has_mappings: bool) -> dict[str, str]:
    """What GitHub reads; the workflows take portcfg of this version from the package index, not from a checkout."""
    names = (*WORKFLOWS, *(SYNC_WORKFLOWS if has_mappings else ()))
    return {
        ".github/CODEOWNERS": template("CODEOWNERS"),
        ".github/dependabot.yml": template("dependabot.yml"),
        **{f".github/workflows/{name}": _copied(workflow(name)) for name in names},
    }


def _copied(text: str) -> str:
    """A workflow for a repo that has neither portcfg's code nor its documents."""
    released = _RELEASE.sub(rf"\1=={__version__}", _CHECKOUT.sub(rf"\1portcfg\2=={__version__}", text))
    return released.replace(" docs/", " portcfg's docs/")


def project_file(text: str, environments: Sequence[str]) -> str:
    """The project file `text` with entries for `environments`. Raises UsageError for what can't be a name of one."""
    rule = load_schema("project")["properties"]["environments"]["propertyNames"]
    for name in environments:
        if value_mistake(name, rule) or name.lower() in NO_NAMES:
            raise UsageError(f"{name!r} can't name an environment", hint=rule["description"])
        if name == LOCAL:
            raise UsageError("the environment `local` is the embedded Port, and always there")
    entries = "".join(
        f"  {name}:\n    # base_url: https://api.us.port.io\n"
        for name in dict.fromkeys(environments)
        if f"\n  {name}:\n" not in text
    )
    if not entries:
        return text
    head, found, tail = text.partition("\nenvironments:\n")
    return f"{head}{found}{entries}{tail}" if found else f"{text}\nenvironments:\n{entries}"


def example_files(example: str, cursor: Path | None) -> dict[str, str]:
    """The specs of an example, and a project file; of the Cursor ones, which are in the folder `cursor`, without
    their own further examples."""
    if cursor is not None:
        found = sorted(path for path in cursor.rglob("*") if path.is_file() and path.suffix in {".yaml", ".yml"})
        below = {path.relative_to(cursor).as_posix(): path for path in found}
        return {
            f"specs/{name}": path.read_text(encoding="utf-8")
            for name, path in below.items()
            if not name.startswith("examples/")
        }
    templates = {PROJECT: "portcfg.yaml", **EXAMPLES.get(example, {})}
    return {path: template(name) for path, name in templates.items()}


def folder_files(specs: Sequence[str]) -> dict[str, str]:
    """What keeps a folder in git for each kind of which `specs` has no file."""
    folders = (f"specs/{kind.folder}/" for kind in KINDS.values())
    return {f"{folder}.gitkeep": "" for folder in folders if not any(path.startswith(folder) for path in specs)}
