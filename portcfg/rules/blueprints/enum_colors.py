"""PC221: a colour for a value that isn't in the enum."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.properties import described
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.unchecked import list_at


def check(portal: Portal) -> Iterator[Found]:
    """Nothing ever has that colour, and a value of the enum has none."""
    for document, path, called, body in described(portal):
        colors = body.get("enumColors")
        if not colors or not isinstance(colors, dict):
            continue
        values = {_key(value) for value in list_at(body, "enum")}
        for name in colors:
            if "enum" not in body:
                message = f"the {called} has a colour for {name!r} and no enum"
                yield Found(document, (*path, "enumColors", name), message, "list the values in `enum`")
            elif name not in values:
                message = f"the {called} has a colour for {name!r}, which is not in its enum"
                yield Found(document, (*path, "enumColors", name), message, meant(name, sorted(values), "values"))


def _key(value: object) -> str:
    """A value as the key that stands for it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


RULE = Rule("PC221", check, "warning")
