"""PC227: a format that doesn't go with the type."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.properties import described
from portcfg.rules.blueprints.ways import CALCULATIONS, members
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# Formats of text (port-api.md §2.1); the others may be of more than one type.
TEXTS = frozenset({"date-time", "url", "email", "idn-email", "ipv4", "ipv6", "markdown", "user", "team", "timer"})
NO_TEXT = ("number", "boolean", "array", "object")


def check(portal: Portal) -> Iterator[Found]:
    """Port's pages show the value as its type alone, and no widget takes it for a date or a person."""
    for document, path, called, body in described(portal):
        if finding := _wrong(called, body.get("type"), body.get("format")):
            yield Found(document, (*path, "format"), *finding)
    for document, name, body in members(portal, CALCULATIONS):
        if finding := _wrong(f"calculation {name!r}", body["type"], body.get("format")):
            yield Found(document, (*CALCULATIONS, name, "format"), *finding)


def _wrong(called: str, type_: object, format_: object) -> tuple[str, str] | None:
    if format_ not in TEXTS or type_ not in NO_TEXT:
        return None
    message = f"the {called} is of type {type_}, and {format_} is a format of text"
    return message, "give the format to `items`" if type_ == "array" else "write `type: string`, or remove the format"


RULE = Rule("PC227", check, "warning")
