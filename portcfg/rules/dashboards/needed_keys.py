"""PC421: a widget in Port's own form that lacks what Port needs for it."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.widget_keys import LINE, NEEDS, TYPES, Raw, raw_widgets
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """What a type needs always, and what it needs by the value of another key."""
    for raw in raw_widgets(portal):
        for key, why in _missing(raw).items():
            yield Found(raw.document, raw.path, f"the key `{key}` is missing", f"{why} needs it")


def _missing(raw: Raw) -> dict[str, str]:
    """The keys that aren't there, each with what needs it."""
    keys = LINE if raw.type == "line" else TYPES.get(raw.type)
    needed = dict.fromkeys(keys.required, f"`type: {raw.type}`" if raw.type != "line" else "a line") if keys else {}
    for (name, value), then in NEEDS.get(raw.type, {}).items():
        if raw.body.get(name) == value:
            needed |= dict.fromkeys(then, f"`{name}: {value}`")
    if raw.type == "markdown" and raw.body.get("source") != "property":
        needed["markdown"] = "a text"
    return {key: why for key, why in needed.items() if key not in raw.body}


RULE = Rule("PC421", check)
