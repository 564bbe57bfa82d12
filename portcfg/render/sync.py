"""A SyncReport as text, JSON or markdown. Pure: a report in, a str out."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from tabulate import tabulate

from portcfg.render.safe import MAX_VALUE, code, plain, shortened
from portcfg.sync.report import BlueprintReport, Deletion, Reject, RejectGroup, StreamReport, SyncReport

FORMAT = "portcfg/sync/2"
SHOWN_CAUSES = 20
# Requests of a run that writes, to begin with its lock and to end with it.
LOCKING = 4
SHOWN_DAYS = 31
MAX_REASON = 400
# An issue has room for 65,536 characters.
SHOWN_TROUBLES = 40
_STREAM_HEADERS = ("stream", "status", "requests", "rows", "of", "left out", "twice", "used")
_REQUEST_HEADERS = ("requests to", "endpoint", "requests", "retries")
_BLUEPRINT_HEADERS = ("blueprint", "entities", "created", "updated", "unchanged", "deleted", "rejected", "skipped")


def headline(report: SyncReport) -> str:
    """One line: the days, and how it ended."""
    return f"{plain(report.mapping) or 'mapping'}{_days(report, ', ')}: {_ending(report)}"


def _days(report: SyncReport, before: str) -> str:
    """The range, or nothing where no stream has one."""
    if not report.first_day:
        return ""
    days = report.first_day if report.first_day == report.last_day else f"{report.first_day} to {report.last_day}"
    return f"{before}{days} (UTC)"


def _ending(report: SyncReport) -> str:
    created = sum(item.created for item in report.blueprints)
    updated = sum(item.updated for item in report.blueprints)
    unchanged = sum(item.unchanged for item in report.blueprints)
    would = "would be " if report.dry_run else ""
    text = f"{created} {would}created, {updated} {would}updated, {unchanged} unchanged"
    if deleted := sum(item.deleted for item in report.deletions):
        text += f", {deleted} {would}deleted"
    if report.rejected:
        text += f", {sum(group.count for group in report.rejected)} rejected"
    failed = sum(item.status == "failed" for item in report.streams)
    held = sum(bool(item.held) for item in report.blueprints)
    text += f"; INCOMPLETE: {failed} stream(s) failed" if failed else ""
    return text + (f"; {held} blueprint(s) held back" if held else "")


def sync_text(report: SyncReport) -> str:
    """Two tables, then what a person should know."""
    parts = [headline(report), _table(_STREAM_HEADERS, map(_stream_row, report.streams), "simple")]
    parts.append(_table(_BLUEPRINT_HEADERS, map(_blueprint_row, report.blueprints), "simple"))
    parts.append(_totals(report, "simple"))
    parts.append("\n".join(_remarks(report)))
    parts.append("\n".join(_rejected(report)))
    parts.append(_requests(report, "simple"))
    parts.append(_effort(report))
    return "\n\n".join(part for part in parts if part)


def _effort(report: SyncReport) -> str:
    retries = sum(report.port_retries_by_route.values())
    return (
        f"{report.source_requests} requests to the source ({report.source_retries} retries), "
        f"{report.port_requests} to Port ({retries} retries), {report.seconds:.1f} s" + _estimate(report)
    )


def _requests(report: SyncReport, style: str) -> str:
    """Requests by endpoint, those to Port without the names of blueprints."""
    shown = plain if style == "simple" else code
    rows = [
        ["source", shown(path), count, report.retries_by_path.get(path, 0)]
        for path, count in sorted(report.requests_by_path.items())
    ]
    asked, again = _by_endpoint(report.port_requests_by_route), _by_endpoint(report.port_retries_by_route)
    rows += [["Port", shown(route), count, again[route]] for route, count in sorted(asked.items())]
    return _table(_REQUEST_HEADERS, rows, style)


def _by_endpoint(routes: Mapping[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for route, count in routes.items():
        found[re.sub(r"(?<=/blueprints/)[^/]+", "{blueprint}", route)] += count
    return found


def _estimate(report: SyncReport) -> str:
    """What the run takes that a dry run stands for."""
    if not report.dry_run:
        return ""
    writes = ", ".join(f"{count} {plain(name)}" for name, count in sorted(report.port_writes.items()))
    limits = f", of which {report.paced_seconds:.0f} s for the source's rate limits" if report.paced_seconds else ""
    return (
        f"\nthe run itself: at least {max(report.seconds, report.paced_seconds):.0f} s{limits}; "
        f"{report.source_requests} requests to the source; "
        f"about {report.port_requests + sum(report.port_writes.values()) + LOCKING} to Port"
        + (f", of them to write: {writes}" if writes else "")
    )


def _totals(report: SyncReport, style: str) -> str:
    """What a person compares with the source's own figures: sums and rows of the last days, and of all."""
    cells = _cells(report)
    columns = list(dict.fromkeys(column for _, column in cells))
    days = sorted({day for day, _ in cells})
    rows: list[list[Any]] = [[day, *(cells.get((day, column)) for column in columns)] for day in days[-SHOWN_DAYS:]]
    if len(days) > 1:
        sums = (sum(Decimal(repr(cells.get((day, column), 0))) for day in days) for column in columns)
        rows.append([f"{len(days)} days", *map(float, sums)])
    headers = ["day", *(plain(name) if style == "simple" else code(name) for name in columns)]
    return tabulate(rows, headers, tablefmt=style, disable_numparse=[0], floatfmt=".15g") if report.totals else ""


def _cells(report: SyncReport) -> dict[tuple[str, str], int | float]:
    """Numbers by day and column."""
    sums = {
        (item.day, f"{item.blueprint}.{name}"): number for item in report.totals for name, number in item.values.items()
    }
    rows = {(day, f"{stream.name} rows"): count for stream in report.streams for day, count in stream.days.items()}
    return {**sums, **rows}


def _table(headers: Sequence[str], rows: Any, style: str) -> str:
    """All columns but those of text to the right."""
    found = list(rows)
    texts = {"stream", "status", "blueprint", "requests to", "endpoint"}
    sides = ["left" if header in texts else "right" for header in headers]
    return (
        tabulate(found, headers, tablefmt=style, disable_numparse=[0, 1], missingval="", colalign=sides)
        if found
        else ""
    )


def _stream_row(stream: StreamReport) -> list[Any]:
    counts = [stream.requests, stream.rows, stream.total, stream.left_out, stream.duplicates, stream.kept]
    return [plain(stream.name), str(stream.status), *counts]


def _blueprint_row(item: BlueprintReport) -> list[Any]:
    counts = [item.entities, item.created, item.updated, item.unchanged, item.deleted, item.rejected]
    return [plain(item.blueprint), *counts, sum(item.skipped.values())]


def _failures(report: SyncReport) -> list[str]:
    failed = [f"FAILED {plain(item.name)}: {plain(item.message)}" for item in report.streams if item.status == "failed"]
    held = [f"HELD BACK {plain(item.blueprint)}: {plain(item.held)}" for item in report.blueprints if item.held]
    return [*failed, *held]


def _remarks(report: SyncReport) -> list[str]:
    skipped = [
        f"skipped in {plain(item.blueprint)}: {count} {plain(reason)}"
        for item in report.blueprints
        for reason, count in item.skipped.items()
    ]
    notes = [f"note: {plain(notice)}" for notice in report.notices]
    return [*_failures(report), *_deletions(report), *notes, *skipped, *_columns(report), *_settings(report)]


def _deletions(report: SyncReport) -> list[str]:
    """What went, or would, with the first names; what did not, and why; how to have it back."""
    lines = [line for item in report.deletions for line in _deletion_lines(item, report.dry_run)]
    if report.deleted_kept:
        lines.append(
            f"deleted entities are kept in {plain(report.deleted_kept)}; to restore them: "
            f"{replay_command(report.deleted_kept)}"
        )
    return lines


def _deletion_lines(item: Deletion, dry_run: bool) -> Iterator[str]:
    name = plain(item.blueprint)
    if item.deleted:
        more = f", and {item.found - len(item.names):,} more" if item.found > len(item.names) else ""
        names = ", ".join(shortened(plain(each), MAX_VALUE) for each in item.names)
        what = f"{item.deleted:,} of {item.among:,} entities of {name}"
        named = f": {names}{more}" if names else ""
        yield f"{item.cause}: {what} {'would be ' if dry_run else ''}deleted{named}"
    if item.refused:
        yield f"NOT DELETED {name}: {shortened(plain(item.refused), MAX_REASON)}"
    for each in item.stay[:SHOWN_CAUSES]:
        yield f"NOT DELETED {name} {shortened(plain(each), MAX_REASON)}"
    if len(item.stay) > SHOWN_CAUSES:
        yield f"... and {len(item.stay) - SHOWN_CAUSES:,} more of {name} that Port didn't let go"


def _settings(report: SyncReport) -> list[str]:
    settings = (f"{plain(name)}: {plain(_setting(value))}" for name, value in report.settings.items())
    return [f"set in the mapping: {', '.join(settings)}"] if report.settings else []


def _setting(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _columns(report: SyncReport) -> list[str]:
    """What the columns mean in which a number stands that nobody expects."""
    found = []
    if any(item.left_out for item in report.streams):
        found.append("left out: rows that the stream's own `rows` drops, such as those of days that were not asked for")
    if any(item.duplicates for item in report.streams):
        found.append("twice: rows that came again, by the stream's `dedupe`")
    if any(item.kept > item.rows for item in report.streams):
        found.append("used: what the stream's `rows` makes of them, which may be several of one")
    return found


def _rejected(report: SyncReport) -> list[str]:
    """The causes with their examples, and what to do about them."""
    lines = [line for group in report.rejected[:SHOWN_CAUSES] for line in _group_lines(group)]
    if len(report.rejected) > SHOWN_CAUSES:
        lines.append(f"... and {len(report.rejected) - SHOWN_CAUSES} more causes (all of them with --format json)")
    if report.quarantine:
        again = f"; mend the cause, then: {replay_command(report.quarantine)}"
        useless = report.kept_for_sync and report.kept_for_sync == report.kept_rejects
        lines.append(f"kept in {plain(report.quarantine)}{'' if useless else again}")
    if report.kept_for_sync:
        lines.append(
            f"{report.kept_for_sync} of {report.kept_rejects} can't be replayed, being rows of a sum, in need of other "
            f"rows (`$lookup`), or of a run that was stopped; mend the cause, then: {_sync_command(report)}"
        )
    return lines


def _sync_command(report: SyncReport) -> str:
    days = f" --since {report.first_day} --until {report.last_day}" if report.first_day else ""
    return f"portcfg sync {plain(shlex.quote(report.mapping))}{days}"


def replay_command(file: str) -> str:
    """What to run after the cause of rejects is mended."""
    return f"portcfg sync replay {plain(shlex.quote(file))}"


def _group_lines(group: RejectGroup) -> Iterator[str]:
    """The examples, where the report has any, and how many more there are."""
    where = plain(" ".join(part for part in (group.where, group.about) if part))
    if not group.examples:
        yield f"rejected {group.count} of {plain(group.blueprint) or 'the rows'} ({where})"
        return
    yield from map(_reject_line, group.examples)
    if group.count > len(group.examples):
        yield f"... and {group.count - len(group.examples)} more ({where})"


def _reject_line(reject: Reject) -> str:
    what = plain(" ".join(part for part in (reject.blueprint, reject.identifier) if part)) or "a row"
    return (
        f"rejected {shortened(what, MAX_VALUE)} ({plain(reject.where)}): {shortened(plain(reject.reason), MAX_REASON)}"
    )


def _span(text: str) -> str:
    """A code span outside of tables: its fence is longer than any run of backticks inside, so these can stay."""
    runs = re.findall("`+", text)
    if not runs:
        return code(text)
    fence = "`" * (max(map(len, runs)) + 1)
    return f"{fence} {plain(text)} {fence}"


def sync_json(report: SyncReport) -> str:
    """Everything, under a format name whose number goes up when a key changes its meaning."""
    body = {"format": FORMAT, **asdict(report), "writes": report.writes, "exit_code": report.exit_code}
    return json.dumps(body, indent=2, ensure_ascii=False)


def sync_markdown(report: SyncReport) -> str:
    """For a job summary or a comment."""
    streams = [[code(item.name), *_stream_row(item)[1:]] for item in report.streams]
    blueprints = [[code(item.blueprint), *_blueprint_row(item)[1:]] for item in report.blueprints]
    parts = [
        f"### portcfg sync: {code(report.mapping)}",
        f"{_days(report, '') or 'Done'}: {_ending(report)}.",
        _table(_STREAM_HEADERS, streams, "pipe"),
        _table(_BLUEPRINT_HEADERS, blueprints, "pipe"),
        _totals(report, "pipe"),
        "\n".join(f"- {_span(remark)}" for remark in _remarks(report)),
        "\n".join(f"- {_span(line)}" for line in _rejected(report)),
        _requests(report, "pipe"),
        "\n".join(f"- {_span(line)}" for line in _effort(report).splitlines()),
    ]
    return "\n\n".join(part for part in parts if part)


def sync_trouble(report: SyncReport) -> str:
    """For an issue: what keeps a run from ending well, and what to do; nothing that differs in each run."""
    again = f"Once the cause is mended, the days are read again by: {_sync_command(report)}"
    lines = [*_failures(report), *(line for line in _deletions(report) if "NOT DELETED" in line), *_rejected(report)]
    more = (
        [f"and {len(lines) - SHOWN_TROUBLES} more, which the summary of the run has"] if lines[SHOWN_TROUBLES:] else []
    )
    told = (*lines[:SHOWN_TROUBLES], *more, again)
    return "\n".join(f"- {_span(shortened(line, MAX_REASON))}" for line in told)
