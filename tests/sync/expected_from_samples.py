"""The entities that Cursor's sample files must become, worked out from the JSON alone.

Written against the description of the fields, without the sync's code: plain loops and Decimal. `expected(samples)`
gives {blueprint: {identifier: {"title", "properties", "relations"}}}, `breakdown` left out.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

ORG = "acme"
COUNTERS = {
    "total_accepts": "totalAccepts",
    "total_rejects": "totalRejects",
    "total_tabs_shown": "totalTabsShown",
    "total_tabs_accepted": "totalTabsAccepted",
    "total_lines_added": "totalLinesAdded",
    "total_lines_deleted": "totalLinesDeleted",
    "accepted_lines_added": "acceptedLinesAdded",
    "accepted_lines_deleted": "acceptedLinesDeleted",
    "composer_requests": "composerRequests",
    "chat_requests": "chatRequests",
    "agent_requests": "agentRequests",
    "subscription_included_reqs": "subscriptionIncludedReqs",
    "api_key_reqs": "apiKeyReqs",
    "usage_based_reqs": "usageBasedReqs",
    "bugbot_usages": "bugbotUsages",
}
TOKENS = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cache_write_tokens": "cacheWriteTokens",
    "cache_read_tokens": "cacheReadTokens",
}
COMMIT_FIELDS = (
    *("commitHash", "userId", "userEmail", "repoName", "branchName", "isPrimaryBranch", "message", "commitTs"),
    *("totalLinesAdded", "totalLinesDeleted", "tabLinesAdded", "tabLinesDeleted", "createdAt"),
    *("composerLinesAdded", "composerLinesDeleted", "nonAiLinesAdded", "nonAiLinesDeleted"),
)
LINES = {
    "total_lines_added": "totalLinesAdded",
    "total_lines_deleted": "totalLinesDeleted",
    "tab_lines_added": "tabLinesAdded",
    "tab_lines_deleted": "tabLinesDeleted",
    "composer_lines_added": "composerLinesAdded",
    "composer_lines_deleted": "composerLinesDeleted",
    "non_ai_lines_added": "nonAiLinesAdded",
    "non_ai_lines_deleted": "nonAiLinesDeleted",
}
# From groups.json: alice and bob are in Platform on all three days; carol left it on 1 March.
TEAM = {"alice@example.com": "Platform", "bob@example.com": "Platform", "carol@example.com": "Unassigned"}


def rows(samples: Path, name: str, key: str) -> list[Any]:
    """The rows of all pages of one sample."""
    return [
        row
        for page in (1, 2)
        for row in json.loads((samples / f"{name}.page{page}.json").read_text(), parse_float=Decimal)[key]
    ]


def event_day(event: dict[str, Any]) -> str:
    """The UTC day of an event's epoch milliseconds."""
    return datetime.fromtimestamp(int(event["timestamp"]) // 1000, UTC).strftime("%Y-%m-%d")


def person(event: dict[str, Any]) -> str | None:
    """Whose event it is; nobody's for service accounts and where no address is given."""
    return None if event.get("serviceAccountId", "null") != "null" else event.get("userEmail")


def commonest(values: list[Any]) -> Any:
    """The commonest non-null value, of several the first by name."""
    counted = Counter(value for value in values if value is not None)
    return min(counted, key=lambda value: (-counted[value], value)) if counted else None


def event_sums(events: list[dict[str, Any]], prefix: str = "") -> dict[str, Any]:
    """Tokens and cents."""
    sums: dict[str, Any] = {
        prefix + name: sum(event.get("tokenUsage", {}).get(field, 0) for event in events)
        for name, field in TOKENS.items()
    }
    return {**sums, "total_cents": float(sum((event["chargedCents"] for event in events), Decimal()))}


def counters(daily: list[dict[str, Any]]) -> dict[str, Any]:
    """The fifteen counters of the daily rows."""
    return {name: sum(row[field] for row in daily) for name, field in COUNTERS.items()}


def said(values: dict[str, Any]) -> dict[str, Any]:
    """Without what has no value."""
    return {name: value for name, value in values.items() if value is not None}


def entity(title: str, properties: dict[str, Any], **relations: Any) -> dict[str, Any]:
    """In the form in which the tests read Port."""
    return {"title": title, "properties": said(properties), "relations": {k: v for k, v in relations.items() if v}}


def expected(samples: Path) -> dict[str, dict[str, Any]]:
    """All entities by blueprint and identifier."""
    daily = rows(samples, "daily-usage-data", "data")
    events = rows(samples, "filtered-usage-events", "usageEvents")
    commits, commit_days = commit_records(rows(samples, "ai-code-commits", "items"))
    changes = rows(samples, "ai-code-changes", "items")
    users = user_records(daily, events)
    return {
        "cursor_usage_record": org_records(daily, events),
        "cursor_user_usage_record": users,
        "cursor_team_usage_record": team_records(daily, events, users),
        "cursor_commit_record": commits,
        "cursor_daily_commit_record": commit_days,
        "cursor_ai_code_change_record": change_records(changes, commit_days),
    }


def active_people(daily: list[Any], events: list[Any]) -> int:
    """How many people were called active, or sent something all the same."""
    return len({row["email"] for row in daily if row["isActive"]} | {person(event) for event in events} - {None})


def org_records(daily: list[Any], events: list[Any]) -> dict[str, Any]:
    """One a day over everybody and everything."""
    found = {}
    for day in sorted({row["day"] for row in daily}):
        of_day = [row for row in daily if row["day"] == day]
        happened = [event for event in events if event_day(event) == day]
        properties = {
            "record_date": f"{day}T00:00:00Z",
            "org": ORG,
            **counters(of_day),
            **event_sums(happened, "total_"),
            "most_used_model": commonest([event["model"] for event in happened]),
            "total_active_users": active_people(of_day, happened),
        }
        found[f"{ORG}@{day}"] = entity(f"{ORG} usage {day}", properties)
    return found


def user_records(daily: list[Any], events: list[Any]) -> dict[str, Any]:
    """One a person a day with any activity."""
    found = {}
    for row in daily:
        day, email = row["day"], row["email"]
        own = [event for event in events if event_day(event) == day and person(event) == email]
        if not row["isActive"] and not own:
            continue
        properties = {
            "record_date": f"{day}T00:00:00Z",
            "org": ORG,
            "email": email,
            "is_active": True,
            **counters([row]),
            **event_sums(own),
            "most_used_model": row["mostUsedModel"] or commonest([event["model"] for event in own]),
        }
        found[f"{ORG}@{email}@{day}"] = entity(f"{email} {day}", properties)
    return found


def team_records(daily: list[Any], events: list[Any], users: dict[str, Any]) -> dict[str, Any]:
    """One a team a day."""
    found = {}
    for team, day in sorted({(TEAM[row["email"]], row["day"]) for row in daily}):
        of_team = [row for row in daily if row["day"] == day and TEAM[row["email"]] == team]
        happened = [
            event for event in events if event_day(event) == day and person(event) and TEAM[person(event) or ""] == team
        ]
        models = [event["model"] for event in happened] or [row["mostUsedModel"] for row in of_team]
        properties = {
            "record_date": f"{day}T00:00:00Z",
            "org": ORG,
            "team": team,
            **counters(of_team),
            **event_sums(happened),
            "most_used_model": commonest(models),
            "total_active_users": active_people(of_team, happened),
        }
        members = [f"{ORG}@{row['email']}@{day}" for row in of_team]
        related = sorted(member for member in members if member in users)
        found[f"{ORG}@{team}@{day}"] = entity(f"{team} {day}", properties, team_members=related)
    return found


def commit_records(raw: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Each commit once, as last reported; and per person and day."""
    newest: dict[tuple[str, str], Any] = {}
    for row in sorted(raw, key=lambda row: row["createdAt"]):
        newest[row["commitHash"], row["userEmail"]] = row
    single, days = {}, defaultdict(list)
    for row in newest.values():
        days[row["userEmail"], (row["commitTs"] or row["createdAt"])[:10]].append(row)
        properties = {field: row[field] for field in COMMIT_FIELDS}
        properties |= {
            "repoName": row["repoName"] or "unknown",
            "branchName": row["branchName"] or "unknown",
            "org": ORG,
        }
        single[row["commitHash"]] = entity(f"{row['commitHash']} by {row['userEmail']}", properties)
    return single, {f"{ORG}@{email}@{day}@commits": commit_day(email, day, of) for (email, day), of in days.items()}


def commit_day(email: str, day: str, of: list[Any]) -> dict[str, Any]:
    """One person's commits of one day."""
    repos = [row["repoName"] for row in of if row["repoName"]]
    properties = {
        "record_date": f"{day}T00:00:00Z",
        "org": ORG,
        "user_email": email,
        "total_commits": len(of),
        **{name: sum(row[field] for row in of) for name, field in LINES.items()},
        "primary_branch_commits": sum(row["isPrimaryBranch"] is True for row in of),
        "total_unique_repos": len(set(repos)),
        "most_active_repo": commonest(repos),
    }
    return entity(f"{email} commits {day}", properties)


def change_records(raw: list[Any], commit_days: dict[str, Any]) -> dict[str, Any]:
    """One a person a day with accepted changes."""
    grouped = defaultdict(dict)
    for row in raw:
        grouped[row["userEmail"], row["createdAt"][:10]][row["changeId"]] = row
    found = {}
    for (email, day), by_id in grouped.items():
        of = list(by_id.values())
        properties: dict[str, Any] = {
            "record_date": f"{day}T00:00:00Z",
            "org": ORG,
            "user_email": email,
            "total_changes": len(of),
            "total_lines_added": sum(row["totalLinesAdded"] for row in of),
            "total_lines_deleted": sum(row["totalLinesDeleted"] for row in of),
            "most_used_model": commonest([row["model"] for row in of]),
            "unique_file_extensions": len({item["fileExtension"].lower() for row in of for item in row["metadata"]}),
        }
        for kind in ("tab", "composer"):
            part = [row for row in of if row["source"] == kind.upper()]
            properties[f"{kind}_changes"] = len(part)
            properties[f"{kind}_lines_added"] = sum(row["totalLinesAdded"] for row in part)
            properties[f"{kind}_lines_deleted"] = sum(row["totalLinesDeleted"] for row in part)
        commits = f"{ORG}@{email}@{day}@commits"
        related = [commits] if commits in commit_days else []
        found[f"{ORG}@{email}@{day}@changes"] = entity(f"{email} code changes {day}", properties, ai_commits=related)
    return found
