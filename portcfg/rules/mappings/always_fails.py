"""PC324: expressions that fail for every row."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.configs import gently
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

_HINT = "make one type of both, such as `(.n | tostring)`; the types are from the stream's `shape`, `rows` and groups"


def check(portal: Portal) -> Iterator[Found]:
    """Two operands that no operator takes, where the expression has no other way out."""
    for each in portal.inferred:
        for clash in each.clashes[:1]:
            yield Found(each.written.document, each.written.path, f"{clash.message}: no row gets through", _HINT)


RULE = Rule("PC324", gently(check))
