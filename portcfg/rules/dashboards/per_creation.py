"""PC417: an average by time that goes by when entities were written."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.uses import NUMBER, charted
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Without `measureTimeBy` Port goes by $createdAt; where a mapping writes a date of its own, that was meant."""
    dated = {each.blueprint for each in portal.written if each.section == "properties"}
    for widget, series, shape in charted(portal):
        per = series.body.get("averageOf")
        if widget.type != NUMBER or per in (None, "total") or series.function != "average":
            continue
        dates = [name for name, each in shape.fields.items() if each.is_date and each.section == "property"]
        if "measureTimeBy" not in series.body and dates and series.blueprint in dated:
            path = (*widget.path, "per" if widget.is_short else "averageOf")
            message = f"the average per {per} goes by $createdAt, which is when a mapping wrote the entity first"
            key = "by" if widget.is_short else "measureTimeBy"
            yield Found(widget.document, path, message, f"add `{key}: {dates[0]}`")


RULE = Rule("PC417", check, "warning")
