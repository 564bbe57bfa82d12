"""PC334: characters in an identifier that Port refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.sync.jq_checks import parsed
from portcfg.sync.jq_tree import Binary, Literal, Text

# port-api.md §3.1. Letters of any alphabet are allowed.
_ALLOWED = re.compile(r"[\w@.+:\\/='-]*")


def check(portal: Portal) -> Iterator[Found]:
    """Literal parts alone, where Ocean makes the entities: portcfg replaces such characters."""
    for each in portal.inferred:
        written = each.written
        if written.section == "identifier" and not written.runs_here and each.text:
            for text in _parts(parsed(each.text)):
                if not _ALLOWED.fullmatch(text):
                    wrong = next(character for character in text if not _ALLOWED.fullmatch(character))
                    message = f"the identifier has {wrong!r} in it, which Port refuses"
                    hint = "letters, digits and @ _ . + : \\ / = ' - are allowed; take another separator"
                    yield written.found(message, hint)
                    break


def _parts(node: Any) -> Iterator[str]:
    """The constant texts that become part of the result."""
    match node:
        case Literal(str() as text):
            yield text
        case Binary("+", left, right):
            yield from (text for part in (left, right) for text in _parts(part))
        case Text(parts):
            yield from (text for part in parts if isinstance(part, Literal) for text in _parts(part))


RULE = Rule("PC334", check, "warning")
