"""Port over HTTP: token, paging, retries, rate limits, errors. Knows routes' manners, not resource kinds.

`PortReader` has no way to write: it can GET, and POST to the searches in `READ_ONLY_POSTS`. `PortWriter` adds the
write verbs. Commands that must not write are handed a reader. Both may be used by several threads.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import requests

from portcfg.errors import (
    AnswerError,
    ApiError,
    HaltedError,
    TerminalApiError,
    TransientApiError,
    api_error,
    redirection,
)
from portcfg.masking import Mask, without_login
from portcfg.retry import (
    TRANSIENT_STATUSES,
    Pause,
    RetryPolicy,
    WaitingError,
    asked_wait,
    new_session,
    spent_wait,
    wait_hint,
    with_retries,
)
from portcfg.traffic import Traffic

READ_ONLY_POSTS = (
    re.compile(r"/blueprints/[^/]+/entities/search"),
    re.compile(r"/entities/(search|aggregate|aggregate-over-time)"),
)
SEARCH_PAGE = 1000
TIMEOUT_SECONDS = (10.0, 60.0)
# How long a wait may go on after the client was halted.
SLICE_SECONDS = 1.0


def segment(identifier: str) -> str:
    """One path segment: identifiers may hold `/ : @ +` and any letter, so everything is percent-encoded."""
    return quote(identifier, safe="")


def api_root(base_url: str) -> str:
    """The `/v1` root of a base URL given with or without a trailing slash or `/v1`."""
    return re.sub(r"/v1$", "", base_url.rstrip("/")) + "/v1"


def all_named(value: Any) -> bool:
    """Whether this is what a list route answers: objects, each with its identifier."""
    return isinstance(value, list) and all(isinstance(item, dict) and "identifier" in item for item in value)


@dataclass(frozen=True)
class Credentials:
    """Port's client id and secret. The secret never shows in a repr."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """A decoded answer: the status and the JSON object."""

    status: int
    body: dict[str, Any]


class PortReader:
    """A session with Port that can only read. `requests_made` counts every HTTP request, the token call included.

    `halted` says why no more requests are sent; empty while they are. `told` hears of waits, in seconds, that can be
    felt, and of the error that is the reason; from whichever thread.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        retry: RetryPolicy | None = None,
        told: Callable[[float, ApiError], None] = lambda _, __: None,
    ) -> None:
        self.root = api_root(base_url)
        self.requests_made = 0
        self._traffic = Traffic()
        self.halted = ""
        self._under_way = self._at_once = 0
        self._finishing = False
        self._credentials = credentials
        policy = retry or RetryPolicy()
        self._sleep = policy.sleep
        self._pause = Pause(policy.monotonic, told)
        self._retry = replace(policy, sleep=self.wait, told=self._pause.tell)
        self._token = ""
        self._token_until = 0.0
        self._login = threading.Lock()
        self._counting = threading.Lock()
        self._session = new_session()

    def traffic(self) -> Traffic:
        """The requests so far by route."""
        with self._counting:
            return self._traffic.copy()

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """GET `path` (below `/v1`); raises ApiError."""
        return self._request("GET", path, None, params).body

    def wait(self, seconds: float) -> None:
        """Give Port time, for what it does by and by; shorter when the client is halted meanwhile."""
        left = seconds
        while not self._stopped:
            self._sleep(min(left, SLICE_SECONDS))
            left -= SLICE_SECONDS
            if left <= 0:
                return

    def halt(self, why: str) -> None:
        """Send nothing more, whichever thread asks: requests raise HaltedError. What is under way ends."""
        self.halted = why

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """For the block, send all the same: what must not be left undone."""
        self._finishing = True
        try:
            yield
        finally:
            self._finishing = False

    def query(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST to a route that only reads; raises ValueError for any other route."""
        if not any(pattern.fullmatch(path) for pattern in READ_ONLY_POSTS):
            raise ValueError(f"{path} is not one of the read-only POST routes")
        return self._request("POST", path, body, None).body

    def entities(
        self,
        blueprint: str,
        include: Sequence[str] = (),
        query: dict[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Every entity of a blueprint, read in pages of 1,000 (the cap of the search route)."""
        body: dict[str, Any] = {"limit": SEARCH_PAGE}
        if include:
            body["include"] = list(include)
        if query:
            body["query"] = query
        while True:
            page = self.query(f"/blueprints/{segment(blueprint)}/entities/search", body)
            found: Any = page.get("entities")
            if not all_named(found):
                # Read as "none", this would make everything look unmanaged or new.
                raise AnswerError(f"the search in {blueprint} answered without a list of entities")
            yield from found
            following = page.get("next")
            if not following:
                return
            if following == body.get("from"):
                raise AnswerError(f"the search in {blueprint} goes in circles: its next page is the same page")
            body = {**body, "from": following}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, whoever says it."""
        return self._credentials.client_secret, self._token

    @property
    def _stopped(self) -> bool:
        return bool(self.halted) and not self._finishing

    def _request(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        token = self._access_token()
        try:
            return self._send(method, path, body, params, {"Authorization": f"Bearer {token}", **(headers or {})})
        except TerminalApiError as error:
            if error.status != 401:
                raise
        # The token may have been revoked or have expired early: one fresh one, then the answer stands.
        token = self._access_token(refused=token)
        return self._send(method, path, body, params, {"Authorization": f"Bearer {token}", **(headers or {})})

    def _access_token(self, refused: str = "") -> str:
        """The token, a new one if there is none, it is about to expire, or Port `refused` it."""
        with self._login:
            # Half a minute early, so that a token never expires between the check and its use.
            if self._token in ("", refused) or self._retry.wall() >= self._token_until - 30:
                login = {"clientId": self._credentials.client_id, "clientSecret": self._credentials.client_secret}
                body = self._send("POST", "/auth/access_token", login, None, {}).body
                lasts = body.get("expiresIn")
                if not isinstance(body.get("accessToken"), str):
                    raise AnswerError(f"{without_login(self.root)}/auth/access_token answered without an accessToken")
                self._token = body["accessToken"]
                self._token_until = self._retry.wall() + (lasts if isinstance(lasts, int | float) else 3600)
            return self._token

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        attempts = itertools.count()
        return with_retries(self._retry, lambda: self._once(next(attempts), method, path, body, params, headers))

    def _once(
        self,
        attempt: int,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        # Port's limits are those of all workers together: a pause that it asked one for holds for the others.
        self._pause.hold(self.wait)
        if self._stopped:
            again = " again; whether Port has done it, the next plan shows" if attempt else ""
            raise HaltedError(f"{self.halted}: {method} {path} was not sent{again}", sent=attempt > 0, why=self.halted)
        with self._counting:
            self.requests_made += 1
            self._traffic.count(method, path, attempt)
            self._under_way += 1
            self._at_once = max(self._at_once, self._under_way)
        try:
            response = self._session.request(
                method,
                self.root + path,
                json=body,
                params=params,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                # A redirect could carry the secret to another place, and turns a POST into a GET.
                allow_redirects=False,
            )
        except requests.RequestException as error:
            cause = TransientApiError(
                f"{method} {path}: {without_login(self.root)} could not be reached ({type(error).__name__})",
                hint="check PORT_BASE_URL and the network; `portcfg doctor` tries the connection",
            )
            raise WaitingError(cause) from error
        finally:
            with self._counting:
                self._under_way -= 1
        # Before Port says 429. Workers between two requests use the budget up as those under way do.
        self._pause.extend(spent_wait(response.headers, self._retry.wall(), self._at_once - 1))
        return self._decode(method, path, response)

    def _decode(self, method: str, path: str, response: requests.Response) -> Answer:
        what = f"{method} {path}"
        try:
            body = response.json()
        except ValueError:
            body = None
        if response.status_code in TRANSIENT_STATUSES:
            wait = asked_wait(response.status_code, response.headers, self._retry.wall())
            self._pause.extend(wait or 0.0)
            raise WaitingError(self._error(TransientApiError, what, response, body), wait)
        if response.status_code >= 300:
            raise self._error(TerminalApiError, what, response, body)
        if not isinstance(body, dict):
            kind = response.headers.get("content-type", "no content type")
            raise AnswerError(
                f"{what} answered {response.status_code} with {kind} where a JSON object is due",
                status=response.status_code,
                hint="is PORT_BASE_URL Port's API (https://api.port.io), not its web page or a proxy?",
            )
        return Answer(response.status_code, body)

    def _error(self, cls: type[ApiError], what: str, response: requests.Response, body: Any) -> ApiError:
        status, headers = response.status_code, response.headers
        error = api_error(cls, what, status, body, redirection(status, without_login(headers.get("location", ""))))
        error.hint = wait_hint(status, headers, self._retry.wall()) or error.hint
        # A server, or a proxy before it, may say back what it was sent.
        Mask(self.secrets).error(error)
        return error


class PortWriter(PortReader):
    """A session with Port that may write."""

    def send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST, PUT, PATCH or DELETE `path`; raises ApiError. 207 is an answer, not an error: look into its body."""
        return self._request(method, path, body, params, headers)
