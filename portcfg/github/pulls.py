"""Which pull request a review folder is for, by what GitHub says, not by what the folder says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portcfg.github.api import GitHub
from portcfg.github.event import Event
from portcfg.model import Body


def pull_of(github: GitHub, event: Event) -> Body | None:
    """The open pull request whose head is what the event is about; None where there is none (any more).

    A `workflow_run` doesn't say which pull request a fork's run was for: it is the one whose head is that commit of
    that repository. Raises ApiError.
    """
    found: Iterable[Any] = ()
    if event.pull_request:
        found = [github.get(f"/pulls/{event.pull_request}")]
    elif event.run_event == "pull_request" and event.head and event.head_repository:
        found = github.pages("/pulls", {"state": "open", "sort": "updated", "direction": "desc"})
    return next((pull for pull in found if _is(pull, event)), None)


def _is(pull: Any, event: Event) -> bool:
    head = pull.get("head") or {}
    repo = head.get("repo") or {}
    name = str(repo.get("full_name", "")).lower()
    return head.get("sha") == event.head and name == event.head_repository.lower()
