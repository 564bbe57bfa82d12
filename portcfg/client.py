"""Port over HTTP: token, paging, retries, rate limits, errors. Knows routes' manners, not resource kinds.

`PortReader` has no way to write: it can GET, and POST to the searches in `READ_ONLY_POSTS`. `PortWriter` adds the
write verbs. Commands that must not write are handed a reader.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import requests
import tenacity
from requests.adapters import HTTPAdapter

from portcfg import __version__
from portcfg.errors import AnswerError, ApiError, TerminalApiError, TransientApiError

USER_AGENT = f"portcfg/{__version__}"
TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
READ_ONLY_POSTS = (
    re.compile(r"/blueprints/[^/]+/entities/search"),
    re.compile(r"/entities/(search|aggregate|aggregate-over-time)"),
)
MAX_WAIT_SECONDS = 120.0
SEARCH_PAGE = 1000
TIMEOUT_SECONDS = (10.0, 60.0)


def segment(identifier: str) -> str:
    """One path segment: identifiers may hold `/ : @ +` and any letter, so everything is percent-encoded."""
    return quote(identifier, safe="")


def api_root(base_url: str) -> str:
    """The `/v1` root of a base URL given with or without a trailing slash or `/v1`."""
    return re.sub(r"/v1$", "", base_url.rstrip("/")) + "/v1"


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a 429 asks us to wait, or None.

    `x-ratelimit-reset` is epoch seconds in Port's docs and seconds-to-wait in Port's own clients, so a value over
    10,000 is read as an epoch; `Retry-After` may be seconds or an HTTP date.
    """
    for name in ("retry-after", "x-ratelimit-reset"):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            seconds = float(value)
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp()
            except ValueError:
                continue
        if seconds > 10_000:
            seconds -= now
        return min(max(seconds, 0.0), MAX_WAIT_SECONDS)
    return None


@dataclass(frozen=True)
class Credentials:
    """Port's client id and secret. The secret never shows in a repr."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently to ask again; time is injected so that tests don't wait."""

    attempts: int = 6
    base_seconds: float = 0.5
    cap_seconds: float = 32.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time


class _WaitingError(Exception):
    """A transient failure on its way through tenacity, with the wait the server asked for."""

    def __init__(self, cause: ApiError, wait: float | None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.wait = wait


@dataclass(frozen=True)
class Answer:
    """A decoded answer: the status and the JSON object."""

    status: int
    body: dict[str, Any]


class PortReader:
    """A session with Port that can only read. `requests_made` counts every HTTP request, the token call included."""

    def __init__(self, base_url: str, credentials: Credentials, retry: RetryPolicy | None = None) -> None:
        self.root = api_root(base_url)
        self.requests_made = 0
        self._credentials = credentials
        self._retry = retry or RetryPolicy()
        self._token = ""
        self._token_until = 0.0
        self._session = requests.Session()
        self._session.mount("https://", HTTPAdapter(pool_maxsize=16))
        self._session.headers["User-Agent"] = USER_AGENT
        # Without an auth of its own, requests would put a ~/.netrc entry in the place of the token.
        self._session.auth = lambda request: request

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """GET `path` (below `/v1`); raises ApiError."""
        return self._request("GET", path, None, params).body

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
            yield from page.get("entities", [])
            if not page.get("next"):
                return
            body = {**body, "from": page["next"]}

    def _request(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            return self._send(method, path, body, params, headers)
        except TerminalApiError as error:
            if error.status != 401:
                raise
            # The token may have been revoked or have expired early: one fresh one, then the answer stands.
            self._token = ""
            return self._send(method, path, body, params, headers)

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        auth = {"Authorization": f"Bearer {self._access_token()}", **(headers or {})}
        return self._with_retries(method, path, body, params, auth)

    def _access_token(self) -> str:
        # Half a minute early, so that a token never expires between the check and its use.
        if not self._token or self._retry.clock() >= self._token_until - 30:
            login = {"clientId": self._credentials.client_id, "clientSecret": self._credentials.client_secret}
            body = self._with_retries("POST", "/auth/access_token", login, None, {}).body
            if not isinstance(body.get("accessToken"), str):
                raise AnswerError(f"{self.root}/auth/access_token answered without an accessToken")
            self._token = body["accessToken"]
            self._token_until = self._retry.clock() + float(body.get("expiresIn", 3600))
        return self._token

    def _with_retries(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_WaitingError),
            stop=tenacity.stop_after_attempt(self._retry.attempts),
            wait=self._wait,
            sleep=self._retry.sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, method, path, body, params, headers)
        except _WaitingError as waiting:
            raise waiting.cause from None

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _WaitingError) and error.wait is not None:
            return error.wait
        backoff = min(self._retry.base_seconds * 2 ** (state.attempt_number - 1), self._retry.cap_seconds)
        return float(backoff * random.uniform(0.5, 1.0))

    def _once(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        self.requests_made += 1
        try:
            response = self._session.request(
                method, self.root + path, json=body, params=params, headers=headers, timeout=TIMEOUT_SECONDS
            )
        except requests.RequestException as error:
            cause = TransientApiError(
                f"{method} {path}: {self.root} could not be reached ({type(error).__name__})",
                hint="check PORT_BASE_URL and the network; `portcfg doctor` tries the connection",
            )
            raise _WaitingError(cause, None) from error
        return self._decode(method, path, response)

    def _decode(self, method: str, path: str, response: requests.Response) -> Answer:
        what = f"{method} {path}"
        try:
            body = response.json()
        except ValueError:
            body = None
        if response.status_code in TRANSIENT_STATUSES:
            wait = retry_after(response.headers, self._retry.clock()) if response.status_code == 429 else None
            raise _WaitingError(api_error(TransientApiError, what, response.status_code, body), wait)
        if response.status_code >= 400:
            raise api_error(TerminalApiError, what, response.status_code, body)
        if not isinstance(body, dict):
            kind = response.headers.get("content-type", "no content type")
            raise AnswerError(
                f"{what} answered {response.status_code} with {kind} where a JSON object is due",
                status=response.status_code,
                hint="is PORT_BASE_URL Port's API (https://api.port.io), not its web page or a proxy?",
            )
        return Answer(response.status_code, body)


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


HINTS = {
    401: "check PORT_CLIENT_ID and PORT_CLIENT_SECRET, and that PORT_BASE_URL is their region",
    403: "the credentials lack the permission for this route",
    413: "the body is over Port's limit of 1 MiB",
}


def api_error(cls: type[ApiError], what: str, status: int, body: Any) -> ApiError:
    """An ApiError out of Port's `{ok: false, error, message}`; `error` is an object on some newer routes."""
    data = body if isinstance(body, dict) else {}
    error = data.get("error")
    if isinstance(error, dict):
        data = {**error, "error": error.get("name") or error.get("code")}
        error = data["error"]
    text = data.get("message") or error or "no JSON message"
    return cls(
        f"{what}: {status} {error or ''}: {text}".replace(" : ", ": "),
        status=status,
        error=str(error or ""),
        details=data.get("details"),
        hint=HINTS.get(status, ""),
    )
