"""The runs of a mapping with `record_run: true`, kept in Port as entities of RUN_BLUEPRINT, for a dashboard of their
health; and what has become of the share of nulls since the run before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from portcfg.client import PortReader, PortWriter
from portcfg.errors import EXIT_INCOMPLETE, EXIT_OK, ApiError, TerminalApiError
from portcfg.sync.entities import safe_identifier
from portcfg.sync.report import SyncReport
from portcfg.sync.valuecount import Rates, jumps, rates
from portcfg.sync.write import BulkWriter, create_blueprint

RUN_BLUEPRINT = "portcfg_sync_run"
# The run to compare with is looked for in these days; an older one says nothing of what is usual.
COMPARED_DAYS = 8
SHOWN_NOTICES = 20
_SUMMED = ("entities", "created", "updated", "unchanged")
_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_NUMBER = {"type": "number"}
_STATUSES = {"complete": "green", "partly rejected": "yellow", "incomplete": "red"}
BLUEPRINT_BODY: dict[str, Any] = {
    "identifier": RUN_BLUEPRINT,
    "title": "portcfg sync run",
    "icon": "Clock",
    "description": "What each run of `portcfg sync` did. Kept by portcfg itself; an old one may be deleted.",
    "schema": {
        "properties": {
            "mapping": {**_TEXT, "title": "Mapping"},
            "started_at": {**_TIME, "title": "Started at"},
            "status": {
                **_TEXT,
                "title": "Status",
                "description": "incomplete: a stream could not be read to its end; partly rejected: some rows or "
                "entities were not written",
                "enum": list(_STATUSES),
                "enumColors": _STATUSES,
            },
            "first_day": {**_TIME, "title": "First day"},
            "last_day": {**_TIME, "title": "Last day"},
            "rows": {**_NUMBER, "title": "Rows read"},
            "entities": {**_NUMBER, "title": "Entities"},
            "created": {**_NUMBER, "title": "Created"},
            "updated": {**_NUMBER, "title": "Updated"},
            "unchanged": {**_NUMBER, "title": "Unchanged"},
            "rejected": {**_NUMBER, "title": "Rejected"},
            "source_requests": {**_NUMBER, "title": "Requests to the source"},
            "source_retries": {**_NUMBER, "title": "Retries at the source"},
            "port_requests": {**_NUMBER, "title": "Requests to Port"},
            "seconds": {**_NUMBER, "title": "Seconds"},
            "link": {**_TEXT, "format": "url", "title": "Job"},
            "notices": {"type": "array", "items": _TEXT, "title": "Notices"},
            "causes": {"type": "object", "title": "Rejects by cause"},
            "totals": {"type": "object", "title": "Totals by day"},
            "values": {"type": "object", "title": "Rows and nulls by resource"},
        },
        "required": ["mapping", "started_at", "status"],
    },
}


def with_record(port: PortReader, report: SyncReport, started_at: float, link: str) -> SyncReport:
    """The report with what has changed since the run before; unless it was a dry run, Port has it afterwards.

    `started_at` is in epoch seconds, `link` that of the CI's job or ''. A Port that fails here is a notice: what the
    run is for is done.
    """
    try:
        before = _before(port, report.mapping, started_at)
        report = _noticing(report, jumps(report.resources, before or {}))
        failure = "" if report.dry_run else _write(port, _body(report, started_at, link), before is not None)
    except ApiError as error:
        failure = error.message
    return _noticing(report, [f"the run is not recorded in Port: {failure}"]) if failure else report


def _noticing(report: SyncReport, notices: list[str]) -> SyncReport:
    return replace(report, notices=(*report.notices, *notices))


def _before(port: PortReader, mapping: str, started_at: float) -> Rates | None:
    """What the newest run before this one wrote down of its nulls; None where Port has no such blueprint yet."""
    earliest = _iso(started_at - timedelta(days=COMPARED_DAYS).total_seconds())
    rules = [
        {"property": "mapping", "operator": "=", "value": mapping},
        {"property": "started_at", "operator": ">=", "value": earliest},
        {"property": "started_at", "operator": "<", "value": _iso(started_at)},
    ]
    query = {"combinator": "and", "rules": rules}
    try:
        found = list(port.entities(RUN_BLUEPRINT, include=["$identifier", "started_at", "values"], query=query))
    except TerminalApiError as error:
        if error.status == 404:
            return None
        raise
    newest = max(found, key=lambda run: str(run["properties"].get("started_at")), default=None)
    values = newest["properties"].get("values") if newest else None
    return values if isinstance(values, dict) else {}


def _write(port: PortReader, body: dict[str, Any], exists: bool) -> str:
    """Why the run could not be recorded, or ''."""
    if not isinstance(port, PortWriter):
        return ""
    if not exists:
        create_blueprint(port, BLUEPRINT_BODY)
    writer = BulkWriter(port, RUN_BLUEPRINT)
    writer.write([body])
    return next((reason for _, reason in writer.written.refused.values()), "")


def _body(report: SyncReport, started_at: float, link: str) -> dict[str, Any]:
    moment = _iso(started_at)
    properties = {
        "mapping": report.mapping,
        "started_at": moment,
        "status": _status(report),
        "first_day": f"{report.first_day}T00:00:00Z" if report.first_day else None,
        "last_day": f"{report.last_day}T00:00:00Z" if report.last_day else None,
        "rows": sum(item.rows for item in report.streams),
        **{name: sum(getattr(item, name) for item in report.blueprints) for name in _SUMMED},
        "rejected": sum(group.count for group in report.rejected),
        **{name: getattr(report, name) for name in ("source_requests", "source_retries", "port_requests", "seconds")},
        "link": link or None,
        "notices": list(report.notices[:SHOWN_NOTICES]),
        "causes": {" ".join((item.where, item.blueprint, item.about)).strip(): item.count for item in report.rejected},
        "totals": _totals(report),
        "values": rates(report.resources),
    }
    said = {name: value for name, value in properties.items() if value is not None}
    name = safe_identifier(f"{report.mapping}@{moment}")
    return {"identifier": name, "title": f"{report.mapping} {moment[:19]}", "properties": said}


def _status(report: SyncReport) -> str:
    if report.exit_code == EXIT_INCOMPLETE:
        return "incomplete"
    return "complete" if report.exit_code == EXIT_OK else "partly rejected"


def _totals(report: SyncReport) -> dict[str, dict[str, Mapping[str, int | float]]]:
    found: dict[str, dict[str, Mapping[str, int | float]]] = {}
    for item in report.totals:
        found.setdefault(item.blueprint, {})[item.day] = item.values
    return found


def _iso(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
