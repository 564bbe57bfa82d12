"""PC502: a widget of what nothing fills."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.lineage.known import unfilled
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.shown import Widget

# So many of the other widgets a message names.
NAMED = 3


def check(portal: Portal) -> Iterator[Found]:
    """Once for each such blueprint of a dashboard, at the first widget that shows it."""
    empty = unfilled(portal)
    shown: dict[tuple[int, str], list[Widget]] = {}
    for widget in portal.widgets:
        for blueprint in dict.fromkeys(series.blueprint for series in widget.series if series.blueprint in empty):
            shown.setdefault((id(widget.document), blueprint), []).append(widget)
    hint = f"write a mapping for it; or say who fills it, in {portal.project.file} under external.writers"
    for (_, blueprint), (first, *others) in shown.items():
        yield Found(first.document, first.path, _message(first, others, blueprint), hint)


def _message(first: Widget, others: list[Widget], blueprint: str) -> str:
    title = f"{first.title!r} " if first.title else ""
    message = f"the widget {title}shows {blueprint!r}, which no mapping fills: it stays empty"
    names = [repr(each.title or str(each.path[-1])) for each in others]
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return f"{message}, and so do {', '.join([*names[:NAMED], *more])}" if names else message


RULE = Rule("PC502", check, "warning")
