"""PC339: a condition that no row meets."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.conditions import queries
from portcfg.rules.mappings.configs import configs
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """`selector.query: 'false'`."""
    for config in configs(portal):
        for path, query in queries(config):
            if str(query).strip().lower() == "false":
                message = "`query` is false for every row, so that this resource writes nothing"
                yield Found(config.document, path, message, "take the resource out, or say which rows are meant")


RULE = Rule("PC339", check, "warning")
