"""The source over HTTP: what is retried, what is said, what is never shown."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from portcfg.emulator.server import serving
from portcfg.errors import AnswerError, TerminalApiError, TransientApiError, UsageError
from portcfg.retry import asked_wait, spent_wait
from portcfg.sync.source import Pacer, Request, RetryPolicy, SourceClient, credentials
from portcfg.sync.spec import Auth, SourceSpec
from tests.sync.support import KEY, retry, source_app

BASIC = Auth("basic", username_env="SOURCE_KEY")


def ask(answers: list[Any], auth: Auth = BASIC, slept: list[float] | None = None) -> Any:
    """Ask a source that gives these answers one after another."""
    waiting = list(answers)
    with serving(source_app({"/x": lambda _: waiting.pop(0)})) as url:
        client = SourceClient(SourceSpec(url, auth), {"SOURCE_KEY": KEY}, retry(slept))
        try:
            return client.ask(Request("GET", "/x")).value
        finally:
            client.close()


def test_429_waits_as_long_as_asked() -> None:
    slept: list[float] = []
    answers = [JSONResponse({"message": "slow down"}, 429, {"retry-after": "7"}), {"ok": True}]
    assert ask(answers, slept=slept) == {"ok": True}
    assert slept == [7.0]


def test_a_long_wait_is_capped() -> None:
    slept: list[float] = []
    ask([JSONResponse({}, 429, {"retry-after": "5000"}), {}], slept=slept)
    assert slept == [120.0]


WAITS: list[tuple[int, dict[str, str], float | None]] = [
    (429, {}, None),
    (429, {"retry-after": "7"}, 7),
    (429, {"retry-after": "99999"}, 120),
    (429, {"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30),
    (429, {"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT"}, 0),
    (429, {"retry-after": "soon"}, None),
    (429, {"x-ratelimit-reset": "30", "x-ratelimit-remaining": "14000"}, 30),
    (429, {"x-ratelimit-reset": "1767225620"}, 20),
    (503, {"retry-after": "5", "x-ratelimit-reset": "30"}, 5),
    (503, {"x-ratelimit-reset": "30", "x-ratelimit-remaining": "14000"}, None),
    (503, {"x-ratelimit-reset": "30", "x-ratelimit-remaining": "0"}, 30),
    (503, {"x-ratelimit-reset": "30"}, None),
    (500, {"retry-after": "7"}, None),
]


@pytest.mark.parametrize(("status", "headers", "seconds"), WAITS)
def test_the_wait_that_an_answer_asks_for(status: int, headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(status, headers, 1767225600.0) == seconds


def test_a_wait_that_is_too_long_is_told() -> None:
    with pytest.raises(TransientApiError) as caught:
        ask([JSONResponse({}, 429, {"retry-after": "99999"})] * 4)
    assert caught.value.hint == "it asked for a wait of 99,999 seconds; run again after that"


def test_a_redirect_is_not_followed_and_told() -> None:
    with pytest.raises(TerminalApiError) as caught:
        ask([RedirectResponse("https://elsewhere.test/x", 302)])
    told = "GET /x: 302: it redirects to https://elsewhere.test/x; redirects aren't followed"
    assert caught.value.message.startswith(told)
    assert caught.value.hint == "is source.base_url where the API is?"


def test_5xx_is_retried_with_growing_waits() -> None:
    slept: list[float] = []
    assert ask([JSONResponse({}, 500), PlainTextResponse("bad gateway", 502), {"n": 1}], slept=slept) == {"n": 1}
    assert 0 < slept[0] <= 0.5 <= slept[1] <= 1


def test_retries_come_to_an_end() -> None:
    with pytest.raises(TransientApiError, match="GET /x: 503: down"):
        ask([JSONResponse({"error": "down"}, 503)] * 4)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"code": "error", "message": "Invalid Team API Key"}, "401: Invalid Team API Key"),
        ({"error": "Unauthorized"}, "401: Unauthorized"),
        ({}, "401: no reason given"),
        ([], "401: no reason given"),
    ],
)
def test_the_servers_own_reason_is_told(body: Any, message: str) -> None:
    with pytest.raises(TerminalApiError, match=message) as caught:
        ask([JSONResponse(body, 401)])
    assert caught.value.status == 401


@pytest.mark.parametrize(
    "answer",
    [
        PlainTextResponse("<html>sign in</html>", media_type="text/html"),
        Response(b'{"data": [{"a": 1}, {"a"', media_type="application/json"),
        Response(b"", media_type="application/json"),
        JSONResponse("text"),
    ],
)
def test_html_and_cut_json_are_errors(answer: Response) -> None:
    with pytest.raises(AnswerError, match="GET /x answered 200") as caught:
        ask([answer])
    html = answer.headers["content-type"].startswith("text/html")
    assert ("where JSON is due" if html else "its body is cut off or not JSON") in caught.value.message
    assert caught.value.hint


def test_a_refused_key_is_told_with_the_name_of_its_variable() -> None:
    with pytest.raises(TerminalApiError) as caught:
        ask([JSONResponse({"message": "Invalid Team API Key"}, 401)])
    assert "SOURCE_KEY" in caught.value.hint
    with pytest.raises(TerminalApiError) as caught:
        ask([JSONResponse({}, 401)], Auth())
    assert caught.value.hint == ""


def test_waits_are_told_when_they_are_long() -> None:
    told: list[tuple[str, float]] = []
    slow = JSONResponse({}, 429, {"retry-after": "7"})
    answers = [JSONResponse({}, 503, {"retry-after": "1"}), slow, slow, {"ok": True}]
    with serving(source_app({"/x": lambda _: answers.pop(0)})) as url:
        client = SourceClient(SourceSpec(url, rate_limits={"/x": 3}), {}, retry())
        client.on_wait = lambda reason, seconds: told.append((reason, seconds))
        client.ask(Request("GET", "/x"))
        client.close()
    assert told == [("retry 2 after 429", 7), ("retry 3 after 429", 7), ("rate limit of /x", 60)]


def test_a_redirect_is_not_followed() -> None:
    with pytest.raises(TerminalApiError, match="302"):
        ask([RedirectResponse("http://elsewhere.test/", 302)])


def test_a_source_that_cannot_be_reached() -> None:
    client = SourceClient(SourceSpec("http://127.0.0.1:9"), {}, retry())
    with pytest.raises(TransientApiError, match="no whole answer"):
        client.ask(Request("GET", "/x"))


def test_the_key_is_never_told() -> None:
    for answers in ([JSONResponse({}, 401)], [PlainTextResponse("x")], [JSONResponse({}, 503)] * 4):
        with pytest.raises((TerminalApiError, AnswerError, TransientApiError)) as caught:
            ask(answers)
        assert KEY not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (BASIC, "authorization", "Basic YS1rZXktdGhhdC1tdXN0LW5vdC1zaG93Og=="),
        (Auth("bearer", token_env="SOURCE_KEY"), "authorization", f"Bearer {KEY}"),
        (Auth("header", token_env="SOURCE_KEY", header="X-Api-Key"), "x-api-key", KEY),
        (Auth(), "authorization", None),
    ],
)
def test_auth(auth: Auth, header: str, value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    made = credentials(auth, {"SOURCE_KEY": KEY})
    request = requests.Request("GET", "http://source.test", auth=made).prepare()  # type: ignore[arg-type]
    assert request.headers.get(header) == value


def test_a_missing_key_is_named_and_nothing_is_asked() -> None:
    with pytest.raises(UsageError, match="SOURCE_KEY is not set"):
        SourceClient(SourceSpec("http://source.test", BASIC), {})


def test_a_link_to_another_host_is_refused() -> None:
    client = SourceClient(SourceSpec("http://source.test"), {}, retry())
    for url in ("http://evil.test/x", "http://source.test.evil/x", "https://source.test/x"):
        with pytest.raises(AnswerError, match="another host"):
            client.ask(Request("GET", url))


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_requests_are_paced_by_the_longest_prefix() -> None:
    clock = Clock()
    pacer = Pacer({"/teams/": 2, "/teams/events": 3}, RetryPolicy(sleep=clock.sleep, monotonic=lambda: clock.now))
    at = []
    for path in ["/teams/a", "/teams/b", "/teams/events", "/teams/a", "/teams/events", "/other", "/teams/b"]:
        pacer.wait(path)
        at.append(clock.now)
    assert at == [0, 0, 0, 60, 60, 60, 60]


MOMENT = 1_775_800_000.0
BUDGETS: list[tuple[dict[str, str], int, float]] = [
    ({}, 8, 0),
    ({"x-ratelimit-remaining": "9", "x-ratelimit-reset": "30"}, 8, 0),
    ({"x-ratelimit-remaining": "8", "x-ratelimit-reset": "30"}, 8, 30),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(MOMENT + 12)}, 0, 12),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(MOMENT - 12)}, 0, 0),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}, 0, 120),
    ({"x-ratelimit-remaining": "soon", "x-ratelimit-reset": "30"}, 8, 0),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "nan"}, 8, 0),
]


@pytest.mark.parametrize(("headers", "under_way", "seconds"), BUDGETS)
def test_a_budget_that_is_used_up_is_waited_for(headers: dict[str, str], under_way: int, seconds: float) -> None:
    """The reset may be seconds to wait or an epoch, and a proxy may write anything."""
    assert spent_wait(headers, MOMENT, under_way) == seconds
