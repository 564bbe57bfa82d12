"""PC335: windows longer than the endpoint answers."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.configs import configs
from portcfg.rules.mappings.endpoints import requests_of
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """`window.days`, for endpoints whose longest range is known."""
    for config in configs(portal):
        for request in requests_of(config, portal):
            window = request.said.get("window") or {}
            days = window.get("days", 0)
            if request.endpoint and 0 < request.endpoint.days < days:
                message = f"`{request.target}` answers at most {request.endpoint.days} days, and the window has {days}"
                hint = f"`days: {request.endpoint.days}`; longer ranges are read window by window"
                yield Found(config.document, (*request.path, "window", "days"), message, hint)


RULE = Rule("PC335", check, "warning")
