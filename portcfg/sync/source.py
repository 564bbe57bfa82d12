"""The source's HTTP: auth, pacing, retries, errors. The only module of the sync that uses `requests`.

Nothing here puts a header or the key into a message: errors carry the method, the path and the server's own words.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from portcfg.errors import AnswerError, ApiError, TerminalApiError, TransientApiError, UsageError
from portcfg.retry import TRANSIENT_STATUSES, RetryPolicy, WaitingError, asked_wait, new_session, with_retries
from portcfg.sync.spec import Auth, SourceSpec

CONNECT_SECONDS = 10.0
MINUTE_SECONDS = 60.0


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

    def __init__(self, limits: Mapping[str, int], policy: RetryPolicy) -> None:
        self._limits = sorted(limits.items(), key=lambda item: -len(item[0]))
        self._sent: dict[str, deque[float]] = {prefix: deque() for prefix, _ in self._limits}
        self._policy = policy

    def wait(self, path: str) -> None:
        """Sleep until a request to `path` is within its limit, and count it."""
        for prefix, limit in self._limits:
            if path.startswith(prefix):
                self._wait(self._sent[prefix], limit)
                return

    def _wait(self, sent: deque[float], limit: int) -> None:
        now = self._policy.monotonic()
        while sent and sent[0] <= now - MINUTE_SECONDS:
            sent.popleft()
        if len(sent) >= limit:
            self._policy.sleep(sent[0] + MINUTE_SECONDS - now)
            sent.popleft()
        sent.append(self._policy.monotonic())


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


class SourceClient:
    """A session with the source. `requests_made` counts every HTTP request by path, retries included."""

    def __init__(self, spec: SourceSpec, env: Mapping[str, str], policy: RetryPolicy | None = None) -> None:
        self._spec = spec
        self._policy = policy or RetryPolicy()
        self._pacer = Pacer(spec.rate_limits, self._policy)
        self._session = new_session()
        self._session.auth = credentials(spec.auth, env) or self._session.auth
        self.requests_made: dict[str, int] = {}
        self.retries = 0

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def ask(self, request: Request) -> SourceAnswer:
        """One answer, with pacing and retries; raises ApiError."""
        attempts = itertools.count()
        return with_retries(self._policy, lambda: self._once(request, next(attempts)))

    def _once(self, request: Request, attempt: int) -> SourceAnswer:
        self.retries += attempt > 0
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
            raise WaitingError(TransientApiError(message)) from error
        return self._decode(f"{request.method} {path}", response)

    def _url(self, path: str) -> tuple[str, str]:
        """The URL to ask, and its path below the base. A link may lead anywhere on the base's own host only."""
        base = urlsplit(self._spec.base_url)
        url = urlsplit(
            urljoin(f"{self._spec.base_url}/", path) if "://" in path else self._spec.base_url + _rooted(path)
        )
        if (url.scheme, url.hostname, url.port) != (base.scheme, base.hostname, base.port):
            raise AnswerError(f"the next page is on another host than {self._spec.base_url}; the key is not sent there")
        return url.geturl(), url.path.removeprefix(base.path)

    def _decode(self, what: str, response: requests.Response) -> SourceAnswer:
        status = response.status_code
        try:
            value = response.json()
        except ValueError:
            value = None
        if status in TRANSIENT_STATUSES:
            wait = asked_wait(status, response.headers, self._policy.wall())
            raise WaitingError(source_error(TransientApiError, what, status, value), wait)
        if status >= 300:
            raise source_error(TerminalApiError, what, status, value)
        if not isinstance(value, dict | list):
            kind = response.headers.get("content-type", "no content type")
            hint = "the answer is HTML, cut off, or not JSON; is source.base_url the API and not a web page or a proxy?"
            raise AnswerError(f"{what} answered {status} with {kind} where JSON is due", status=status, hint=hint)
        return SourceAnswer(value, response.links.get("next", {}).get("url", ""))


def _rooted(path: str) -> str:
    """`path` below the base URL: without its slash it could become part of the host's name."""
    return path if path.startswith("/") else f"/{path}"


def source_error(cls: type[ApiError], what: str, status: int, body: Any) -> ApiError:
    """APIs name the reason `message`, else `error`, and some answers hold neither."""
    data = body if isinstance(body, dict) else {}
    text = next((data[key] for key in ("message", "error") if isinstance(data.get(key), str) and data[key]), "")
    return cls(f"{what}: {status}: {text or 'no reason given'}", status=status, error=str(data.get("error") or ""))
