"""github apply where several merges wait for one run: each step must have been reviewed, in whichever pull request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.github.repo import MERGE, Repo
from tests.github.support import FORK, HEAD, OTHER, THING, write

FIRST, THIRD = "5" * 40, "7" * 40
OTHER_THING: dict[str, Any] = {**THING, "identifier": "other", "title": "Other"}


def merged(repo: Repo, *flags: str) -> Repo:
    """Two pull requests were merged, each with a blueprint of its own, and neither has been applied."""
    specs = repo.job.folder / "specs/blueprints"
    for body, head, merge in ((THING, OTHER, FIRST), (OTHER_THING, HEAD, MERGE)):
        for file in specs.glob("*"):
            file.unlink()
        write(body)
        number = repo.github.open_pull(head)
        repo.upload(repo.plan(head, "acme/portal", *flags), head)
        repo.github.merge(number, merge)
    write(THING)
    return repo


@pytest.fixture
def waiting(repo: Repo) -> Repo:
    """Two merges wait for one run."""
    return merged(repo)


def titles(repo: Repo) -> set[str]:
    return {each["title"] for each in repo.bench.send("GET", "/blueprints")["blueprints"]} & {"Thing", "Other"}


def test_the_steps_of_two_merges_are_applied_by_one_run(waiting: Repo) -> None:
    done = waiting.apply()
    assert done.exit_code == 0, done.output
    assert titles(waiting) == {"Thing", "Other"}
    assert "its steps were reviewed in #2, #1" in waiting.job.summary


def test_a_step_that_was_in_neither_stops_all(waiting: Repo) -> None:
    write({**THING, "identifier": "third"})
    assert waiting.apply().exit_code == 4
    assert titles(waiting) == set()


def test_a_step_on_something_else_than_was_reviewed_stops_all(waiting: Repo) -> None:
    waiting.bench.send("POST", "/blueprints", {**THING, "title": "Theirs"})
    assert waiting.apply().exit_code == 4
    assert titles(waiting) == set()


def test_options_count(waiting: Repo) -> None:
    assert waiting.apply("--allow-destructive", "blueprint/thing").exit_code == 4


@pytest.mark.parametrize("how", ["open", "closed", "fork", "another branch", "expired", "tampered", "of a fork's run"])
def test_what_nobody_merged_or_made_here_counts_for_nothing(waiting: Repo, how: str) -> None:
    pull = waiting.github.pulls[1]
    (first, _) = waiting.github.artifacts.values()
    if how in ("open", "closed"):
        pull |= {"state": how, "merged_at": None}
    elif how == "fork":
        pull["head"]["repo"] = {"full_name": FORK}
    elif how == "another branch":
        pull["base"]["ref"] = "release"
    elif how == "expired":
        first["expired"] = True
    elif how == "tampered":
        files = waiting.plan(OTHER)
        body = json.loads(files["plan.bound.json"])
        body["changes"][0]["step"] = "0" * 64
        waiting.upload({**files, "plan.bound.json": json.dumps(body).encode()}, OTHER)
    else:
        first["workflow_run"]["head_repository_id"] = 2
    done = waiting.apply()
    assert done.exit_code == 4, done.output
    assert waiting.bench.writes == []


def test_a_direct_push_is_not_taken_for_what_others_reviewed(waiting: Repo) -> None:
    assert waiting.apply(sha=THIRD).exit_code == 4
    assert waiting.bench.writes == []


def test_what_was_set_back_in_port_is_not_done_again_for_an_old_review(repo: Repo) -> None:
    """An applied pull request once had the very step that would overwrite what somebody has done since."""
    for head, merge, text in (("1" * 40, "2" * 40, "Thing"), (OTHER, FIRST, "New")):
        write({**THING, "title": text})
        repo.reviewed(head, merge=merge)
        assert repo.apply(sha=merge).exit_code == 0
    write(OTHER_THING)
    repo.reviewed(HEAD)
    repo.bench.send("PUT", "/blueprints/thing", {**THING, "relations": {}})
    done = repo.apply()
    assert done.exit_code == 4, done.output
    assert titles(repo) == {"Thing"}


def test_without_the_ledger_nobody_can_tell_what_was_set_back(repo: Repo) -> None:
    done = merged(repo, "--no-ledger").apply("--no-ledger")
    assert done.exit_code == 4, done.output
    assert titles(repo) == set()


def test_an_interrupted_one_goes_on(waiting: Repo) -> None:
    """The first of the two was applied after all."""
    waiting.bench.send("GET", "/blueprints")
    (waiting.job.folder / "specs/blueprints/other.yaml").rename(waiting.job.folder / "other.yaml")
    assert waiting.apply(sha=FIRST).exit_code == 0
    (waiting.job.folder / "other.yaml").rename(waiting.job.folder / "specs/blueprints/other.yaml")
    assert waiting.apply().exit_code == 0
    assert titles(waiting) == {"Thing", "Other"}


def test_a_plan_that_github_does_not_give_is_an_error_and_no_review(
    waiting: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portcfg.github.api.ATTEMPTS", 1)
    waiting.github.fail("GET", "/portal/pulls$", 502, times=9)
    assert waiting.apply().exit_code == 1
    assert waiting.bench.writes == []
