"""The plans of several environments side by side -> text, JSON, markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tabulate import tabulate

from portcfg.model import Action, Change, Plan, Ref
from portcfg.render.blocks import details
from portcfg.render.budget import BETWEEN, middle_cut, size, widest
from portcfg.render.comment import LIMIT, MAX_NAME, plan_markdown
from portcfg.render.plan import headline, plan_json, plan_text
from portcfg.render.safe import code, plain

FORMAT = "portcfg/plans/1"
# Bytes in which a plan can be told.
LEAST_SHARE = 8_000


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
    """The plan of each environment, and folded below them the table, all in one comment.

    The table is left out where they need the room, then the plans are cut, each to the same size; of more environments
    than that leaves any room, only the headlines are told.
    """
    table = details("The environments side by side", _table(plans, markdown=True))
    kept = [table] if size(table) <= LIMIT // 4 else []
    room = LIMIT - sum(map(size, kept))
    whole = [plan_markdown(plan) for plan in plans]
    share = widest(map(size, whole), room)
    if share < LEAST_SHARE and sum(map(size, whole)) > room:
        return "\n".join(f"- {code(middle_cut(plain(plan.environment), MAX_NAME))}: {headline(plan)}" for plan in plans)
    both = zip(plans, whole, strict=True)
    cut = [plan_markdown(plan, share - BETWEEN) if size(text) > share else text for plan, text in both]
    return "\n\n".join([*cut, *kept])
