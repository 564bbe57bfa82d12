"""PC710: a random text behind a key that speaks of a secret."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.portal import Portal
from portcfg.rules.project.secrets import found_secrets
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Where the name of an environment variable is due, too: the key itself may be given by mistake."""
    yield from found_secrets(portal, guess=True)


RULE = Rule("PC710", check, "warning")
