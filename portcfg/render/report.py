"""Report -> text, JSON: what an apply did, what is left, and what to type next."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from portcfg.model import Outcome, Status
from portcfg.render.plan import headline, plan_json
from portcfg.render.safe import dotted, plain
from portcfg.report import Report

FORMAT = "portcfg/apply/1"


def report_text(report: Report, following: Sequence[str] = (), undo: str = "") -> str:
    """What an apply did, and whether a fresh plan is empty.

    `following` are the commands that go on from there, `undo` the one that takes it back.
    """
    lines = [*outcome_lines(report)]
    if report.after is not None:
        lines.append(f"Read back from Port: {headline(report.after)}")
    lines += [f"next: {plain(command)}" for command in following]
    return "\n".join([*lines, f"to undo: {plain(undo)}"] if undo else lines)


def outcome_lines(report: Report) -> Iterator[str]:
    """Each step, where not all were done; then what else went wrong, and the counts."""
    if report.failed:
        yield from (_line(outcome) for status in Status for outcome in report.outcomes if outcome.status is status)
    for ref, path in report.not_kept:
        what = f"{dotted(path)} is otherwise in Port than it was written" if path else "isn't in Port after the write"
        yield f"not kept: {plain(str(ref))}: {what}"
    yield from (f"problem: {plain(problem)}" for problem in report.problems)
    if report.halted:
        yield f"halted: {plain(report.halted)}; what is done is done"
    counts = _counts(report)
    rest = ", ".join(f"{counts[name]} {name}" for name in ("failed", "blocked") if counts[name])
    yield f"Applied {counts['done']} of {len(report.outcomes)} change(s){f': {rest}' if rest else ''}."


def _line(outcome: Outcome) -> str:
    why = f": {plain(outcome.message)}" if outcome.message else ""
    return f"{outcome.status}: {outcome.change.action} {plain(str(outcome.change.ref))}{why}"


def _counts(report: Report) -> dict[str, int]:
    return {status.value: sum(outcome.status is status for outcome in report.outcomes) for status in Status}


def report_json(report: Report, following: Sequence[str] = (), undo: str = "") -> str:
    """The report for programs; the shape is described in docs/plan-json.md."""
    body = {
        "format": FORMAT,
        "counts": _counts(report),
        "outcomes": [
            {
                "action": outcome.change.action.value,
                "kind": outcome.change.ref.kind,
                "identifier": outcome.change.ref.identifier,
                "status": outcome.status.value,
                "message": outcome.message,
            }
            for outcome in report.outcomes
        ],
        "not_kept": [
            {"kind": ref.kind, "identifier": ref.identifier, "path": list(path)} for ref, path in report.not_kept
        ],
        "problems": list(report.problems),
        "halted": report.halted,
        "after": json.loads(plan_json(report.after)) if report.after else None,
        "next": list(following),
        "undo": undo,
    }
    return json.dumps(body, indent=2, ensure_ascii=False)
