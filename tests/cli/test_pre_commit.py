"""The hooks as pre-commit calls them: from the root of a repo, the changed files behind the entry."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import REPOSITORY, write_files

HOOKS: list[dict[str, Any]] = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
FILES = {
    "specs/blueprints/a.yaml": "title: A\nschema:\n  properties: {}\n  required: [tier]\n",
    "specs/blueprints/b.yaml": "title: B\nschema: {properties: {}}\n",
    "specs/portcfg.yaml": "version: 1\n",
    "specs/README.md": "# ours\n",
    "src/app.yaml": "x: 1\n",
}


def run(hook: dict[str, Any], changed: list[str], root: Path) -> subprocess.CompletedProcess[str] | None:
    """One call, or None where pre-commit would skip the hook."""
    chosen = [name for name in changed if re.search(hook.get("files", ""), name)]
    if not chosen and not hook.get("always_run"):
        return None
    program, *args = hook["entry"].split()
    assert program == "portcfg"
    names = chosen if hook.get("pass_filenames", True) else []
    command = [sys.executable, "-m", "portcfg", *args, *names]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def hook_of(id_: str) -> dict[str, Any]:
    (hook,) = [hook for hook in HOOKS if hook["id"] == id_]
    return hook


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_says_what_pre_commit_needs(hook: dict[str, Any]) -> None:
    assert {"id", "name", "description", "entry", "language"} <= hook.keys()
    assert hook["language"] == "python"


def test_the_whole_portal_is_checked_even_when_a_file_is_gone(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    done = run(hook_of("portcfg-validate"), [], tmp_path)
    assert done and done.returncode == 1
    assert "specs/blueprints/a.yaml:4:14: error PC202" in done.stdout


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (["specs/blueprints/a.yaml", "src/app.yaml"], 1),
        (["specs/blueprints/b.yaml", "specs/README.md"], 0),
        (["specs/portcfg.yaml"], 0),
        (["src/app.yaml", "specs/README.md"], None),
    ],
)
def test_changed_files_are_told_alone(tmp_path: Path, changed: list[str], code: int | None) -> None:
    write_files(tmp_path, FILES)
    done = run(hook_of("portcfg-validate-changed"), changed, tmp_path)
    assert (done.returncode if done else None) == code, done
