"""What a run is to do: which days, which streams, and which share of them where several jobs do the whole at once.

Slices never write the same entity: each has days of its own, and what doesn't depend on the days is the first one's.
With some of the streams only, what the others say too is left as it is in Port.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from portcfg.errors import UsageError
from portcfg.sync.coverage import Known, due_days, every_day, missing_days, parts
from portcfg.sync.parts import dated_part, undated_streams
from portcfg.sync.spec import SyncMapping, SyncResource
from portcfg.sync.windows import DEFAULT_DAYS, DayRange

PART_DAYS = 31


@dataclass(frozen=True)
class Slice:
    """The `number`th of `of` equal shares of a range of days."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def days(self, span: DayRange) -> DayRange | None:
        """Its days, one after the other; None where there are more slices than days."""
        size = -(-span.days // self.of)
        first = span.first + timedelta(days=size * (self.number - 1))
        return DayRange(first, min(first + timedelta(days=size - 1), span.last)) if first <= span.last else None


def default_days(mapping: SyncMapping) -> int:
    """How many days a run covers when nobody says: the longest window of the mapping's streams."""
    return max((stream.window.days for stream in mapping.streams.values() if stream.window), default=DEFAULT_DAYS)


def days_to_read(mapping: SyncMapping, span: DayRange, known: Known, asked: bool, missing_only: bool) -> list[DayRange]:
    """The parts of a run: of `span` where days were `asked` for, and one where no stream knows its rows' days."""
    if not known:
        return [span]
    if not asked:
        days = due_days(known, span.last, mapping.settle_days) or every_day(span)
    else:
        days = missing_days(known, span) if missing_only else every_day(span)
    return parts(days, part_days(mapping))


def part_days(mapping: SyncMapping) -> int:
    """The most days of a part."""
    return min(default_days(mapping), PART_DAYS)


def shared(
    mapping: SyncMapping, streams: Collection[str], share: Slice | None, whole: DayRange, agreed: bool
) -> tuple[SyncMapping, DayRange | None]:
    """A run's share of the mapping and of the days; raises UsageError where it can't be shared so.

    `agreed` says that `whole` is the same for all jobs, whenever they begin.
    """
    mapping = of_streams(mapping, streams) if streams else mapping
    if share is None:
        return mapping, whole
    if not agreed:
        raise UsageError("the jobs of a sliced run must agree on its days", "give --since and --until")
    return sliced(mapping, share), share.days(whole)


def parse_slice(text: str) -> Slice:
    """`2/4`; raises UsageError for what isn't a slice."""
    found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
    if not found or int(found[1]) > int(found[2]):
        raise UsageError(f"{text!r} is no slice", "the second of four is --slice 2/4; 9,999 are the most")
    return Slice(int(found[1]), int(found[2]))


def sliced(mapping: SyncMapping, share: Slice) -> SyncMapping:
    """The mapping for one slice, with its part of the source's rate limits. Raises UsageError where days don't divide
    the entities, and for more slices than the source lets requests through in a minute."""
    undated = undated_streams(mapping)
    by_day = {item.blueprint for item in mapping.resources if item.stream not in undated}
    both = sorted({item.blueprint or "any" for item in mapping.resources if item.stream in undated} & by_day)
    if not by_day:
        raise UsageError("no stream has a `window`, so there are no days to slice")
    if both:
        raise UsageError(f"{both[0]} is fed by streams with days and without, so that slices would write it together")
    limits = mapping.source.rate_limits
    if any(limit < share.of for limit in limits.values()):
        most = min(limits.values())
        raise UsageError(f"the source takes {most} requests a minute, so that there are at most {most} slices")
    source = replace(mapping.source, rate_limits={name: limit // share.of for name, limit in limits.items()})
    return replace(mapping if share.number == 1 else dated_part(mapping), source=source)


def of_streams(mapping: SyncMapping, names: Collection[str]) -> SyncMapping:
    """The mapping with only the resources of these streams, less what is a sum or choice of theirs and others' values.

    Raises UsageError for a stream that feeds nothing.
    """
    known = {item.stream for item in mapping.resources}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no resource reads a stream {unknown[0]!r}", f"there are: {', '.join(sorted(known))}")
    left_out = tuple(item for item in mapping.resources if item.stream not in names)
    kept = [item for item in mapping.resources if item.stream in names]
    short = [_without(item, set(_merged_with(item, left_out, mapping))) for item in kept]
    unfinished = {item.stream for item, less in zip(kept, short, strict=True) if item != less}
    return replace(mapping, resources=tuple(short), left_out=left_out, unfinished=frozenset(unfinished))


def share_notices(mapping: SyncMapping) -> list[str]:
    """What a person should know of a run with some of the streams only."""
    if not mapping.unfinished:
        return []
    others = ", ".join(sorted({item.stream for item in mapping.left_out}))
    return [
        f"what {', '.join(sorted(mapping.unfinished))} and {others} say together stays as it is in Port, and these "
        "days aren't recorded: a run with all of the streams reads them again"
    ]


def _merged_with(resource: SyncResource, others: Sequence[SyncResource], mapping: SyncMapping) -> Iterator[str]:
    """The properties and relations that one of the others writes, too, and of which a rule makes one value."""
    for other in others:
        if resource.blueprint and other.blueprint not in ("", resource.blueprint):
            continue
        rules = {name for fields in mapping.merge.values() for name in fields}
        if resource.blueprint:
            rules = set(mapping.merge.get(resource.blueprint, ()))
        written = {*other.entity.properties, *other.entity.relations}
        yield from written if mapping.last_wins else written & rules


def _without(resource: SyncResource, names: Collection[str]) -> SyncResource:
    entity = resource.entity
    properties = {name: text for name, text in entity.properties.items() if name not in names}
    relations = {name: text for name, text in entity.relations.items() if name not in names}
    return replace(resource, entity=replace(entity, properties=properties, relations=relations))
