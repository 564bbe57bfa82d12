"""PC424: a widget for an action that isn't there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.model import Path
from portcfg.rules.dashboards.widget_keys import Raw, raw_widgets
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.unchecked import list_at, mapping_at


def check(portal: Portal) -> Iterator[Found]:
    """Actions aren't in specs, so they are known only where the project lists them all under `external.actions`."""
    known = portal.project.actions
    for raw in raw_widgets(portal) if known is not None else ():
        for path, name in _named(raw):
            if isinstance(name, str) and name not in (known or ()) and "{{" not in name:
                message = f"there is no action {name!r} in {portal.project.file} under external.actions"
                yield Found(raw.document, (*raw.path, *path), message, meant(name, known or (), "actions"))


def _named(raw: Raw) -> Iterator[tuple[Path, Any]]:
    """(path, action) of what a widget shows or starts."""
    if raw.type == "action-card-widget":
        for index, each in enumerate(list_at(raw.body, "actions")):
            yield ("actions", index, "action"), each.get("action") if isinstance(each, dict) else None
    elif raw.type == "action-runs-table-widget":
        yield ("action",), raw.body.get("action")
    elif raw.type == "runs-table":
        yield ("query", "action"), mapping_at(raw.body, "query").get("action")


RULE = Rule("PC424", check, "warning")
