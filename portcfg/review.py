"""What a pull request's reviewer is told: the plan, the findings, and what they were made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from portcfg.errors import Problem
from portcfg.kinds.risk_base import Risk, worst
from portcfg.model import Action, Cause, Change, Plan

CHANGES, DESTROY, CONFLICT, INVALID = "port/changes", "port/destroy", "port/conflict", "port/invalid"


@dataclass(frozen=True)
class Review:
    """One environment's review.

    `plan` is None where the specs are invalid, or where planning failed; `failure` says why, without secrets. `texts`
    are the spec files by name, `digest` is planfile.changes_digest, `head` the commit of the pull request.
    `compared_with` is `live`, `snapshot`, `base` or `nothing`; `artifact` is a name. `unchecked` says that all of this
    was handed over by a run that anybody can make say what they like.
    """

    environment: str
    plan: Plan | None
    problems: tuple[Problem, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: str = ""
    head: str = ""
    compared_with: str = "live"
    failure: str = ""
    run_link: str = ""
    artifact: str = ""
    unchecked: bool = False

    @property
    def risk(self) -> Risk:
        """How bad the worst change is."""
        return worst(Risk(change.risk) for change in (self.plan.pending if self.plan else ()))


def destroys(change: Change) -> bool:
    """Whether a change takes something away."""
    return change.action is Action.DELETE or change.risk == Risk.DESTRUCTIVE


def conflicts(change: Change) -> bool:
    """Whether a change overrules what somebody did in Port."""
    return any(field.cause is Cause.CONFLICT for field in change.fields)


def cause(change: Change) -> Cause:
    """Who made it necessary, where there are several the one to look at most."""
    found = {field.cause for field in change.fields}
    if change.drifted and change.action is Action.CREATE:
        found.add(Cause.DRIFT)
    return next((each for each in (Cause.CONFLICT, Cause.DRIFT) if each in found), Cause.SPEC)


def labels(review: Review) -> tuple[str, ...]:
    """The labels that a pull request deserves; it may have none."""
    pending = review.plan.pending if review.plan else ()
    deserved = {
        CHANGES: bool(pending),
        DESTROY: any(map(destroys, pending)),
        CONFLICT: any(map(conflicts, pending)),
        INVALID: any(problem.severity == "error" for problem in review.problems),
    }
    return tuple(label for label, due in deserved.items() if due)
