"""portcfg's labels are made by the jobs that may: those that apply and that look for drift."""

from __future__ import annotations

import pytest

from portcfg.github.labels import LABELS
from tests.github.repo import Repo
from tests.github.support import THING, write


@pytest.mark.parametrize("command", ["apply", "drift"])
def test_jobs_that_may_make_labels_do(repo: Repo, command: str) -> None:
    repo.github.labels.clear()
    write(THING)
    repo.job.run("schedule", {}, "github", command)
    assert set(LABELS) <= set(repo.github.labels)
    assert {label["color"] for name, label in repo.github.labels.items() if name in LABELS}.isdisjoint({"ededed"})


@pytest.mark.parametrize("command", ["apply", "drift"])
def test_labels_that_cannot_be_made_change_no_end(repo: Repo, command: str) -> None:
    write(THING)
    good = repo.job.run("schedule", {}, "github", command)
    repo.github.labels.clear()
    repo.github.fail("POST", "/labels", 422, times=9)
    repo.github.fail("GET", "/labels", 404, times=9)
    bad = repo.job.run("schedule", {}, "github", command)
    assert (bad.exit_code, bad.stdout) == (good.exit_code, good.stdout)
