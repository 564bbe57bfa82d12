"""github apply: what was reviewed in the pull request of a commit is written to Port, or nothing."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from portcfg.lock import locked
from portcfg.model import Owner
from portcfg.planfile import NO_KEY, seal_of
from tests.github.repo import BLUEPRINT, MERGE, PORTCFG, Repo, title
from tests.github.stand_in import BOT, zipped
from tests.github.support import FORK, HEAD, OTHER, THING, no_command, pull_request, workflow_run, write


@pytest.mark.parametrize("commits", [(MERGE,), ("1" * 40, "2" * 40, MERGE)], ids=["merge or squash", "rebase"])
def test_a_reviewed_plan_is_applied(repo: Repo, commits: tuple[str, ...]) -> None:
    write(THING)
    number = repo.github.open_pull(HEAD)
    repo.upload(repo.plan())
    repo.github.merge(number, *commits)
    done = repo.apply()
    assert done.exit_code == 0, done.output
    assert repo.title == "Thing"
    assert f"reviewed in #{number}" in repo.job.summary
    assert "1 change(s) applied" in repo.job.summary
    assert repo.job.outputs["applied"] == "1"
    assert repo.job.outputs["exit-code"] == "0"
    assert repo.issues() == []
    assert repo.commit_comments() == []
    assert repo.github.writes == []


def test_a_second_run_has_nothing_to_do(repo: Repo) -> None:
    write(THING)
    repo.reviewed()
    repo.apply()
    done = repo.apply()
    assert done.exit_code == 0
    assert repo.bench.writes == []
    assert "nothing to do" in repo.job.summary


def test_an_empty_plan_needs_no_review(repo: Repo) -> None:
    write(THING)
    repo.reviewed()
    repo.apply()
    assert repo.apply(sha="9" * 40).exit_code == 0


def test_with_a_key_the_plan_is_signed_and_applied(repo: Repo) -> None:
    write(THING)
    repo.reviewed(PORTCFG_PLAN_KEY="key")
    assert repo.apply(PORTCFG_PLAN_KEY="key").exit_code == 0
    assert repo.title == "Thing"


def test_several_pull_requests_at_one_commit(repo: Repo) -> None:
    write(title("Another"))
    first = repo.reviewed(OTHER, merge="5" * 40)
    write(THING)
    second = repo.reviewed(HEAD)
    still_open = repo.github.open_pull("7" * 40)
    repo.github.of_commit[MERGE] = [first, still_open, second]
    assert repo.apply().exit_code == 0
    assert repo.title == "Thing"
    assert f"reviewed in #{second}" in repo.job.summary


def test_of_several_the_one_that_was_merged_as_the_commit_goes_first(repo: Repo) -> None:
    write(THING)
    first = repo.reviewed(OTHER, merge="5" * 40)
    second = repo.reviewed(HEAD)
    repo.github.of_commit[MERGE] = [first, second]
    assert repo.apply().exit_code == 0
    assert f"reviewed in #{second}" in repo.job.summary


def stopped(repo: Repo, done: Result, *told: str) -> None:
    """Nothing was written, and the summary, the commit and an issue say why and how to go on."""
    assert done.exit_code == 4, done.output
    assert repo.bench.writes == []
    (issue,), (comment,) = repo.issues(), repo.commit_comments()
    digest = repo.job.outputs["plan-digest"]
    assert repo.job.outputs["stopped"] == "true"
    for text in (repo.job.summary, issue["body"], comment):
        assert f"gh workflow run apply.yml -f digest={digest}" in text
        assert "blueprint/thing" in text
        for each in told:
            assert each in text
    assert f"the issue: {issue['html_url']}" in done.stderr
    assert issue["body"].startswith(PORTCFG)
    assert comment.startswith(PORTCFG)
    assert issue["body"].endswith("Run: https://github.example/acme/portal/actions/runs/4711")


def test_without_an_artifact_the_comment_s_digest_counts(repo: Repo) -> None:
    write(THING)
    number = repo.github.open_pull(HEAD)
    repo.plan()
    repo.comment(number)
    repo.github.merge(number, MERGE)
    assert repo.apply().exit_code == 0
    assert repo.title == "Thing"


def test_without_artifact_and_comment_it_stops(repo: Repo) -> None:
    write(THING)
    repo.github.merge(repo.github.open_pull(HEAD), MERGE)
    stopped(repo, repo.apply(), "no plan of its last commit is kept", "no comment of portcfg's own")


def test_of_an_expired_artifact_nothing_is_known(repo: Repo) -> None:
    write(THING)
    repo.reviewed()
    for artifact in repo.github.artifacts.values():
        artifact["expired"] = True
    stopped(repo, repo.apply(), "has expired")


@pytest.mark.parametrize("who", ["eve", "another-app[bot]"])
def test_a_comment_of_anybody_else_counts_for_nothing(repo: Repo, who: str) -> None:
    write(THING)
    number = repo.github.open_pull(HEAD)
    repo.plan()
    repo.github.say(number, Path("review/comment.md").read_text(), who)
    repo.github.merge(number, MERGE)
    stopped(repo, repo.apply(), "no comment of portcfg's own")


def test_a_comment_on_an_earlier_commit_counts_for_nothing(repo: Repo) -> None:
    write(THING)
    number = repo.github.open_pull(OTHER)
    repo.plan(OTHER)
    repo.comment(number, OTHER)
    repo.github.push(number, HEAD)
    repo.github.merge(number, MERGE)
    stopped(repo, repo.apply(), "no comment of portcfg's own")


def test_what_a_fork_s_run_made_counts_for_nothing(repo: Repo) -> None:
    """Neither its artifact, be it of the right name and head, nor what our own comment shows of it."""
    write(THING)
    number = repo.github.open_pull(HEAD, repository=FORK)
    repo.upload(repo.plan(), HEAD, FORK)
    repo.upload(repo.plan(), HEAD)
    repo.github.say(number, Path("review/comment.md").read_text(), BOT)
    repo.github.merge(number, MERGE)
    stopped(repo, repo.apply(), f"#{number}", "comes from a fork", "planned without secrets", "carries no digest")
    assert "no comment of portcfg's own" not in repo.job.summary


def test_a_fork_s_artifact_for_a_head_of_ours_counts_for_nothing(repo: Repo) -> None:
    write(THING)
    repo.github.merge(repo.github.open_pull(HEAD), MERGE)
    repo.upload(repo.plan(), HEAD, FORK)
    stopped(repo, repo.apply(), "no plan of its last commit is kept")


def tampered(files: dict[str, bytes], **binding: Any) -> dict[str, bytes]:
    body = json.loads(files["plan.bound.json"])
    body["binding"] |= binding
    return {**files, "plan.bound.json": json.dumps(body).encode()}


def test_a_tampered_plan_is_not_trusted_and_neither_is_what_lies_beside_it(repo: Repo) -> None:
    write(THING)
    repo.github.merge(repo.github.open_pull(HEAD), MERGE)
    repo.upload(tampered(repo.plan(), prune=True))
    stopped(repo, repo.apply(), "was changed after it was made")


def test_a_plan_with_another_key_is_not_trusted(repo: Repo) -> None:
    write(THING)
    repo.reviewed(PORTCFG_PLAN_KEY="one")
    stopped(repo, repo.apply(PORTCFG_PLAN_KEY="other"), "signed with another key")


def test_an_unsigned_plan_is_not_trusted_where_there_is_a_key(repo: Repo) -> None:
    """Nor is the digest of a comment that was made without it: anybody can make one."""
    write(THING)
    number = repo.reviewed()
    repo.github.say(number, Path("review/comment.md").read_text(), BOT)
    stopped(repo, repo.apply(PORTCFG_PLAN_KEY="key"), "isn't signed")


def test_a_plan_of_another_portcfg_is_applied_by_its_digest(repo: Repo) -> None:
    """What changed is the tool, as by a merged pull request that brings a newer one."""
    write(THING)
    number = repo.github.open_pull(HEAD)
    files = repo.plan()
    repo.comment(number)
    body = {key: value for key, value in json.loads(files["plan.bound.json"]).items() if key != "seal"} | {
        "tool": "0.0.9"
    }
    sealed = {**body, "seal": {"by": NO_KEY, "value": seal_of(body, "")}}
    repo.upload({**files, "plan.bound.json": json.dumps(sealed).encode()})
    repo.github.merge(number, MERGE)
    done = repo.apply()
    assert done.exit_code == 0, done.output
    assert repo.title == "Thing"


def test_an_artifact_that_is_no_archive_is_not_trusted(repo: Repo) -> None:
    write(THING)
    repo.github.merge(repo.github.open_pull(HEAD), MERGE)
    run = repo.github.run(HEAD)
    repo.github.upload(run, f"portcfg-plan-default-{HEAD}", zipped(repo.plan())[:-40])
    stopped(repo, repo.apply(), "no ZIP archive")


def test_a_plan_may_not_do_more_than_the_job_s_own_options(repo: Repo) -> None:
    """Who may change a branch may change what its run plans with; the job on the main branch says what is allowed."""
    write(THING)
    number = repo.github.open_pull(HEAD)
    done = repo.job.run("pull_request", pull_request(1), "github", "plan", "--out", "review", "--prune")
    assert done.exit_code == 0
    repo.upload({path.name: path.read_bytes() for path in Path("review").iterdir()})
    repo.github.merge(number, MERGE)
    stopped(repo, repo.apply(), "another prune")
    assert repo.apply("--prune").exit_code == 0


# Port, or main, has moved.


def changed(repo: Repo, **more: Any) -> None:
    """What somebody does in Port."""
    repo.bench.send("PUT", BLUEPRINT, {**THING, "relations": {}, **more})


@pytest.fixture
def applied(repo: Repo) -> Repo:
    """Port has the thing, and a pull request gives it another title."""
    repo.applied_before(THING)
    write(title("New"))
    repo.reviewed(HEAD)
    return repo


def test_port_moved_in_what_the_plan_changes(applied: Repo) -> None:
    changed(applied, title="By hand")
    stopped(applied, applied.apply(), "Port has moved since the plan", "By hand")
    assert applied.title == "By hand"


def test_port_moved_beside_it_to_what_would_be_set_back(applied: Repo) -> None:
    changed(applied, description="By hand")
    stopped(applied, applied.apply(), "Port has moved since the plan: blueprint/thing in description")
    assert applied.title == "Thing"


def test_port_moved_to_what_the_plan_wants(applied: Repo) -> None:
    changed(applied, title="New")
    assert applied.apply().exit_code == 0
    assert applied.title == "New"


def test_port_moved_elsewhere(applied: Repo) -> None:
    applied.bench.send("POST", "/blueprints", {"identifier": "other", "title": "Other", "schema": {"properties": {}}})
    assert applied.apply().exit_code == 0
    assert applied.title == "New"


def test_port_moved_and_came_back(applied: Repo) -> None:
    changed(applied, title="By hand")
    changed(applied)
    assert applied.apply().exit_code == 0


def test_main_moved_on_and_the_same_would_be_done(repo: Repo) -> None:
    """Another pull request was merged and applied meanwhile, which this one's plan doesn't know."""
    write(THING)
    number = repo.reviewed(HEAD)
    write({"identifier": "other", "title": "Other", "schema": {"properties": {}}}, root="later")
    other = replace(repo.job, folder=repo.job.folder)
    done = other.run("push", {}, "apply", "--specs", "later", "--auto-approve")
    assert done.exit_code == 0, done.output
    write({"identifier": "other", "title": "Other", "schema": {"properties": {}}})
    done = repo.apply()
    assert done.exit_code == 0, done.output
    assert repo.title == "Thing"
    assert f"reviewed in #{number}" in repo.job.summary


def test_a_review_of_another_commit_counts_for_nothing(repo: Repo) -> None:
    """The artifact is that of the last commit; what is said in it is about an earlier one."""
    write(THING)
    number = repo.github.open_pull(HEAD)
    repo.upload(repo.plan(OTHER, "acme/portal", "--no-ledger"), HEAD)
    repo.github.merge(number, MERGE)
    later = {"identifier": "other", "title": "Other", "schema": {"properties": {}}}
    write(later, root="later")
    assert repo.job.run("push", {}, "apply", "--specs", "later", "--auto-approve").exit_code == 0
    write(later)
    stopped(repo, repo.apply("--no-ledger"), "the plan was made from other specs")
    repo.upload(repo.plan(HEAD, "acme/portal", "--no-ledger"), HEAD)
    assert repo.apply("--no-ledger").exit_code == 0


def test_main_moved_on_and_something_else_would_be_done(repo: Repo) -> None:
    write(THING)
    repo.reviewed(HEAD)
    write({"identifier": "other", "title": "Other", "schema": {"properties": {}}})
    stopped(repo, repo.apply(), "the plan was made from other specs")


def test_port_moves_while_it_is_compared(applied: Repo) -> None:
    """The plan is made once more under the lock."""
    applied.while_compared(lambda: changed(applied, title="##[error]By hand"))
    done = applied.apply()
    assert done.exit_code == 4, done.output
    assert applied.title == "##[error]By hand"
    assert "Port has moved" in applied.issues()[0]["body"]
    assert "[error]By hand" in done.stderr
    assert no_command(done)


# Commits that nobody reviewed.


def test_a_direct_push_stops(repo: Repo) -> None:
    write(THING)
    stopped(repo, repo.apply(), "no pull request brought the commit")


def test_a_direct_push_is_applied_where_that_is_meant(repo: Repo) -> None:
    write(THING)
    assert repo.apply("--unreviewed", "apply").exit_code == 0
    assert repo.title == "Thing"
    assert "--unreviewed" in repo.job.summary


def test_unreviewed_is_about_direct_pushes_only(repo: Repo) -> None:
    write(THING)
    repo.github.merge(repo.github.open_pull(HEAD), MERGE)
    stopped(repo, repo.apply("--unreviewed", "apply"), "no plan of its last commit")


def test_an_open_pull_request_is_no_review(repo: Repo) -> None:
    write(THING)
    repo.upload(repo.plan())
    number = repo.github.open_pull(HEAD)
    repo.github.of_commit[MERGE] = [number]
    stopped(repo, repo.apply(), "no pull request brought the commit")


def test_a_pull_request_into_another_branch_is_no_review(repo: Repo) -> None:
    write(THING)
    number = repo.reviewed()
    repo.github.pulls[number]["base"]["ref"] = "release"
    stopped(repo, repo.apply(), "no pull request brought the commit")
    assert repo.apply("--branch", "release", GITHUB_REF="refs/heads/release").exit_code == 0


def test_a_pull_request_of_another_repository_is_no_review(repo: Repo) -> None:
    """A commit may be in a fork's own pull request, too."""
    write(THING)
    number = repo.reviewed()
    repo.github.pulls[number]["base"]["repo"] = {"full_name": FORK}
    stopped(repo, repo.apply(), "no pull request brought the commit")


@pytest.mark.parametrize("ref", ["refs/heads/evil", "refs/heads/evil/main", "refs/tags/main", "refs/pull/1/merge", ""])
@pytest.mark.parametrize("digest", [False, True])
def test_only_the_branch_that_port_follows_is_applied(repo: Repo, ref: str, digest: bool) -> None:
    """A digest stands in the comment of a pull request before anybody has merged it."""
    write(THING)
    repo.reviewed()
    shown = json.loads(Path("review/review.json").read_text())["digest"]
    done = repo.apply(*(["--digest", shown] if digest else []), event="workflow_dispatch", GITHUB_REF=ref)
    assert done.exit_code == 64, done.output
    assert f"{ref or 'no ref'!r}" in done.stderr
    assert "only the branch 'main' is applied" in done.stderr
    assert "--branch" in done.stderr
    assert repo.bench.log == []
    assert repo.issues() == []


def test_what_port_follows_may_be_another_branch(repo: Repo) -> None:
    write(THING)
    repo.reviewed()
    done = repo.apply("--branch", "release")
    assert done.exit_code == 64
    assert "only the branch 'release' is applied" in done.stderr


def test_an_event_that_names_no_default_branch_is_no_way_around(repo: Repo) -> None:
    write(THING)
    number = repo.reviewed()
    repo.github.default_branch = "trunk"
    repo.github.pulls[number]["base"]["ref"] = "trunk"
    event = {"after": MERGE}
    for ref, code in (("main", 64), ("trunk", 0)):
        done = repo.job.run("push", event, "github", "apply", GITHUB_SHA=MERGE, GITHUB_REF=f"refs/heads/{ref}")
        assert done.exit_code == code, done.output


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("pull_request", pull_request(1, MERGE)),
        ("pull_request_target", pull_request(1, MERGE)),
        ("pull_request_review", pull_request(1, MERGE)),
        ("merge_group", {"merge_group": {"head_sha": MERGE, "base_sha": HEAD}}),
        ("workflow_run", workflow_run(MERGE, "acme/portal")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_before_a_merge_nothing_is_applied(repo: Repo, event: str, payload: dict[str, Any]) -> None:
    """Even where GitHub says that the run is for the branch: of some events, that is the base."""
    write(THING)
    repo.reviewed()
    repo.bench.clear()
    main = {"GITHUB_SHA": MERGE, "GITHUB_REF": "refs/heads/main"}
    done = repo.job.run(event, payload, "github", "apply", **main)
    assert done.exit_code == 64
    assert f"there is nothing to apply for {event}" in done.stderr
    assert repo.bench.log == []


def test_without_a_commit_nothing_is_applied(repo: Repo) -> None:
    write(THING)
    done = repo.apply(sha="0" * 40)
    assert done.exit_code == 64
    assert repo.bench.log == []


# By its digest.


def test_a_stopped_apply_goes_on_by_its_digest(repo: Repo) -> None:
    write(THING)
    stopped(repo, repo.apply())
    digest = repo.job.outputs["plan-digest"]
    done = repo.apply("--digest", digest, event="workflow_dispatch")
    assert done.exit_code == 0, done.output
    assert repo.title == "Thing"
    assert repo.issues() == []
    (issue,) = repo.issues("closed")
    assert issue["state_reason"] == "completed"
    assert "1 change(s) applied" in repo.github.texts(issue["number"])[0]
    (comment,) = repo.commit_comments()
    assert "1 change(s) applied" in comment
    assert "gh workflow run" not in comment


def test_a_wrong_digest_stops_and_shows_the_right_one(repo: Repo) -> None:
    write(THING)
    stopped(repo, repo.apply("--digest", "0" * 64, event="workflow_dispatch"), "another digest")


def test_a_digest_of_what_is_done_already_is_no_reason_to_stop(repo: Repo) -> None:
    write(THING)
    repo.apply()
    digest = repo.job.outputs["plan-digest"]
    assert repo.apply("--digest", digest, event="workflow_dispatch").exit_code == 0
    assert repo.apply("--digest", digest, event="workflow_dispatch").exit_code == 0
    assert repo.bench.writes == []
    assert repo.issues() == []


@pytest.mark.parametrize("digest", ["0" * 12, "G" * 64, "$(id)"])
def test_what_is_no_digest_is_told(repo: Repo, digest: str) -> None:
    write(THING)
    done = repo.apply("--digest", digest)
    assert done.exit_code == 64
    assert "64 hexadecimal digits" in done.output
    assert repo.bench.log == []


def test_no_digest_may_be_given_as_an_empty_one(repo: Repo) -> None:
    write(THING)
    repo.reviewed()
    assert repo.apply("--digest", "").exit_code == 0


def test_a_digest_is_no_review_of_what_came_since(repo: Repo) -> None:
    write(THING)
    repo.apply()
    digest = repo.job.outputs["plan-digest"]
    write(title("New"))
    stopped(repo, repo.apply("--digest", digest, event="workflow_dispatch"), "another digest")


# What is told, where, and how often.


def test_a_stop_that_is_repeated_says_nothing_twice(repo: Repo) -> None:
    write(THING)
    repo.apply()
    repo.apply(GITHUB_RUN_ID="4712")
    assert repo.github.writes == []
    write(title("New"))
    repo.apply(sha="6" * 40)
    (issue,) = repo.issues()
    assert "New" in issue["body"]
    assert len(repo.commit_comments()) == 2


def test_a_lock_that_a_killed_apply_left_has_to_end_before_the_next_run(repo: Repo) -> None:
    write(THING)
    repo.reviewed()
    owner = Owner("default", "")
    with closing(repo.bench.writer()) as port, locked(port, owner, "killed", lambda: datetime.now(UTC)):
        assert repo.apply(GITHUB_RUN_ID="4711").exit_code == 1
    (issue,) = repo.issues()
    assert "portcfg unlock" in issue["body"]
    assert "Run the job again when the other apply, or the lock that it left, has ended." in issue["body"]
    assert "gh run rerun 4711" in issue["body"]
    assert repo.apply().exit_code == 0
    assert repo.issues() == []


def test_environments_have_issues_of_their_own(repo: Repo) -> None:
    Path("specs").mkdir()
    Path("specs/portcfg.yaml").write_text("version: 1\nenvironments:\n  a: {}\n  b: {}\n")
    write(THING)
    repo.apply("--env", "a")
    repo.apply("--env", "b")
    assert sorted(issue["title"] for issue in repo.issues()) == [
        "portcfg apply needs attention: a",
        "portcfg apply needs attention: b",
    ]
    assert all("-f environment=" in issue["body"] for issue in repo.issues())
    # Those that come after it in the list of the workflow's run are not started by its digest.
    assert all("start the workflow again afterwards, without one" in issue["body"] for issue in repo.issues())
    assert repo.apply("--env", "a", "--unreviewed", "apply").exit_code == 0
    assert [issue["title"][-1] for issue in repo.issues()] == ["b"]


def test_a_token_that_may_not_post_changes_nothing_about_the_apply(repo: Repo) -> None:
    write(THING)
    repo.job.token = repo.github.token(contents="read", actions="read", pull_requests="read")
    done = repo.apply()
    assert done.exit_code == 4
    assert "issues: write" in done.output
    assert "Not posted" in repo.job.summary
    assert repo.job.summary.count("###") >= 1


def test_github_down_while_reporting_changes_nothing_about_the_apply(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portcfg.github.api.ATTEMPTS", 1)
    write(THING)
    repo.reviewed()
    repo.github.fail("GET", "/issues$", 502, times=99)
    repo.github.fail("GET", "/comments$", 502, times=99)
    done = repo.apply()
    assert done.exit_code == 0, done.output
    assert repo.title == "Thing"
    assert "1 change(s) applied" in repo.job.summary
    assert "Not posted" in repo.job.summary


def test_answers_that_github_would_not_give_change_nothing_about_the_apply(repo: Repo) -> None:
    write(THING)
    for path in ("/issues$", "/comments$"):
        repo.github.fail("POST", path, 201, body=[], times=9)
    done = repo.apply()
    assert done.exit_code == 4, done.output
    assert repo.job.summary.count("Not posted") == 2


def test_github_down_while_the_review_is_looked_up_writes_nothing(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portcfg.github.api.ATTEMPTS", 1)
    write(THING)
    repo.reviewed()
    repo.github.fail("GET", "/pulls$", 502, times=99)
    done = repo.apply()
    assert done.exit_code == 1
    assert repo.bench.writes == []
    (issue,) = repo.issues()
    assert "/pulls: 502" in issue["body"]


def test_what_a_plan_says_is_no_command_of_the_log(applied: Repo) -> None:
    write({**title("##[error]New"), "description": "one\n::error::two"})
    done = applied.apply("--unreviewed", "apply")
    assert done.exit_code == 4
    assert "[error]New" in done.output
    assert no_command(done)
    done = applied.apply("--digest", applied.job.outputs["plan-digest"])
    assert done.exit_code == 0, done.output
    assert no_command(done)


def test_what_port_holds_is_no_command_of_the_log(applied: Repo) -> None:
    changed(applied, title="##[error]By hand")
    done = applied.apply()
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("nothing was applied")]
    assert "[error]By hand" in told
    assert no_command(done)


def test_invalid_specs_are_told(repo: Repo) -> None:
    write({**THING, "schema": {"properties": {"a": {"type": "strin"}}}})
    done = repo.apply()
    assert done.exit_code == 1
    (issue,) = repo.issues()
    assert "the specs are invalid" in issue["body"]
    assert "thing.yaml" in issue["body"]


def test_a_refused_plan_is_told(repo: Repo) -> None:
    write(THING)
    assert repo.apply("--unreviewed", "apply").exit_code == 0
    repo.bench.send("POST", f"{BLUEPRINT}/entities", {"identifier": "one", "properties": {"a": "x"}})
    write({**THING, "schema": {"properties": {"b": {"type": "string"}}}})
    done = repo.apply("--unreviewed", "apply")
    assert done.exit_code == 1
    assert repo.bench.writes == []
    (issue,) = repo.issues()
    assert "the plan is refused" in issue["body"]
    assert "gh run rerun" not in issue["body"], "it would be refused again"
    assert repo.apply("--unreviewed", "apply", "--allow-destructive", "blueprint/thing").exit_code == 0
    assert repo.issues() == []


def test_a_missing_setting_opens_no_issue(repo: Repo) -> None:
    write(THING)
    done = replace(repo.job, port={}).run("push", {"after": MERGE}, "github", "apply", GITHUB_SHA=MERGE)
    assert done.exit_code == 64
    assert "PORT_CLIENT_ID" in done.output
    assert repo.issues() == []
