"""PC315: retention and pruning by which nobody could tell what may go."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.configs import topic
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.written import config_of, runs_here
from portcfg.sync.deletion_checks import date_problems


def check(portal: Portal) -> Iterator[Found]:
    """What the mapping alone shows, and days by a property that its blueprint says is no date-time."""
    yield from topic("deletion")(portal)
    bodies = {name: document.body for name, document in portal.blueprints.items()}
    schemas = {name: (body.get("schema") or {}).get("properties", {}) for name, body in bodies.items()}
    for document in filter(runs_here, portal.of_kind("mapping")):
        prefix, config = config_of(document)
        for path, message, hint in date_problems(config, schemas):
            yield Found(document, (*prefix, *path), message, hint)


RULE = Rule("PC315", check)
