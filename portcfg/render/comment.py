"""Review -> the comment on a pull request: what may hurt on top and open, the rest folded, never over GitHub's limit.

The room is shared out by resource: each delete, destructive change and conflict is named before anything else is told,
where need be with its middle left out, all with the same width; of over 5,000 of them the last are only counted.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from portcfg.kinds.risk_base import Risk
from portcfg.model import Action, Cause, Plan
from portcfg.render.blocks import lines_for, run_address
from portcfg.render.budget import middle_cut, size
from portcfg.render.safe import code, fenced, plain
from portcfg.render.sections import counted, told
from portcfg.review import Review, cause

# GitHub refuses comments over 65,536 characters.
LIMIT = 65_000
MAX_MARKER = 200
MAX_NAME = 120
# Of what an error says.
MAX_LINES = 10
SHOWN_DIGITS = 12
OFFLINE = {
    "snapshot": "compared with a snapshot of Port, not with Port as it is now.",
    "base": "compared with the specs of the base branch, not with Port: what was changed in Port isn't seen.",
    "nothing": "there was nothing to compare the specs with, so they were only validated.",
}
UNCHECKED = "this is what the pull request's own run says, made by code that the pull request may have changed."
CAUSES = {
    Cause.SPEC: "from the specs",
    Cause.DRIFT: "by drift (set back)",
    Cause.CONFLICT: "in conflict (the specs win)",
}


def comment(review: Review) -> str:
    """The comment, with the hidden lines by which it is found again; at most 65,000 bytes."""
    hidden = f"{marker(review.environment)}\n<!-- portcfg review {_word(review.digest)} {_word(review.head)} -->\n"
    return hidden + body(review, LIMIT - size(hidden), "the summary of the run")


def marker(environment: str) -> str:
    """The hidden line by which the comment of an environment is found."""
    name = "".join(map(_unambiguous, environment))
    if len(name) > MAX_MARKER:
        name = hashlib.sha256(environment.encode(errors="replace")).hexdigest()
    return f"<!-- portcfg:{name} -->"


def _unambiguous(character: str) -> str:
    """A character as it may stand in an HTML comment, and in no two ways."""
    plain = character.isascii() and (character.isalnum() or character in "._-")
    return character if plain else f"%{ord(character):x};"


def _word(text: str) -> str:
    return re.sub("[^0-9A-Za-z]", "", text)[:MAX_MARKER]


def plan_markdown(plan: Plan, room: int = LIMIT) -> str:
    """The plan for a pull request comment, in `room` bytes, as somebody else may post it."""
    return body(Review(plan.environment, plan), room, "`portcfg plan`")


def drift_markdown(drift: Plan, room: int = LIMIT) -> str:
    """What was changed in Port behind the specs' back, in `room` bytes; `drift` holds nothing else (plan.drift_of)."""
    number = len(drift.pending)
    title = _titled("drift", drift.environment)
    known = "no drift is known" if drift.notes else "no drift, Port holds what was applied"
    head = f"### {title}: {counted(number, 'resource')} changed in Port" if number else f"**{title}**: {known}."
    return told(Review(drift.environment, drift), [head], [], room, "`portcfg drift`")


def body(review: Review, room: int = LIMIT, elsewhere: str = "`portcfg plan`") -> str:
    """What people see of a review, in `room` bytes; `elsewhere` is what to look at for the rest."""
    plan = review.plan
    if plan and not plan.pending and not plan.refusals:
        line = f"{_nothing(plan, review.environment)} {_foot(replace(review, head='', artifact=''))}".rstrip()
        return told(review, [line, *_offline(review)], [], room, elsewhere)
    head = [f"### {_headline(review)}", *_offline(review), *_failed(review), *([_counts(plan)] if plan else [])]
    return told(review, head, [_foot(review)], room, elsewhere)


def _headline(review: Review) -> str:
    """What it is all about, in a line."""
    errors = sum(problem.severity == "error" for problem in review.problems)
    if review.plan:
        told = [f"{count:,} to {what}" for what, count in _actions(review.plan).items() if count]
        return f"{_titled('plan', review.environment)}: {', '.join(told) or 'refused'}"
    if errors:
        return f"{_titled('plan', review.environment)}: the specs are invalid, {counted(errors, 'error')}"
    return f"{_titled('plan', review.environment)}: {'it failed' if review.failure else 'the specs are valid'}"


def _titled(what: str, environment: str) -> str:
    return f"portcfg {what}{f' for {code(middle_cut(plain(environment), MAX_NAME))}' if environment else ''}"


def _actions(plan: Plan) -> dict[str, int]:
    """How often what is done, what could be lost first."""
    order = (Action.DELETE, Action.UPDATE, Action.CREATE)
    return {**{action.value: plan.count(action) for action in order}, "rename": plan.moved}


def _failed(review: Review) -> Iterator[str]:
    if review.failure:
        lines = review.failure.splitlines()[:MAX_LINES]
        text = "\n".join(map(lines_for, lines))
        yield f"> [!CAUTION]\n> There is no plan:\n\n{fenced(text, 'text')}"


def _counts(plan: Plan) -> str:
    """The changes of a plan by risk and by cause."""
    shown = [change for change in plan.pending if not change.moved_away]
    risks = Counter(change.risk for change in shown)
    causes = Counter(map(cause, shown))
    how = [_bold(risks[risk.value], risk.value, bold=risk is not Risk.SAFE) for risk in reversed(Risk)]
    why = [_bold(causes[each], words, bold=each is not Cause.SPEC) for each, words in CAUSES.items()]
    told = {"Risk": how, "Cause": why}
    lines = [f"{label}: {', '.join(filter(None, counts))}." for label, counts in told.items() if any(counts)]
    return " ".join([*lines, f"{_unchanged(plan)}."])


def _bold(count: int, what: str, *, bold: bool) -> str:
    return f"{'**' * bold}{count:,} {what}{'**' * bold}" if count else ""


def _unchanged(plan: Plan) -> str:
    adopted = f", {len(plan.adopted)} of them managed from now on" if plan.adopted else ""
    return f"{plan.count(Action.NOOP):,} unchanged{adopted}"


def _nothing(plan: Plan, environment: str) -> str:
    return f"**{_titled('plan', environment)}**: nothing to do, Port is as the specs want it ({_unchanged(plan)})."


def _offline(review: Review) -> Iterator[str]:
    if review.unchecked:
        yield f"> [!WARNING]\n> **Unchecked**: {UNCHECKED}"
    if review.compared_with != "live":
        yield f"> [!NOTE]\n> **Offline**: {OFFLINE.get(review.compared_with, OFFLINE['nothing'])}"


def _foot(review: Review) -> str:
    run = run_address(review.run_link)
    parts = [f"digest {code(_word(review.digest)[:SHOWN_DIGITS])}"] if review.digest else []
    parts += [f"commit {code(_word(review.head)[:SHOWN_DIGITS])}"] if review.head else []
    parts += [f"[run]({run})"] if run else []
    if review.artifact:
        name = code(middle_cut(plain(review.artifact), MAX_NAME))
        parts.append(f"artifact [{name}]({run}#artifacts)" if run else f"artifact {name}")
    return f"<sub>{' · '.join(parts)}</sub>" if parts else ""
