"""github comment: one comment for each environment, edited in place, and labels; what is refused, and what is told."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from portcfg.cli.github_comment import posting_of
from portcfg.errors import UntrustedPlanError
from portcfg.github.api import GitHub
from portcfg.github.event import Event
from portcfg.github.folder import read_folder
from portcfg.retry import RetryPolicy
from portcfg.settings import GitHubAccess, Settings
from tests.github.stand_in import BOT, SECONDARY, StandIn
from tests.github.support import FORK, HEAD, OTHER, THING, Job, pull_request, workflow_run, write
from tests.support import Bench

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["create", "blueprint", "-->"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["schema", "properties", "relations", "target", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
PLAN = ("github", "plan", "--out", "review")
POST = ("github", "comment", "review")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited, without waiting."""
    slept: list[float] = []

    def patient(access: GitHubAccess, told: Callable[..., None]) -> GitHub:
        return GitHub(access, RetryPolicy(attempts=4, sleep=slept.append, told=told))

    monkeypatch.setattr("portcfg.cli.github_job.GitHub", patient)
    return slept


@pytest.fixture
def planned(job: Job, bench: Bench, waits: list[float]) -> Job:
    """A job with a pull request that makes `thing`, planned against a Port."""
    job.github.open_pull(HEAD)
    live = replace(job, port={"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"})
    write(THING)
    assert live.run("pull_request", pull_request(1), *PLAN).exit_code == 0
    return live


def post(job: Job, head: str = HEAD, *more: str, **environ: str) -> Result:
    return job.run("pull_request", pull_request(1, head), *POST, *more, **environ)


def replan(job: Job, head: str = HEAD, run: str = "4711") -> None:
    job.run("pull_request", pull_request(1, head), *PLAN, GITHUB_RUN_ID=run)


def own(github: StandIn) -> Iterator[dict[str, Any]]:
    return (each for each in github.comments.values() if each["user"]["login"] == BOT)


def test_the_comment_is_made_then_edited_in_place(planned: Job) -> None:
    github = planned.github
    done = post(planned)
    assert done.exit_code == 0, done.output
    (first,) = github.comments.values()
    assert first["body"] == Path("review/comment.md").read_text()
    assert github.labels_of(1) == ["port/changes"]
    github.push(1, OTHER)
    write({**THING, "title": "Another"})
    replan(planned, OTHER)
    assert post(planned, OTHER).exit_code == 0
    (second,) = github.comments.values()
    assert second["id"] == first["id"]
    assert second["body"] == Path("review/comment.md").read_text()
    assert OTHER in second["body"]


def test_what_says_the_same_is_not_edited(planned: Job) -> None:
    post(planned)
    planned.github.log.clear()
    replan(planned, run="9999")
    assert "9999" in Path("review/review.json").read_text()
    done = post(planned)
    assert done.exit_code == 0
    assert "unchanged" in done.stderr
    assert planned.github.writes == []


def test_another_head_is_another_comment_though_the_plan_is_the_same(planned: Job) -> None:
    post(planned)
    planned.github.push(1, OTHER)
    replan(planned, OTHER)
    assert "is updated" in post(planned, OTHER).stderr


def test_a_comment_among_hundreds_is_found(planned: Job) -> None:
    for index in range(250):
        planned.github.say(1, f"comment {index}")
    post(planned)
    for index in range(120):
        planned.github.say(1, f"later {index}")
    write({**THING, "title": "Another"})
    replan(planned)
    assert "is updated" in post(planned).stderr
    assert len(list(own(planned.github))) == 1


def test_somebody_elses_comment_with_our_marker_is_left_alone(planned: Job) -> None:
    copied = planned.github.say(1, Path("review/comment.md").read_text(), login="octocat")
    planned.github.say(1, "> <!-- portcfg: -->\nquoted", login=BOT)
    before = dict(planned.github.comments[copied])
    assert "is created" in post(planned).stderr
    assert planned.github.comments[copied] == before
    assert len(planned.github.comments) == 3


def test_of_several_of_our_own_the_first_stays(planned: Job) -> None:
    ids = [planned.github.say(1, f"<!-- portcfg: -->\n{index}", login=BOT) for index in range(3)]
    post(planned)
    assert [each["id"] for each in own(planned.github)] == ids[:1]
    assert planned.github.comments[ids[0]]["body"] == Path("review/comment.md").read_text()


def test_two_runs_at_once_leave_one_comment(planned: Job) -> None:
    text = Path("review/comment.md").read_text()
    github = planned.github

    def other_run(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/comments") and not github.comments:
            github.say(1, f"{text}\nof the other run", login=BOT)

    github.meanwhile = other_run
    assert post(planned).exit_code == 0
    (left,) = github.comments.values()
    assert left["body"] == text


@pytest.mark.parametrize("gone", ["before", "meanwhile"])
def test_a_comment_that_somebody_deleted_is_made_anew(planned: Job, gone: str) -> None:
    post(planned)
    github = planned.github
    write({**THING, "title": "Another"})
    replan(planned)

    def delete(method: str, path: str) -> None:
        if gone == "before" or method == "PATCH":
            github.comments.clear()
            github.meanwhile = lambda method, path: None

    github.meanwhile = delete
    assert post(planned).exit_code == 0
    assert github.texts(1) == [Path("review/comment.md").read_text()]


def test_an_answer_that_was_lost_makes_no_second_comment(planned: Job) -> None:
    planned.github.fail("POST", "/issues/1/comments", 502, done=True)
    assert post(planned).exit_code == 0
    assert len(planned.github.texts(1)) == 1


def test_a_comment_that_did_not_get_through_is_sent_again(planned: Job) -> None:
    planned.github.fail("POST", "/issues/1/comments", 502)
    assert post(planned).exit_code == 0
    assert len(planned.github.texts(1)) == 1


@pytest.mark.parametrize("status", [404, 502])
@pytest.mark.parametrize("done", [False, True], ids=["not done", "done"])
def test_after_a_fault_anywhere_the_next_run_leaves_one_comment(planned: Job, status: int, done: bool) -> None:
    github, text = planned.github, Path("review/comment.md").read_text()
    number = 0
    while number < len(github.log) or not number:
        github.comments.clear()
        github.pulls[1]["labels"] = []
        github.log.clear()

        def fault(method: str, path: str, at: int = number) -> None:
            if len(github.log) == at:
                github.fail(method, f"^{re.escape(path)}$", status, done=done)

        github.meanwhile = fault
        first = post(planned)
        assert first.exit_code in (0, 1)
        assert "Traceback" not in first.stderr
        github.meanwhile = lambda method, path: None
        assert post(planned).exit_code == 0
        assert github.texts(1) == [text]
        assert github.labels_of(1) == ["port/changes"]
        number += 1
    assert number > 5


def test_a_rate_limit_is_waited_for_and_told(planned: Job, waits: list[float]) -> None:
    planned.github.fail("POST", "/issues/1/comments", 403, headers={"retry-after": "7"}, body=SECONDARY)
    done = post(planned)
    assert done.exit_code == 0
    assert waits == [7.0]
    assert "waiting 7 s" in done.stderr
    assert len(planned.github.texts(1)) == 1


@pytest.mark.parametrize("required", [False, True])
def test_a_token_that_may_not_comment_is_told_what_it_lacks(planned: Job, required: bool) -> None:
    job = replace(planned, token=planned.github.token(contents="read", pull_requests="read"))
    done = post(job, HEAD, *(["--required"] if required else []))
    assert done.exit_code == (1 if required else 0)
    assert done.stdout.startswith(f"::{'error' if required else 'warning'} title=portcfg%3A not posted::")
    assert "Resource not accessible by integration" in done.stdout
    assert "pull-requests: write" in done.stdout
    assert "blueprint/thing" in job.summary
    assert planned.github.texts(1) == []


def test_a_locked_conversation_is_a_warning(planned: Job) -> None:
    planned.github.lock(1)
    done = post(planned)
    assert done.exit_code == 0
    assert "::warning" in done.stdout
    assert "locked" in done.stdout
    assert "blueprint/thing" in planned.summary


def test_a_github_that_is_down_fails_the_job_which_can_be_run_again(planned: Job) -> None:
    planned.github.fail("GET", "/pulls/1", 503, times=99)
    done = post(planned)
    assert done.exit_code == 1
    assert "::error title=portcfg%3A not posted::" in done.stdout
    assert "blueprint/thing" in planned.summary


@pytest.mark.parametrize("state", ["another head", "closed", "merged"])
def test_a_pull_request_that_moved_on_gets_nothing(planned: Job, state: str) -> None:
    if state == "another head":
        planned.github.push(1, OTHER)
    elif state == "closed":
        planned.github.pulls[1]["state"] = "closed"
    else:
        planned.github.merge(1, OTHER)
    done = post(planned)
    assert done.exit_code == 0
    assert "isn't the head of an open pull request any more" in done.stdout
    assert planned.github.writes == []


def test_a_comment_of_another_environment_is_refused(planned: Job) -> None:
    """It could be no more than the first run's: the next wouldn't find it, or would edit another environment's."""
    text = Path("review/comment.md").read_text()
    Path("review/comment.md").write_text(text.replace("<!-- portcfg: -->", "<!-- portcfg:production -->", 1))
    done = post(planned)
    assert done.exit_code == 5
    assert "doesn't begin with <!-- portcfg: -->" in done.stderr
    assert planned.github.writes == []


def test_a_folder_of_another_commit_is_refused(planned: Job) -> None:
    planned.github.push(1, OTHER)
    done = post(planned, OTHER)
    assert done.exit_code == 5
    assert f"was planned for {HEAD}" in done.stderr
    assert planned.github.writes == []


@pytest.mark.parametrize(
    ("event", "payload"), [("merge_group", {"merge_group": {"head_sha": HEAD}}), ("push", {"after": HEAD})]
)
def test_an_event_without_a_pull_request_posts_nothing(planned: Job, event: str, payload: dict[str, Any]) -> None:
    done = planned.run(event, payload, *POST)
    assert done.exit_code == 0
    assert "no pull request" in done.stderr
    assert planned.github.log == []


# Environments and labels.


def test_each_environment_has_a_comment_and_the_labels_are_for_all(planned: Job) -> None:
    Path("specs/portcfg.yaml").write_text("version: 1\nenvironments: {staging: {}, production: {}}\n")
    for name in ("staging", "production"):
        planned.run("pull_request", pull_request(1), "github", "plan", "--out", f"reviews/{name}", "--env", name)
    folders = ["reviews/staging", "reviews/production"]
    assert planned.run("pull_request", pull_request(1), "github", "comment", *folders).exit_code == 0
    assert [text.partition("\n")[0] for text in planned.github.texts(1)] == [
        "<!-- portcfg:staging -->",
        "<!-- portcfg:production -->",
    ]
    assert planned.github.labels_of(1) == ["port/changes"]
    planned.github.log.clear()
    planned.run("pull_request", pull_request(1), "github", "comment", *folders)
    assert planned.github.writes == []


def test_labels_are_made_with_colours_and_only_our_own_are_taken_away(planned: Job) -> None:
    github = planned.github
    github.labels["bug"] = {"name": "bug", "color": "ff0000", "description": ""}
    github.pulls[1]["labels"] = [{"name": name} for name in ("bug", "port/destroy", "port/mine", "port/changes")]
    post(planned)
    assert github.labels_of(1) == ["bug", "port/changes", "port/mine"]
    github.pulls[1]["labels"] = []
    post(planned)
    assert github.labels["port/changes"]["color"] != "ededed"
    assert github.labels["port/changes"]["description"].startswith("portcfg: ")


def test_labels_are_the_same_in_any_case(planned: Job) -> None:
    github = planned.github
    github.have_labels("Port/Changes", "PORT/Destroy")
    github.pulls[1]["labels"] = [github.labels["Port/Changes"], github.labels["PORT/Destroy"]]
    done = post(planned)
    assert github.labels_of(1) == ["Port/Changes"]
    assert "labels taken away: PORT/Destroy" in done.stderr
    assert "labels given" not in done.stderr


def test_labels_come_and_go_with_what_a_plan_does(planned: Job) -> None:
    post(planned)
    write({**THING, "schema": {"properties": {"a": {"type": "nonsense"}}}})
    replan(planned)
    post(planned)
    assert planned.github.labels_of(1) == ["port/invalid"]
    assert "thing.yaml" in planned.github.texts(1)[0]


def test_a_job_that_only_comments_sets_the_labels_that_there_are(planned: Job) -> None:
    job = replace(planned, token=planned.github.token(pull_requests="write"))
    job.github.pulls[1]["labels"] = [{"name": "port/invalid"}]
    done = post(job)
    assert done.exit_code == 0
    assert job.github.labels_of(1) == []
    assert "::notice title=portcfg%3A labels::there is no label port/changes" in done.stdout
    assert "issues: write" in done.stdout
    post(planned)
    job.github.pulls[1]["labels"] = []
    done = post(job)
    assert job.github.labels_of(1) == ["port/changes"]
    assert "::" not in done.stdout


def test_labels_that_cannot_be_set_are_a_warning(planned: Job) -> None:
    planned.github.fail("GET", "/labels", 403, body={"message": "Resource not accessible by integration"}, times=9)
    done = post(planned)
    assert done.exit_code == 0
    assert "::warning title=portcfg%3A labels::" in done.stdout
    assert len(planned.github.texts(1)) == 1


# Folders that nobody should trust.


@pytest.fixture
def forked(job: Job, waits: list[float]) -> Job:
    """The folder that a fork's run made, without secrets; its pull request is 1."""
    job.github.open_pull(HEAD, repository=FORK)
    write(THING, root="base/specs")
    write({**THING, "title": "New title"})
    payload = pull_request(1, repository=FORK)
    assert job.run("pull_request", payload, *PLAN, "--base", "base/specs").exit_code == 0
    return job


def after(job: Job, head: str = HEAD, repository: str = FORK) -> Result:
    """The comment of the job that runs after a fork's run."""
    return job.run("workflow_run", workflow_run(head, repository), *POST)


def change(name: str, **more: Any) -> None:
    path = Path("review", name)
    body = json.loads(path.read_text())
    path.write_text(json.dumps({**body, **more}))


def test_a_forks_plan_is_posted_on_the_pull_request_of_its_head(forked: Job) -> None:
    forked.github.open_pull(HEAD, repository="another/portal")
    forked.github.open_pull(OTHER, repository=FORK)
    done = after(forked)
    assert done.exit_code == 0, done.output
    (text,) = forked.github.texts(1)
    assert "New title" in text
    assert "**Unchecked**" in text
    assert "https://github.example/acme/portal/actions/runs/77" in text
    assert forked.github.labels_of(1) == ["port/changes"]
    forked.github.log.clear()
    assert after(forked).exit_code == 0
    assert forked.github.writes == []


def test_a_forks_own_texts_and_digest_are_not_posted(forked: Job) -> None:
    for name in ("comment.md", "summary.md"):
        Path("review", name).write_text(f"<!-- portcfg: -->\n<!-- portcfg review {'f' * 64} {HEAD} -->\nAll is well.")
    change("review.json", digest="f" * 64, pull_request=99, labels=[], run_link="https://evil.example")
    assert after(forked).exit_code == 0
    (text,) = forked.github.texts(1)
    assert "All is well" not in text
    assert "f" * 64 not in text
    assert "evil.example" not in text
    assert forked.github.labels_of(1) == ["port/changes"], "labels are those of the plan that is shown"


def test_a_fork_cannot_speak_on_another_pull_request(forked: Job) -> None:
    other = forked.github.open_pull(OTHER)
    change("review.json", pull_request=other, head=OTHER)
    done = after(forked)
    assert done.exit_code == 5
    assert forked.github.writes == []


@pytest.mark.parametrize(("head", "repository"), [(OTHER, FORK), (HEAD, "another/portal"), (HEAD, "acme/portal")])
def test_a_run_whose_pull_request_is_not_there_posts_nothing(forked: Job, head: str, repository: str) -> None:
    change("review.json", head=head)
    assert after(forked, head, repository).exit_code == 0
    assert forked.github.writes == []


def test_a_run_that_no_pull_request_started_posts_nothing(forked: Job) -> None:
    payload = workflow_run()
    payload["workflow_run"]["event"] = "push"
    assert forked.run("workflow_run", payload, *POST).exit_code == 0
    assert forked.github.writes == []


def test_a_fork_cannot_have_read_port(forked: Job) -> None:
    change("review.json", compared_with="live")
    done = after(forked)
    assert done.exit_code == 5
    assert "no secrets" in done.stderr
    assert forked.github.writes == []


def test_a_fork_with_invalid_specs_is_told(forked: Job) -> None:
    write({**THING, "schema": {"properties": {"a": {"type": "nonsense"}}}})
    forked.run("pull_request", pull_request(1, repository=FORK), *PLAN, "--base", "base/specs")
    assert after(forked).exit_code == 0
    assert "thing.yaml" in forked.github.texts(1)[0]
    assert forked.github.labels_of(1) == ["port/invalid"]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("review.json", {"format": "portcfg/review/2"}),
        ("review.json", {"head": "main"}),
        ("review.json", {"environment": "x\n-->"}),
        ("review.json", {"compared_with": "production"}),
        ("review.json", {"problems": [{"file": "x"}]}),
        ("plan.json", {"format": "portcfg/plan/9"}),
        ("plan.json", {"changes": [{"action": "create"}]}),
        ("plan.json", {"notes": [1]}),
    ],
)
def test_a_folder_that_does_not_fit_its_schema_is_refused(forked: Job, name: str, more: dict[str, Any]) -> None:
    change(name, **more)
    done = after(forked)
    assert done.exit_code == 5
    assert f"{name} isn't as portcfg writes it" in done.stderr
    assert forked.github.writes == []


@pytest.mark.parametrize(
    "after_",
    [
        {"schema": "text"},
        {"schema": {"properties": [1]}},
        {"relations": 7},
        {"title": {"a": [1]}},
        {"mirrorProperties": {"a": "x"}},
        {"identifier": None},
    ],
)
def test_a_body_of_a_wild_shape_breaks_nothing(forked: Job, after_: dict[str, Any]) -> None:
    plan = json.loads(Path("review/plan.json").read_text())
    plan["changes"][0] |= {"action": "create", "after": after_}
    Path("review/plan.json").write_text(json.dumps(plan))
    done = after(forked)
    assert done.exit_code in (0, 5)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "large", "deep", "latin"])
@pytest.mark.parametrize("name", ["plan.json", "review.json"])
def test_a_file_that_is_no_plain_file_is_refused(forked: Job, name: str, kind: str) -> None:
    file = Path("review", name)
    if kind == "link":
        # What it leads to is as good as the file itself was.
        file.rename("elsewhere.json")
        file.symlink_to(Path("elsewhere.json").resolve())
    else:
        file.unlink()
    if kind == "dangling":
        file.symlink_to("nowhere")
    elif kind == "folder":
        file.mkdir()
    elif kind == "large":
        with file.open("wb") as opened:
            opened.truncate(33 * 1024 * 1024)
    elif kind == "deep":
        file.write_text("[" * 100_000)
    elif kind == "latin":
        file.write_bytes(b'{"\xff": 1}')
    done = after(forked)
    assert done.exit_code == 5
    assert "Traceback" not in done.stderr
    assert forked.github.writes == []


def test_a_folder_that_is_a_link_is_refused(forked: Job) -> None:
    Path("review").rename("elsewhere")
    Path("review").symlink_to("elsewhere")
    done = after(forked)
    assert done.exit_code == 5
    assert "is a link" in done.stderr


def named(forked: Job, name: str) -> str:
    """The comment on a fork's plan in which everything is called `name`."""
    plan = json.loads(Path("review/plan.json").read_text())
    plan["changes"][0] |= {"identifier": name, "notes": [name], "file": name}
    Path("review/plan.json").write_text(json.dumps({**plan, "notes": [name], "refusals": [name]}))
    assert after(forked).exit_code == 0
    (text,) = forked.github.texts(1)
    return text


def structure(text: str) -> list[str]:
    """The tokens of a comment; of HTML also its tags."""
    found = [inline for token in MarkdownIt("gfm-like").parse(text) for inline in (token, *(token.children or ()))]
    return [" ".join([token.type, *re.findall("<[^>]*>", token.content * ("html" in token.type))]) for token in found]


@pytest.mark.parametrize("name", ["@everyone", "--><script>", "x\u202ey", "`a`|b", "</details><b>", "a\n\n# b"])
def test_names_from_a_fork_stay_dead(forked: Job, name: str) -> None:
    assert structure(named(forked, name)) == structure(named(forked, "tame"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.randoms(use_true_random=False), value=ANYTHING)
def test_whatever_a_fork_hands_over_is_shown_or_refused(forked: Job, place: Random, value: Any) -> None:
    folder = forked.folder / "fuzzed"
    folder.mkdir(exist_ok=True)
    name = place.choice(["plan.json", "review.json"])
    for file in ("plan.json", "review.json"):
        body = json.loads(Path("review", file).read_text())
        (folder / file).write_text(json.dumps(body if file != name else put(body, place, value)))
    event = Event("workflow_run", "acme/portal", HEAD, head_repository=FORK, run=77)
    try:
        posting = posting_of(read_folder(folder), event, Settings())
    except UntrustedPlanError:
        return
    assert len(posting.text) <= 65_536
    assert posting.text.startswith("<!-- portcfg:")


def put(body: Any, place: Random, value: Any) -> Any:
    """`body` with `value` somewhere in it."""
    if isinstance(body, dict | list) and body and place.random() < 0.8:
        key = place.choice(sorted(body) if isinstance(body, dict) else range(len(body)))
        body[key] = put(body[key], place, value)
        return body
    return value


def copies(count: int) -> None:
    """Reviews of as many environments, as a download of several artifacts leaves them."""
    body = json.loads(Path("review/review.json").read_text())
    for index in range(count):
        folder = Path("reviews", f"portcfg-plan-e{index:02}-{HEAD}")
        shutil.copytree("review", folder)
        (folder / "review.json").write_text(json.dumps({**body, "environment": f"e{index:02}"}))


@pytest.mark.parametrize(("count", "code"), [(20, 0), (21, 64)])
def test_too_many_environments_are_refused(forked: Job, count: int, code: int) -> None:
    copies(count)
    done = forked.run("workflow_run", workflow_run(), "github", "comment", "reviews")
    assert done.exit_code == code, done.output
    assert len(forked.github.texts(1)) == (count if code == 0 else 0)
    assert ("more than the 20" in done.stderr) is (code != 0)


def test_folders_are_found_in_the_one_that_holds_a_download(forked: Job) -> None:
    """As a run may name its artifacts, too: a name is never more than one folder."""
    copies(2)
    Path("reviews/portcfg-plan-e00-" + HEAD).rename("reviews/--required\nreview")
    Path("reviews/nothing here").mkdir()
    Path("reviews/file").touch()
    Path("reviews/deeper/review").mkdir(parents=True)
    Path("reviews/deeper/review/review.json").touch()
    assert forked.run("workflow_run", workflow_run(), "github", "comment", "--", "reviews").exit_code == 0
    assert [text.partition("\n")[0] for text in forked.github.texts(1)] == [
        "<!-- portcfg:e00 -->",
        "<!-- portcfg:e01 -->",
    ]


@pytest.mark.parametrize("download", ["missing", "empty"])
def test_a_run_that_left_nothing_to_post_is_told(forked: Job, download: str) -> None:
    if download == "empty":
        Path("reviews").mkdir()
    done = forked.run("workflow_run", workflow_run(), "github", "comment", "reviews")
    assert done.exit_code == 0
    assert "::warning title=portcfg%3A not posted::there is no review folder in reviews" in done.stdout
    assert forked.github.writes == []
    assert forked.run("workflow_run", workflow_run(), "github", "comment", "reviews", "--required").exit_code == 1


def test_a_review_that_cannot_be_read_keeps_no_other_back(planned: Job) -> None:
    Path("specs/portcfg.yaml").write_text("version: 1\nenvironments: {staging: {}, production: {}}\n")
    for name in ("staging", "production"):
        planned.run("pull_request", pull_request(1), *PLAN[:3], f"reviews/{name}", "--env", name)
    planned.github.pulls[1]["labels"] = [{"name": "port/destroy"}]
    Path("reviews/production/review.json").write_text("{")
    done = planned.run("pull_request", pull_request(1), "github", "comment", "reviews")
    assert done.exit_code == 5
    assert "::error title=portcfg%3A not posted::reviews/production: review.json isn't JSON" in done.stdout
    assert "review.json isn't JSON" in done.stderr
    assert [text.partition("\n")[0] for text in planned.github.texts(1)] == ["<!-- portcfg:staging -->"]
    assert planned.github.labels_of(1) == ["port/destroy"], "what the other one deserves isn't known"


def test_the_same_environment_twice_is_refused(forked: Job) -> None:
    done = forked.run("workflow_run", workflow_run(), "github", "comment", "review", "review")
    assert done.exit_code == 64
    assert "same environment" in done.stderr


def test_a_comment_that_is_too_long_is_refused(planned: Job) -> None:
    text = Path("review/comment.md").read_text()
    Path("review/comment.md").write_text(text + "x" * 65_536)
    done = post(planned)
    assert done.exit_code == 5
    assert "GitHub takes 65,536" in done.stderr


def test_outside_of_a_job_it_says_so(job: Job) -> None:
    write(THING)
    job.run("", {}, *PLAN, "--env", "local", GITHUB_EVENT_NAME="")
    done = job.run("", {}, *POST, GITHUB_EVENT_NAME="")
    assert done.exit_code == 64
    assert "GITHUB_EVENT_NAME isn't set" in done.stderr
    done = replace(job, token="").run("pull_request", pull_request(1), *POST)
    assert done.exit_code in (5, 64)
