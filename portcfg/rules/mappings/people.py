"""PC314: addresses that apply would put into Port, although people are under pseudonyms."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.written import config_of
from portcfg.sync.privacy import privacy_problems


def check(portal: Portal) -> Iterator[Found]:
    """What the mapping itself holds: the project's variables don't go to Port with it."""
    for document in portal.of_kind("mapping"):
        prefix, config = config_of(document)
        for path, message, hint in privacy_problems(config):
            yield Found(document, (*prefix, *path), message, hint)


RULE = Rule("PC314", check)
