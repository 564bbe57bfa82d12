"""What Port must hold after a sync with the shipped mapping, worked out from the synthetic company's raw rows.

An oracle for the fault matrices: plain loops and Decimal, nothing of portcfg.sync. Every property and relation of every
blueprint that the mapping fills, in the form in which `support.entities` reads Port.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from portcfg.emulator.cursor_asking import Ask
from portcfg.emulator.cursor_company import Company
from portcfg.emulator.cursor_feed import Feed
from portcfg.emulator.cursor_groups import cycle_of, group_list
from tests.sync.expected_from_samples import COUNTERS, LINES, ORG, TOKENS, commonest

Row = Mapping[str, Any]
Entities = dict[tuple[str, str], dict[str, Any]]
USAGE, USER, TEAM = "cursor_usage_record", "cursor_user_usage_record", "cursor_team_usage_record"
COMMIT, COMMIT_DAY, CHANGES = "cursor_commit_record", "cursor_daily_commit_record", "cursor_ai_code_change_record"
COST = "cursor_cost_record"
BLUEPRINTS = (USAGE, USER, TEAM, COMMIT, COMMIT_DAY, CHANGES, COST)
ONE = timedelta(days=1)
COMMIT_FIELDS = (
    *("commitHash", "userId", "isPrimaryBranch", "message", "commitTs", "createdAt"),
    *LINES.values(),
)


@dataclass(frozen=True)
class Known:
    """What Port has besides: the people of `_user`, the repositories that are services."""

    users: Collection[str] = ()
    services: Collection[str] = ()


@dataclass(frozen=True)
class Rows:
    """Everything that the source has at one moment; `groups` are billing groups as they are answered."""

    daily: Sequence[Row]
    events: Sequence[Row]
    groups: Sequence[Row]
    commits: Sequence[Row]
    changes: Sequence[Row]


def rows_of(company: Company, days: Sequence[date], now: datetime, groups: bool = True) -> Rows:
    """What the company has of these days at a moment; the commits that were taken in a day earlier or later on, too."""
    made = [company.day(day) for day in days]
    around = [min(days) + n * ONE for n in range(-1, (now.date() - min(days)).days + 1)]
    listed = group_list(Feed(company), cycle_of(Ask("", {}, None, now)), now)["groups"] if groups else []
    return Rows(
        daily=[row for day in made for row in day.usage],
        events=[row for day in made for row in day.events],
        groups=listed,
        commits=[row for day in around for row in company.commits(day) if _moment(row["createdAt"]) <= now],
        changes=[row for day in days for row in company.changes(day)],
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def plain(email: Any) -> str:
    """An address as people are told apart by it; '' for none."""
    return (email or "").strip().lower()


def safe(identifier: str) -> str:
    """An identifier in Port's alphabet."""
    return re.sub(r"[^A-Za-z0-9@_.+:\\/=-]", "_", identifier)


def event_day(event: Row) -> str:
    """The UTC day of an event."""
    return datetime.fromtimestamp(int(event["timestamp"]) // 1000, UTC).strftime("%Y-%m-%d")


def person_of(event: Row) -> str:
    """Whose event it is; '' for service accounts and where no address is given."""
    return plain(event.get("userEmail")) if not _is_account(event) else ""


def total(values: Iterable[Any]) -> Any:
    """The exact sum of what isn't null; None of nothing."""
    said = [Decimal(str(value)) for value in values if value is not None]
    return number(sum(said, Decimal())) if said else None


def number(value: Decimal) -> int | float:
    """As JSON has it."""
    return int(value) if value == value.to_integral_value() else float(value)


def said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what has no value."""
    return {name: value for name, value in values.items() if value is not None}


class Truth:
    """Entities made of rows. `teams` place people before the billing groups do."""

    def __init__(self, rows: Rows, days: Collection[date], known: Known, teams: Mapping[str, str]) -> None:
        asked = {day.isoformat() for day in days}
        self._known = known
        self._teams = teams
        self._groups = rows.groups
        self._daily = [row for row in rows.daily if row["day"] in asked]
        self._events = [row for row in rows.events if event_day(row) in asked]
        self._commits = [row for row in _newest(rows.commits) if _commit_day(row) in asked]
        changes = {row["changeId"]: row for row in reversed(rows.changes)}
        self._changes = [row for row in changes.values() if row["createdAt"][:10] in asked]
        self.entities: Entities = {}

    def made(self) -> Entities:
        """All of them, by blueprint and identifier."""
        for day in sorted({row["day"] for row in self._daily} | {event_day(event) for event in self._events}):
            daily = [row for row in self._daily if row["day"] == day]
            events = [event for event in self._events if event_day(event) == day]
            self._organization(day, daily, events)
            self._people(day, daily, events)
            self._team_days(day, daily, events)
        self._commit_records()
        self._change_records()
        return self.entities

    def _add(self, blueprint: str, name: str, title: str, properties: Mapping[str, Any], **relations: Any) -> None:
        related = {key: value for key, value in relations.items() if value}
        self.entities[blueprint, safe(name)] = {"title": title, "properties": said(properties), "relations": related}

    def _user(self, email: str) -> str | None:
        return email if email in self._known.users else None

    def _team(self, email: str, day: str) -> str:
        if email in self._teams:
            return self._teams[email]
        stays = [
            (member["joinedAt"][:10], group["name"])
            for group in self._groups
            for member in (*group["currentMembers"], *group["formerMembers"])
            if plain(member["email"]) == email
            and member["joinedAt"][:10] <= day
            and (member["leftAt"] is None or day < member["leftAt"][:10])
        ]
        return max(stays, key=lambda stay: stay[0])[1] if stays else "Unassigned"

    def _organization(self, day: str, daily: list[Row], events: list[Row]) -> None:
        cents = total(event.get("chargedCents") for event in events)
        people = {person_of(event) for event in events} - {""}
        active = {plain(row["email"]) for row in daily if row["isActive"]} - {""}
        properties = {
            "record_date": f"{day}T00:00:00Z",
            "org": ORG,
            **_counters(daily),
            **{f"total_{name}": value for name, value in _tokens(events).items()},
            "total_cents": cents if events else 0,
            "most_used_model": commonest([event["model"] for event in events])
            or commonest([row["mostUsedModel"] for row in daily]),
            "total_active_users": len(people | active),
            "breakdown": {
                **_models(events),
                **(_shares(events) if events else {}),
                **_meanings(events),
                **({"members": len(daily), **_extras(daily)} if daily else {}),
            },
        }
        self._add(USAGE, f"{ORG}@{day}", f"{ORG} usage {day}", properties)
        if events:
            dollars = (Decimal(str(cents)) / 100).quantize(Decimal("0.000001"), ROUND_HALF_UP)
            cost = {"record_date": f"{day}T00:00:00Z", "org": ORG, "cost_usd": number(dollars)}
            self._add(COST, f"{ORG}@{day}", f"{ORG} cost {day}", cost)

    def _people(self, day: str, daily: list[Row], events: list[Row]) -> None:
        for email in sorted({plain(row["email"]) for row in daily} | {person_of(event) for event in events}):
            rows = [row for row in daily if plain(row["email"]) == email]
            own = [event for event in events if person_of(event) == email]
            if not email or not (own or any(row["isActive"] for row in rows)):
                continue
            properties = {
                "record_date": f"{day}T00:00:00Z",
                "org": ORG,
                "email": email,
                "is_active": True,
                **_counters(rows),
                **_tokens(own),
                "total_cents": total(event.get("chargedCents") for event in own) if own else 0,
                "most_used_model": commonest([row["mostUsedModel"] for row in rows])
                or commonest([event["model"] for event in own]),
                "breakdown": said({**_extras(rows), **_labels(rows), **_models(own), **_meanings(own)}),
            }
            self._add(USER, f"{ORG}@{email}@{day}", f"{email} {day}", properties, user=self._user(email))

    def _team_days(self, day: str, daily: list[Row], events: list[Row]) -> None:
        of = {email: self._team(email, day) for email in {*map(person_of, events), *(plain(r["email"]) for r in daily)}}
        of.pop("", None)
        for team in sorted(set(of.values())):
            rows = [row for row in daily if of.get(plain(row["email"])) == team]
            own = [event for event in events if of.get(person_of(event)) == team]
            active = {plain(row["email"]) for row in rows if row["isActive"]} | {person_of(event) for event in own}
            people = {"people": len({plain(row["email"]) for row in rows}), **_extras(rows)} if rows else {}
            properties = {
                "record_date": f"{day}T00:00:00Z",
                "org": ORG,
                "team": team,
                **_counters(rows),
                **_tokens(own),
                "total_cents": total(event.get("chargedCents") for event in own) if own else 0,
                "most_used_model": commonest([event["model"] for event in own])
                or commonest([row["mostUsedModel"] for row in rows]),
                "total_active_users": len(active),
                "breakdown": {**_models(own), **_meanings(own), **people},
            }
            members = sorted(safe(f"{ORG}@{email}@{day}") for email in active)
            self._add(TEAM, f"{ORG}@{team}@{day}", f"{team} {day}", properties, team_members=members)

    def _commit_records(self) -> None:
        by_hash: dict[str, Row] = {}
        for row in self._commits:
            known = by_hash.get(row["commitHash"])
            if known is None or known["createdAt"] < row["createdAt"]:
                by_hash[row["commitHash"]] = row
        for row in by_hash.values():
            email, repo = plain(row["userEmail"]), row["repoName"] or "unknown"
            properties = {name: row[name] for name in COMMIT_FIELDS}
            more = {"userEmail": email, "repoName": repo, "branchName": row["branchName"] or "unknown", "org": ORG}
            service = repo if repo in self._known.services else None
            title = f"{row['commitHash']} by {email}"
            related = {"user": self._user(email), "repository": service}
            self._add(COMMIT, row["commitHash"], title, {**properties, **more}, **related)
        for email, day in sorted({(plain(row["userEmail"]), _commit_day(row)) for row in self._commits}):
            own = [row for row in self._commits if (plain(row["userEmail"]), _commit_day(row)) == (email, day)]
            self._commit_day(email, day, own)

    def _commit_day(self, email: str, day: str, own: list[Row]) -> None:
        repos = {row["repoName"] or "unknown": [] for row in own}
        for row in own:
            repos[row["repoName"] or "unknown"].append(row)
        named = [row["repoName"] for row in own if row["repoName"]]
        properties = {
            "record_date": f"{day}T00:00:00Z",
            "org": ORG,
            "user_email": email,
            "total_commits": len(own),
            **{name: total(row[field] for row in own) for name, field in LINES.items()},
            "primary_branch_commits": sum(row["isPrimaryBranch"] is True for row in own),
            "total_unique_repos": len(set(named)),
            "most_active_repo": commonest(named),
            "breakdown": {
                "repos": {
                    name: {"commits": len(rows), "lines_added": total(row["totalLinesAdded"] for row in rows)}
                    for name, rows in repos.items()
                }
            },
        }
        name = f"{ORG}@{email}@{day}@commits"
        self._add(COMMIT_DAY, name, f"{email} commits {day}", properties, user=self._user(email))

    def _change_records(self) -> None:
        for email, day in sorted({(plain(row["userEmail"]), row["createdAt"][:10]) for row in self._changes}):
            own = [row for row in self._changes if (plain(row["userEmail"]), row["createdAt"][:10]) == (email, day)]
            files = [file for row in own for file in row["metadata"] or []]
            extensions = Counter(file["fileExtension"].lower() for file in files)
            models = Counter(row["model"] for row in own if row["model"])
            properties: dict[str, Any] = {
                "record_date": f"{day}T00:00:00Z",
                "org": ORG,
                "user_email": email,
                "total_changes": len(own),
                "total_lines_added": total(row["totalLinesAdded"] for row in own),
                "total_lines_deleted": total(row["totalLinesDeleted"] for row in own),
                "most_used_model": commonest([row["model"] for row in own]),
                "unique_file_extensions": len(extensions),
                "breakdown": {
                    "models": {
                        model: {"changes": count, "lines_added": _lines(own, "model", model, "totalLinesAdded")}
                        for model, count in models.items()
                    },
                    "extensions": {
                        name: {
                            "edits": count,
                            "lines_added": _lines(files, "fileExtension", name, "linesAdded"),
                            "lines_deleted": _lines(files, "fileExtension", name, "linesDeleted"),
                        }
                        for name, count in extensions.items()
                    },
                },
            }
            for kind in ("tab", "composer"):
                part = [row for row in own if row["source"] == kind.upper()]
                properties[f"{kind}_changes"] = len(part)
                properties[f"{kind}_lines_added"] = sum(row["totalLinesAdded"] for row in part)
                properties[f"{kind}_lines_deleted"] = sum(row["totalLinesDeleted"] for row in part)
            commits = safe(f"{ORG}@{email}@{day}@commits")
            related = [commits] if (COMMIT_DAY, commits) in self.entities else []
            name, title = f"{ORG}@{email}@{day}@changes", f"{email} code changes {day}"
            self._add(CHANGES, name, title, properties, user=self._user(email), ai_commits=related)


def _lines(rows: Iterable[Row], key: str, value: str, field: str) -> int:
    return sum(row[field] for row in rows if str(row[key]).lower() == value.lower())


def _newest(commits: Iterable[Row]) -> list[Row]:
    """Of commits told more than once by one person, the last report."""
    kept: dict[tuple[str, str], Row] = {}
    for row in commits:
        key = (row["commitHash"], plain(row["userEmail"]))
        if key not in kept or kept[key]["createdAt"] < row["createdAt"]:
            kept[key] = row
    return list(kept.values())


def _commit_day(row: Row) -> str:
    return str(row["commitTs"] or row["createdAt"])[:10]


def _counters(daily: list[Row]) -> dict[str, Any]:
    return {name: total(row[field] for row in daily) for name, field in COUNTERS.items()} if daily else {}


def _tokens(events: list[Row]) -> dict[str, Any]:
    return {name: sum(e.get("tokenUsage", {}).get(field, 0) for e in events) for name, field in TOKENS.items()}


def _extras(daily: list[Row]) -> dict[str, Any]:
    names = {"cmdk_usages": "cmdkUsages", "applies": "totalApplies"}
    return {name: total(row[field] for row in daily) for name, field in names.items()} if daily else {}


def _labels(daily: list[Row]) -> dict[str, Any]:
    names = {
        "apply_extension": "applyMostUsedExtension",
        "tab_extension": "tabMostUsedExtension",
        "client_version": "clientVersion",
    }
    return {name: commonest([row[field] for row in daily]) for name, field in names.items()}


def _models(events: list[Row]) -> dict[str, Any]:
    if not events:
        return {}
    by_model: dict[str, list[Row]] = {}
    for event in events:
        by_model.setdefault(event["model"], []).append(event)
    models = {
        name: {
            "requests": len(own),
            "tokens": sum(event.get("tokenUsage", {}).get(field, 0) for event in own for field in TOKENS.values()),
            "cents": total(event.get("chargedCents") for event in own),
        }
        for name, own in by_model.items()
    }
    without = sum("tokenUsage" not in event for event in events)
    return {"models": models, "events": len(events), "events_without_tokens": without}


def _meanings(events: list[Row]) -> dict[str, Any]:
    if not events:
        return {}
    found = {
        "cents_meaning": "charged",
        "charged_cents": total(event.get("chargedCents") for event in events),
        "on_demand_cents": total(event["chargedCents"] for event in events if event["kind"] == "Usage-based"),
        "list_price_cents": total(event.get("tokenUsage", {}).get("totalCents") for event in events),
    }
    return said(found)


def _shares(events: list[Row]) -> dict[str, Any]:
    """Whose cents they are: people's, service accounts', nobody's."""

    def cents(whose: Callable[[Row], bool]) -> Any:
        return total(event.get("chargedCents") if whose(event) else 0 for event in events)

    return {
        "cents_of_people": cents(lambda event: person_of(event) != ""),
        "cents_of_service_accounts": cents(_is_account),
        "cents_without_email": cents(lambda event: not plain(event.get("userEmail")) and not _is_account(event)),
    }


def _is_account(event: Row) -> bool:
    return (event.get("serviceAccountId") or "null") != "null"


def truth(
    rows: Rows,
    days: Collection[date],
    known: Known = Known(),
    teams: Mapping[str, str] | None = None,
) -> Entities:
    """All entities of these days, by blueprint and identifier."""
    return Truth(rows, days, known, teams or {}).made()
