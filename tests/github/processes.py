"""Programs that the tests start, without what this machine's own settings would change."""

from __future__ import annotations

import subprocess
from pathlib import Path

QUIET = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Octo Cat",
    "GIT_AUTHOR_EMAIL": "octocat@example.com",
    "GIT_COMMITTER_NAME": "Octo Cat",
    "GIT_COMMITTER_EMAIL": "octocat@example.com",
    "GIT_AUTHOR_DATE": "2026-03-02T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-03-02T00:00:00Z",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


def git(folder: Path, *arguments: str, input: bytes | None = None) -> str:
    """What git prints; raises AssertionError with what it says when it fails."""
    done = subprocess.run(["git", *arguments], cwd=folder, env=QUIET, input=input, capture_output=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr.decode()}"
    return done.stdout.decode().strip()
