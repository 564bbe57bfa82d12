"""github drift: one issue for as long as Port holds something else than was applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.github.repo import BLUEPRINT, Repo
from tests.github.support import THING, no_command, write

MARK = "<!-- portcfg drift: -->"


def drift(repo: Repo, *args: str, **environ: str) -> Result:
    repo.bench.clear()
    repo.github.log.clear()
    return repo.job.run("schedule", {}, "github", "drift", *args, **environ)


def by_hand(repo: Repo, **more: Any) -> None:
    repo.bench.send("PUT", BLUEPRINT, {**THING, "relations": {}, **more})


@pytest.fixture
def applied(repo: Repo) -> Repo:
    """Port holds what the specs say."""
    write(THING)
    assert repo.apply("--unreviewed", "apply").exit_code == 0
    return repo


def test_without_drift_nothing_is_posted(applied: Repo) -> None:
    done = drift(applied)
    assert done.exit_code == 0, done.output
    assert applied.issues() == []
    assert applied.github.writes == []
    assert applied.bench.writes == []
    assert applied.job.outputs == {"has-drift": "false", "resources": "0"}
    assert "no drift" in applied.job.summary


def test_drift_opens_an_issue_that_is_kept_and_closed(applied: Repo) -> None:
    by_hand(applied, title="By hand")
    done = drift(applied)
    assert done.exit_code == 0, done.output
    assert "By hand" in done.stdout
    assert applied.job.outputs == {"has-drift": "true", "resources": "1"}
    (issue,) = applied.issues()
    assert issue["title"] == "portcfg drift"
    assert issue["body"].startswith(MARK)
    for text in ("By hand", "blueprint/thing", "portcfg drift --adopt", "/actions/runs/4711"):
        assert text in issue["body"]
    assert "By hand" in applied.job.summary

    drift(applied, GITHUB_RUN_ID="4712")
    assert applied.github.writes == [], "the same drift, told once"

    by_hand(applied, title="By hand", description="Also by hand")
    drift(applied)
    assert "Also by hand" in applied.issues()[0]["body"]
    assert len(applied.github.issues) == 1

    by_hand(applied)
    assert drift(applied).exit_code == 0
    assert applied.issues() == []
    assert "no drift any more" in applied.github.texts(issue["number"])[0]

    by_hand(applied, title="Again")
    drift(applied)
    (again,) = applied.issues()
    assert again["number"] != issue["number"]


def test_what_drifts_is_no_command_of_the_log(applied: Repo) -> None:
    by_hand(applied, title="##[error]By hand", description="one\n::error::two")
    done = drift(applied)
    assert "[error]By hand" in done.stdout
    assert no_command(done)


def test_an_exit_code_for_those_who_want_one(applied: Repo) -> None:
    assert drift(applied, "--detailed-exitcode").exit_code == 0
    by_hand(applied, title="By hand")
    assert drift(applied, "--detailed-exitcode").exit_code == 2


def test_changed_specs_are_no_drift(applied: Repo) -> None:
    write({**THING, "title": "New"})
    drift(applied)
    assert applied.issues() == []


def test_what_is_in_no_ledger_leaves_the_issue_as_it_is(applied: Repo) -> None:
    by_hand(applied, title="By hand")
    drift(applied)
    by_hand(applied)
    write({**THING, "identifier": "other"})
    applied.bench.send("POST", "/blueprints", {**THING, "identifier": "other", "title": "Theirs"})
    done = drift(applied)
    assert done.exit_code == 0
    assert "stays as it is" in done.stderr
    assert len(applied.issues()) == 1


def test_two_runs_at_once_leave_one_issue(applied: Repo) -> None:
    by_hand(applied, title="By hand")
    drift(applied)
    (first,) = applied.issues()
    twin = {**first, "number": 900}
    applied.github.issues[900] = twin
    drift(applied)
    assert [issue["number"] for issue in applied.issues()] == [first["number"]]


def test_environments_have_issues_of_their_own(repo: Repo) -> None:
    Path("specs").mkdir()
    Path("specs/portcfg.yaml").write_text("version: 1\nenvironments:\n  a: {}\n  b: {}\n")
    write(THING)
    assert repo.apply("--env", "a", "--unreviewed", "apply").exit_code == 0
    by_hand(repo, title="By hand")
    drift(repo, "--env", "a")
    (issue,) = repo.issues()
    assert issue["title"] == "portcfg drift: a"
    assert "portcfg drift --adopt --env a" in issue["body"]
    by_hand(repo)
    drift(repo, "--env", "b")
    assert len(repo.issues()) == 1
    drift(repo, "--env", "a")
    assert repo.issues() == []


def test_a_token_that_may_not_fails_the_job_and_tells_the_drift_in_the_summary(applied: Repo) -> None:
    by_hand(applied, title="By hand")
    applied.job.token = applied.github.token(contents="read")
    done = drift(applied)
    assert done.exit_code == 1
    assert "issues: write" in done.output
    assert "By hand" in applied.job.summary


def test_what_can_t_be_read_is_no_drift(applied: Repo) -> None:
    by_hand(applied, title="By hand")
    drift(applied)
    write({**THING, "schema": {"properties": {"a": {"type": "strin"}}}})
    done = drift(applied)
    assert done.exit_code == 1
    assert len(applied.issues()) == 1
    assert applied.github.writes == []
    assert "thing.yaml" in applied.job.summary


def test_names_in_an_issue_stay_names(applied: Repo) -> None:
    by_hand(applied, title="</details> @octocat #1 <!-- portcfg drift: --> `x`\n# Heading")
    drift(applied)
    body = applied.issues()[0]["body"]
    assert body.count("<!-- portcfg drift: -->") <= 2
    assert "\n# Heading" not in body


def test_nothing_is_done_outside_of_a_job(applied: Repo) -> None:
    applied.job.token = ""
    done = drift(applied)
    assert done.exit_code == 64
    assert "GITHUB_TOKEN" in done.output
