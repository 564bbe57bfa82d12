"""PC332: one identifier for all rows."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.reads import paths
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.sync.jq_checks import parsed
from portcfg.sync.jq_names import names_of
from portcfg.sync.jq_tree import UnsupportedError


def check(portal: Portal) -> Iterator[Found]:
    """Identifiers that read nothing of the row."""
    for each in portal.inferred:
        tree = parsed(each.text) if each.written.section == "identifier" and each.text else None
        if tree is None or any(True for _ in paths(tree)):
            continue
        try:
            variables, calls = names_of(tree)
        except UnsupportedError:
            continue
        if not calls and "lookup" not in variables and "window" not in variables:
            message = "every row has the same identifier, so that all are one entity, which the last row overwrites"
            yield each.written.found(message, "add what tells rows apart, such as `.id`")


RULE = Rule("PC332", check, "warning")
