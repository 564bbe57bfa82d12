"""The source's HTTP: auth, pacing, retries, errors. The only module of the sync that uses `requests`.

Nothing here puts a header or the key into a message: errors carry the method, the path and the server's own words.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import tenacity
from requests.auth import AuthBase, HTTPBasicAuth

from portcfg.client import TRANSIENT_STATUSES, USER_AGENT, retry_after
from portcfg.errors import AnswerError, ApiError, TerminalApiError, TransientApiError, UsageError
from portcfg.sync.spec import Auth, SourceSpec

CONNECT_SECONDS = 10.0
MINUTE_SECONDS = 60.0


@dataclass(frozen=True)
class Patience:
    """Retries and time; injected so that tests don't wait. Seconds."""

    attempts: int = 6
    base_seconds: float = 1.0
    cap_seconds: float = 32.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


@dataclass(frozen=True)
class Request:
    """One request to the source. `path` may be a whole URL on the source's own host (a next link)."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceAnswer:
    """The decoded JSON and the `Link` header's next URL, if any."""

    value: Any
    next_link: str = ""


class Pacer:
    """At most N requests in any 60 seconds for each path prefix; the longest prefix counts."""

    def __init__(self, limits: Mapping[str, int], patience: Patience) -> None:
        self._limits = sorted(limits.items(), key=lambda item: -len(item[0]))
        self._sent: dict[str, deque[float]] = {prefix: deque() for prefix, _ in self._limits}
        self._patience = patience

    def wait(self, path: str) -> None:
        """Sleep until a request to `path` is within its limit, and count it."""
        for prefix, limit in self._limits:
            if path.startswith(prefix):
                self._wait(self._sent[prefix], limit)
                return

    def _wait(self, sent: deque[float], limit: int) -> None:
        now = self._patience.monotonic()
        while sent and sent[0] <= now - MINUTE_SECONDS:
            sent.popleft()
        if len(sent) >= limit:
            self._patience.sleep(sent[0] + MINUTE_SECONDS - now)
            sent.popleft()
        sent.append(self._patience.monotonic())


class _HeaderAuth(AuthBase):
    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._name] = self._value
        return request


def credentials(auth: Auth, env: Mapping[str, str]) -> AuthBase | None:
    """The auth of the source with the values of its environment variables; raises UsageError naming what is unset."""
    if auth.type == "none":
        return None
    names = (auth.username_env,) if auth.type == "basic" else (auth.token_env,)
    missing = [name or f"(no {auth.type} variable named)" for name in names if not env.get(name)]
    if missing:
        hint = "the mapping's `source.auth` names the environment variables; set them, or use --env local"
        raise UsageError(f"the source's key is missing: {', '.join(missing)} is not set", hint)
    if auth.type == "basic":
        return HTTPBasicAuth(env[auth.username_env], env.get(auth.password_env, "") if auth.password_env else "")
    if auth.type == "bearer":
        return _HeaderAuth("Authorization", f"Bearer {env[auth.token_env]}")
    return _HeaderAuth(auth.header, env[auth.token_env])


class _WaitingError(Exception):
    """A transient failure on its way through tenacity, with the wait that the server asked for (seconds)."""

    def __init__(self, cause: ApiError, wait: float | None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.wait = wait


class SourceClient:
    """A session with the source. `requests_made` counts every HTTP request by path, retries included."""

    def __init__(self, spec: SourceSpec, env: Mapping[str, str], patience: Patience | None = None) -> None:
        self._spec = spec
        self._patience = patience or Patience()
        self._pacer = Pacer(spec.rate_limits, self._patience)
        self._session = requests.Session()
        # Without this `requests` would let a .netrc entry replace the key.
        self._session.trust_env = False
        self._session.auth = credentials(spec.auth, env)
        self._session.headers["User-Agent"] = USER_AGENT
        self.requests_made: dict[str, int] = {}
        self.retries = 0

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def ask(self, request: Request) -> SourceAnswer:
        """One answer, with pacing and retries; raises ApiError."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_WaitingError),
            stop=tenacity.stop_after_attempt(self._patience.attempts),
            wait=self._wait,
            sleep=self._patience.sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, request)
        except _WaitingError as waiting:
            raise waiting.cause from None

    def _wait(self, state: tenacity.RetryCallState) -> float:
        self.retries += 1
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _WaitingError) and error.wait is not None:
            return error.wait
        backoff = min(self._patience.base_seconds * 2 ** (state.attempt_number - 1), self._patience.cap_seconds)
        return float(backoff * random.uniform(0.75, 1.0))

    def _once(self, request: Request) -> SourceAnswer:
        url, path = self._url(request.path)
        self._pacer.wait(path)
        self.requests_made[path] = self.requests_made.get(path, 0) + 1
        try:
            response = self._session.request(
                request.method,
                url,
                params=dict(request.params),
                json=request.body,
                headers=dict(request.headers),
                timeout=(CONNECT_SECONDS, self._spec.timeout),
                # A redirect could carry the key to another place, and turns a POST into a GET.
                allow_redirects=False,
            )
        except requests.RequestException as error:
            message = f"{request.method} {path}: no whole answer from {self._spec.base_url} ({type(error).__name__})"
            raise _WaitingError(TransientApiError(message), None) from error
        return self._decode(f"{request.method} {path}", response)

    def _url(self, path: str) -> tuple[str, str]:
        base = self._spec.base_url
        if path.startswith(("http://", "https://")):
            if not path.startswith(f"{base}/"):
                raise AnswerError(f"the next page is on another host than {base}; the key is not sent there")
            return path, path.removeprefix(base).split("?")[0]
        return base + path, path

    def _decode(self, what: str, response: requests.Response) -> SourceAnswer:
        status = response.status_code
        try:
            value = response.json()
        except ValueError:
            value = None
        if status in TRANSIENT_STATUSES:
            wait = retry_after(response.headers, self._patience.wall()) if status in (429, 503) else None
            raise _WaitingError(source_error(TransientApiError, what, status, value), wait)
        if status >= 300:
            raise source_error(TerminalApiError, what, status, value)
        if not isinstance(value, dict | list):
            kind = response.headers.get("content-type", "no content type")
            hint = "the answer is HTML, cut off, or not JSON; is source.base_url the API and not a web page or a proxy?"
            raise AnswerError(f"{what} answered {status} with {kind} where JSON is due", status=status, hint=hint)
        return SourceAnswer(value, response.links.get("next", {}).get("url", ""))


def source_error(cls: type[ApiError], what: str, status: int, body: Any) -> ApiError:
    """APIs name the reason `message`, else `error`, and some answers hold neither."""
    data = body if isinstance(body, dict) else {}
    text = next((data[key] for key in ("message", "error") if isinstance(data.get(key), str) and data[key]), "")
    return cls(f"{what}: {status}: {text or 'no reason given'}", status=status, error=str(data.get("error") or ""))
