"""A run in parts: each reads, writes and records its days before the next begins, so that memory is bounded by a part
and a run that is cut off has only its last part to do again. The reports of the parts add up to one."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from portcfg.errors import PortcfgError
from portcfg.sync.collecting import rare_collections
from portcfg.sync.report import (
    BlueprintReport,
    DayTotals,
    Progress,
    ResourceReport,
    StreamReport,
    StreamStatus,
    SyncReport,
)
from portcfg.sync.spec import SyncMapping
from portcfg.sync.windows import DayRange

RunPart = Callable[[SyncMapping, DayRange], SyncReport]
Tell = Callable[[Progress], None]
# What tells which thing a report is on.
ABOUT: Mapping[type, tuple[str, ...]] = {
    StreamReport: ("name",),
    ResourceReport: ("resource",),
    BlueprintReport: ("blueprint",),
    DayTotals: ("blueprint", "day"),
}
# What a part says of the whole run so far.
LATEST = frozenset({"last_day", "rejected", "quarantine", "kept_rejects", "kept_for_sync"})
_COUNTED = re.compile(r"(?P<text>.*) \((?P<count>\d+)\)", re.DOTALL)
WORST_FIRST = (StreamStatus.FAILED, StreamStatus.READ, StreamStatus.NOT_IN_PLAN)


def undated_streams(mapping: SyncMapping) -> frozenset[str]:
    """The streams that don't depend on the days, and so are the same in every part."""
    return frozenset(name for name, stream in mapping.streams.items() if stream.window is None)


def dated_part(mapping: SyncMapping) -> SyncMapping:
    """The mapping for all parts but the first: without blueprints that only streams without days feed."""
    undated = undated_streams(mapping)
    dated = {item.blueprint for item in mapping.resources if item.stream not in undated}
    keep = [item for item in mapping.resources if item.blueprint in dated or not item.blueprint or "" in dated]
    dropped = [item for item in mapping.resources if item not in keep]
    return replace(mapping, resources=tuple(keep), left_out=(*mapping.left_out, *dropped))


@rare_collections()
def run_parts(mapping: SyncMapping, todo: Sequence[DayRange], run: RunPart, tell: Tell) -> SyncReport:
    """Run every part, until one of which nothing came. An error of any part but the first is told in the report."""
    undated = undated_streams(mapping)
    reports: list[SyncReport] = []
    for number, days in enumerate(todo, 1):
        if len(todo) > 1:
            tell(Progress("part", f"{days.first} to {days.last}", number, len(todo)))
        try:
            reports.append(run(dated_part(mapping) if reports else mapping, days))
        except PortcfgError as error:
            if not reports:
                raise
            return _stopped(_whole(reports, undated), days, error, undated)
        if number < len(todo) and _is_hopeless(reports[-1], undated):
            done = _whole(reports, undated)
            return replace(done, notices=(*done.notices, f"the days after {days.last} were not tried any more"))
    return _whole(reports, undated)


def _is_hopeless(report: SyncReport, undated: Collection[str]) -> bool:
    """Whether nothing came of a part, so that the next one would fare no better."""
    dated = [item for item in report.streams if item.name not in undated]
    failed = dated and not any(item.status is StreamStatus.READ for item in dated)
    held = report.blueprints and all(item.held for item in report.blueprints)
    return bool(failed or held)


def _whole(reports: Sequence[SyncReport], undated: Collection[str]) -> SyncReport:
    """One report of the parts of a run; `undated` streams were read once, and are counted once."""
    done = reports[0]
    for report in reports[1:]:
        done = _sum(done, replace(report, streams=tuple(s for s in report.streams if s.name not in undated)))
    return done


def _stopped(report: SyncReport, days: DayRange, error: PortcfgError, undated: Collection[str]) -> SyncReport:
    """The report of a run that an error ended before its part of `days`."""
    message = f"not read from {days.first} on: {error.message}"
    streams = (item if item.name in undated else _failed(item, message) for item in report.streams)
    return replace(report, streams=tuple(streams))


def _failed(item: StreamReport, message: str) -> StreamReport:
    return replace(item, status=StreamStatus.FAILED, message=item.message or message)


def _sum(first: Any, second: Any) -> Any:
    """Two dataclasses of one type as one: numbers and mappings add up, of texts the first that isn't empty counts."""
    pairs = {field.name: (getattr(first, field.name), getattr(second, field.name)) for field in fields(first)}
    return replace(first, **{name: b if name in LATEST else _added(a, b) for name, (a, b) in pairs.items()})


def _added(first: Any, second: Any) -> Any:
    if isinstance(first, StreamStatus):
        return min(first, second, key=WORST_FIRST.index)
    if first is None or second is None:
        return second if first is None else first
    if isinstance(first, bool | str):
        return first or second
    if is_dataclass(first):
        return _sum(first, second)
    if isinstance(first, Mapping):
        return {key: _added(first.get(key), second.get(key)) for key in {**first, **second}}
    if isinstance(first, tuple) and all(isinstance(item, str) for item in (*first, *second)):
        return tuple(_notices([*first, *second]))
    if isinstance(first, tuple):
        return tuple(_joined([*first, *second]))
    return first + second


def _notices(texts: Iterable[str]) -> Iterator[str]:
    """Each once; of those that end with a number in brackets, their sum."""
    found: dict[str, int] = {}
    for text in texts:
        counted = _COUNTED.fullmatch(text)
        name = counted["text"] if counted else text
        found[name] = found.get(name, 0) + (int(counted["count"]) if counted else 0)
    return (f"{text} ({count})" if count else text for text, count in found.items())


def _joined(items: Iterable[Any]) -> list[Any]:
    """Reports on one thing added up; of other items each once."""
    found: dict[Any, Any] = {}
    for item in items:
        about = tuple(getattr(item, name) for name in ABOUT.get(type(item), ()))
        key = about or item
        found[key] = _sum(found[key], item) if about and key in found else item
    return list(found.values())
