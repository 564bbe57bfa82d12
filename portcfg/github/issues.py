"""One issue for one matter: opened, kept up to date, closed when it is over, and found by a hidden line in its body.

Routes and shapes: https://docs.github.com/rest/issues, version 2022-11-28.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portcfg.github.api import GitHub
from portcfg.github.comments import author, lasting
from portcfg.model import Body

LABEL = "portcfg"


@dataclass(frozen=True)
class Matter:
    """What an issue is about. `marker` is a hidden line that no other matter has, `body` what stands below it."""

    marker: str
    title: str
    body: str

    @property
    def text(self) -> str:
        """The body as GitHub keeps it."""
        return f"{self.marker}\n{self.body}"


def keep_issue(github: GitHub, matter: Matter, newest: bool = True) -> str:
    """Open the issue of a matter, or bring the open one up to date if it says something else; its address.

    One that is open stays as it is where this isn't the `newest` that can be said. Where two runs opened one at once,
    the older stays. Raises ApiError.
    """
    found = list(_open(github, matter.marker))
    if not found:
        return _opened(github, matter)
    first, *more = found
    other_words = first.get("title") != matter.title or lasting(str(first.get("body"))) != lasting(matter.text)
    if newest and other_words:
        github.send("PATCH", f"/issues/{first['number']}", {"title": matter.title, "body": matter.text})
    for other in more:
        _close(github, other, f"The same as #{first['number']}, which stays.", "not_planned")
    return str(first.get("html_url", ""))


def close_issue(github: GitHub, marker: str, said: str) -> bool:
    """Close the open issue of a matter with a comment; whether there was one. Raises ApiError."""
    found = list(_open(github, marker))
    for issue in found:
        _close(github, issue, said, "completed")
    return bool(found)


def _open(github: GitHub, marker: str) -> Iterator[Body]:
    """The open issues of a matter, the oldest first: our own, for anybody may copy a marker."""
    asked = {"state": "open", "labels": LABEL, "sort": "created", "direction": "asc"}
    found = [issue for issue in github.pages("/issues", asked) if _is_of(issue, marker)]
    mine = (issue for issue in found if author(issue) == github.login())
    yield from sorted(mine, key=lambda issue: int(issue["number"]))


def _is_of(issue: Body, marker: str) -> bool:
    # GitHub lists pull requests among the issues.
    return "pull_request" not in issue and str(issue.get("body") or "").splitlines()[:1] == [marker]


def _opened(github: GitHub, matter: Matter) -> str:
    issue = github.send("POST", "/issues", {"title": matter.title, "body": matter.text, "labels": [LABEL]})
    if LABEL not in {label.get("name") for label in issue.get("labels") or ()}:
        # GitHub drops labels without a word where the token may not set them; without it the issue isn't found again.
        github.send("POST", f"/issues/{issue['number']}/labels", {"labels": [LABEL]})
    return str(issue.get("html_url", ""))


def _close(github: GitHub, issue: Body, said: str, reason: str) -> None:
    github.send("PATCH", f"/issues/{issue['number']}", {"state": "closed", "state_reason": reason})
    github.send("POST", f"/issues/{issue['number']}/comments", {"body": said})
