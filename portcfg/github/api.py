"""GitHub's REST API for one repository: retries, rate limits, pages, and errors that name the missing permission.

Routes and shapes are those of https://docs.github.com/rest, version 2022-11-28.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import requests

from portcfg.errors import AnswerError, ApiError, TerminalApiError, TransientApiError
from portcfg.masking import Mask
from portcfg.model import Body
from portcfg.retry import RetryPolicy, WaitingError, asked_wait, new_session, wait_hint, with_retries
from portcfg.settings import GitHubAccess

VERSION = "2022-11-28"
PAGE = 100
# More pages than any pull request or repository has that portcfg works in; an endless list is a fault.
MOST_PAGES = 200
ATTEMPTS = 4
TIMEOUT_SECONDS = (10.0, 30.0)
# What GitHub's guide to its rate limits asks for where an answer doesn't say how long to wait.
LIMITED_SECONDS = 60.0
SECONDARY = re.compile(r"secondary rate limit|abuse detection", re.IGNORECASE)
ACTIONS_BOT = "github-actions[bot]"
CHUNK = 64 * 1024
# Asking twice does no harm; where it would, a lost answer is an error, and the next run finds what is there.
SAFE = frozenset({"GET", "PATCH", "PUT", "DELETE"})
NEEDS = (
    (re.compile(r"/(issues(/\d+)?|labels.*)"), "issues: write"),
    (re.compile(r"/issues/.*"), "pull-requests: write (for an issue: issues: write)"),
    (re.compile(r"/commits/[^/]+/comments"), "contents: read"),
    (re.compile(r"/comments/.*"), "contents: write"),
    (re.compile(r"/compare/.*"), "contents: read"),
    (re.compile(r"/actions/.*"), "actions: read"),
    (re.compile(r"/(pulls.*|commits/[^/]+/pulls)"), "pull-requests: read"),
)


class GitHub:
    """A session with one repository of GitHub. Paths are below `/repos/<owner>/<name>`; raises ApiError."""

    def __init__(
        self,
        access: GitHubAccess,
        retry: RetryPolicy | None = None,
        told: Callable[[float, ApiError], None] = lambda _, __: None,
    ) -> None:
        self.repository = access.repository
        self._access = access
        self._root = f"{access.api_url}/repos/{access.repository}"
        self._retry = retry or RetryPolicy(attempts=ATTEMPTS, told=told)
        self._mask = Mask((access.token,))
        self._login = ""
        self._session = new_session()
        self._session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": VERSION,
                "Authorization": f"Bearer {access.token}",
            }
        )

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """What `path` answers, as decoded JSON."""
        return self._json("GET", self._root + path, None, params)

    def pages(self, path: str, params: Mapping[str, Any] | None = None, within: str = "") -> Iterator[Body]:
        """Every item of a list, page after page as the Link header says; `within` is the key that holds the list."""
        url, asked = self._root + path, {"per_page": PAGE, **(params or {})}
        for _ in range(MOST_PAGES):
            response = self._response("GET", url, None, asked)
            body = _decoded(response, f"GET {path}")
            found = body.get(within) if within and isinstance(body, dict) else body
            if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
                raise AnswerError(f"GET {path} answered without a list", status=response.status_code)
            yield from found
            # The next address has the parameters in it already.
            url, asked = response.links.get("next", {}).get("url", ""), {}
            if not url:
                return
            if not url.startswith(f"{self._access.api_url}/"):
                raise AnswerError(f"GET {path} names a next page at another host")
        raise AnswerError(f"GET {path} has more than {MOST_PAGES} pages")

    def send(self, method: str, path: str, body: Body | list[Any] | None = None) -> Any:
        """POST, PATCH, PUT or DELETE `path`; the decoded JSON, or None for an empty answer.

        A POST that may have been carried out although its answer was lost isn't sent again.
        """
        return self._json(method, self._root + path, body, None)

    def download(self, path: str, limit: int) -> bytes:
        """A file that `path` redirects to, at most `limit` bytes; raises AnswerError for more."""
        return with_retries(self._retry, lambda: self._downloaded(path, limit))

    def login(self) -> str:
        """Whose token this is: `github-actions[bot]` in a job, else the name of an app or a user.

        An app's token may not ask `GET /user`; GraphQL's `viewer` answers all kinds.
        """
        if not self._login:
            self._login = self._viewer() or ACTIONS_BOT
        return self._login

    def _viewer(self) -> str:
        try:
            body = self._json("POST", self._access.graphql_url, {"query": "query{viewer{login}}"}, None, again=True)
        except TransientApiError:
            # Under the wrong name, one's own comments aren't found, and are made a second time.
            raise
        except ApiError:
            return ""
        data = body.get("data") if isinstance(body, dict) else None
        viewer = data.get("viewer") if isinstance(data, dict) else None
        login = viewer.get("login") if isinstance(viewer, dict) else None
        return login if isinstance(login, str) else ""

    def _json(self, method: str, url: str, body: Any, params: Mapping[str, Any] | None, again: bool = False) -> Any:
        response = self._response(method, url, body, params, again)
        return _decoded(response, f"{method} {self._told_path(url)}") if response.content else None

    def _response(
        self, method: str, url: str, body: Any, params: Mapping[str, Any] | None, again: bool = False
    ) -> requests.Response:
        safe = again or method in SAFE
        return with_retries(self._retry, lambda: self._once(method, url, body, params, safe))

    def _once(
        self, method: str, url: str, body: Any, params: Mapping[str, Any] | None, safe: bool
    ) -> requests.Response:
        what = f"{method} {self._told_path(url)}"
        try:
            response = self._session.request(
                method, url, json=body, params=params, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise _maybe_again(self._unreachable(what, error), safe) from error
        if response.status_code < 300:
            return response
        raise self._refusal(what, response, safe)

    def _downloaded(self, path: str, limit: int) -> bytes:
        what = f"GET {path}"
        try:
            answer = self._session.get(self._root + path, timeout=TIMEOUT_SECONDS, allow_redirects=False)
            location = answer.headers.get("location", "")
            if not 300 <= answer.status_code < 400 or not location.startswith(("https://", "http://")):
                raise self._refusal(what, answer, safe=True)
            # The address is signed; the token is not for its host.
            with closing(new_session()) as plain, closing(_streamed(plain, location)) as file:
                if file.status_code >= 300:
                    raise self._refusal(f"{what} (its file)", file, safe=True)
                return _at_most(file, limit, what)
        except requests.RequestException as error:
            raise WaitingError(self._unreachable(what, error)) from error

    def _unreachable(self, what: str, error: requests.RequestException) -> TransientApiError:
        message = f"GitHub: {what}: could not be reached ({type(error).__name__})"
        return TransientApiError(message, hint="see https://www.githubstatus.com, and run the job again")

    def _refusal(self, what: str, response: requests.Response, safe: bool) -> Exception:
        wait, status = self._wait(response), response.status_code
        if wait is not None:
            # Refused before anything was done.
            return WaitingError(self._error(TransientApiError, what, response), wait)
        if status >= 500 or status in (408, 429):
            return _maybe_again(self._error(TransientApiError, what, response), safe)
        return self._error(TerminalApiError, what, response)

    def _wait(self, response: requests.Response) -> float | None:
        """Seconds that a rate limit asks for; None for any other answer."""
        if response.status_code not in (403, 429):
            return None
        headers, now = response.headers, self._retry.wall()
        if "retry-after" in headers:
            return asked_wait(429, {"retry-after": headers["retry-after"]}, now)
        if headers.get("x-ratelimit-remaining") == "0":
            return asked_wait(429, headers, now)
        return LIMITED_SECONDS if response.status_code == 429 or SECONDARY.search(response.text[:2_000]) else None

    def _error(self, cls: type[ApiError], what: str, response: requests.Response) -> ApiError:
        status, headers = response.status_code, response.headers
        said = _message(response)
        error = cls(f"GitHub: {what}: {status} {said}", status=status, error=said)
        limited = 429 if headers.get("x-ratelimit-remaining") == "0" or status == 429 else 0
        error.hint = wait_hint(limited, headers, self._retry.wall()) or _hint(what, response)
        # A server, or a proxy before it, may say back what it was sent.
        self._mask.error(error)
        return error

    def _told_path(self, url: str) -> str:
        return url.removeprefix(self._root).removeprefix(self._access.api_url).partition("?")[0]


def lacks_permission(error: ApiError) -> bool:
    """Whether GitHub refused because of what the token may do, or because nobody may post there (a locked one)."""
    return error.status in (401, 403) or (error.status == 404 and isinstance(error, TerminalApiError))


def _maybe_again(error: ApiError, safe: bool) -> Exception:
    return WaitingError(error) if safe else error


def _message(response: requests.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return "no JSON message"
    data = body if isinstance(body, dict) else {}
    details = data.get("errors")
    more = f" ({'; '.join(map(_detail, details))})" if isinstance(details, list) and details else ""
    return f"{data.get('message') or 'no message'}{more}"[:500]


def _detail(detail: Any) -> str:
    if not isinstance(detail, dict):
        return str(detail)
    return str(detail.get("message") or " ".join(str(detail[key]) for key in ("field", "code") if key in detail))


def _hint(what: str, response: requests.Response) -> str:
    status = response.status_code
    if status == 401:
        return "the token isn't valid: in a job, GITHUB_TOKEN is set to ${{ github.token }}"
    if status not in (403, 404) or SECONDARY.search(response.text[:2_000]):
        return ""
    path = what.partition(" ")[2].partition(" (")[0]
    needed = next((permission for pattern, permission in NEEDS if pattern.fullmatch(path)), "")
    said = response.headers.get("x-accepted-github-permissions", "").replace("_", "-").replace("=", ": ")
    wanted = needed or said
    return f"the job needs `permissions:` with {wanted}" if wanted else ""


def _decoded(response: requests.Response, what: str) -> Any:
    try:
        return response.json()
    except ValueError as error:
        kind = response.headers.get("content-type", "no content type")
        raise AnswerError(
            f"GitHub: {what} answered with {kind} where JSON is due", status=response.status_code
        ) from error


def _streamed(session: requests.Session, url: str) -> requests.Response:
    return session.get(url, timeout=TIMEOUT_SECONDS, stream=True)


def _at_most(file: requests.Response, limit: int, what: str) -> bytes:
    data = bytearray()
    for chunk in file.iter_content(CHUNK):
        data += chunk
        if len(data) > limit:
            raise AnswerError(f"GitHub: {what} answers with more than {limit:,} bytes")
    return bytes(data)
