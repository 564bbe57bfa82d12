"""PC337: a request's body that is no object."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.jq_rows import variables_of
from portcfg.rules.jq_types import NULL
from portcfg.rules.jq_types_infer import infer
from portcfg.rules.mappings.configs import configs
from portcfg.rules.mappings.endpoints import requests_of
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.sync.jq_text import normalise

_HINT = "such as `{startDate: $window.start_ms, endDate: $window.end_ms}`"


def check(portal: Portal) -> Iterator[Found]:
    """Here a text is jq; Ocean sends it as it is, which a JSON API takes for a string."""
    for config in configs(portal):
        names = variables_of(config.body)
        for request in requests_of(config, portal):
            body = request.said.get("body")
            if not isinstance(body, str) or not body.strip():
                continue
            if not config.runs_here:
                message = "Ocean sends a text as a JSON string, and doesn't evaluate it: no API finds an object there"
                yield Found(config.document, (*request.path, "body"), message, "write the body as an object of YAML")
                continue
            given = infer(normalise(body), NULL, names)
            if given.kinds and given.kinds <= {"string", "number", "boolean", "null"}:
                message = f"the body is {given.named}, not an object"
                yield Found(config.document, (*request.path, "body"), message, _HINT)


RULE = Rule("PC337", check, "warning")
