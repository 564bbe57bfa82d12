"""PC202: `required` names what is no property."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port refuses such a schema."""
    for document in portal.of_kind("blueprint"):
        schema = document.body.get("schema") or {"properties": {}}
        properties = schema["properties"]
        for index, name in enumerate(schema.get("required") or []):
            if name not in properties:
                hint = f"the properties are: {', '.join(properties) or 'none'}"
                message = f"required names {name!r}, which is no property"
                yield Found(document, ("schema", "required", index), message, hint)


RULE = Rule("PC202", check)
