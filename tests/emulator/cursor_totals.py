"""Expected sums, straight from the synthetic company: an oracle for tests that shares no code with the sync.

Events are counted on the UTC day of their timestamp, commits and changes as the service keys them. E-mails are trimmed
and lower-cased; events without one count for the organization only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from portcfg.emulator.cursor_company import Company

USAGE_FIELDS = (
    *("totalLinesAdded", "totalLinesDeleted", "acceptedLinesAdded", "acceptedLinesDeleted", "totalAccepts"),
    *("totalRejects", "totalTabsShown", "totalTabsAccepted", "composerRequests", "chatRequests", "agentRequests"),
    *("subscriptionIncludedReqs", "apiKeyReqs", "usageBasedReqs", "bugbotUsages"),
)
TOKEN_FIELDS = ("inputTokens", "outputTokens", "cacheWriteTokens", "cacheReadTokens")
COMMIT_FIELDS = (
    *("totalLinesAdded", "totalLinesDeleted", "tabLinesAdded", "tabLinesDeleted"),
    *("composerLinesAdded", "composerLinesDeleted", "nonAiLinesAdded", "nonAiLinesDeleted"),
)


def plain(email: str) -> str:
    """An e-mail as people are told apart by it."""
    return email.strip().lower()


@dataclass
class Totals:
    """Sums of one day, of one person or of all: usage counters, tokens, exact cents, events per model."""

    rows: int = 0
    active: int = 0
    usage: Counter[str] = field(default_factory=Counter)
    events: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    without_tokens: int = 0
    cents: Decimal = Decimal(0)
    models: Counter[str] = field(default_factory=Counter)
    billing: Counter[str] = field(default_factory=Counter)

    def add_row(self, row: dict[str, Any]) -> None:
        """Count a daily usage row."""
        self.rows += 1
        self.active += bool(row["isActive"])
        self.usage.update({name: row[name] for name in USAGE_FIELDS})

    def add_event(self, event: dict[str, Any]) -> None:
        """Count a usage event."""
        self.events += 1
        self.without_tokens += "tokenUsage" not in event
        self.tokens.update({name: event.get("tokenUsage", {}).get(name, 0) for name in TOKEN_FIELDS})
        self.cents += Decimal(str(event["chargedCents"]))
        self.models[event["model"]] += 1
        self.billing[event["kind"]] += 1


def org_days(company: Company, days: Iterable[date]) -> dict[date, Totals]:
    """The organization's sums per day: every row and every event, whoever caused it."""
    totals: dict[date, Totals] = {}
    for day in days:
        made, mine = company.day(day), totals.setdefault(day, Totals())
        for row in made.usage:
            mine.add_row(row)
        for event in made.events:
            mine.add_event(event)
    return totals


def user_days(company: Company, days: Iterable[date]) -> dict[tuple[str, date], Totals]:
    """The sums per (e-mail, day): people only, so neither events without an e-mail nor those of service accounts."""
    totals: dict[tuple[str, date], Totals] = {}
    for day in days:
        made = company.day(day)
        for row in made.usage:
            totals.setdefault((plain(row["email"]), day), Totals()).add_row(row)
        for event in made.events:
            if "userEmail" in event and event.get("serviceAccountId", "null") == "null":
                totals.setdefault((plain(event["userEmail"]), day), Totals()).add_event(event)
    return totals


def commits_by_key(company: Company, days: Iterable[date]) -> dict[tuple[str, str], dict[str, Any]]:
    """The commits ingested on `days` by (hash, e-mail), of twice-told ones the newest."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for day in days:
        for item in company.commits(day):
            key = (item["commitHash"], plain(item["userEmail"]))
            if key not in newest or newest[key]["createdAt"] < item["createdAt"]:
                newest[key] = item
    return newest


def commit_days(company: Company, days: Iterable[date]) -> dict[tuple[str, date], Counter[str]]:
    """Commit sums per (e-mail, day of `commitTs`, else of `createdAt`); `commits` counts them."""
    totals: dict[tuple[str, date], Counter[str]] = {}
    for (_, email), item in commits_by_key(company, days).items():
        day = date.fromisoformat((item["commitTs"] or item["createdAt"])[:10])
        mine = totals.setdefault((email, day), Counter())
        mine.update({name: item[name] or 0 for name in COMMIT_FIELDS})
        mine.update({"commits": 1, "primary": item["isPrimaryBranch"] is True})
    return totals


def change_days(company: Company, days: Iterable[date]) -> dict[tuple[str, date], Counter[str]]:
    """Change sums per (e-mail, day), each `changeId` once; `changes`, `TAB` and `COMPOSER` count them."""
    totals: dict[tuple[str, date], Counter[str]] = {}
    for day in days:
        for item in {item["changeId"]: item for item in company.changes(day)}.values():
            mine = totals.setdefault((plain(item["userEmail"]), day), Counter())
            mine.update({"changes": 1, item["source"]: 1})
            mine.update({name: item[name] for name in ("totalLinesAdded", "totalLinesDeleted")})
    return totals
