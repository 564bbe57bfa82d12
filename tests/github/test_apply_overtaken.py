"""github apply of a commit after which a newer one has been applied: its review says nothing of what came after."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from portcfg.ledger import every_entry
from tests.github.repo import MERGE, Repo, title
from tests.github.support import HEAD, OTHER, THING, write

FIRST, SECOND, THIRD = "5" * 40, "6" * 40, MERGE


@pytest.fixture
def reverted(repo: Repo) -> Repo:
    """A title was changed by one pull request and changed back by the next, and both were applied."""
    for head, merge, text in (("1" * 40, FIRST, "Thing"), (OTHER, SECOND, "B"), (HEAD, THIRD, "Thing")):
        write(title(text))
        repo.reviewed(head, merge=merge)
        assert repo.apply(sha=merge).exit_code == 0
    write(title("B"))
    return repo


@pytest.mark.parametrize("flags", [(), ("--unreviewed", "apply")])
def test_running_an_old_apply_again_does_not_undo_a_revert(reverted: Repo, flags: tuple[str, ...]) -> None:
    done = reverted.apply(*flags, sha=SECOND)
    assert done.exit_code == 4, done.output
    assert reverted.title == "Thing"
    assert reverted.bench.writes == []
    (issue,) = reverted.issues()
    assert reverted.job.outputs["stopped"] == "true"
    for text in (issue["body"], reverted.job.summary, *reverted.commit_comments()):
        assert f"commit {THIRD}, which comes after this one, has been applied" in text
        assert "gh workflow run apply.yml\n" in text
        assert "gh run rerun" not in text
        assert "digest" not in text


def test_what_is_as_the_old_commit_says_needs_nothing(reverted: Repo) -> None:
    write(title("Thing"))
    assert reverted.apply(sha=SECOND).exit_code == 0


def test_a_digest_is_for_the_commit_that_it_was_given_for(reverted: Repo) -> None:
    write(title("C"))
    newest = "7" * 40
    reverted.github.commit(newest)
    assert reverted.apply(sha=newest).exit_code == 4
    digest = reverted.job.outputs["plan-digest"]
    old = reverted.apply("--digest", digest, sha=SECOND)
    assert old.exit_code == 4, old.output
    assert reverted.title == "Thing"
    done = reverted.apply("--digest", digest, sha=newest)
    assert done.exit_code == 0, done.output
    assert reverted.title == "C"


def test_a_run_that_is_run_again_is_for_what_was_then(repo: Repo) -> None:
    """Its own apply never began; that of the revert had nothing to do, and left no trace in the ledger."""
    write(THING)
    repo.reviewed("1" * 40, merge=FIRST)
    assert repo.apply(sha=FIRST).exit_code == 0
    write(title("B"))
    repo.reviewed(OTHER, merge=SECOND)
    repo.github.commit(THIRD)
    again = repo.apply(sha=SECOND, GITHUB_RUN_ATTEMPT="2")
    assert again.exit_code == 4, again.output
    assert "was run again, and the branch main has newer commits" in repo.job.summary
    assert repo.title == "Thing"
    # One that only had to wait is another matter.
    assert repo.apply(sha=SECOND, GITHUB_RUN_ATTEMPT="1").exit_code == 0
    assert repo.title == "B"


@pytest.mark.parametrize("flags", [(), ("--unreviewed", "apply")])
def test_a_commit_that_is_not_on_the_branch_any_more_is_not_applied(repo: Repo, flags: tuple[str, ...]) -> None:
    write(THING)
    repo.reviewed("1" * 40, merge=FIRST)
    assert repo.apply(sha=FIRST).exit_code == 0
    write(title("Lost"))
    repo.reviewed(OTHER, merge=SECOND)
    repo.github.parents[THIRD], repo.github.tip = (FIRST,), (THIRD,)
    assert repo.apply(*flags, sha=SECOND).exit_code == 4
    assert "isn't on the branch main any more" in repo.job.summary
    assert repo.title == "Thing"


def test_an_older_run_neither_closes_nor_rewrites_the_issue_of_a_newer_one(reverted: Repo) -> None:
    newest = "7" * 40
    reverted.github.commit(newest)
    write(title("C"))
    assert reverted.apply(sha=newest).exit_code == 4
    (issue,) = reverted.issues()
    said = issue["body"]
    assert reverted.job.outputs["plan-digest"] in said
    write(title("B"))
    assert reverted.apply(sha=SECOND).exit_code == 4
    write(title("Thing"))
    assert reverted.apply(sha=SECOND).exit_code == 0
    assert [each["body"] for each in reverted.issues()] == [said]
    assert reverted.apply(sha=newest).exit_code == 0
    assert reverted.issues() == []


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "of another line"])
def test_a_commit_that_cannot_be_compared_keeps_nothing_back(repo: Repo, known: bool) -> None:
    """What was applied last isn't on the branch any more."""
    write(THING)
    repo.reviewed(OTHER, merge=FIRST)
    assert repo.apply(sha=FIRST).exit_code == 0
    write(title("Mine"))
    main = repo.github.tip
    if known:
        repo.github.parents["8" * 40], repo.github.tip = (FIRST,), ("8" * 40,)
    assert repo.apply("--unreviewed", "apply", sha="8" * 40).exit_code == 0
    # The branch is set back to what it was.
    repo.github.tip = main
    write(title("New"))
    repo.reviewed(HEAD)
    done = repo.apply()
    assert done.exit_code == 0, done.output


def test_an_entry_of_another_environment_or_project_is_none_of_this_one_s(reverted: Repo) -> None:
    with closing(reverted.bench.reader()) as port:
        names = [entry.name for ref, entry in every_entry(port) if ref.identifier == "thing"]
    for name in names:
        change: dict[str, Any] = {"properties": {"project": "other", "resource": "elsewhere"}}
        reverted.bench.send("PATCH", f"/blueprints/portcfg_resource/entities/{name.replace('/', '%2F')}", change)
    done = reverted.apply(sha=SECOND)
    assert "comes after this one" not in done.output


def test_what_github_does_not_answer_is_an_error_and_no_leave(reverted: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portcfg.github.api.ATTEMPTS", 1)
    reverted.github.fail("GET", "/compare/", 502, times=9)
    assert reverted.apply(sha=SECOND).exit_code == 1
    assert reverted.bench.writes == []
