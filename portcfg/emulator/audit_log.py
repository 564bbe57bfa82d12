"""The audit log's route: who wrote what, and when. Port publishes the parameters, not the answer.

An entry has the fields that `includes` can ask for, in the form of the events that Port sends to changelog
destinations, but for the `diff`. Only writes that were done are in the log.
"""

from __future__ import annotations

from portcfg.emulator.calls import Answer, Call, stamped
from portcfg.emulator.time_ranges import parse_date
from portcfg.emulator.wire_errors import invalid

DEFAULT_LIMIT = 10_000
# SQLite's integers end here.
MAX_LIMIT = 2**63 - 1
# Parameters, and where an entry has what they ask for. What nothing here writes matches nothing.
FILTERS = {
    "identifier": "$.identifier",
    "entity": "$.context.entity",
    "blueprint": "$.context.blueprint",
    "InstallationId": "$.context.installationId",
    "run_id": "$.context.run",
    "webhookId": "$.context.webhook",
    "webhookEventId": "$.context.webhookEvent",
    "resources": "$.resourceType",
    "action": "$.action",
    "actionType": "$.context.actionType",
    "status": "$.status",
    "origin": "$.trigger.origin",
}


def list_all(call: Call) -> Answer:
    """GET /v1/audit-log -> `{ok, audits}`, the newest first. All parameters must match."""
    wanted = {path: call.names(name) for name, path in FILTERS.items() if name in call.query}
    since, until = _moment(call, "from", ""), _moment(call, "to", "~")
    audits = call.store.audits(wanted, since, until, _limit(call))
    includes = call.names("includes")
    if includes:
        audits = [{key: value for key, value in audit.items() if key in includes} for audit in audits]
    return 200, {"ok": True, "audits": audits}


def _limit(call: Call) -> int:
    text = (call.query.get("limit") or [str(DEFAULT_LIMIT)])[-1]
    if not text.isdecimal():
        raise invalid("querystring/limit must be number")
    return min(int(text), MAX_LIMIT)


def _moment(call: Call, name: str, default: str) -> str:
    if name not in call.query:
        return default
    moment = parse_date(call.query[name][-1])
    if moment is None:
        raise invalid(f'querystring/{name} must match format "date-time"')
    return stamped(moment)
