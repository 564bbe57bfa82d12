"""PC709: a secret of a form that a vendor gives its own."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.portal import Portal
from portcfg.rules.project.secrets import found_secrets
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Tokens with a known prefix, private keys, logins in URLs, credentials of HTTP."""
    yield from found_secrets(portal, guess=False)


RULE = Rule("PC709", check)
"""An error: with the next apply it would be in Port, too."""
