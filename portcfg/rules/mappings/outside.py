"""PC302: jq that reaches outside its row: the environment, other input, files."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.configs import jq_topic, topic
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """`env`, `$ENV`, `input`, ... in an expression, and Ocean's `exportEnvVariables`."""
    yield from jq_topic("forbidden")(portal)
    yield from topic("environment")(portal)


RULE = Rule("PC302", check)
