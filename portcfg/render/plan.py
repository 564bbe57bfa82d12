"""Plan -> text, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from portcfg import __version__
from portcfg.concealed import concealed
from portcfg.kinds import KINDS
from portcfg.model import MISSING, Action, Body, Cause, Change, FieldChange, Plan
from portcfg.render.cycles import cycles_of
from portcfg.render.fields import fields_lines, fit
from portcfg.render.safe import plain, shown

FORMAT = "portcfg/plan/1"
SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.NOOP: " "}
# In the order in which a plan shows them: what could be lost stands first.
HEADINGS = {
    Cause.CONFLICT: "changed in the specs and in Port ({who}); the specs win:",
    Cause.DRIFT: "changed in Port {who}, not in the specs; set back to the specs:",
    Cause.SPEC: "changed in the specs:",
    Cause.SERVER: "filled in by Port itself, and left alone:",
}


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
    source = f"  [{plain(change.file)}]" if change.file else ""
    yield f"{SIGNS[Action.UPDATE if change.move else change.action]} {title(change)}{source}"
    yield from (f"    note: {plain(note)}" for note in change.notes)
    yield from (f"    {impact['risk']}: {plain(impact['reason'])}" for impact in harms(change))
    if change.action is Action.CREATE and not change.move:
        yield from (f"    {line}" for line in contents(change.ref.kind, change.after))
    for heading, fields in by_cause(change):
        yield from ([f"    {heading}"] if heading else [])
        yield from (f"    {line}" for line in fields_lines(fields))


def title(change: Change) -> str:
    """What is done to what, and whether Port has it already or has it no more."""
    what = f"rename {plain(str(change.move.old))} ->" if change.move else change.action
    return f"{what} {plain(str(change.ref))}{state(change)}"


def state(change: Change) -> str:
    """In brackets, whether Port has a resource that isn't managed yet, or has it no more."""
    adopted = " (exists in Port, will be managed from now on)" if change.adopted and change.before else ""
    deleted = f" ({plain(change.drifted)})" if change.action is Action.CREATE and change.drifted else ""
    return f"{adopted}{deleted}"


def harms(change: Change) -> list[Mapping[str, Any]]:
    """What a change does to entities, breaks or destroys, the worst first."""
    told = (impact for impact in change.impacts if impact["risk"] != "safe" or impact["entities"] != 0)
    return sorted(told, key=lambda each: -_grade(each))


def _grade(impact: Mapping[str, Any]) -> int:
    return ("safe", "breaking", "destructive").index(impact["risk"])


def by_cause(change: Change) -> Iterator[tuple[str, list[FieldChange]]]:
    """The fields that differ under who made them differ; no heading where all is the specs' doing."""
    for cause, heading in HEADINGS.items():
        fields = [field for field in change.fields if field.cause is cause]
        if fields:
            said = all(field.cause is Cause.SPEC for field in change.fields)
            yield "" if said else heading.format(who=plain(change.drifted)), fields


def contents(kind: str, body: Body | None) -> Iterator[str]:
    """What a resource consists of: its title, and its parts by name."""
    body = body or {}
    if body.get("title"):
        yield f"title: {shown(concealed(body['title']))}"
    for name, keys in KINDS[kind].parts(body):
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
