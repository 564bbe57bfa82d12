"""PC226: a pattern that isn't a regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portcfg.rules.blueprints.properties import described
from portcfg.rules.inside import place_inside
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# What is wrong to JavaScript, whose expressions these are, as it is to Python.
COMMON = (
    *("missing ), unterminated subpattern", "unbalanced parenthesis", "unterminated character set"),
    *("nothing to repeat", "min repeat greater than max repeat", "bad escape (end of pattern)"),
)
GROUP = re.compile(r"\(\?<(?![=!])")
# An empty class, or one of everything, which Python doesn't know.
EMPTY_CLASS = re.compile(r"\[\^?\]")


def check(portal: Portal) -> Iterator[Found]:
    """Only what is wrong for certain: the two languages differ in a few things."""
    for document, path, called, body in described(portal):
        pattern = body.get("pattern")
        if isinstance(pattern, str) and (error := _error(pattern)):
            message = f"the pattern of the {called} is no regular expression: {error.msg}"
            place = (*path, "pattern")
            inside = place_inside(document, place, pattern, error.pos or 0, portal.texts)
            yield Found(document, place, message, "escape signs that stand for themselves: `\\(`", inside)


def _error(pattern: str) -> re.error | None:
    if EMPTY_CLASS.search(pattern):
        return None
    try:
        re.compile(GROUP.sub("(?P<", pattern))
    except re.error as error:
        return error if error.msg.startswith(COMMON) else None
    return None


RULE = Rule("PC226", check)
