"""One sync, start to end: read the source, make entities, compare with Port, write what changed, record the days.

Nothing is deleted but by the mapping's `retention` and `prune`. A blueprint that a failed resource writes is held back
as a whole, because each of its entities may lack what that resource would have said; a resource whose stream is not in
the plan says nothing, and the rest goes on. A run that was cut off is finished by the next one: it compares anew and
writes what is still missing. Where streams say which day a row is of, a run reads the days that are missing or may
still change, unless days are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from portcfg.client import PortReader, PortWriter
from portcfg.errors import UsageError
from portcfg.masking import Mask
from portcfg.sync.choice import days_to_read, default_days, part_days, share_notices, shared
from portcfg.sync.coverage import Known, gap_days
from portcfg.sync.days import SYNC_BLUEPRINT, DayBook, read_records
from portcfg.sync.estimate import paced_seconds
from portcfg.sync.examples import check_examples, send_examples
from portcfg.sync.flight import in_turn
from portcfg.sync.options import SyncOptions
from portcfg.sync.partrun import Means, PartRun
from portcfg.sync.parts import run_parts, undated_streams
from portcfg.sync.privacy import pseudonyms_of
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.record import with_record
from portcfg.sync.report import Progress, SyncReport, with_traffic
from portcfg.sync.retention import Deletions, check_dates
from portcfg.sync.source import SourceClient
from portcfg.sync.spec import SyncMapping
from portcfg.sync.targets import check_resources, raise_missing, read_blueprints
from portcfg.sync.valuecount import unusual
from portcfg.sync.windows import DayRange, day_range

__all__ = ["SyncOptions", "run_sync"]

SETTLED = "every one of these days is settled; nothing was read"


def run_sync(
    mapping: SyncMapping,
    source_env: Mapping[str, str],
    port: PortReader,
    options: SyncOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
    source: SourceClient | None = None,
    quarantine: Quarantine | None = None,
    deleted: Quarantine | None = None,
) -> SyncReport:
    """Run the mapping. `source_env` has the values of the environment variables that `source.auth` and `privacy` name.

    `source` takes the place of the HTTP client made of the mapping's `source`; `quarantine` keeps what is rejected,
    `deleted` what is deleted.

    Raises PortcfgError when nothing could be begun: days that make no sense, a missing key, a source that refuses every
    stream, a Port that doesn't give its blueprints, blueprints that don't have what the mapping writes. Everything
    else, a Port that fails later on included, is in the report, whose `exit_code` says how it ended.
    """
    options = options or SyncOptions()
    if not options.dry_run and not isinstance(port, PortWriter):
        raise UsageError("this session with Port can only read; a sync that writes needs a PortWriter")
    check_examples(mapping, options.send_examples, options.dry_run)
    if options.missing_only and not options.asks_for_days:
        raise UsageError("a run that was asked for no days reads what is missing anyway", "give --since, too")
    pseudonyms = pseudonyms_of(mapping.privacy, source_env)
    whole = day_range(options.now, options.first_day, options.last_day, options.days, default_days(mapping))
    mapping, span = shared(mapping, options.streams, options.slice, whole, options.fixes_days)
    if span is None:
        return _nothing_to_do(mapping, options, whole, "there are more slices than days; this one has none")
    client = source or SourceClient(mapping.source, source_env, options.retry)
    # Waits for the source are told from the thread that reads ahead.
    report = in_turn(progress or (lambda _: None))
    client.on_wait = lambda reason, seconds: report(Progress("wait", reason, math.ceil(seconds)))
    means = Means(client, port, options, report, quarantine or Quarantine(), pseudonyms, deleted or Quarantine())
    means.quarantine.mask = client.mask
    try:
        return _run_days(mapping, span, means)
    finally:
        client.close()
        means.quarantine.close(options.retry.wall())
        means.deleted.close(options.retry.wall())


def _run_days(mapping: SyncMapping, span: DayRange, means: Means) -> SyncReport:
    """Choose the days, of `span` where days were asked for, and run them part by part."""
    port, source, options = means.port, means.source, means.options
    started, before = options.retry.monotonic(), port.traffic()
    blueprints = read_blueprints(port)
    check_resources(mapping.resources, blueprints)
    raise_missing(check_dates(mapping, blueprints))
    records = read_records(port, mapping, options.now, SYNC_BLUEPRINT in blueprints)
    known = records.days
    book = DayBook.of(mapping, records, options.now, options.run, SYNC_BLUEPRINT in blueprints)
    todo = days_to_read(mapping, span, known, options.asks_for_days, options.missing_only)
    whole = DayRange(todo[0].first, todo[-1].last) if todo else span
    key = means.pseudonyms.fingerprint if means.pseudonyms else ""
    for kept in (means.quarantine, means.deleted):
        kept.begin(mapping, options.now, whole.first.isoformat(), whole.last.isoformat(), key)
    deletions = Deletions(
        *(port, mapping, blueprints, options.now, means.progress, options.dry_run, options.allow_deletions),
        means.deleted,
    )
    source.keep_answers(mapping.streams[name].path for name in undated_streams(mapping) if len(todo) > 1)

    def run_part(part: SyncMapping, days: DayRange) -> SyncReport:
        return PartRun(part, days, means, blueprints, book, deletions).run()

    done = (
        run_parts(mapping, todo, run_part, means.progress) if todo else _nothing_to_do(mapping, options, span, SETTLED)
    )
    # Of a sliced run one job deletes what is too old for all.
    held = {item.blueprint for item in done.blueprints if item.held}
    others = bool(options.slice and options.slice.number > 1)
    stays = () if others or port.halted else deletions.retain(held)
    notices = (*done.notices, *stays, *unusual(done.resources, mapping.dropped_values()))
    done = deletions.into(replace(done, notices=notices))
    examples = send_examples(port, mapping, means.examples, source.secrets) if options.send_examples else ()
    notices = (*done.notices, *_notices(mapping, options, known, todo), *examples)
    done = replace(_with_requests(done, mapping, means), notices=notices, seconds=options.retry.monotonic() - started)
    done = Mask(port.secrets).value(source.mask.value(with_traffic(done, port.traffic().since(before))))
    done = with_record(port, done, options.now, options.link) if mapping.record_run else done
    return with_traffic(done, port.traffic().since(before))


def _with_requests(done: SyncReport, mapping: SyncMapping, means: Means) -> SyncReport:
    """The report with what was asked of the source, and what was rejected of each blueprint."""
    asked, retries, rejected = means.source.requests_made, means.source.retries, means.quarantine.rejected_in
    return replace(
        done,
        blueprints=tuple(replace(item, rejected=rejected(item.blueprint)) for item in done.blueprints),
        settings=mapping.settings,
        source_requests=sum(asked.values()),
        requests_by_path=dict(asked),
        source_retries=sum(retries.values()),
        retries_by_path=dict(retries),
        paced_seconds=paced_seconds(asked, mapping.source.rate_limits),
    )


def _nothing_to_do(mapping: SyncMapping, options: SyncOptions, span: DayRange, notice: str) -> SyncReport:
    first, last = span.first.isoformat(), span.last.isoformat()
    return SyncReport(mapping.identifier, options.dry_run, first, last, notices=(notice,))


def _notices(mapping: SyncMapping, options: SyncOptions, known: Known, todo: list[DayRange]) -> list[str]:
    """What a person should know of the days that were chosen."""
    found = [*mapping.notices, *share_notices(mapping)]
    if mapping.privacy:
        found.append("people are under pseudonyms: nothing is related to Port's users; what was written before stays")
    if not options.asks_for_days and todo and (gap := gap_days(known, todo[-1].last)):
        found.append(f"{len(gap)} day(s) that were missing are read now, from {gap[0]} to {gap[-1]}")
    if len(todo) > 1:
        found.append(f"read in {len(todo)} parts of at most {part_days(mapping)} days, one after the other")
    return found
