"""A GitHub for the tests: one repository's REST API on loopback, as https://docs.github.com/rest describes it.

It keeps pull requests, issues, comments, labels, runs and artifacts, refuses what a token may not do (403, as GitHub
does for a job without the permission), checks bodies (422), pages its lists by 30, and answers 404 for the rest.
Where the documents leave a choice, it takes the one that finds out careless clients.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import secrets
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

Json = dict[str, Any]
REPOSITORY = "acme/portal"
BOT = "github-actions[bot]"
LONGEST = 65_536
API_VERSIONS = ("2022-11-28", "2026-03-10")
REFUSED = "Resource not accessible by integration"
ALL: Mapping[str, str] = {
    "actions": "write",
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
}


@dataclass(frozen=True)
class Token:
    """Who a token is, and what it may do: `{permission: read or write}`, underscores as in GitHub's API."""

    login: str = BOT
    permissions: Mapping[str, str] = field(default_factory=lambda: ALL)

    def may(self, needed: Mapping[str, str]) -> bool:
        """Whether the token has one of the permissions."""
        return not needed or any(
            self.permissions.get(name) == "write" or self.permissions.get(name) == level
            for name, level in needed.items()
        )


@dataclass
class Fault:
    """An answer in the place of the right one, so many times; `done` carries the request out before."""

    method: str
    path: str
    status: int
    body: Any = field(default_factory=lambda: {"message": "Server Error"})
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    done: bool = False


class RefusedError(Exception):
    """An answer that isn't a success."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
        if errors:
            self.body["errors"] = errors


SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


class StandIn:
    """The state of one repository, and the app that serves it. `log` has (method, path, status) of each request."""

    def __init__(self, repository: str = REPOSITORY) -> None:
        self.repository = repository
        self.url = ""
        self.default_branch = "main"
        self.private = True
        self.drops_labels = False
        self.tokens: dict[str, Token] = {"token": Token()}
        self.log: list[tuple[str, str, int]] = []
        self.faults: list[Fault] = []
        self.meanwhile: Callable[[str, str], None] = lambda method, path: None
        self.pulls: dict[int, Json] = {}
        self.issues: dict[int, Json] = {}
        self.comments: dict[int, Json] = {}
        self.commit_comments: dict[int, Json] = {}
        self.labels: dict[str, Json] = {}
        self.artifacts: dict[int, Json] = {}
        self.runs: dict[int, Json] = {}
        self.of_commit: dict[str, list[int]] = {}
        self.parents: dict[str, tuple[str, ...]] = {}
        self.tip: tuple[str, ...] = ()
        self._files: dict[int, bytes] = {}
        self._signed: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._ids = itertools.count(1001)
        self._ticks = itertools.count()
        self.app = Starlette(
            routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])]
        )

    # What people and runners do.

    @property
    def writes(self) -> list[tuple[str, str, int]]:
        """The requests that could have changed something; GraphQL is only asked who one is."""
        return [entry for entry in self.log if entry[0] != "GET" and entry[1] != "/graphql"]

    def token(self, login: str = BOT, **permissions: str) -> str:
        """A new token that may only do this."""
        name = f"ghs_{secrets.token_hex(8)}"
        self.tokens[name] = Token(login, permissions)
        return name

    def environ(self, token: str = "token") -> dict[str, str]:
        """What a job finds in its environment to reach this GitHub."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.url,
            "GITHUB_GRAPHQL_URL": f"{self.url}/graphql",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_TOKEN": token,
        }

    def open_pull(self, head: str, base: str = "0" * 39 + "b", repository: str = "", branch: str = "change") -> int:
        """A new pull request; `repository` is where its head is, this one unless it is named."""
        number = next(self._numbers)
        self.pulls[number] = {
            **self._thread(number, f"Pull request {number}", ""),
            "head": {"sha": head, "ref": branch, "repo": {"full_name": repository or self.repository}},
            "base": {"sha": base, "ref": self.default_branch, "repo": {"full_name": self.repository}},
            "merged_at": None,
            "merge_commit_sha": None,
        }
        self._associate(head, number)
        return number

    def push(self, number: int, head: str) -> None:
        """Another commit on a pull request."""
        self.pulls[number]["head"]["sha"] = head
        self._associate(head, number)

    def merge(self, number: int, *commits: str) -> None:
        """Merge a pull request; the last of `commits`, which it puts on the base branch, is its merge commit."""
        self.pulls[number] |= {"state": "closed", "merged_at": self._now(), "merge_commit_sha": commits[-1]}
        self.commit(*commits)
        for commit in commits:
            self._associate(commit, number)

    def commit(self, *commits: str) -> None:
        """Commits on the default branch, one after the other, as far as they aren't known yet."""
        for commit in commits:
            if commit not in self.parents:
                self.parents[commit], self.tip = self.tip, (commit,)

    def lock(self, number: int) -> None:
        """Lock a conversation."""
        self._thread_of(number)["locked"] = True

    def say(self, number: int, body: str, login: str = "octocat") -> int:
        """Somebody's comment on a pull request or an issue; its id."""
        return int(self._commented(number, body, login)["id"])

    def texts(self, number: int) -> list[str]:
        """The comments on a pull request or an issue."""
        return [each["body"] for each in self.comments.values() if each["thread"] == number]

    def labels_of(self, number: int) -> list[str]:
        """The names of the labels that a pull request or an issue has."""
        return sorted(label["name"] for label in self._thread_of(number)["labels"])

    def have_labels(self, *names: str) -> None:
        """Labels that somebody has made."""
        self.labels.update({name: {"name": name, "color": "0e8a16", "description": ""} for name in names})

    def run(self, head: str, event: str = "pull_request", repository: str = "", branch: str = "change") -> int:
        """A run of a workflow, for artifacts."""
        number = next(self._ids)
        self.runs[number] = {
            "id": number,
            "event": event,
            "head_sha": head,
            "head_branch": branch,
            "head_repository": {"full_name": repository or self.repository},
            "repository": {"full_name": self.repository},
            "status": "completed",
            "conclusion": "success",
            "created_at": self._now(),
            "path": ".github/workflows/validate-plan.yml",
        }
        return number

    def upload(self, run: int, name: str, files: Mapping[str, bytes] | bytes) -> int:
        """An artifact of a run: files, or the bytes of what is said to be a zip; its id."""
        data = files if isinstance(files, bytes) else zipped(files)
        number = next(self._ids)
        ran = self.runs[run]
        own = ran["head_repository"]["full_name"] == self.repository
        self.artifacts[number] = {
            "id": number,
            "name": name,
            "size_in_bytes": len(data),
            "expired": False,
            "created_at": self._now(),
            "archive_download_url": f"{self.url}/repos/{self.repository}/actions/artifacts/{number}/zip",
            "workflow_run": {
                "id": run,
                "repository_id": 1,
                "head_repository_id": 1 if own else 2,
                "head_branch": ran["head_branch"],
                "head_sha": ran["head_sha"],
            },
        }
        self._files[number] = data
        return number

    def file(self, artifact: int) -> bytes:
        """The zip of an artifact."""
        return self._files[artifact]

    def fail(self, method: str, path: str, status: int, **more: Any) -> None:
        """Answer requests of this method, whose path matches, with this status; see `Fault`."""
        self.faults.append(Fault(method, path, status, **more))

    # How it answers.

    async def _answer(self, request: Request) -> Response:
        data = await request.body()
        path = "/" + request.path_params["path"]
        self.meanwhile(request.method, path)
        fault = self._fault(request.method, path)
        if fault and not fault.done:
            response: Response = JSONResponse(fault.body, fault.status, headers=dict(fault.headers))
        else:
            response = self._handled(request, path, data)
        if fault and fault.done:
            response = JSONResponse(fault.body, fault.status, headers=dict(fault.headers))
        self.log.append((request.method, path, response.status_code))
        return response

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.method == method and re.search(fault.path, path):
                fault.times -= 1
                return fault
        return None

    def _handled(self, request: Request, path: str, data: bytes) -> Response:
        try:
            if path.startswith("/_files/"):
                return self._file(request, path)
            token = self._token(request)
            body = _json(data) if data else {}
            if path == "/graphql":
                return JSONResponse({"data": {"viewer": {"login": token.login}}})
            return self._route(request, path, body, token)
        except RefusedError as refused:
            headers = {"x-accepted-github-permissions": "see the docs"} if refused.status == 403 else {}
            return JSONResponse(refused.body, refused.status, headers=headers)

    def _token(self, request: Request) -> Token:
        if not request.headers.get("user-agent", ""):
            raise RefusedError(403, "Request forbidden by administrative rules.")
        version = request.headers.get("x-github-api-version", API_VERSIONS[0])
        if version not in API_VERSIONS:
            raise RefusedError(400, f"{version} isn't a version of this API")
        scheme, _, name = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "token") or name not in self.tokens:
            raise RefusedError(401, "Bad credentials")
        return self.tokens[name]

    def _route(self, request: Request, path: str, body: Json, token: Token) -> Response:
        prefix = f"/repos/{self.repository}"
        below = path.removeprefix(prefix)
        if not path.startswith(prefix) or (below and not below.startswith("/")):
            raise RefusedError(404, "Not Found")
        for method, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, below)
            if found and method == request.method:
                return handler(self, Call(request, token, body, path, found.groups()))
        raise RefusedError(404, "Not Found")

    def _file(self, request: Request, path: str) -> Response:
        if "authorization" in request.headers:
            # The storage takes its own signature for the login, and refuses two of them.
            raise RefusedError(400, "more than one way to log in")
        number = self._signed.pop(path.rpartition("/")[2], 0)
        if not number:
            raise RefusedError(403, "the address is used up")
        return Response(self._files[number], media_type="application/zip")

    # Shared by the routes.

    def _now(self) -> str:
        tick = next(self._ticks)
        return f"2026-03-02T{tick // 3600 % 24:02}:{tick // 60 % 60:02}:{tick % 60:02}Z"

    def _associate(self, commit: str, number: int) -> None:
        numbers = self.of_commit.setdefault(commit, [])
        if number not in numbers:
            numbers.append(number)

    def _history(self, commit: str) -> set[str]:
        """A commit with all that came before it."""
        if commit not in self.parents:
            raise RefusedError(404, "Not Found")
        found, left = set[str](), [commit]
        while left:
            one = left.pop()
            left += set(self.parents.get(one, ())) - found
            found.add(one)
        return found

    def _thread(self, number: int, title: str, body: str, login: str = "octocat") -> Json:
        return {
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "state_reason": None,
            "locked": False,
            "labels": [],
            "user": {"login": login, "type": _type(login)},
            "created_at": self._now(),
            "html_url": f"https://github.example/{self.repository}/issues/{number}",
        }

    def _thread_of(self, number: int) -> Json:
        found = self.pulls.get(number) or self.issues.get(number)
        if not found:
            raise RefusedError(404, "Not Found")
        return found

    def _commented(self, number: int, body: str, login: str) -> Json:
        ident = next(self._ids)
        now = self._now()
        self.comments[ident] = {
            "id": ident,
            "thread": number,
            "body": body,
            "user": {"login": login, "type": _type(login)},
            "created_at": now,
            "updated_at": now,
            "html_url": f"https://github.example/{self.repository}/pull/{number}#issuecomment-{ident}",
        }
        return self.comments[ident]

    def _label(self, name: str) -> Json:
        known = next((each for each in self.labels.values() if each["name"].lower() == name.lower()), None)
        if not known:
            # GitHub makes a label that it doesn't know, in grey.
            known = self.labels[name] = {"name": name, "color": "ededed", "description": None}
        return known


@dataclass(frozen=True)
class Call:
    """One request that has found its route."""

    request: Request
    token: Token
    body: Json
    path: str
    parts: tuple[str, ...]

    def need(self, **permissions: str) -> None:
        """Refuse a token that has none of these."""
        if not self.token.may(permissions):
            raise RefusedError(403, REFUSED)

    def number(self, index: int = 0) -> int:
        """A part of the path."""
        return int(self.parts[index])

    def query(self, name: str, default: str = "") -> str:
        """A parameter."""
        return self.request.query_params.get(name, default)

    def text(self, name: str, resource: str, limit: int = LONGEST) -> str:
        """A text of the body that has to be there."""
        value = self.body.get(name)
        if not isinstance(value, str):
            raise _invalid(resource, name, "missing_field")
        if not value.strip():
            raise _invalid(resource, name, "custom", "Body cannot be blank")
        if len(value) > limit:
            raise _invalid(resource, name, "custom", f"{name} is too long (maximum is {limit} characters)")
        return value


def _invalid(resource: str, name: str, code: str, message: str = "") -> RefusedError:
    error = {"resource": resource, "field": name, "code": code, **({"message": message} if message else {})}
    return RefusedError(422, "Validation Failed", [error])


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise RefusedError(400, "Problems parsing JSON") from error


def _type(login: str) -> str:
    return "Bot" if login.endswith("[bot]") else "User"


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def _page(call: Call, items: list[Json], within: str = "") -> Response:
    """One page of a list, with the address of the next in the Link header."""
    size = min(max(int(call.query("per_page", "30")), 1), 100)
    page = max(int(call.query("page", "1")), 1)
    part = items[(page - 1) * size : page * size]
    headers = {}
    if page * size < len(items):
        query = urlencode({**call.request.query_params, "page": page + 1})
        base = str(call.request.base_url).rstrip("/")
        headers["link"] = f'<{base}{call.path}?{query}>; rel="next", <{base}{call.path}?{query}>; rel="last"'
    body: Any = {"total_count": len(items), within: part} if within else part
    return JSONResponse(body, headers=headers)


def _either(call: Call, github: StandIn, level: str) -> None:
    """Pull requests are issues, too: a comment or label on one takes either permission, on an issue only its own."""
    if call.number() in github.pulls:
        call.need(issues=level, pull_requests=level)
    else:
        call.need(issues=level)


def _repository(github: StandIn, call: Call) -> Response:
    told = {"full_name": github.repository, "default_branch": github.default_branch, "private": github.private}
    return JSONResponse({"id": 1, **told})


def _get_pull(github: StandIn, call: Call) -> Response:
    call.need(pull_requests="read")
    if call.number() not in github.pulls:
        raise RefusedError(404, "Not Found")
    return JSONResponse(github.pulls[call.number()])


def _get_pulls(github: StandIn, call: Call) -> Response:
    call.need(pull_requests="read")
    state = call.query("state", "open")
    found = [pull for pull in github.pulls.values() if state in ("all", pull["state"])]
    if head := call.query("head"):
        owner, _, branch = head.partition(":")
        # Without an owner, GitHub ignores the filter.
        found = [p for p in found if not branch or (_owner(p) == owner and p["head"]["ref"] == branch)]
    return _page(call, found[::-1])


def _owner(pull: Json) -> str:
    repo = pull["head"]["repo"]
    return str(repo["full_name"]).partition("/")[0] if repo else ""


def _pulls_of_commit(github: StandIn, call: Call) -> Response:
    call.need(pull_requests="read")
    # A fork's commit is none of this repository's branches.
    found = [github.pulls[number] for number in github.of_commit.get(call.parts[0], ())]
    return _page(call, [p for p in found if p["merged_at"] or p["head"]["repo"] == p["base"]["repo"]])


def _get_comments(github: StandIn, call: Call) -> Response:
    _either(call, github, "read")
    github._thread_of(call.number())
    return _page(call, [each for each in github.comments.values() if each["thread"] == call.number()])


def _post_comment(github: StandIn, call: Call) -> Response:
    _either(call, github, "write")
    if github._thread_of(call.number())["locked"]:
        raise RefusedError(403, "Unable to create comment because issue is locked.")
    body = call.text("body", "IssueComment")
    return JSONResponse(github._commented(call.number(), body, call.token.login), 201)


def _comment(github: StandIn, call: Call, store: dict[int, Json]) -> Json:
    if call.number() not in store:
        raise RefusedError(404, "Not Found")
    return store[call.number()]


def _patch_comment(github: StandIn, call: Call) -> Response:
    call.need(issues="write", pull_requests="write")
    comment = _comment(github, call, github.comments)
    comment |= {"body": call.text("body", "IssueComment"), "updated_at": github._now()}
    return JSONResponse(comment)


def _delete_comment(github: StandIn, call: Call) -> Response:
    call.need(issues="write", pull_requests="write")
    _comment(github, call, github.comments)
    del github.comments[call.number()]
    return Response(status_code=204)


def _get_labels(github: StandIn, call: Call) -> Response:
    call.need(issues="read", pull_requests="read")
    return _page(call, list(github.labels.values()))


def _post_label(github: StandIn, call: Call) -> Response:
    # The documents say that pull_requests would do; since spring 2025 it doesn't (actions/labeler#870).
    call.need(issues="write")
    name = call.text("name", "Label", 50)
    if any(known.lower() == name.lower() for known in github.labels):
        raise _invalid("Label", "name", "already_exists")
    color, description = call.body.get("color", "ededed"), call.body.get("description") or ""
    if not re.fullmatch("[0-9a-fA-F]{6}", str(color)):
        raise _invalid("Label", "color", "invalid")
    if len(description) > 100:
        raise _invalid("Label", "description", "custom", "description is too long (maximum is 100 characters)")
    github.labels[name] = {"name": name, "color": color, "description": description}
    return JSONResponse(github.labels[name], 201)


def _get_issue_labels(github: StandIn, call: Call) -> Response:
    _either(call, github, "read")
    return _page(call, github._thread_of(call.number())["labels"])


def _post_issue_labels(github: StandIn, call: Call) -> Response:
    _either(call, github, "write")
    thread, names = github._thread_of(call.number()), call.body.get("labels")
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise _invalid("Label", "labels", "missing_field")
    new = {name.lower() for name in names} - {name.lower() for name in github.labels}
    if new and not call.token.may({"issues": "write"}):
        error = {"resource": "Repository", "field": "label", "code": "unauthorized"}
        raise RefusedError(403, "You do not have permission to create labels on this repository.", [error])
    for name in names:
        label = github._label(name)
        if label not in thread["labels"]:
            thread["labels"].append(label)
    return JSONResponse(thread["labels"])


def _delete_issue_label(github: StandIn, call: Call) -> Response:
    _either(call, github, "write")
    thread = github._thread_of(call.number())
    kept = [label for label in thread["labels"] if label["name"] != call.parts[1]]
    if len(kept) == len(thread["labels"]):
        raise RefusedError(404, "Label does not exist")
    thread["labels"] = kept
    return JSONResponse(kept)


def _get_issues(github: StandIn, call: Call) -> Response:
    call.need(issues="read")
    state, wanted = call.query("state", "open"), {name for name in call.query("labels").split(",") if name}
    threads = {**github.issues, **{n: {**pull, "pull_request": {"url": ""}} for n, pull in github.pulls.items()}}
    found = [
        thread
        for _, thread in sorted(threads.items())
        if state in ("all", thread["state"]) and wanted <= {label["name"] for label in thread["labels"]}
    ]
    return _page(call, found if call.query("direction", "desc") == "asc" else found[::-1])


def _get_issue(github: StandIn, call: Call) -> Response:
    _either(call, github, "read")
    return JSONResponse(github._thread_of(call.number()))


def _post_issue(github: StandIn, call: Call) -> Response:
    call.need(issues="write")
    title, number = call.text("title", "Issue", 256), next(github._numbers)
    body = call.text("body", "Issue") if call.body.get("body") else ""
    github.issues[number] = github._thread(number, title, body, call.token.login)
    # GitHub leaves labels out without a word where the token may not give an issue any as it is made.
    names = [] if github.drops_labels else call.body.get("labels", [])
    github.issues[number]["labels"] = [github._label(name) for name in names]
    return JSONResponse(github.issues[number], 201)


def _patch_issue(github: StandIn, call: Call) -> Response:
    _either(call, github, "write")
    thread, changes = github._thread_of(call.number()), dict(call.body)
    if unknown := changes.keys() - {"title", "body", "state", "state_reason", "labels", "assignees", "milestone"}:
        raise _invalid("Issue", sorted(unknown)[0], "invalid")
    if changes.get("state", "open") not in ("open", "closed"):
        raise _invalid("Issue", "state", "invalid")
    if changes.get("state_reason") not in (None, "completed", "not_planned", "duplicate", "reopened"):
        raise _invalid("Issue", "state_reason", "invalid")
    if "title" in changes:
        call.text("title", "Issue", 256)
    if changes.get("body"):
        call.text("body", "Issue")
    if "labels" in changes:
        changes["labels"] = [github._label(name) for name in changes["labels"]]
    thread |= {**changes, "updated_at": github._now()}
    return JSONResponse(thread)


def _get_commit_comments(github: StandIn, call: Call) -> Response:
    call.need(contents="read")
    return _page(call, [each for each in github.commit_comments.values() if each["commit_id"] == call.parts[0]])


def _post_commit_comment(github: StandIn, call: Call) -> Response:
    # A new comment takes less than an edit of one, says GitHub's table of permissions.
    call.need(contents="read")
    ident, now = next(github._ids), github._now()
    github.commit_comments[ident] = {
        "id": ident,
        "commit_id": call.parts[0],
        "body": call.text("body", "CommitComment"),
        "user": {"login": call.token.login, "type": _type(call.token.login)},
        "created_at": now,
        "updated_at": now,
    }
    return JSONResponse(github.commit_comments[ident], 201)


def _patch_commit_comment(github: StandIn, call: Call) -> Response:
    call.need(contents="write")
    comment = _comment(github, call, github.commit_comments)
    comment |= {"body": call.text("body", "CommitComment"), "updated_at": github._now()}
    return JSONResponse(comment)


def _delete_commit_comment(github: StandIn, call: Call) -> Response:
    call.need(contents="write")
    _comment(github, call, github.commit_comments)
    del github.commit_comments[call.number()]
    return Response(status_code=204)


def _compare(github: StandIn, call: Call) -> Response:
    call.need(contents="read")
    named = {"main": next(iter(github.tip), "")}
    before, after = (github._history(named.get(part, part)) for part in call.parts)
    if not before & after:
        raise RefusedError(404, f"No common ancestor between {call.parts[0]} and {call.parts[1]}.")
    ahead, behind = len(after - before), len(before - after)
    status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    return JSONResponse({"status": status, "ahead_by": ahead, "behind_by": behind, "commits": [], "files": []})


def _artifacts(github: StandIn, call: Call) -> Iterator[Json]:
    call.need(actions="read")
    name = call.query("name")
    # The newest first.
    return (each for each in reversed(github.artifacts.values()) if not name or each["name"] == name)


def _get_artifacts(github: StandIn, call: Call) -> Response:
    return _page(call, list(_artifacts(github, call)), "artifacts")


def _get_run_artifacts(github: StandIn, call: Call) -> Response:
    found = [each for each in _artifacts(github, call) if each["workflow_run"]["id"] == call.number()]
    return _page(call, found, "artifacts")


def _get_artifact_zip(github: StandIn, call: Call) -> Response:
    call.need(actions="read")
    artifact = _comment(github, call, github.artifacts)
    if artifact["expired"]:
        raise RefusedError(410, "Artifact has expired")
    signature = secrets.token_hex(16)
    github._signed[signature] = artifact["id"]
    return RedirectResponse(f"{str(call.request.base_url).rstrip('/')}/_files/{signature}", 302)


def _get_run(github: StandIn, call: Call) -> Response:
    call.need(actions="read")
    return JSONResponse(_comment(github, call, github.runs))


def _get_runs(github: StandIn, call: Call) -> Response:
    call.need(actions="read")
    wanted = {name: call.query(name) for name in ("head_sha", "event", "status") if call.query(name)}
    found = [run for run in github.runs.values() if all(run[name] == value for name, value in wanted.items())]
    return _page(call, found[::-1], "workflow_runs")


Handler = Callable[[StandIn, Call], Response]
ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "", _repository),
    ("GET", r"/pulls", _get_pulls),
    ("GET", r"/pulls/(\d+)", _get_pull),
    ("GET", r"/commits/([0-9a-f]{40})/pulls", _pulls_of_commit),
    ("GET", r"/commits/([0-9a-f]{40})/comments", _get_commit_comments),
    ("POST", r"/commits/([0-9a-f]{40})/comments", _post_commit_comment),
    ("GET", r"/compare/([0-9a-f]{40})\.\.\.(.+)", _compare),
    ("PATCH", r"/comments/(\d+)", _patch_commit_comment),
    ("DELETE", r"/comments/(\d+)", _delete_commit_comment),
    ("GET", r"/issues", _get_issues),
    ("POST", r"/issues", _post_issue),
    ("GET", r"/issues/(\d+)", _get_issue),
    ("PATCH", r"/issues/(\d+)", _patch_issue),
    ("GET", r"/issues/(\d+)/comments", _get_comments),
    ("POST", r"/issues/(\d+)/comments", _post_comment),
    ("PATCH", r"/issues/comments/(\d+)", _patch_comment),
    ("DELETE", r"/issues/comments/(\d+)", _delete_comment),
    ("GET", r"/labels", _get_labels),
    ("POST", r"/labels", _post_label),
    ("GET", r"/issues/(\d+)/labels", _get_issue_labels),
    ("POST", r"/issues/(\d+)/labels", _post_issue_labels),
    ("DELETE", r"/issues/(\d+)/labels/(.+)", _delete_issue_label),
    ("GET", r"/actions/artifacts", _get_artifacts),
    ("GET", r"/actions/artifacts/(\d+)/zip", _get_artifact_zip),
    ("GET", r"/actions/runs", _get_runs),
    ("GET", r"/actions/runs/(\d+)", _get_run),
    ("GET", r"/actions/runs/(\d+)/artifacts", _get_run_artifacts),
]
