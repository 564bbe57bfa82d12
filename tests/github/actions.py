"""The few actions that the workflows use, done on this machine: what each takes, and what it leaves behind.

An input that isn't listed here, or a checkout that keeps the token, is an error.
"""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from tests.github.processes import git

if TYPE_CHECKING:
    from tests.github.runner import Job

Inputs = Mapping[str, str]
Outputs = dict[str, str]


class ActionError(Exception):
    """An action that fails, as it would on GitHub."""


def checkout(job: Job, inputs: Inputs) -> Outputs:
    """actions/checkout: a clone at `ref`, else at the commit of the event."""
    _only(inputs, "ref", "path", "persist-credentials", "fetch-depth", "repository")
    if inputs.get("persist-credentials") != "false":
        raise AssertionError("a checkout leaves the token in .git/config: persist-credentials isn't false")
    folder = job.workspace / inputs.get("path", ".")
    if folder == job.workspace:
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    commit = inputs.get("ref") or job.event.sha
    git(job.workspace, "clone", "--quiet", "--no-checkout", str(job.runner.origin), str(folder))
    # A pull request's commits are in no branch.
    git(folder, "fetch", "--quiet", "origin", "+refs/*:refs/remotes/all/*")
    git(folder, "checkout", "--quiet", "--detach", commit)
    return {"commit": commit, "ref": inputs.get("ref", "")}


def setup_python(job: Job, inputs: Inputs) -> Outputs:
    """actions/setup-python: the session's own Python, first on PATH unless `update-environment` is false."""
    _only(inputs, "python-version", "update-environment")
    python = job.runner.machine.python
    if inputs.get("update-environment", "true") != "false":
        job.paths.insert(0, str(python.parent))
    return {"python-version": inputs.get("python-version", ""), "python-path": str(python)}


def upload_artifact(job: Job, inputs: Inputs) -> Outputs:
    """actions/upload-artifact: the files below the common parent of `path`, hidden ones only if asked for."""
    _only(inputs, "name", "path", "retention-days", "if-no-files-found", "include-hidden-files", "overwrite")
    name = inputs.get("name") or "artifact"
    if set(name) & set('":<>|*?\r\n\\/'):
        raise ActionError(f"The artifact name is not valid: {name}")
    files = _found(job, inputs["path"], inputs.get("include-hidden-files") == "true")
    if not files:
        if inputs.get("if-no-files-found", "warn") == "error":
            raise ActionError(f"No files were found with the provided path: {inputs['path']}")
        return {}
    github = job.runner.github
    same = [
        key for key, each in github.artifacts.items() if (each["workflow_run"]["id"], each["name"]) == (job.id, name)
    ]
    if same and inputs.get("overwrite") != "true":
        raise ActionError(f"(409) Conflict: an artifact with the name {name} already exists on the workflow run")
    for key in same:
        del github.artifacts[key]
    return {"artifact-id": str(github.upload(job.id, name, files))}


def download_artifact(job: Job, inputs: Inputs) -> Outputs:
    """actions/download-artifact: of this run, or with `run-id` and a token that may read actions, of another."""
    _only(inputs, "name", "pattern", "path", "run-id", "github-token", "merge-multiple")
    run, token = int(inputs.get("run-id") or job.id), inputs.get("github-token", "")
    if run != job.id and not token:
        raise ActionError("an artifact of another run takes a github-token")
    files = _listed(job, run, token)
    wanted = {name: data for name, data in files.items() if fnmatch(name, inputs.get("pattern") or inputs["name"])}
    if not wanted and "pattern" not in inputs:
        raise ActionError(f"Unable to download artifact(s): Artifact not found for name: {inputs['name']}")
    target = job.workspace / inputs.get("path", ".")
    for name, data in wanted.items():
        # Since version 5, a pattern that only one artifact matches makes no folder for it.
        folder = target / name if len(wanted) > 1 and inputs.get("merge-multiple") != "true" else target
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            opened.extractall(folder)
    return {"download-path": str(target)}


def upload_sarif(job: Job, inputs: Inputs) -> Outputs:
    """github/codeql-action/upload-sarif: keeps what was uploaded."""
    _only(inputs, "sarif_file", "category")
    if job.permissions.get("security-events") != "write":
        raise ActionError("Resource not accessible by integration")
    job.runner.sarif.append((job.workspace / inputs["sarif_file"]).read_text(encoding="utf-8"))
    return {}


def _listed(job: Job, run: int, token: str) -> dict[str, bytes]:
    github = job.runner.github
    if run == job.id:
        own = {key: each for key, each in github.artifacts.items() if each["workflow_run"]["id"] == run}
        return {each["name"]: github.file(key) for key, each in own.items()}
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "download-artifact"}
    answer = requests.get(f"{github.url}/repos/{github.repository}/actions/runs/{run}/artifacts", headers=headers)
    if answer.status_code != 200:
        raise ActionError(str(answer.json()["message"]))
    return {each["name"]: _fetched(each["archive_download_url"], headers) for each in answer.json()["artifacts"]}


def _fetched(url: str, headers: Inputs) -> bytes:
    # The storage that the answer leads to takes no token.
    answer = requests.get(url, headers=headers, allow_redirects=False)
    return requests.get(answer.headers["location"]).content


def _found(job: Job, paths: str, hidden: bool) -> dict[str, bytes]:
    """Files by name below the one folder that holds them all."""
    tops = [job.workspace / line.strip() for line in paths.splitlines() if line.strip()]
    below = [file for top in tops for file in ([top] if top.is_file() else sorted(top.rglob("*"))) if file.is_file()]
    files = [file for file in below if hidden or not _is_hidden(file.relative_to(job.folder))]
    if not files:
        return {}
    root = Path(os.path.commonpath([top if top.is_dir() else top.parent for top in tops]))
    return {str(file.relative_to(root)): file.read_bytes() for file in files}


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _only(inputs: Inputs, *known: str) -> None:
    if unknown := set(inputs) - set(known):
        raise ActionError(f"Unexpected input(s) {', '.join(sorted(unknown))}")


KNOWN: Mapping[str, Callable[[Job, Inputs], Outputs]] = {
    "actions/checkout": checkout,
    "actions/setup-python": setup_python,
    "actions/upload-artifact": upload_artifact,
    "actions/download-artifact": download_artifact,
    "github/codeql-action/upload-sarif": upload_sarif,
}
