"""PC325: constants in a date-time property that are none."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.configs import gently
from portcfg.rules.mappings.literals import constants
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.sync.entities import is_date_time


def check(portal: Portal) -> Iterator[Found]:
    """Any of the texts that the expression can give."""
    for each, field, given in constants(portal):
        wrong = sorted(text for text in given.texts or () if not is_date_time(text)) if field.is_date else []
        if wrong:
            message = f"{field.name!r} takes a date-time, and {wrong[0]!r} is none"
            hint = 'such as "2026-03-02T00:00:00Z"; `.date + "T00:00:00Z"` makes one of a day'
            yield each.written.found(message, hint)


RULE = Rule("PC325", gently(check))
