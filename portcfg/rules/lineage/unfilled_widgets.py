"""PC502: a widget of what nothing fills."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.lineage.known import unfilled
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Once a widget for each such blueprint that it shows."""
    empty = unfilled(portal)
    for widget in portal.widgets:
        for blueprint in dict.fromkeys(series.blueprint for series in widget.series if series.blueprint in empty):
            title = f"{widget.title!r} " if widget.title else ""
            message = f"the widget {title}shows {blueprint!r}, which no mapping fills: it stays empty"
            hint = f"write a mapping for it; or say who fills it, in {portal.project.file} under external.writers"
            yield Found(widget.document, widget.path, message, hint)


RULE = Rule("PC502", check, "warning")
