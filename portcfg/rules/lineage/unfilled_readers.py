"""PC502: what shows or computes something of what nothing fills."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Document
from portcfg.rules.lineage.known import fill_hint, unfilled
from portcfg.rules.nearest import listed
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.shown import Widget

# So many of the other widgets a message names.
NAMED = 3
# What Port computes of other blueprints' entities.
ACROSS = ("aggregation", "mirror")


def check(portal: Portal) -> Iterator[Found]:
    """Of widgets once for each such blueprint of a dashboard, at the first one that shows it."""
    hint, empty = fill_hint(portal), unfilled(portal)
    shown: dict[tuple[int, str], list[Widget]] = {}
    for widget in portal.widgets:
        for blueprint in dict.fromkeys(series.blueprint for series in widget.series if series.blueprint in empty):
            shown.setdefault((id(widget.document), blueprint), []).append(widget)
    for (_, blueprint), (first, *others) in shown.items():
        yield Found(first.document, first.path, _message(first, others, blueprint), hint)
    for blueprint in empty:
        links = dict.fromkeys(link for part in portal.lineage[blueprint].values() for link in part.readers)
        for link in links:
            # What stands on a blueprint that nothing fills itself, nobody misses.
            if link.what in ACROSS and link.who.partition(".")[0] not in empty:
                message = f"the {link} looks at {blueprint!r}, which no mapping fills: it stays empty"
                yield Found(Document("", {}, link.place.file, {}), (), message, hint, link.place)


def _message(first: Widget, others: list[Widget], blueprint: str) -> str:
    title = f"{first.title!r} " if first.title else ""
    message = f"the widget {title}shows {blueprint!r}, which no mapping fills: it stays empty"
    names = [repr(each.title or str(each.path[-1])) for each in others]
    return f"{message}, and so do {listed(names, NAMED)}" if names else message


RULE = Rule("PC502", check, "warning")
