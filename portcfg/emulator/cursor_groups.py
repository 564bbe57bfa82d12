"""Billing groups of the synthetic company: who was in which one during a billing cycle, and what they spent.

Cycles turn on the 28th at 12:08:08Z, as a subscription's do. Spend counts whole days from the 28th to the 27th; the
real route's figures are known to differ from the events' sum in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from portcfg.emulator.cursor_asking import Ask, refusal
from portcfg.emulator.cursor_feed import Feed
from portcfg.emulator.cursor_people import TEAMS, UNASSIGNED, Person, Stay, stays

TURN_DAY = 28
DAILY_DAYS = 2  # how many days of dailySpend the service keeps
CREATED = "2025-01-03T10:00:00.000Z"


@dataclass(frozen=True)
class Cycle:
    """A billing cycle: from `start` up to `end`."""

    start: datetime
    end: datetime

    def days(self) -> list[date]:
        """The days whose spend it counts."""
        return [self.start.date() + timedelta(days=n) for n in range((self.end - self.start).days)]


def cycle_of(ask: Ask) -> Cycle:
    """The cycle that holds the day asked for with `billingCycle`, or the present."""
    text = ask.query.get("billingCycle")
    try:
        day = date.fromisoformat(text[:10]) if text else ask.now.date()
    except ValueError:
        raise refusal(400, "Invalid billingCycle") from None
    month = day.year * 12 + day.month - (1 if day.day >= TURN_DAY else 2)
    return Cycle(_turn(month), _turn(month + 1))


def _turn(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, TURN_DAY, 12, 8, 8, tzinfo=UTC)


def group_list(feed: Feed, cycle: Cycle, now: datetime) -> dict[str, Any]:
    """The answer of `GET /teams/groups`."""
    made = [_group(feed, cycle, now, name, detailed=False) for name in TEAMS]
    unassigned = _group(feed, cycle, now, UNASSIGNED, detailed=False)
    return {"groups": made, "unassignedGroup": unassigned, "billingCycle": _cycle(cycle)}


def group_answer(feed: Feed, cycle: Cycle, now: datetime, wanted: str) -> dict[str, Any] | None:
    """The answer of `GET /teams/groups/:id`; None when there is no such group."""
    for name in (*TEAMS, UNASSIGNED):
        if _group_id(name) == wanted:
            return {"group": _group(feed, cycle, now, name, detailed=True), "billingCycle": _cycle(cycle)}
    return None


def _cycle(cycle: Cycle) -> dict[str, str]:
    return {"cycleStart": _iso(cycle.start), "cycleEnd": _iso(cycle.end)}


def _group_id(name: str) -> str:
    return "group_unassigned" if name == UNASSIGNED else f"group_01HEXAMPLE{name.upper()}"


def _group(feed: Feed, cycle: Cycle, now: datetime, name: str, *, detailed: bool) -> dict[str, Any]:
    held = [(person, stay) for person, stay in _held(feed, cycle, now) if stay.group == name]
    seen = min(cycle.end, now)
    current = [pair for pair in held if pair[1].until is None or pair[1].until > seen]
    former = [pair for pair in held if pair not in current]
    days = _spent_days(feed, cycle, now)
    return {
        "id": _group_id(name),
        "name": name,
        "type": "BILLING",
        "directoryGroupId": "team_group_01HEXAMPLEPLATFORM" if name == "Platform" else None,
        "memberCount": len(current),
        "createdAt": CREATED,
        "updatedAt": _iso(cycle.start),
        "spendCents": _cents(feed, held, days),
        "currentMembers": [_member(feed, pair, days, detailed=detailed) for pair in current],
        "formerMembers": [_member(feed, pair, days, detailed=False) for pair in former],
        "dailySpend": _daily(feed, held, days),
    }


def _held(feed: Feed, cycle: Cycle, now: datetime) -> list[tuple[Person, Stay]]:
    """The memberships that overlap the cycle, as they stand now."""
    today = min(now, cycle.end).date()
    pairs = [(person, stay) for person in feed.company.people for stay in stays(person, now.date())]
    return [
        (person, stay)
        for person, stay in pairs
        if stay.since < cycle.end and stay.since.date() <= today and (stay.until is None or stay.until > cycle.start)
    ]


def _spent_days(feed: Feed, cycle: Cycle, now: datetime) -> list[date]:
    return [day for day in cycle.days() if feed.company.has(day) and day <= now.date()]


def _member(feed: Feed, pair: tuple[Person, Stay], days: list[date], *, detailed: bool) -> dict[str, Any]:
    person, stay = pair
    row = {
        "userId": person.id,
        "name": person.name,
        "email": person.email,
        "joinedAt": _iso(stay.since),
        "leftAt": _iso(stay.until) if stay.until else None,
        "spendCents": _cents(feed, [pair], days),
    }
    return {**row, "dailySpend": _daily(feed, [pair], days)} if detailed else row


def _daily(feed: Feed, held: list[tuple[Person, Stay]], days: list[date]) -> list[dict[str, Any]]:
    return [{"date": day.isoformat(), "spendCents": _cents(feed, held, [day])} for day in days[-DAILY_DAYS:]]


def _cents(feed: Feed, held: list[tuple[Person, Stay]], days: list[date]) -> float:
    """What the members were charged on the days that began while they were in the group."""
    total = Decimal(0)
    for day in days:
        charged = feed.usage(day).charged
        total += sum((charged.get(person.email, Decimal(0)) for person, stay in held if _in(stay, day)), Decimal(0))
    return float(total)


def _in(stay: Stay, day: date) -> bool:
    dawn = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return stay.since <= dawn and (stay.until is None or dawn < stay.until)


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
