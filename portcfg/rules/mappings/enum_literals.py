"""PC326: constants that aren't among the values that the property allows."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.configs import gently
from portcfg.rules.mappings.literals import constants
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Any of the texts that the expression can give."""
    for each, field, given in constants(portal):
        body = (field.body.get("items") or {}) if field.type == "array" else field.body
        allowed = body.get("enum")
        wrong = sorted(given.texts or ()) if isinstance(allowed, list) else []
        for text in wrong:
            if text not in (allowed or ()):
                message = f"{text!r} isn't one of the values of {field.name!r}"
                yield each.written.found(message, meant(text, map(str, allowed or ()), "values"))


RULE = Rule("PC326", gently(check))
