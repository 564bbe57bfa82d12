"""One comment for one matter, found by its marker and edited in place: on a pull request, an issue, or a commit.

Only comments of the token's own user count: anybody can write a comment that begins with the marker.
Routes: https://docs.github.com/rest/issues/comments and /rest/commits/comments, version 2022-11-28.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from portcfg.errors import ApiError, TransientApiError
from portcfg.github.api import GitHub
from portcfg.github.event import at
from portcfg.model import Body

# They change with every run, and say nothing new.
_RUN = re.compile(r"/actions/runs/\d+(/[A-Za-z0-9/_-]*)?(\?[A-Za-z0-9=&_-]*)?")
# Another run may be at it at the same time, or take away what was just found.
TRIES = 3


class Done(StrEnum):
    """What became of a comment."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Thread:
    """Where comments are: `all` is the path that lists them and takes new ones, `each` that of one, less its id."""

    all: str
    each: str


def on_issue(number: int) -> Thread:
    """The comments on an issue or a pull request."""
    return Thread(f"/issues/{number}/comments", "/issues/comments")


def on_commit(sha: str) -> Thread:
    """The comments on a commit."""
    return Thread(f"/commits/{sha}/comments", "/comments")


def stick(github: GitHub, thread: Thread, marker: str, body: str) -> Done:
    """Make the comment that begins with `marker` say `body`, which begins with it, too; raises ApiError.

    Where two runs have made one each, the first stays. What differs only in the links to a run isn't edited.
    """
    for _ in range(TRIES):
        mine, done = own_comments(github, thread, marker), Done.UNCHANGED
        if not mine:
            mine, done = _made(github, thread, marker, body), Done.CREATED
        if mine and (edited := _edited(github, thread, mine, body)) is not None:
            return Done.UPDATED if edited and done is Done.UNCHANGED else done
    raise TransientApiError(f"GitHub: {thread.all}: the comment that was just there is gone, again and again")


def own_comments(github: GitHub, thread: Thread, marker: str) -> list[Body]:
    """The comments that begin with `marker` and are the token's own, the oldest first; raises ApiError."""
    login = github.login()
    found = (each for each in github.pages(thread.all) if author(each) == login)
    mine = (each for each in found if _lines(str(each.get("body") or ""))[0] == marker)
    return sorted(mine, key=lambda each: int(each["id"]))


def _made(github: GitHub, thread: Thread, marker: str, body: str) -> list[Body]:
    """A new comment, and those of the same marker that others made meanwhile; none where its answer was lost."""
    made: list[Body] = []
    try:
        made = [github.send("POST", thread.all, {"body": body})]
    except TransientApiError as error:
        if error.status in (403, 429):
            raise
    # A list may be a moment behind.
    found = own_comments(github, thread, marker)
    return [*found, *(each for each in made if each["id"] not in {known["id"] for known in found})]


def _edited(github: GitHub, thread: Thread, mine: list[Body], body: str) -> bool | None:
    """Whether the first comment had to be edited, the others being taken away; None where it is gone."""
    first, *later = mine
    for each in later:
        _sent(github, "DELETE", f"{thread.each}/{each['id']}", None)
    if lasting(str(first["body"])) == lasting(body):
        return False
    return _sent(github, "PATCH", f"{thread.each}/{first['id']}", {"body": body}) or None


def _sent(github: GitHub, method: str, path: str, body: Body | None) -> bool:
    """Whether it was there to be changed."""
    try:
        github.send(method, path, body)
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    return True


def author(written: Body) -> str:
    """The login of who wrote a comment, an issue or a pull request; empty where their account is gone."""
    return str(at(written, "user", "login") or "")


def lasting(body: str) -> str:
    """A comment less what changes from run to run although nothing else does."""
    return _RUN.sub("/actions/runs/", "\n".join(_lines(body)).rstrip())


def _lines(body: str) -> list[str]:
    return body.replace("\r\n", "\n").split("\n")
