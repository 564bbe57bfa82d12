"""PC422: a key that Port's widgets of this type don't have."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.widget_keys import LINE, TYPES, raw_widgets
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """A warning, since Port gets new ones; of some types not all keys are published."""
    for raw in raw_widgets(portal):
        keys = LINE if raw.type == "line" else TYPES.get(raw.type)
        if keys is None or keys.optional is None:
            continue
        known = keys.known if raw.type != "line" else (*keys.required, *keys.optional)
        for key in raw.body:
            if key not in known:
                message = f"Port's {raw.type} has no key `{key}`"
                yield Found(raw.document, (*raw.path, key), message, meant(key, known, "keys"))


RULE = Rule("PC422", check, "warning")
