"""PC301: what the sync itself refuses before it begins."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Document, Path
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.written import config_of, runs_here
from portcfg.sync.checks import mapping_problems
from portcfg.sync.privacy import privacy_problems


def check(portal: Portal) -> Iterator[Found]:
    """jq that doesn't compile or reads the environment, two writers of one property, unknown streams."""
    for document in portal.of_kind("mapping"):
        for path, message, hint in _findings(portal, document):
            yield Found(document, path, message, hint)


def _findings(portal: Portal, document: Document) -> Iterator[tuple[Path, str, str]]:
    prefix, config = config_of(document)
    runner = {} if runs_here(document) else {"runner": "ocean"}
    body = {**config, **runner, "vars": {**portal.project.variables, **(config.get("vars") or {})}}
    yield from mapping_problems(body, prefix)
    yield from (((*prefix, *path), message, hint) for path, message, hint in privacy_problems(config))


RULE = Rule("PC301", check)
