"""Plan and Report -> text, JSON, markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from portcfg import __version__
from portcfg.concealed import concealed
from portcfg.kinds import KINDS
from portcfg.model import MISSING, Action, Cause, Change, FieldChange, Plan
from portcfg.render.cycles import cycles_of
from portcfg.render.fields import fields_lines, fit
from portcfg.render.safe import code, fenced, plain, shortened, shown

FORMAT = "portcfg/plan/1"
SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.NOOP: " "}
# In the order in which a plan shows them: what could be lost stands first.
HEADINGS = {
    Cause.CONFLICT: "changed in the specs and in Port ({who}); the specs win:",
    Cause.DRIFT: "changed in Port {who}, not in the specs; set back to the specs:",
    Cause.SPEC: "changed in the specs:",
    Cause.SERVER: "filled in by Port itself, and left alone:",
}
# GitHub refuses comments over 65,536 characters.
MARKDOWN_LIMIT = 60_000
MAX_NOTE = 1_000
# Notes, refusals and cycles each; a comment has no room for more of them beside the changes.
MAX_TOLD = 15


def headline(plan: Plan) -> str:
    """The counts, or that there is nothing to do."""
    adopted = _drift_counts(plan) + (
        f" {len(plan.adopted)} of them will be managed from now on." if plan.adopted else ""
    )
    if not plan.pending:
        return f"No changes. {plan.count(Action.NOOP)} resource(s) are as the specs want them.{adopted}"
    counts = [f"{plan.count(action)} to {action}" for action in (Action.CREATE, Action.UPDATE, Action.DELETE)]
    counts += [f"{plan.moved} to rename"] if plan.moved else []
    return f"Plan: {', '.join(counts)}, {plan.count(Action.NOOP)} unchanged.{adopted}"


def _drift_counts(plan: Plan) -> str:
    causes = [field.cause for change in plan.pending for field in change.fields]
    deleted = sum(change.action is Action.CREATE and bool(change.drifted) for change in plan.pending)
    counts = {
        "field(s) changed in Port": causes.count(Cause.DRIFT),
        "in conflict": causes.count(Cause.CONFLICT),
        "deleted in Port": deleted,
    }
    told = [f"{count} {what}" for what, count in counts.items() if count]
    return f" Drift: {', '.join(told)}." if told else ""


def drift_text(plan: Plan) -> str:
    """Only what was changed in Port behind the specs' back; `plan` holds nothing else (plan.drift_of)."""
    notes = [f"note: {plain(note)}" for note in plan.notes]
    if not plan.pending:
        return "\n".join([*notes, "No drift is known." if notes else "No drift: Port holds what was applied."])
    lines = [line for change in plan.changes for line in _change_lines(change)]
    return "\n".join([*lines, "", *notes, _drift_counts(plan).strip()])


def plan_text(plan: Plan) -> str:
    """The plan for a terminal: a line a resource, and below it a line a field."""
    cycles = {change.ref: cycle for cycle in cycles_of(plan) for change in cycle.changes}
    lines: list[str] = []
    for change in plan.changes:
        cycle = cycles.get(change.ref)
        if cycle and change is cycle.changes[0]:
            lines.append(cycle.heading)
            lines.extend(f"  {line}" for member in cycle.changes for line in _change_lines(member))
        elif not cycle and not change.moved_away and _tells(change):
            lines.extend(_change_lines(change))
    if lines:
        lines.append("")
    lines.extend(f"note: {plain(note)}" for note in plan.notes)
    lines.extend(f"refused: {plain(refusal)}" for refusal in plan.refusals)
    return "\n".join([*lines, headline(plan)])


def _tells(change: Change) -> bool:
    return bool(change.action is not Action.NOOP or change.notes or change.adopted or change.fields)


def _change_lines(change: Change) -> Iterator[str]:
    adopted = " (exists in Port, will be managed from now on)" if change.adopted and change.before else ""
    source = f"  [{plain(change.file)}]" if change.file else ""
    deleted = f" ({plain(change.drifted)})" if change.action is Action.CREATE and change.drifted else ""
    yield f"{_title(change)}{adopted}{deleted}{source}"
    yield from (f"    note: {plain(note)}" for note in change.notes)
    yield from (f"    {impact['risk']}: {plain(impact['reason'])}" for impact in _harms(change))
    if change.action is Action.CREATE and not change.move:
        yield from (f"    {line}" for line in _summary(change))
    for cause, heading in HEADINGS.items():
        fields = [field for field in change.fields if field.cause is cause]
        # Where all is the specs' doing, that needs no saying.
        if fields and not all(field.cause is Cause.SPEC for field in change.fields):
            yield f"    {heading.format(who=plain(change.drifted))}"
        yield from (f"    {line}" for line in fields_lines(fields))


def _title(change: Change) -> str:
    if change.move:
        return f"{SIGNS[Action.UPDATE]} rename {plain(str(change.move.old))} -> {plain(str(change.ref))}"
    return f"{SIGNS[change.action]} {change.action} {plain(str(change.ref))}"


def _harms(change: Change) -> list[Mapping[str, Any]]:
    """What a change does to entities, breaks or destroys, the worst first."""
    told = (impact for impact in change.impacts if impact["risk"] != "safe" or impact["entities"] != 0)
    return sorted(told, key=lambda each: -_grade(each))


def _grade(impact: Mapping[str, Any]) -> int:
    return ("safe", "breaking", "destructive").index(impact["risk"])


def _summary(change: Change) -> Iterator[str]:
    """What a new resource consists of: its title, and its parts by name."""
    body = change.after or {}
    if body.get("title"):
        yield f"title: {shown(body['title'])}"
    for name, keys in KINDS[change.ref.kind].parts(body):
        if keys:
            yield f"{name} ({len(keys)}): {', '.join(map(plain, keys))}"


def plan_json(plan: Plan) -> str:
    """The plan for programs; the shape is described in docs/plan-json.md and versioned by `format`."""
    body = {
        "format": FORMAT,
        "tool": f"portcfg {__version__}",
        "environment": plan.environment,
        "counts": {**{action.value: plan.count(action) for action in Action}, "rename": plan.moved},
        "notes": list(plan.notes),
        "refusals": list(plan.refusals),
        "cycles": [cycle.refs for cycle in cycles_of(plan)],
        "changes": [_change_json(change) for change in plan.changes if not change.moved_away],
    }
    return json.dumps(body, indent=2, ensure_ascii=False)


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "action": change.action.value,
        "kind": change.ref.kind,
        "identifier": change.ref.identifier,
        "file": change.file,
        **({"renamed_from": change.move.old.identifier} if change.move else {}),
        "adopted": change.adopted,
        "drifted": change.drifted,
        "risk": change.risk,
        "impacts": [dict(impact) for impact in change.impacts],
        "notes": list(change.notes),
        "fields": [_field_json(field) for field in change.fields],
        "after": concealed(change.after) if change.action is Action.CREATE else None,
    }


def _field_json(field: FieldChange) -> dict[str, Any]:
    """`before`, `after` or `applied` is left out where the field is absent on that side, for null is a value."""
    field = fit(field)
    sides = {"before": field.before, "after": field.after, "applied": field.applied}
    known = {"path": list(field.path), "cause": field.cause.value}
    if field.renamed_from:
        return {**known, "renamed_from": field.renamed_from}
    return {**known, **{name: side for name, side in sides.items() if side is not MISSING}}


def plan_markdown(plan: Plan) -> str:
    """The plan for a pull request comment: deletes first and open, the rest folded, never over GitHub's limit."""
    refused = (("**refused** ", refusal) for refusal in plan.refusals)
    cycles = ((f"{cycle.heading}: ", ", ".join(cycle.refs)) for cycle in cycles_of(plan))
    told = (
        _quoted("refusals", refused),
        _quoted("notes", (("", note) for note in plan.notes)),
        _quoted("cycles", cycles),
    )
    parts = [f"### portcfg: {headline(plan)}", *(line for lines in told for line in lines)]
    order = {Action.DELETE: 0, Action.UPDATE: 1, Action.CREATE: 2, Action.NOOP: 3}
    changes = sorted(plan.changes, key=lambda change: (not _open(change), order[change.action]))
    left_out, used = 0, sum(map(len, parts))
    for change in changes:
        if change.moved_away or (change.action is Action.NOOP and not change.notes):
            continue
        block = _change_markdown(change)
        if used + len(block) > MARKDOWN_LIMIT:
            block = f"- {change.action} {code(str(change.ref))}"
            left_out += 1
        if used + len(block) <= MARKDOWN_LIMIT:
            parts.append(block)
            used += len(block) + 2
    if left_out:
        parts.append(f"_The details of {left_out} change(s) don't fit into a comment; `portcfg plan` shows them._")
    return "\n\n".join(parts)


def _quoted(what: str, texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """(heading, text) each on a line of its own, as many as a comment has room for."""
    lines = [f"> {heading}{code(shortened(text, MAX_NOTE))}" for heading, text in texts]
    yield from lines[:MAX_TOLD]
    if len(lines) > MAX_TOLD:
        yield f"> and {len(lines) - MAX_TOLD} more {what}: `portcfg plan` shows them"


def _change_markdown(change: Change) -> str:
    block = fenced("\n".join(map(_diff_line, _change_lines(change))), "diff")
    if _open(change):
        return block
    title = f"<code>{_html(_title(change).strip())}</code>"
    return f"<details><summary>{title}</summary>\n\n{block}\n\n</details>"


def _open(change: Change) -> bool:
    """Whether a comment shows a change unfolded, and first: what takes something away, or overrules somebody."""
    conflict = any(field.cause is Cause.CONFLICT for field in change.fields)
    return change.action is Action.DELETE or change.risk == "destructive" or conflict


def _diff_line(line: str) -> str:
    """A line of the plan with its sign first, where GitHub looks for a diff's colour; `!` is its sign for a change."""
    bare = line.lstrip()
    sign, indent = bare[:1], " " * (len(line) - len(bare))
    return f"{'!' if sign == '~' else sign}{indent}{bare[1:]}" if sign in ("+", "-", "~") else line


def _html(text: str) -> str:
    """Text inside HTML; the zero-width space keeps @names and #numbers from becoming mentions and links."""
    escaped = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "ˋ")
    return escaped.replace("@", "@\u200b").replace("#", "#\u200b")
