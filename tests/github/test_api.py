"""GitHub's REST API: what is asked again and what isn't, pages, permissions, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from portcfg.errors import AnswerError, ApiError, TerminalApiError, TransientApiError
from portcfg.github.api import GitHub
from portcfg.retry import RetryPolicy
from portcfg.settings import Settings
from tests.github.stand_in import SECONDARY, StandIn

HEAD = "a" * 40
Connect = Callable[..., GitHub]


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def connect(github: StandIn, waits: list[float]) -> Iterator[Connect]:
    opened: list[GitHub] = []

    def connected(token: str = "token") -> GitHub:
        access = Settings(environ=github.environ(token)).github
        opened.append(GitHub(access, RetryPolicy(attempts=4, sleep=waits.append, wall=lambda: 1_000_000.0)))
        return opened[-1]

    yield connected
    for each in opened:
        each.close()


def test_every_page_of_a_list_is_read(github: StandIn, connect: Connect) -> None:
    number = github.open_pull(HEAD)
    for index in range(250):
        github.say(number, f"comment {index}")
    found = [each["body"] for each in connect().pages(f"/issues/{number}/comments")]
    assert found == [f"comment {index}" for index in range(250)]
    assert len(github.log) == 3


@pytest.mark.parametrize(
    ("status", "headers", "body", "waited"),
    [
        (429, {"retry-after": "7"}, {"message": "Too many"}, [7.0]),
        (403, {"retry-after": "9"}, SECONDARY, [9.0]),
        (403, {}, SECONDARY, [60.0]),
        (403, {"x-ratelimit-remaining": "5", "x-ratelimit-reset": "1003600"}, SECONDARY, [60.0]),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000030"}, {"message": "API rate limit"}, [30.0]),
        (502, {}, {"message": "Bad gateway"}, None),
        (503, {}, "<html>", None),
    ],
    ids=["429", "secondary", "secondary that says nothing", "secondary with budget left", "budget", "502", "html"],
)
def test_what_passes_is_waited_for(
    github: StandIn,
    connect: Connect,
    waits: list[float],
    status: int,
    headers: dict[str, str],
    body: object,
    waited: list[float] | None,
) -> None:
    number = github.open_pull(HEAD)
    github.fail("GET", "/pulls/", status, headers=headers, body=body)
    assert connect().get(f"/pulls/{number}")["number"] == number
    assert len(waits) == 1
    assert waited is None or waits == waited


def test_a_limit_that_lasts_is_an_error_that_says_how_long(github: StandIn, connect: Connect) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1003600"}
    github.fail("GET", "/pulls/", 403, headers=headers, body={"message": "API rate limit exceeded"}, times=9)
    with pytest.raises(TransientApiError, match="API rate limit exceeded") as caught:
        connect().get("/pulls/1")
    assert "3,600 seconds" in caught.value.hint


def test_a_post_that_a_limit_kept_out_is_sent_again(github: StandIn, connect: Connect) -> None:
    number = github.open_pull(HEAD)
    github.fail("POST", "comments", 403, headers={"retry-after": "1"}, body=SECONDARY, times=2)
    connect().send("POST", f"/issues/{number}/comments", {"body": "hello"})
    assert github.texts(number) == ["hello"]


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
def test_a_post_whose_answer_is_lost_is_not_sent_again(github: StandIn, connect: Connect, done: bool) -> None:
    number = github.open_pull(HEAD)
    github.fail("POST", "comments", 502, done=done)
    with pytest.raises(TransientApiError, match="502"):
        connect().send("POST", f"/issues/{number}/comments", {"body": "hello"})
    assert github.texts(number) == ["hello"] * done


def test_a_change_is_sent_again(github: StandIn, connect: Connect) -> None:
    number = github.open_pull(HEAD)
    ident = github.say(number, "old")
    github.fail("PATCH", "comments", 502, done=True)
    connect().send("PATCH", f"/issues/comments/{ident}", {"body": "new"})
    assert github.texts(number) == ["new"]


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("POST", "/issues", "issues: write"),
        ("POST", "/issues/1/comments", "pull-requests: write"),
        ("POST", "/labels", "issues: write"),
        ("GET", f"/commits/{HEAD}/comments", "contents: read"),
        ("POST", f"/commits/{HEAD}/comments", "contents: read"),
        ("PATCH", "/comments/1", "contents: write"),
        ("GET", "/actions/runs", "actions: read"),
        ("GET", f"/commits/{HEAD}/pulls", "pull-requests: read"),
    ],
)
def test_a_missing_permission_is_named(github: StandIn, connect: Connect, method: str, path: str, named: str) -> None:
    github.open_pull(HEAD)
    client = connect(github.token(metadata="read"))
    with pytest.raises(TerminalApiError, match="Resource not accessible by integration") as caught:
        client.get(path) if method == "GET" else client.send(method, path, {"body": "x", "name": "x", "title": "x"})
    assert named in caught.value.hint


def test_a_wrong_token_is_told_but_not_shown(github: StandIn, connect: Connect) -> None:
    secret = "ghs_verysecretindeed"
    github.fail("GET", "/pulls/", 401, body={"message": f"Bad credentials {secret}"})
    with pytest.raises(TerminalApiError, match="Bad credentials") as caught:
        connect(secret).get("/pulls/1")
    assert secret not in f"{caught.value} {caught.value.hint}"
    assert "GITHUB_TOKEN" in caught.value.hint


def test_details_of_a_refusal_are_told(github: StandIn, connect: Connect) -> None:
    number = github.open_pull(HEAD)
    with pytest.raises(TerminalApiError, match=r"422 Validation Failed \(body is too long") as caught:
        connect().send("POST", f"/issues/{number}/comments", {"body": "x" * 65_537})
    assert caught.value.status == 422


def test_an_app_and_a_user_know_who_they_are(github: StandIn, connect: Connect) -> None:
    assert connect(github.token()).login() == "github-actions[bot]"
    assert connect(github.token("octocat")).login() == "octocat"


@pytest.mark.parametrize("body", [{"errors": []}, {"data": None}, [], "<html>"])
def test_who_cannot_be_told_is_taken_for_the_bot_of_a_job(github: StandIn, connect: Connect, body: object) -> None:
    github.fail("POST", "/graphql", 200, body=body)
    assert connect().login() == "github-actions[bot]"


def test_a_fault_of_github_s_says_nothing_of_who_one_is(github: StandIn, connect: Connect) -> None:
    github.fail("POST", "/graphql", 503, times=9)
    asked = connect(github.token("octocat"))
    with pytest.raises(TransientApiError):
        asked.login()
    github.faults.clear()
    assert asked.login() == "octocat"


def test_a_file_is_fetched_where_github_says_without_the_token(github: StandIn, connect: Connect) -> None:
    made = github.upload(github.run(HEAD), "plan", {"a.txt": b"hello"})
    data = connect().download(f"/actions/artifacts/{made}/zip", 10_000)
    assert data[:2] == b"PK"


def test_a_file_that_is_too_large_is_refused(github: StandIn, connect: Connect) -> None:
    made = github.upload(github.run(HEAD), "plan", bytes(200_000))
    with pytest.raises(AnswerError, match="more than 100,000 bytes"):
        connect().download(f"/actions/artifacts/{made}/zip", 100_000)


def test_a_file_that_is_gone_is_told(github: StandIn, connect: Connect) -> None:
    made = github.upload(github.run(HEAD), "plan", {"a.txt": b"hello"})
    github.artifacts[made]["expired"] = True
    with pytest.raises(TerminalApiError, match="410 Artifact has expired"):
        connect().download(f"/actions/artifacts/{made}/zip", 100_000)


def test_a_file_whose_address_fails_is_asked_for_again(github: StandIn, connect: Connect) -> None:
    made = github.upload(github.run(HEAD), "plan", {"a.txt": b"hello"})
    github.fail("GET", "/_files/", 503)
    assert connect().download(f"/actions/artifacts/{made}/zip", 10_000)[:2] == b"PK"


def test_a_list_that_leads_elsewhere_is_not_followed(github: StandIn, connect: Connect) -> None:
    link = {"link": '<https://elsewhere.example/2>; rel="next"'}
    github.fail("GET", "/labels", 200, body=[], headers=link)
    with pytest.raises(AnswerError, match="another host"):
        list(connect().pages("/labels"))


@pytest.mark.parametrize("body", [{"message": "hm"}, ["text"], "<html>"])
def test_a_list_that_is_none_is_an_error(github: StandIn, connect: Connect, body: object) -> None:
    github.fail("GET", "/labels", 200, body=body)
    with pytest.raises(AnswerError):
        list(connect().pages("/labels"))


def test_nobody_there_is_an_error_after_some_tries(waits: list[float]) -> None:
    environ = {"GITHUB_REPOSITORY": "a/b", "GITHUB_TOKEN": "t", "GITHUB_API_URL": "http://127.0.0.1:9"}
    with closing(GitHub(Settings(environ=environ).github, RetryPolicy(attempts=3, sleep=waits.append))) as client:
        with pytest.raises(ApiError, match="could not be reached"):
            client.get("/pulls/1")
        with pytest.raises(ApiError, match="could not be reached"):
            client.send("POST", "/issues", {})
    assert len(waits) == 2
