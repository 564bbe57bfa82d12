"""What is wrong with a mapping, by topic, as far as neither the source nor Port is needed to see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portcfg.model import Path
from portcfg.sync import (
    aliases,
    deletion_checks,
    group_checks,
    jq_checks,
    ocean_checks,
    stream_checks,
    variable_checks,
    writer_checks,
)
from portcfg.sync.findings import Finding, as_list, as_mapping

Check = Callable[[Mapping[str, Any]], Iterator[Finding]]


@dataclass(frozen=True)
class Topic:
    """One thing that can be wrong. `anywhere`: also where another program than portcfg runs the mapping."""

    check: Check
    anywhere: bool = False


def _jq(topic: str) -> Check:
    def check(body: Mapping[str, Any]) -> Iterator[Finding]:
        return (mistake.finding for mistake in mistakes(body, topic))

    return check


TOPICS: Mapping[str, Topic] = {
    "reserved": Topic(jq_checks.reserved_variables, anywhere=True),
    "unset": Topic(_jq("unset"), anywhere=True),
    "jq": Topic(_jq("jq"), anywhere=True),
    "forbidden": Topic(_jq("forbidden"), anywhere=True),
    "variables": Topic(variable_checks.unfit_variables),
    "streams": Topic(stream_checks.unknown_streams),
    "lookups": Topic(jq_checks.lookup_problems),
    "path parameters": Topic(ocean_checks.path_parameters),
    "environment": Topic(ocean_checks.environment_read),
    "aggregators": Topic(group_checks.aggregator_problems),
    "days": Topic(stream_checks.windows_without_day),
    "groups": Topic(stream_checks.groups_of_several_days),
    "two writers": Topic(writer_checks.two_writers),
    "report": Topic(writer_checks.unknown_report),
    "deletion": Topic(deletion_checks.deletion_problems),
    "aliases": Topic(lambda body: aliases.alias_problems(body, as_mapping(body.get("vars")))),
}


def mapping_problems(body: Any, path_prefix: Path = ()) -> Iterator[Finding]:
    """(path, message, hint) for each finding of every topic.

    `body` is a mapping file's content: an object, or a bare list of resources (then paths begin with an index). Shapes
    that the JSON Schema refuses are passed over, since they are reported there.
    """
    whole = body if isinstance(body, Mapping) else {"resources": as_list(body)}
    for topic in TOPICS:
        for path, message, hint in topic_problems(topic, whole):
            yield (*path_prefix, *(path if isinstance(body, Mapping) else path[1:])), message, hint


def topic_problems(topic: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """The findings of one topic, a key of TOPICS."""
    if TOPICS[topic].anywhere or _runs_here(body):
        yield from TOPICS[topic].check(body)


def mistakes(body: Mapping[str, Any], topic: str) -> Iterator[jq_checks.Mistake]:
    """Mistakes in jq of one topic ("jq", "forbidden", "unset"), each with its place in the text."""
    found = jq_checks.jq_mistakes(body, _runs_here(body))
    return (mistake for mistake in found if mistake.topic == topic)


def _runs_here(body: Mapping[str, Any]) -> bool:
    return bool(body.get("runner", "portcfg") == "portcfg")
