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


def test_an_apply_by_digest_is_meant(reverted: Repo) -> None:
    write(title("C"))
    reverted.github.commit("7" * 40)
    assert reverted.apply(sha="7" * 40).exit_code == 4
    done = reverted.apply("--digest", reverted.job.outputs["plan-digest"], sha=SECOND)
    assert done.exit_code == 0, done.output
    assert reverted.title == "C"


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "of another line"])
def test_a_commit_that_cannot_be_compared_keeps_nothing_back(repo: Repo, known: bool) -> None:
    """Somebody has applied their own checkout."""
    write(THING)
    repo.reviewed(OTHER, merge=FIRST)
    assert repo.apply(sha=FIRST).exit_code == 0
    write(title("Mine"))
    if known:
        repo.github.parents["8" * 40] = (FIRST,)
    assert repo.apply("--unreviewed", "apply", sha="8" * 40).exit_code == 0
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
