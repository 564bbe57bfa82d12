"""The workflows pass the linters of the field, and hold to what a security reviewer asks for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.github.runner import PINNED, read_workflow
from tests.support import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
ACTION = REPOSITORY / "action.yml"
BIN = Path(sys.executable).parent
ACTIONLINT = "1.7.12"
IGNORE = re.compile(r"# zizmor: ignore\[[\w-]+\]\s*(.*)")


def run(*command: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        **{"timeout": 280, **more},
    )


@pytest.fixture(scope="session")
def actionlint() -> Path:
    """actionlint from PATH, else as built from its Go module, once, beside the other tools of .venv."""
    if found := shutil.which("actionlint"):
        return Path(found)
    kept = REPOSITORY / ".venv" / f"actionlint-{ACTIONLINT}"
    tool = kept / "actionlint"
    if not tool.exists():
        if not (go := shutil.which("go")) or not kept.parent.is_dir():
            pytest.skip("actionlint isn't on PATH, and there is no Go to build it")
        work = kept / "go"
        own = {"GOBIN": str(kept), "GOPATH": str(work), "GOCACHE": str(work / "cache"), "GOFLAGS": "-modcacherw"}
        module = f"github.com/rhysd/actionlint/cmd/actionlint@v{ACTIONLINT}"
        try:
            done = run(go, "install", module, env={**os.environ, **own}, timeout=200)
        except subprocess.TimeoutExpired:
            pytest.skip("actionlint can't be built here: its modules don't come")
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if done.returncode:
            pytest.skip(f"actionlint can't be built here: {done.stderr.strip()[-300:]}")
    return tool


def scripts() -> list[Any]:
    """Every `run:` of the workflows and the action."""
    return [
        pytest.param(step["run"], id=f"{file.name}: {step['name']}")
        for file in [*WORKFLOWS, ACTION]
        for step in steps(file)
        if "run" in step
    ]


def steps(file: Path) -> list[dict[str, Any]]:
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    jobs = [data["runs"]] if "runs" in data else data["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


def jobs() -> list[Any]:
    return [
        pytest.param(job, id=f"{file.stem}: {name}")
        for file in WORKFLOWS
        for name, job in read_workflow(file)["jobs"].items()
    ]


def test_zizmor_finds_nothing() -> None:
    done = run(BIN / "zizmor", "--offline", "--persona", "auditor", "--no-progress", ".github", "action.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", [ACTION]),
        ("vendor.dependabot", [REPOSITORY / ".github" / "dependabot.yml"]),
    ],
)
def test_files_fit_their_schema(schema: str, files: list[Path]) -> None:
    done = run(BIN / "check-jsonschema", "--builtin-schema", schema, *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing(actionlint: Path) -> None:
    done = run(actionlint, "-shellcheck", BIN / "shellcheck", "-pyflakes", "", "-format", "{{json .}}", *WORKFLOWS)
    assert json.loads(done.stdout or "null") == [], done.stdout + done.stderr


@pytest.mark.parametrize("script", scripts())
def test_shellcheck_finds_nothing(script: str) -> None:
    # As the runner calls bash.
    done = run(BIN / "shellcheck", "--shell", "bash", "-", input=f"set -eo pipefail\n{script}")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", [*WORKFLOWS, ACTION], ids=lambda file: file.name)
def test_what_is_ignored_has_its_reason(file: Path) -> None:
    assert all(len(reason) > 20 for reason in IGNORE.findall(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("file", [*WORKFLOWS, ACTION], ids=lambda file: file.name)
def test_no_expression_is_put_into_a_script(file: Path) -> None:
    assert [step["name"] for step in steps(file) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("file", [*WORKFLOWS, ACTION], ids=lambda file: file.name)
def test_actions_are_pinned_by_commit_and_named_by_version(file: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", file.read_text(encoding="utf-8"))
    assert [
        name for name, rest in used if not PINNED.fullmatch(name) or not re.fullmatch(r" # v\d+\.\d+\.\d+", rest)
    ] == []


def test_an_action_has_one_version_everywhere() -> None:
    used = {
        found for file in [*WORKFLOWS, ACTION] for found in re.findall(r"uses: (\S+)@(\S+)", file.read_text("utf-8"))
    }
    assert len({name for name, _ in used}) == len(used)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_token_may_do_nothing_unless_its_job_says_so(file: Path) -> None:
    data = read_workflow(file)
    assert data["permissions"] == {}
    assert "pull_request_target" not in data["on"]


@pytest.mark.parametrize("job", jobs())
def test_every_job_has_an_end_and_its_permissions(job: dict[str, Any]) -> None:
    if "uses" not in job:
        assert job["timeout-minutes"] <= 360
    assert isinstance(job["permissions"], dict)
    checkouts = [step for step in job.get("steps", []) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("job", jobs())
def test_who_can_write_to_github_has_nothing_of_port_unless_it_runs_what_is_merged(job: dict[str, Any]) -> None:
    """A job with Port's secrets that runs a pull request's specs must not be able to write, and the other way round."""
    text = yaml.safe_dump(job)
    writes = {name for name, level in job["permissions"].items() if level == "write"}
    if "pull-requests" in writes:
        assert "secrets." not in text
