"""What started a job: GITHUB_EVENT_NAME and the payload in GITHUB_EVENT_PATH.

Source of shapes: https://docs.github.com/webhooks/webhook-events-and-payloads and "Events that trigger workflows".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portcfg.errors import ApiError, UsageError
from portcfg.github.api import GitHub
from portcfg.model import Body

SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True)
class Event:
    """One event. `head` and `base` are commits, empty where there is none.

    For a pull request, `head` is its own last commit, not the merge that GITHUB_SHA names. `head_repository` is where
    `head` comes from, empty for a fork that is gone. `pull_request` is 0 where the event doesn't say; in a
    `workflow_run`, `run` is the run that ended, and `run_event` what had started it. `private` says that only those who
    were let in read what the repository's jobs print; None where the event doesn't say.
    """

    name: str
    repository: str
    head: str = ""
    base: str = ""
    pull_request: int = 0
    head_repository: str = ""
    default_branch: str = ""
    run: int = 0
    run_event: str = ""
    private: bool | None = None

    @property
    def from_fork(self) -> bool:
        """Whether what is looked at comes from another repository."""
        return self.head_repository.lower() != self.repository.lower()


def read_event(environ: Mapping[str, str]) -> Event:
    """The event of this job; raises UsageError outside of GitHub Actions, and for a payload that can't be read."""
    name, repository = environ.get("GITHUB_EVENT_NAME", ""), environ.get("GITHUB_REPOSITORY", "")
    if not name or not repository:
        missing = "GITHUB_REPOSITORY" if name else "GITHUB_EVENT_NAME"
        raise UsageError(f"{missing} isn't set", hint="`portcfg github` commands are for the jobs of GitHub Actions")
    payload = _payload(environ.get("GITHUB_EVENT_PATH", ""))
    read = _READERS[name](payload) if name in _READERS else {"head": _sha(environ.get("GITHUB_SHA"))}
    of_all = {
        "default_branch": _text(payload, "repository", "default_branch"),
        "private": _truth(at(payload, "repository", "private")),
        "head_repository": repository,
    }
    return Event(name, repository, **{**of_all, **read})


def is_private(event: Event, github: GitHub) -> bool:
    """Whether only those who were let in read what the jobs print; what nobody can tell isn't private.

    GitHub is asked where the event doesn't say: that of a schedule may have no repository.
    """
    if event.private is not None:
        return event.private
    try:
        return at(github.get(""), "private") is True
    except ApiError:
        return False


def _payload(path: str) -> Body:
    try:
        body = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError) as error:
        raise UsageError(f"GITHUB_EVENT_PATH {path!r} can't be read as JSON") from error
    return body if isinstance(body, dict) else {}


def _pull_request(payload: Body) -> dict[str, Any]:
    return {
        "head": _sha(at(payload, "pull_request", "head", "sha")),
        "base": _sha(at(payload, "pull_request", "base", "sha")),
        "pull_request": _number(at(payload, "pull_request", "number")),
        "head_repository": _text(payload, "pull_request", "head", "repo", "full_name"),
    }


def _merge_group(payload: Body) -> dict[str, Any]:
    return {
        "head": _sha(at(payload, "merge_group", "head_sha")),
        "base": _sha(at(payload, "merge_group", "base_sha")),
    }


def _push(payload: Body) -> dict[str, Any]:
    return {"head": _sha(payload.get("after")), "base": _sha(payload.get("before"))}


def _workflow_run(payload: Body) -> dict[str, Any]:
    return {
        "head": _sha(at(payload, "workflow_run", "head_sha")),
        "head_repository": _text(payload, "workflow_run", "head_repository", "full_name"),
        "run": _number(at(payload, "workflow_run", "id")),
        "run_event": _text(payload, "workflow_run", "event"),
    }


_READERS = {
    "pull_request": _pull_request,
    "merge_group": _merge_group,
    "push": _push,
    "workflow_run": _workflow_run,
}


def at(value: Any, *path: str) -> Any:
    """What stands at a path of GitHub's JSON; None where there is nothing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(payload: Body, *path: str) -> str:
    found = at(payload, *path)
    return found if isinstance(found, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _sha(value: Any) -> str:
    """A commit's SHA, empty for anything else and for the zeros of a branch that wasn't there."""
    whole = isinstance(value, str) and SHA.fullmatch(value) and value.strip("0")
    return value if whole else ""
