"""What a request to the stand-in Cursor asks for, and the refusals Cursor gives when it asks wrongly."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from portcfg.emulator.cursor_activity import DAY_MS, EPOCH, midnight_ms

MAX_DAYS = 30
REASONS = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
REASONS |= {500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable"}
EXTRA_PLAN = "You must be a member of an enterprise team to access this resource"


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of the program
    """An error answer: status, JSON body, headers."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, dict(body), dict(headers or {})


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """The documented error body `{"error": reason, "message": text}`."""
    return Refusal(status, {"error": REASONS[status], "message": message}, headers)


def coded_refusal(status: int, message: str) -> Refusal:
    """The observed error body `{"code": "error", "message": text}`."""
    return Refusal(status, {"code": "error", "message": message})


@dataclass(frozen=True)
class Ask:
    """One request, read: the query, the JSON body (None when absent or not JSON) and the present as Cursor sees it."""

    path: str
    query: Mapping[str, str]
    body: Any
    now: datetime

    @property
    def now_ms(self) -> int:
        """The present in epoch milliseconds."""
        return int(self.now.timestamp() * 1000)

    @property
    def page(self) -> int:
        """The page asked for, wherever it stands; 1 when none is."""
        source = self.body if isinstance(self.body, dict) else self.query
        page = source.get("page", 1)
        return int(page) if str(page).isdecimal() else 1

    def object(self) -> dict[str, Any]:
        """The body as an object, or a 400."""
        if not isinstance(self.body, dict):
            raise coded_refusal(400, "Request body is required")
        return self.body


def read_json(raw: bytes) -> Any:
    """The JSON of a request body; None when it is empty or no JSON."""
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def positive(source: Mapping[str, Any], name: str, default: int) -> int:
    """A page or page size (a number, or digits in a query), or a 400."""
    value = source.get(name, default)
    if isinstance(value, bool) or not str(value).isdecimal() or int(value) < 1:
        raise refusal(400, f"{name} must be a positive integer")
    return int(value)


def millis(body: Mapping[str, Any], name: str) -> int:
    """A required epoch-millisecond bound of daily-usage-data; digits in a string pass, as observed."""
    value = body.get(name)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal(400, f"{name} must be a number (epoch milliseconds)")
    return int(value)


def event_millis(body: Mapping[str, Any], name: str, default: int) -> int:
    """A bound of filtered-usage-events; anything but a number makes the real route fail with 500."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal(500, "An unexpected error occurred")
    return int(value)


def capped(start: int, end: int) -> tuple[int, int]:
    """The span, or a 400 when it is longer than 30 days."""
    if end - start > MAX_DAYS * DAY_MS:
        raise refusal(400, "Date range cannot exceed 30 days")
    return start, end


def span(ask: Ask) -> tuple[int, int]:
    """`startDate` and `endDate` of an AI code route in epoch milliseconds, both included; at most 30 days."""
    end = moment(ask.query.get("endDate", "now"), ask.now, last=True)
    return capped(moment(ask.query.get("startDate", "7d"), ask.now, last=False), end)


def moment(text: str, now: datetime, *, last: bool) -> int:
    """`now`, `7d`, a day or an ISO instant in epoch milliseconds; a day as an end means its last millisecond."""
    if text == "now":
        return int(now.timestamp() * 1000)
    if match := re.fullmatch(r"(\d{1,4})d", text):
        return int((now - timedelta(days=int(match[1]))).timestamp() * 1000)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return midnight_ms(date.fromisoformat(text)) + (DAY_MS - 1 if last else 0)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise refusal(400, "Invalid date format") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def day_of(ms: int) -> date:
    """The UTC day of an epoch millisecond; the calendar's first or last day when it lies beyond."""
    return date.fromordinal(min(max(EPOCH + ms // DAY_MS, 1), date.max.toordinal()))
