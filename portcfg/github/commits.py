"""What was agreed to in the pull requests that brought a commit.

Routes and shapes: https://docs.github.com/rest/commits, version 2022-11-28.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from portcfg.errors import UntrustedPlanError
from portcfg.github.api import GitHub
from portcfg.github.artifacts import artifact_name, artifacts, unpacked, usable
from portcfg.github.comments import on_issue, own_comments
from portcfg.github.event import at
from portcfg.github.folder import BOUND, REVIEW
from portcfg.model import Body
from portcfg.planfile import Binding, BoundPlan, read

HIDDEN = re.compile(r"<!-- portcfg review ([0-9a-f]{64}) ([0-9a-f]{40,64}) -->")
DIGEST = re.compile("[0-9a-f]{64}")
# Pull requests that are looked at for what waited together.
RECENT = 30
EXPIRED = "the plan of its last commit has expired"
NO_DIGEST = "no comment of portcfg's own has the digest of its plan"
OF_FORK = "it comes from a fork: it was planned without secrets, by a run of its own, and its comment carries no digest"
NOT_KEPT = "no plan of its last commit is kept"


@dataclass(frozen=True)
class Agreed:
    """What was agreed to in a pull request: a bound plan, or only the digest of one, or neither, and `why` so."""

    pull_request: int
    head: str
    bound: BoundPlan | None = None
    digest: str = ""
    why: str = ""

    def steps(self, binding: Binding) -> frozenset[str]:
        """The digests of the steps that were agreed to, if they are for the same Port and with the same options."""
        if self.bound is None or replace(self.bound.binding, specs=binding.specs) != binding:
            return frozenset()
        return frozenset(str(entry["step"]) for entry in self.bound.changes)


def reviews_of(github: GitHub, commit: str, branch: str, environment: str, marker: str, key: str) -> list[Agreed]:
    """What was agreed to in each pull request that was merged into a branch as `commit`, whose merge it is first.

    `marker` is the hidden line of the environment's comment, `key` that of plan files. Raises ApiError.
    """
    pulls = [each for each in github.pages(f"/commits/{commit}/pulls") if each.get("merged_at")]
    own = [each for each in pulls if _is_into(github, each, branch)]
    own.sort(key=lambda each: each.get("merge_commit_sha") != commit)
    return [_agreed(github, each, environment, marker, key) for each in own]


def recent_plans(github: GitHub, branch: str, environment: str, key: str) -> Iterator[Agreed]:
    """What was agreed to in the pull requests that were merged into a branch lately, as far as plans of it are kept.

    Several merges may wait for one run. Raises ApiError.
    """
    asked = {"state": "closed", "base": branch, "sort": "updated", "direction": "desc"}
    for pull in islice(github.pages("/pulls", asked), RECENT):
        if pull.get("merged_at") and _is_into(github, pull, branch) and _is_own(github, pull):
            head = str(at(pull, "head", "sha") or "")
            bound, digest, why = _from_artifact(github, head, environment, key)
            yield Agreed(int(pull["number"]), head, bound, digest, why)


def _is_into(github: GitHub, pull: Body, branch: str) -> bool:
    """Whether a pull request is for this branch of this repository; a commit may also be in one for another."""
    repository = str(at(pull, "base", "repo", "full_name") or github.repository)
    return repository.lower() == github.repository.lower() and at(pull, "base", "ref") == branch


def _is_own(github: GitHub, pull: Body) -> bool:
    """Whether a pull request comes from a branch of this repository, not of a fork."""
    return str(at(pull, "head", "repo", "full_name") or "").lower() == github.repository.lower()


def _agreed(github: GitHub, pull: Body, environment: str, marker: str, key: str) -> Agreed:
    number, head = int(pull["number"]), str(at(pull, "head", "sha") or "")
    if not _is_own(github, pull):
        # Whoever opened it made what its own run says, the digest in a comment, too.
        return Agreed(number, head, why=OF_FORK)
    bound, digest, why = _from_artifact(github, head, environment, key)
    if not digest:
        digest = _from_comment(github, number, head, marker)
    return Agreed(number, head, bound, digest, why if bound or digest else f"{why}; {NO_DIGEST}")


def _from_artifact(github: GitHub, head: str, environment: str, key: str) -> tuple[BoundPlan | None, str, str]:
    """The plan that a run made for the head of a pull request, and its digest; or why there is none."""
    found = artifacts(github, artifact_name("plan", environment, head))
    fit = usable(found, head)
    if not fit:
        expired = any(each.expired for each in found)
        return None, "", EXPIRED if expired else NOT_KEPT
    try:
        files = unpacked(github, fit[0])
        if BOUND not in files:
            return None, "", "its plan wasn't made against Port, or was refused"
        return read(files[BOUND], key), _stated_digest(files.get(REVIEW, b""), head), ""
    except UntrustedPlanError as error:
        return None, "", f"its plan can't be trusted: {error.message}"


def _stated_digest(data: bytes, head: str) -> str:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    digest = said.get("digest") if isinstance(said, dict) and said.get("head") == head else None
    return digest if isinstance(digest, str) and DIGEST.fullmatch(digest) else ""


def _from_comment(github: GitHub, number: int, head: str, marker: str) -> str:
    """The digest in our own comment on a pull request, if it is about its last commit: nobody else's is trusted."""
    for comment in own_comments(github, on_issue(number), marker):
        _, second, *_ = [*str(comment.get("body") or "").splitlines(), "", ""]
        said = HIDDEN.fullmatch(second.strip())
        if said and said[2] == head:
            return said[1]
    return ""
