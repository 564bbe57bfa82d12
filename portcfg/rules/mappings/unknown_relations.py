"""PC341: relations that the blueprint doesn't have."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.unknown_names import unknown
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """What mappings write, and what `merge` and `missing_relations` name.

    A warning: a blueprint lacks a relation where Port lacks its target (`missing: skip`), and the sync does without.
    """
    return unknown(portal, "relations")


RULE = Rule("PC341", check, "warning")
