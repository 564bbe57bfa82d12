"""The review folder (`portcfg/review/1`): what a job that plans hands to the job that posts.

Written by `portcfg github plan`, read by `portcfg github comment`. The reader takes nothing on trust: plain files of a
limited size, and JSON that fits its schema. What a pull request from a fork made is read here, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any

import jsonschema

from portcfg.errors import Problem, UntrustedPlanError
from portcfg.github.artifacts import artifact_name
from portcfg.github.event import Event
from portcfg.kinds import KINDS
from portcfg.kinds.base import load_schema
from portcfg.model import MISSING, Action, Body, Cause, Change, FieldChange, Move, Plan, Ref
from portcfg.review import Review, labels

FORMAT = "portcfg/review/1"
REVIEW, COMMENT, SUMMARY, PLAN, BOUND, SARIF = (
    "review.json",
    "comment.md",
    "summary.md",
    "plan.json",
    "plan.bound.json",
    "problems.sarif",
)
# GitHub refuses comments over this, in characters.
LONGEST_COMMENT = 65_536
MOST_BYTES: Mapping[str, int] = {REVIEW: 8 * 1024 * 1024, COMMENT: 4 * LONGEST_COMMENT, PLAN: 32 * 1024 * 1024}
MOST_PROBLEMS = 5_000
ANEW = "run the job that plans again"


@dataclass(frozen=True)
class Reviewed:
    """What a review folder says; `said` is its review.json, checked against its schema."""

    folder: Path
    said: Body

    @property
    def environment(self) -> str:
        """The environment that was planned; empty where none was chosen."""
        return str(self.said["environment"])

    @property
    def head(self) -> str:
        """The commit that was planned."""
        return str(self.said["head"])

    @property
    def digest(self) -> str:
        """planfile.changes_digest of the plan; empty where there is none."""
        return str(self.said["digest"])

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the pull request deserves for it."""
        return tuple(self.said["labels"])


def review_body(review: Review, event: Event, exit_code: int) -> Body:
    """review.json."""
    plan = review.plan
    counts = {action.value: plan.count(action) if plan else 0 for action in Action}
    return {
        "format": FORMAT,
        "environment": review.environment,
        "pull_request": event.pull_request,
        "head": review.head,
        "base": event.base,
        "digest": review.digest,
        "compared_with": review.compared_with,
        "has_changes": bool(plan and plan.pending),
        "counts": {**counts, "rename": plan.moved if plan else 0},
        "risk": review.risk.value,
        "labels": list(labels(review)),
        "exit_code": exit_code,
        "run_link": review.run_link,
        "failure": review.failure,
        "problems": [asdict(problem) for problem in review.problems[:MOST_PROBLEMS]],
    }


def write_folder(folder: Path, review: Body, files: Mapping[str, str]) -> None:
    """Write review.json and the other files, which only their owner can read; what isn't among them is taken away."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (REVIEW, COMMENT, SUMMARY, PLAN, BOUND, SARIF):
        (folder / name).unlink(missing_ok=True)
    for name, text in {**files, REVIEW: json.dumps(review, indent=2, ensure_ascii=False) + "\n"}.items():
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as opened:
            opened.write(text)


def review_folders(folder: Path) -> list[Path]:
    """The review folder that `folder` is, or else those that are directly in it, in order.

    GitHub's download puts each of several artifacts into a folder of its own, and one alone into none.
    """
    if _has(folder, REVIEW):
        return [folder]
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    return [each for each in inside if _has(each, REVIEW)]


def read_folder(folder: Path) -> Reviewed:
    """A review folder; raises UntrustedPlanError for one that portcfg didn't write."""
    if folder.is_symlink():
        raise UntrustedPlanError(f"{folder} is a link", hint=ANEW)
    return Reviewed(folder, _checked(_bytes(folder, REVIEW), "review"))


def comment_of(reviewed: Reviewed) -> str:
    """comment.md as it was written; raises UntrustedPlanError where it is missing, or too long for GitHub."""
    try:
        text = _bytes(reviewed.folder, COMMENT).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UntrustedPlanError(f"{COMMENT} isn't UTF-8", hint=ANEW) from error
    if len(text) > LONGEST_COMMENT:
        raise UntrustedPlanError(f"{COMMENT} has {len(text):,} characters; GitHub takes {LONGEST_COMMENT:,}", hint=ANEW)
    return text


def rebuilt(reviewed: Reviewed, head: str, run_link: str) -> Review:
    """The review as its data says it, for rendering it anew where its texts can't be trusted.

    It has no digest: what an `apply` may take for reviewed must not come from there.
    """
    said = reviewed.said
    plan = _plan(_checked(_bytes(reviewed.folder, PLAN), "plan")) if _has(reviewed.folder, PLAN) else None
    return Review(
        environment=reviewed.environment,
        plan=plan,
        problems=tuple(map(_problem, said["problems"])),
        head=head,
        compared_with=said["compared_with"],
        failure="" if plan else said["failure"],
        run_link=run_link,
        artifact=artifact_name("plan", reviewed.environment, head),
        unchecked=True,
    )


def _bytes(folder: Path, name: str) -> bytes:
    """A file of the folder itself: no link, no pipe, and not more than it may have."""
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise UntrustedPlanError(f"{folder / name} can't be read: {error.strerror}", hint=ANEW) from error
    if not S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UntrustedPlanError(f"{folder / name} is no plain file", hint=ANEW)
    with os.fdopen(handle, "rb") as opened:
        data = opened.read(MOST_BYTES[name] + 1)
    if len(data) > MOST_BYTES[name]:
        raise UntrustedPlanError(f"{folder / name} has more than {MOST_BYTES[name]:,} bytes", hint=ANEW)
    return data


def _has(folder: Path, name: str) -> bool:
    return os.path.lexists(folder / name)


def _checked(data: bytes, schema: str) -> Body:
    try:
        body = json.loads(data.decode("utf-8"))
        jsonschema.Draft202012Validator(load_schema(schema)).validate(body)
    except (ValueError, RecursionError) as error:
        raise UntrustedPlanError(f"{schema}.json isn't JSON", hint=ANEW) from error
    except jsonschema.ValidationError as error:
        where = error.json_path
        raise UntrustedPlanError(f"{schema}.json isn't as portcfg writes it, at {where[:200]}", hint=ANEW) from error
    checked: Body = body
    return checked


def _problem(said: Body) -> Problem:
    known = ("file", "line", "column", "id", "message", "hint", "severity")
    return Problem(**{name: said[name] for name in known})


def _plan(said: Body) -> Plan:
    changes = tuple(map(_change, said["changes"]))
    return Plan(changes, tuple(said["notes"]), said["environment"], (), tuple(said["refusals"]))


def _change(said: Body) -> Change:
    if said["kind"] not in KINDS:
        raise UntrustedPlanError(f"plan.json has a kind that this portcfg doesn't know: {said['kind']}", hint=ANEW)
    action, ref = Action(said["action"]), Ref(said["kind"], said["identifier"])
    old = said.get("renamed_from")
    return Change(
        action,
        ref,
        before=None if action is Action.CREATE else {},
        after=None if action is Action.DELETE else (said["after"] or {}),
        fields=tuple(map(_field, said["fields"])),
        file=said["file"],
        notes=tuple(said["notes"]),
        adopted=said["adopted"],
        drifted=said["drifted"],
        risk=said["risk"],
        impacts=tuple(said["impacts"]),
        move=Move(Ref(ref.kind, old), ref, {}) if old else None,
    )


def _field(said: Body) -> FieldChange:
    sides: dict[str, Any] = {name: said.get(name, MISSING) for name in ("before", "after", "applied")}
    return FieldChange(
        tuple(said["path"]), cause=Cause(said["cause"]), renamed_from=said.get("renamed_from", ""), **sides
    )
