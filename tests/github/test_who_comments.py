"""Whoever opens a pull request, and whoever pushes to it: one of the two jobs that comment does, and not both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.github.expressions import fill
from tests.github.runner import read_workflow
from tests.support import REPOSITORY

OURS, BOT = "acme/portal", "dependabot[bot]"


def runs(workflow: str, event_name: str, event: dict[str, Any]) -> bool:
    """Whether the job `comment` of a workflow runs for an event."""
    job = read_workflow(REPOSITORY / ".github" / "workflows" / workflow)["jobs"]["comment"]
    contexts = {"github": {"event_name": event_name, "event": event, "repository": OURS}}
    done = fill(job["if"], contexts, {"cancelled": lambda: False})
    assert done in (True, False)
    return bool(done)


@pytest.mark.parametrize("pushed", ["octocat", BOT])
@pytest.mark.parametrize("opened", ["octocat", BOT])
@pytest.mark.parametrize("head", [OURS, "stranger/portal"])
def test_one_job_comments_by_who_started_the_run(head: str, opened: str, pushed: str) -> None:
    asked = {"head": {"repo": {"full_name": head}}, "user": {"login": opened}}
    ended = {
        "event": "pull_request",
        "conclusion": "success",
        "head_repository": {"full_name": head},
        "actor": {"login": pushed},
    }
    by_itself = runs(
        "validate-plan.yml", "pull_request", {"pull_request": asked, "sender": {"login": pushed}, "action": "opened"}
    )
    after = runs("comment-fork.yml", "workflow_run", {"workflow_run": ended})
    assert (by_itself, after) == (head == OURS and pushed != BOT, head != OURS or pushed == BOT)
