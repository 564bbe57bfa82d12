"""What a mapping makes of a case, by the code of `portcfg sync`: reading, mapping, merging, checks, writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from portcfg.mapping_tests.calculations import Miscalculated, miscalculated
from portcfg.mapping_tests.case import Case
from portcfg.retry import RetryPolicy
from portcfg.sync.offline import OfflinePort, RecordedSource
from portcfg.sync.options import SyncOptions
from portcfg.sync.parse import parse_mapping
from portcfg.sync.report import StreamStatus, SyncReport
from portcfg.sync.run import run_sync
from portcfg.sync.spec import SyncMapping

# Keys of pseudonyms are secrets; that of cases is not, so that everybody's cases give the same.
PSEUDONYM_KEY = "the key of portcfg's mapping tests"
Fields = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Made:
    """What came of a case. `body` is what `expected.yaml` holds: `entities`, as Port has them after the run, by
    blueprint and identifier, `rejected` by cause, and `streams` and `held`, why these were not read and not written.

    `unused` are recorded answers that nobody asked for, `unanswered` requests without one; `asked` are, by blueprint,
    the entities that relations look for. `written` are the fields that the mapping writes, by blueprint.
    `miscalculated` are calculations that don't give what they say of these entities.
    """

    body: Mapping[str, Any]
    unused: Sequence[str] = ()
    unanswered: Sequence[str] = ()
    asked: Mapping[str, set[str]] = field(default_factory=dict)
    written: Fields = field(default_factory=dict)
    miscalculated: Sequence[Miscalculated] = ()


def make(
    case: Case,
    config: Mapping[str, Any],
    variables: Mapping[str, Any],
    blueprints: Sequence[Mapping[str, Any]],
    full: bool = False,
) -> Made:
    """Run a case. `config` is its mapping, `blueprints` are those of the specs; with `full` Port has every entity that
    relations look for. Raises PortcfgError where nothing could be begun."""
    mapping = parse_mapping(config, variables)
    # Deletions go by what else is in Port, and a run's record is no entity of the mapping.
    mapping = replace(mapping, retention={}, prune={}, record_run=False)
    source = RecordedSource(mapping.source, case.answers)
    port = OfflinePort(blueprints, case.port, full)
    first, last = case.days or (None, None)
    retry = RetryPolicy(attempts=1, sleep=lambda _: None, monotonic=lambda: 0.0, wall=lambda: case.now)
    options = SyncOptions(first, last, now=case.now, run="test", retry=retry, parallelism=1)
    env = {mapping.privacy.key_env: PSEUDONYM_KEY} if mapping.privacy else {}
    report = run_sync(mapping, env, port, options, source=source)
    entities = _entities(report, port)
    body = {"entities": entities, **_rest(report)}
    wrong = tuple(miscalculated(blueprints, entities))
    return Made(body, source.unused, source.unanswered, port.asked, written_fields(mapping), wrong)


def _entities(report: SyncReport, port: OfflinePort) -> dict[str, Any]:
    """What Port has after the run, of the blueprints that the mapping writes."""
    found = {item.blueprint: port.after(item.blueprint) for item in report.blueprints}
    return {
        name: {identifier: _plain(held[identifier]) for identifier in sorted(held)}
        for name, held in sorted(found.items())
        if held
    }


def _plain(entity: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entity.items() if name != "identifier"}


def _rest(report: SyncReport) -> dict[str, Any]:
    """What of a run is no entity; without what there is none of."""
    rejected = [
        {
            "where": group.where,
            **({"blueprint": group.blueprint} if group.blueprint else {}),
            **({"about": group.about} if group.about else {}),
            "count": group.count,
            **({"identifier": group.examples[0].identifier} if group.examples[0].identifier else {}),
            "reason": group.examples[0].reason,
        }
        for group in sorted(report.rejected, key=lambda item: (item.where, item.blueprint, item.about))
    ]
    unread = (item for item in report.streams if item.status is not StreamStatus.READ)
    parts = {
        "rejected": rejected,
        "streams": {item.name: f"{item.status}: {item.message}" for item in unread},
        "held": {item.blueprint: item.held for item in report.blueprints if item.held},
    }
    return {name: value for name, value in parts.items() if value}


def written_fields(mapping: SyncMapping) -> Fields:
    """The properties and relations that a mapping writes, by blueprint, as far as the blueprint is a constant."""
    found: dict[str, dict[str, None]] = {}
    for resource in mapping.resources:
        if resource.blueprint:
            names = (*resource.entity.properties, *resource.entity.relations, *mapping.fill.get(resource.blueprint, ()))
            found.setdefault(resource.blueprint, {}).update(dict.fromkeys(names))
    return {name: tuple(fields) for name, fields in found.items()}
