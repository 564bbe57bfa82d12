"""PC329: several results where one is taken."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.reads import several
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.sync.jq_checks import parsed


def check(portal: Portal) -> Iterator[Found]:
    """A `select` may leave one of them, so that only what nothing chooses from is told."""
    for each in portal.inferred:
        tree = parsed(each.text) if each.text else None
        if tree and several(tree):
            message = "this gives several results, of which only the first is taken"
            hint = "`[...]` makes a list of them, `first(...)` says that the first is meant"
            yield each.written.found(message, hint)


RULE = Rule("PC329", check, "warning")
