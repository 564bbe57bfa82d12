"""Where a commit stands: on a branch, and before or after another.

Routes and shapes: https://docs.github.com/rest/commits, version 2022-11-28.
"""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import quote

from portcfg.errors import TerminalApiError
from portcfg.github.api import GitHub
from portcfg.github.event import SHA, at


class Standing(StrEnum):
    """Of a commit on a branch: its newest, one before that, or one that isn't on it (any more)."""

    NEWEST = "newest"
    OLDER = "older"
    ELSEWHERE = "elsewhere"


def standing(github: GitHub, commit: str, branch: str) -> Standing:
    """Where a commit stands on a branch; the newest where GitHub doesn't know both. Raises ApiError."""
    found = {"ahead": Standing.OLDER, "behind": Standing.ELSEWHERE, "diverged": Standing.ELSEWHERE}
    return found.get(_compared(github, commit, branch), Standing.NEWEST)


def comes_after(github: GitHub, later: str, earlier: str) -> bool:
    """Whether one commit has the other in its history; not if GitHub doesn't know it. Raises ApiError."""
    return later != earlier and bool(SHA.fullmatch(later)) and _compared(github, earlier, later) == "ahead"


def _compared(github: GitHub, base: str, head: str) -> str:
    """What GitHub says of `head`, a commit or a branch, seen from `base`; empty for what it can't compare."""
    try:
        return str(at(github.get(f"/compare/{base}...{quote(head)}", {"per_page": 1}), "status") or "")
    except TerminalApiError as error:
        if error.status != 404:
            raise
        return ""
