"""github fetch-snapshot: which artifact is taken for what Port holds, and that none is no failure."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from portcfg.github.artifacts import artifact_name
from portcfg.holdings import read_holdings
from portcfg.snapshot import Snapshot, redacted, save
from tests.github.stand_in import StandIn
from tests.github.support import FORK, HEAD, THING, Job, pull_request, write
from tests.support import Bench

NAME = artifact_name("snapshot", "")


@pytest.fixture
def job(github: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job of a fork's pull request: no secrets, and a token that reads."""
    monkeypatch.chdir(tmp_path)
    write(THING)
    return Job(github, tmp_path, token=github.token("github-actions[bot]", actions="read", contents="read"))


def fetch(job: Job, *args: str) -> Result:
    payload = pull_request(1, repository=FORK)
    return job.run("pull_request", payload, "github", "fetch-snapshot", "--out", "fetched.json", *args)


@pytest.fixture
def snapshot(bench: Bench) -> bytes:
    """Of a Port that has nothing of the specs."""
    return save(Snapshot(bench.url, datetime.now(UTC), redacted(read_holdings(bench.reader(), ())))).encode()


def publish(github: StandIn, data: bytes, branch: str = "main", repository: str = "", name: str = NAME) -> int:
    run = github.run(HEAD, "schedule", repository, branch)
    return github.upload(run, name, {"snapshot.json": data})


def test_the_newest_of_the_default_branch_is_what_a_forks_plan_is_made_against(job: Job, snapshot: bytes) -> None:
    publish(job.github, b"an older one")
    publish(job.github, snapshot)
    # All of them could be planned against.
    publish(job.github, snapshot + b" ", branch="change")
    publish(job.github, snapshot + b" ", branch="main", repository=FORK)
    publish(job.github, snapshot + b" ", name=artifact_name("snapshot", "staging"))
    gone = publish(job.github, snapshot + b" ")
    job.github.artifacts[gone]["expired"] = True
    done = fetch(job)
    assert done.exit_code == 0, done.output
    assert Path("fetched.json").read_bytes() == snapshot
    assert stat.S_IMODE(Path("fetched.json").stat().st_mode) == 0o600
    assert job.outputs == {"snapshot": "fetched.json"}
    assert job.github.writes == []
    planned = job.run("pull_request", pull_request(1), "github", "plan", "--out", "review", "--against", "fetched.json")
    assert planned.exit_code == 0, planned.output
    assert job.outputs["compared-with"] == "snapshot"
    assert job.outputs["adds"] == "1"


def test_none_is_no_failure(job: Job) -> None:
    publish(job.github, b"a branch's", branch="change")
    done = fetch(job)
    assert done.exit_code == 0
    assert "there is no artifact portcfg-snapshot-default of a run on the default branch" in done.stderr
    assert job.outputs == {"snapshot": ""}
    assert not Path("fetched.json").exists()


def test_a_damaged_one_is_told_and_the_one_before_is_taken(job: Job, snapshot: bytes) -> None:
    publish(job.github, snapshot)
    publish(job.github, snapshot[:-20])
    job.github.upload(job.github.run(HEAD, "schedule", branch="main"), NAME, {"a.json": b"{}", "b.json": b"{}"})
    done = fetch(job)
    assert done.exit_code == 0
    assert "it holds 2 files, not one" in done.stdout
    assert "snapshot.json of the artifact portcfg-snapshot-default isn't JSON" in done.stdout
    assert Path("fetched.json").read_bytes() == snapshot


def test_where_artifacts_cant_be_read_that_is_told_and_is_no_failure(job: Job, snapshot: bytes) -> None:
    publish(job.github, snapshot)
    job.token = job.github.token("github-actions[bot]", contents="read")
    done = fetch(job)
    assert done.exit_code == 0
    assert "::warning" in done.stdout and "actions: read" in done.stdout
    assert job.outputs == {"snapshot": ""}
