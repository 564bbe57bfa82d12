"""PC420: a widget of a type that Port isn't known to have."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds.widgets import SHORT_TYPES
from portcfg.rules.dashboards.widget_keys import TYPES, raw_widgets
from portcfg.rules.nearest import nearest
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """A warning, since Port gets new ones. The short form's types stand by key, at the top."""
    for raw in raw_widgets(portal):
        if raw.type not in TYPES and raw.type != "line":
            path = (*raw.path, "type")
            message = f"{raw.type!r} is no widget type of Port's that portcfg knows"
            if raw.type in SHORT_TYPES:
                hint = "the short form's types stand in `widgets` by key, and not in a list"
            else:
                guess = nearest(raw.type, (*TYPES, *(SHORT_TYPES if len(raw.path) == 2 else ())))
                hint = f"did you mean {guess!r}?" if guess else "if Port has it, ignore this"
            yield Found(raw.document, path, message, hint)
        elif raw.type == "line" and len(raw.path) == 2:
            hint = "the short form's types stand in `widgets` by key, and not in a list"
            yield Found(raw.document, (*raw.path, "type"), "'line' is no widget type of Port's", hint)


RULE = Rule("PC420", check, "warning")
