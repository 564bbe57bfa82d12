"""Mappings as the sync's own checks take them, whichever form their spec has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portcfg.model import Document, Path
from portcfg.rules.inside import place_inside
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found
from portcfg.rules.written import config_of, runs_here
from portcfg.sync.checks import mistakes, topic_problems

Check = Callable[[Portal], Iterator[Found]]


@dataclass(frozen=True)
class Config:
    """One mapping: its `body`, with the project's variables in `vars`, stands at `prefix` of the document."""

    document: Document
    prefix: Path
    body: Mapping[str, Any]
    runs_here: bool

    def resources(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """(path, resource), in the order of `row_types`."""
        for index, resource in enumerate(self.body.get("resources") or []):
            yield (*self.prefix, "resources", index), resource

    def selectors(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """(path, selector) of each of them, {} for none."""
        for path, resource in self.resources():
            yield (*path, "selector"), resource.get("selector") or {}


def configs(portal: Portal) -> Iterator[Config]:
    """Every mapping of the right shape."""
    for document in portal.of_kind("mapping"):
        prefix, config = config_of(document)
        here = runs_here(document)
        runner = {} if here else {"runner": "ocean"}
        variables = {**portal.project.variables, **(config.get("vars") or {})}
        yield Config(document, prefix, {**config, **runner, "vars": variables}, here)


def configs_by_document(portal: Portal) -> Mapping[int, Config]:
    """The same by the `id` of their document: a file may have several, and two may have one name."""
    return {id(config.document): config for config in configs(portal)}


def ungrouped(body: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping whose resources see the rows that their groups are made of."""
    resources = [{**each, "selector": {**(each.get("selector") or {})}} for each in body.get("resources") or []]
    for each in resources:
        each["selector"].pop("group_by", None)
    return {**body, "resources": resources}


def topic(*names: str) -> Check:
    """The check of a rule that finds what the sync refuses, by topics of sync.checks."""

    def check(portal: Portal) -> Iterator[Found]:
        for config in configs(portal):
            for name in names:
                for path, message, hint in topic_problems(name, config.body):
                    yield Found(config.document, (*config.prefix, *path), message, hint)

    return check


def gently(check: Check) -> Check:
    """The check of a rule whose errors are warnings where Ocean runs the mapping: what is wrong there may be so since
    long, and shall not keep all else from being planned."""

    def gentle(portal: Portal) -> Iterator[Found]:
        for found in check(portal):
            yield found if runs_here(found.document) or found.severity else replace(found, severity="warning")

    return gentle


def jq_topic(name: str) -> Check:
    """The same for mistakes in jq, whose place is inside their text."""

    def check(portal: Portal) -> Iterator[Found]:
        for config in configs(portal):
            for mistake in mistakes(config.body, name):
                path = (*config.prefix, *mistake.path)
                inside = place_inside(config.document, path, mistake.text, mistake.at, portal.texts)
                yield Found(config.document, path, mistake.message, mistake.hint, inside)

    return check
