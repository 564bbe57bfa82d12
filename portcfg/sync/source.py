"""The source's HTTP: auth, pacing, retries, errors. The only module of the sync that uses `requests`.

Nothing here puts a header or the key into a message: errors carry the method, the path and the server's own words.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import HTTPError

from portcfg.errors import AnswerError, ApiError, TerminalApiError, TransientApiError, UsageError, redirection
from portcfg.masking import Mask, without_login
from portcfg.retry import (
    TRANSIENT_STATUSES,
    RetryPolicy,
    WaitingError,
    asked_wait,
    new_session,
    wait_hint,
    with_retries,
)
from portcfg.sync.answers import NotJsonError, read_body, strict_json
from portcfg.sync.spec import Auth, SourceSpec

CONNECT_SECONDS = 10.0
# `source.timeout` is the longest silence; this many times as long may a whole answer take.
WHOLE_ANSWER = 10
MINUTE_SECONDS = 60.0
# Shorter waits are not worth telling.
TOLD_SECONDS = 2.0
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Request:
    """One request to the source. `path` may be a whole URL on the source's own host (a next link).

    It is counted as one of its `family`, or by its path without one.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    family: str = ""


@dataclass(frozen=True)
class SourceAnswer:
    """The decoded JSON, the `Link` header's next URL, if any, and the URL asked, which links are relative to."""

    value: Any
    next_link: str = ""
    url: str = ""


class Pacer:
    """At most N requests in any 60 seconds for each path prefix; the longest prefix counts."""

    def __init__(
        self, limits: Mapping[str, int], policy: RetryPolicy, sleep: Callable[[str, float], None] | None = None
    ) -> None:
        """`sleep` is given the reason and the seconds; the policy's own sleep where absent."""
        self._limits = sorted(limits.items(), key=lambda item: -len(item[0]))
        self._sent: dict[str, deque[float]] = {prefix: deque() for prefix, _ in self._limits}
        self._policy = policy
        self._sleep = sleep or (lambda _, seconds: policy.sleep(seconds))

    def wait(self, path: str) -> None:
        """Sleep until a request to `path` is within its limit, and count it."""
        for prefix, limit in self._limits:
            if path.startswith(prefix):
                self._wait(prefix, self._sent[prefix], limit)
                return

    def _wait(self, prefix: str, sent: deque[float], limit: int) -> None:
        now = self._policy.monotonic()
        while sent and sent[0] <= now - MINUTE_SECONDS:
            sent.popleft()
        if len(sent) >= limit:
            self._sleep(f"rate limit of {prefix}", sent[0] + MINUTE_SECONDS - now)
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
    """A session with the source. `requests_made` counts every HTTP request by path, `retries` those that were retries.

    `secrets` are the values that it authenticates with; `mask` takes them out of texts. No error of it holds one.

    `on_wait` is told the reason and the seconds before a wait of more than two seconds.
    """

    def __init__(self, spec: SourceSpec, env: Mapping[str, str], policy: RetryPolicy | None = None) -> None:
        self._spec = spec
        self._policy = policy or RetryPolicy()
        self._pacer = Pacer(spec.rate_limits, self._policy, self._sleep)
        self._trouble = ""
        self.on_wait: Callable[[str, float], None] = lambda reason, seconds: None
        self._session = new_session()
        self._session.auth = credentials(spec.auth, env) or self._session.auth
        names = (spec.auth.username_env, spec.auth.password_env, spec.auth.token_env)
        self.secrets = tuple(env[name] for name in names if env.get(name))
        user, password = (env.get(name, "") for name in (spec.auth.username_env, spec.auth.password_env))
        self.mask = Mask(self.secrets, [(user, password)] if user else [])
        self._shown_url = without_login(spec.base_url)
        self._kept_paths: frozenset[str] = frozenset()
        self._kept: dict[tuple[str, str], SourceAnswer] = {}
        self.requests_made: dict[str, int] = {}
        self.retries: dict[str, int] = {}

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def keep_answers(self, paths: Iterable[str]) -> None:
        """Ask only once for the same of these paths: what doesn't depend on the days is read once a run."""
        self._kept_paths = frozenset(paths)

    def forget(self, path: str) -> None:
        """Ask anew for what was kept of a path."""
        self._kept = {key: answer for key, answer in self._kept.items() if key[0] != path}

    def ask(self, request: Request) -> SourceAnswer:
        """One answer, with pacing and retries; raises ApiError."""
        if request.path not in self._kept_paths:
            return self._ask(request)
        key = request.path, repr(request)
        if key not in self._kept:
            self._kept[key] = self._ask(request)
        return self._kept[key]

    def _ask(self, request: Request) -> SourceAnswer:
        attempts = itertools.count()
        policy = replace(self._policy, sleep=lambda seconds: self._sleep(self._trouble, seconds), told=self._tell)
        try:
            return with_retries(policy, lambda: self._once(request, next(attempts)))
        except ApiError as error:
            self.mask.error(error)
            raise

    def _tell(self, seconds: float, error: ApiError) -> None:
        self.mask.error(error)
        self._policy.told(seconds, error)

    def _sleep(self, reason: str, seconds: float) -> None:
        if seconds > TOLD_SECONDS:
            self.on_wait(reason, seconds)
        self._policy.sleep(seconds)

    def _once(self, request: Request, attempt: int) -> SourceAnswer:
        url, path = self._url(request.path)
        self._pacer.wait(path)
        counted = request.family or path
        self.requests_made[counted] = self.requests_made.get(counted, 0) + 1
        if attempt:
            self.retries[counted] = self.retries.get(counted, 0) + 1
        what = f"{request.method} {path}"
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
                stream=True,
            )
            with response:
                body = self._body(what, response)
        except (requests.RequestException, HTTPError) as error:
            message = f"{what}: no whole answer from {self._shown_url} ({type(error).__name__})"
            self._trouble = f"retry {attempt + 1} after no whole answer"
            raise WaitingError(TransientApiError(message)) from error
        self._trouble = f"retry {attempt + 1} after {response.status_code}"
        return self._decode(what, response, body)

    def _body(self, what: str, response: requests.Response) -> bytes:
        limit, seconds = self._spec.max_answer_mib << 20, self._spec.timeout * WHOLE_ANSWER
        return read_body(what, response.raw, limit, seconds, self._policy.monotonic)

    def _url(self, path: str) -> tuple[str, str]:
        """The URL to ask, and its path below the base. A link may lead anywhere on the base's own host only."""
        base = urlsplit(self._spec.base_url)
        url = urlsplit(path if "://" in path else self._spec.base_url + _rooted(path))
        if _origin(url) != _origin(base):
            raise AnswerError(f"the next page is on another host than {self._shown_url}; the key is not sent there")
        # Without the link's user name and fragment, if any.
        return urlunsplit((base.scheme, base.netloc, url.path, url.query, "")), url.path.removeprefix(base.path)

    def _decode(self, what: str, response: requests.Response, body: bytes) -> SourceAnswer:
        status, doubt = response.status_code, ""
        try:
            value = strict_json(body)
        except ValueError as error:
            value, doubt = None, str(error) if isinstance(error, NotJsonError) else ""
        if status in TRANSIENT_STATUSES:
            seen = status, response.headers, self._policy.wall()
            raise WaitingError(
                source_error(TransientApiError, what, status, value, wait_hint(*seen)), asked_wait(*seen)
            )
        if status >= 300:
            reason = redirection(status, without_login(response.headers.get("location", "")))
            hint = "is source.base_url where the API is?" if reason else self._refusal_hint(status)
            raise source_error(TerminalApiError, what, status, value, hint, reason)
        if not isinstance(value, dict | list):
            raise _unreadable(what, response, doubt)
        if b"\\ud" in body.lower():
            value = _mended(value)
        return SourceAnswer(value, response.links.get("next", {}).get("url", ""), response.url)

    def _refusal_hint(self, status: int) -> str:
        names = [name for name in (self._spec.auth.username_env, self._spec.auth.token_env) if name]
        if status not in (401, 403) or not names:
            return ""
        return f"the key comes from {' and '.join(names)}: is it right for {self._shown_url}, and may it read this?"


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    try:
        return url.scheme, url.hostname, url.port or {"http": 80, "https": 443}.get(url.scheme)
    except ValueError:
        # A port that is no number.
        return url.scheme, None, None


def _unreadable(what: str, response: requests.Response, doubt: str) -> AnswerError:
    kind = response.headers.get("content-type", "no content type")
    if doubt:
        message = f"{what} answered {response.status_code}, but its body is not to be trusted: {doubt}"
        hint = "tell the source's owner; nothing can be read of such an answer"
    elif "json" in kind:
        message = f"{what} answered {response.status_code}, but its body is cut off or not JSON"
        hint = "run again; if it stays so, see what the source or a proxy before it answers"
    else:
        message = f"{what} answered {response.status_code} with {kind} where JSON is due"
        hint = "is source.base_url the API and not a web page or a proxy?"
    return AnswerError(message, status=response.status_code, hint=hint)


def _mended(value: Any) -> Any:
    """`value` with half surrogate pairs, which JSON can spell and UTF-8 can't, as U+FFFD: a text cut in an emoji."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(_SURROGATE.sub("\ufffd", text)) if _SURROGATE.search(text) else value


def _rooted(path: str) -> str:
    """`path` below the base URL: without its slash it could become part of the host's name."""
    return path if path.startswith("/") else f"/{path}"


def source_error(cls: type[ApiError], what: str, status: int, body: Any, hint: str = "", reason: str = "") -> ApiError:
    """APIs name the reason `message`, else `error`, and some answers hold neither; `reason` is told in its place."""
    data = body if isinstance(body, dict) else {}
    text = next((data[key] for key in ("message", "error") if isinstance(data.get(key), str) and data[key]), "")
    message = _mended(f"{what}: {status}: {reason or text or 'no reason given'}")
    return cls(message, status=status, error=str(data.get("error") or ""), hint=hint)
