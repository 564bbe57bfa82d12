"""The plans of several environments side by side -> text, JSON, markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tabulate import tabulate

from portcfg.model import Action, Change, Plan, Ref
from portcfg.render.plan import headline, plan_json, plan_markdown, plan_text
from portcfg.render.safe import code, plain

FORMAT = "portcfg/plans/1"


def plans_text(plans: Sequence[Plan]) -> str:
    """Each plan under its environment's name, then a table: a row a resource, a column an environment."""
    each = [f"== {plain(plan.environment)} ==\n{plan_text(plan)}" for plan in plans]
    return "\n\n".join([*each, _table(plans)])


def _table(plans: Sequence[Plan], *, markdown: bool = False) -> str:
    shown = code if markdown else plain
    actions = [{change.ref: _action(change) for change in plan.changes if not change.moved_away} for plan in plans]
    refs: list[Ref] = sorted({ref for known in actions for ref in known})
    rows = [[shown(str(ref)), *(_cell(known.get(ref)) for known in actions)] for ref in refs]
    headers = ["resource", *(shown(plan.environment) for plan in plans)]
    return tabulate(rows, headers=headers, tablefmt="github" if markdown else "simple", disable_numparse=True)


def _action(change: Change) -> str:
    return "rename" if change.move else str(change.action)


def _cell(action: str | None) -> str:
    return "not there" if action is None else "unchanged" if action == Action.NOOP else action


def plans_json(plans: Sequence[Plan]) -> str:
    """`{format, plans: [plan]}`."""
    body = {"format": FORMAT, "plans": [json.loads(plan_json(plan)) for plan in plans]}
    return json.dumps(body, indent=2, ensure_ascii=False)


def plans_markdown(plans: Sequence[Plan]) -> str:
    """The table, and for each environment its headline or, where they all fit into a comment, its plan."""
    whole = [f"## {code(plan.environment)}\n\n{plan_markdown(plan)}" for plan in plans]
    short = [f"- {code(plan.environment)}: {headline(plan)}" for plan in plans]
    table = _table(plans, markdown=True)
    return "\n\n".join([table, *(whole if sum(map(len, whole)) + len(table) < 60_000 else short)])
