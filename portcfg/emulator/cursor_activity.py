"""One person's day in the synthetic company: usage events and the daily usage row.

Every (person, day) is drawn from its own random stream, so a day stays the same whatever window it is seen through.
The shapes are Cursor's: `/teams/filtered-usage-events` and `/teams/daily-usage-data`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any
from zlib import crc32

from portcfg.emulator.cursor_people import Person, ServiceAccount

Row = dict[str, Any]
DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1).toordinal()
ACTIVE_SHARE = 0.58  # of all person-days that have events; keeps `events_per_day` a mean over all of them
MODELS = ("claude-4.5-sonnet", "gpt-5", "claude-4.5-opus", "default")
CENTS_PER_TOKEN = {"claude-4.5-sonnet": 0.0003, "gpt-5": 0.00015, "claude-4.5-opus": 0.0006, "default": 0.0002}
REQUEST_UNITS = (1.0, 1.0, 1.0, 2.0, 1.4, 3.8)
INCLUDED, USAGE_BASED, OWN_KEY = "Included in Business", "Usage-based", "User API Key"
ERRORED, ABORTED = "Errored, Not Charged", "Aborted, Not Charged"
EXTENSIONS = {"Platform": "go", "Payments": "py", "Web": "tsx", "Mobile": "kt"}
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = range(5)


@dataclass(frozen=True)
class Plan:
    """How much happens on a person's day; drawn first, so that counting needs no events."""

    active: bool
    events: int


def midnight_ms(day: date) -> int:
    """Epoch milliseconds of the day's 00:00Z."""
    return (day.toordinal() - EPOCH) * DAY_MS


def stream(seed: int, person: Person, day: date) -> Random:
    """The random stream of one person's day."""
    return Random(f"{seed}/{person.id}/{day.toordinal()}")


def draw_plan(rng: Random, person: Person, day: date, mean: float) -> Plan:
    """The first draws of a person's day: idle, Tab completions only, or a number of events."""
    chance, amount = rng.random(), rng.random()
    idle_week = crc32(f"{person.id}/{day.isocalendar()[:2]}".encode()) % 12 == 0
    weekend = day.weekday() > FRIDAY
    if not person.is_member(day) or idle_week or chance > (0.07 if weekend else 0.92):
        return Plan(False, 0)
    if chance < (0.01 if weekend else 0.04):
        return Plan(True, 0)
    busy = (1.05, 1.1, 1.1, 1.0, 0.75, 0.5, 0.5)[day.weekday()]
    return Plan(True, max(1, round(mean / ACTIVE_SHARE * person.intensity * growth(day) * busy * (0.4 + 1.2 * amount))))


def growth(day: date) -> float:
    """Adoption grows through 2026, from 0.8 to 1.2 of the mean."""
    return 0.8 + 0.4 * min(1.0, max(0.0, (day.toordinal() - date(2026, 1, 1).toordinal()) / 365))


def person_events(rng: Random, person: Person, day: date, count: int) -> list[Row]:
    """The day's `count` events, oldest first. Contractors' events never carry an e-mail (as a removed person's)."""
    start = midnight_ms(day)
    times = sorted(start + int((7 + 5.5 * (rng.random() + rng.random())) * 3_600_000) for _ in range(count))
    _bend_times(times, person.quirk, day, start)
    on_demand = 0.08 + 0.25 * day.day / 31  # the allowance runs out towards the end of the month
    return [_event(rng, person, day, at, on_demand) for at in times]


def _bend_times(times: list[int], quirk: int, day: date, start: int) -> None:
    if not times:
        return
    if quirk == 2:
        times[0] = start
    if quirk == 3:
        times[-1] = start + DAY_MS - 1
    if quirk == 4 and len(times) > 1:
        times[1] = times[0]


def _event(rng: Random, person: Person, day: date, at: int, on_demand: float) -> Row:
    kind = _kind(rng.random(), on_demand)
    model = _model(rng.random(), person.quirk)
    token_based = kind in (USAGE_BASED, OWN_KEY)
    units = 0.0 if kind != INCLUDED else REQUEST_UNITS[int(rng.random() * 6)]
    row: Row = {
        "timestamp": str(at),
        "model": model,
        "kind": kind,
        "maxMode": model == "claude-4.5-opus" and token_based,
        "requestsCosts": units,
        "isTokenBasedCall": token_based,
        "isChargeable": kind == USAGE_BASED,
        "isHeadless": False,
    }
    tokens = None if kind in (ERRORED, ABORTED) else _tokens(rng, model, person.quirk)
    if tokens is not None and (token_based or rng.random() > 0.06):
        row["tokenUsage"] = tokens
    row["isFreeBugbot"] = False
    if person.left is None:
        row["userEmail"] = written_email(person, day, rng.random())
    _charge(rng, row, kind, units, tokens)
    if rng.random() < 0.5:
        row["conversationId"] = f"0b7e6f1a-0000-4000-8000-{at % 10**12:012d}"
    if person.quirk != 7 or day.weekday() != THURSDAY:
        row["serviceAccountId"] = "null"
    return row


def _kind(draw: float, on_demand: float) -> str:
    if draw < on_demand:
        return USAGE_BASED
    return ERRORED if draw > 0.96 else ABORTED if draw > 0.945 else OWN_KEY if draw > 0.91 else INCLUDED


def _model(draw: float, quirk: int) -> str:
    if quirk == 5:
        draw = draw * 0.6 + 0.4
    return MODELS[0] if draw < 0.45 else MODELS[1] if draw < 0.7 else MODELS[2] if draw < 0.85 else MODELS[3]


def _tokens(rng: Random, model: str, quirk: int) -> Row:
    fresh, out = int(200 + 4800 * rng.random()), int(80 + 1900 * rng.random())
    written = 0 if model == "gpt-5" else int(8000 * rng.random())
    read = int(64_000 * rng.random() ** 2)
    cents = round((fresh + 5 * out + 1.25 * written + 0.1 * read) * CENTS_PER_TOKEN[model], 3)
    usage: Row = {"inputTokens": fresh, "outputTokens": out}
    if written or quirk % 2:  # a key that would be zero may be left out
        usage["cacheWriteTokens"] = written
    return {**usage, "cacheReadTokens": read, "totalCents": cents}


def _charge(rng: Random, row: Row, kind: str, units: float, tokens: Row | None) -> None:
    if kind != USAGE_BASED or tokens is None:
        row["chargedCents"] = round(units * 4, 2)
        return
    fee = round(0.25 + rng.random() * 2, 2)
    row["chargedCents"] = round(tokens["totalCents"] + fee, 3)
    row["cursorTokenFee"] = fee


def written_email(person: Person, day: date, draw: float) -> str:
    """The e-mail as a row spells it: mostly plain, for some people in capitals or with blanks around."""
    if person.quirk == 1 and day.weekday() == TUESDAY:
        return person.email.title() if draw < 0.5 else person.email.upper()
    if person.quirk == 6 and day.weekday() == WEDNESDAY:
        return f" {person.email} " if draw < 0.5 else f"{person.email} "
    return person.email


def account_events(seed: int, account: ServiceAccount, day: date, scale: int) -> list[Row]:
    """A service account's night: headless, on demand, with the account's own address. Oldest first."""
    rng = Random(f"{seed}/{account.id}/{day.toordinal()}")
    times = sorted(midnight_ms(day) + int((1 + 2 * rng.random()) * 3_600_000) for _ in range(account_count(day, scale)))
    return [_account_event(rng, account, at) for at in times]


def account_count(day: date, scale: int) -> int:
    """How many events a service account has on `day`."""
    return scale * (2 if day.weekday() > FRIDAY else 3 + day.toordinal() % 3)


def _account_event(rng: Random, account: ServiceAccount, at: int) -> Row:
    tokens = _tokens(rng, "claude-4.5-sonnet", 1)
    row: Row = {
        "timestamp": str(at),
        "model": "claude-4.5-sonnet",
        "kind": USAGE_BASED,
        "maxMode": False,
        "requestsCosts": 0.0,
        "isTokenBasedCall": True,
        "isChargeable": True,
        "isHeadless": True,
        "tokenUsage": tokens,
        "isFreeBugbot": False,
        "userEmail": account.email,
    }
    _charge(rng, row, USAGE_BASED, 0.0, tokens)
    row |= {"serviceAccountName": account.name, "cloudAgentId": f"bc-00000000-0000-4000-8000-{at % 10**12:012d}"}
    if account.automation:
        row["automationId"] = account.automation
    return {**row, "serviceAccountId": account.id}


def bugbot_event(seed: int, day: date) -> Row:
    """One free Bugbot review a day that names nobody, at noon and an odd millisecond."""
    at = midnight_ms(day) + 43_200_000 + Random(f"{seed}/bugbot/{day.toordinal()}").randrange(1, 999)
    return {
        "timestamp": str(at),
        "model": "default",
        "kind": INCLUDED,
        "requestsCosts": 0.0,
        "isTokenBasedCall": False,
        "isChargeable": False,
        "isHeadless": True,
        "isFreeBugbot": True,
        "chargedCents": 0.0,
        "serviceAccountId": "null",
    }


def usage_row(rng: Random, person: Person, day: date, plan: Plan, events: list[Row]) -> Row:
    """The `/teams/daily-usage-data` row that goes with the day's events; all zeros and nulls on an idle day.

    Cloud-only Fridays (quirk 6) show events beside an idle row, as two pipelines do in the real service.
    """
    active = plan.active and not (person.quirk == 6 and day.weekday() == FRIDAY)
    numbers = _numbers(rng, person, events) if active else dict.fromkeys(NUMBERS, 0)
    head: Row = {"userId": person.id, "day": day.isoformat(), "date": midnight_ms(day)}
    head |= {"email": written_email(person, day, rng.random()), "isActive": active}
    return {**head, **numbers, **(_labels(person, day, events) if active else dict.fromkeys(LABELS))}


LABELS = ("mostUsedModel", "applyMostUsedExtension", "tabMostUsedExtension", "clientVersion")
NUMBERS = (
    *("totalLinesAdded", "totalLinesDeleted", "acceptedLinesAdded", "acceptedLinesDeleted"),
    *("totalApplies", "totalAccepts", "totalRejects", "totalTabsShown", "totalTabsAccepted"),
    *("composerRequests", "chatRequests", "agentRequests", "cmdkUsages"),
    *("subscriptionIncludedReqs", "apiKeyReqs", "usageBasedReqs", "bugbotUsages"),
)


def _numbers(rng: Random, person: Person, events: list[Row]) -> Row:
    kinds = Counter(str(event["kind"]) for event in events)
    requests = kinds[INCLUDED] + kinds[USAGE_BASED] + kinds[OWN_KEY]
    accepts, rejects = (0, 0) if person.quirk == 5 else (int(requests * 0.6 * rng.random()), int(requests * 0.2))
    shown = 12 + int(150 * rng.random())
    chat, composer = int(requests * 0.2), int(requests * 0.1)
    accepted = int(requests * 14 * rng.random())
    typed = int(40 * rng.random()) + (0 if person.quirk == 2 else accepted)  # quirk 2: more accepted than written
    added = (typed, typed // 5, accepted, accepted // 6)
    reviews = (accepts + rejects + requests // 8, accepts, rejects, shown, int(shown * (0.2 + 0.3 * rng.random())))
    asked = (composer, chat, requests - chat - composer, requests // 9)
    billed = (kinds[INCLUDED], kinds[OWN_KEY], kinds[USAGE_BASED], int(rng.random() < 0.1))
    return dict(zip(NUMBERS, (*added, *reviews, *asked, *billed), strict=True))


def _labels(person: Person, day: date, events: list[Row]) -> Row:
    models = Counter(str(event["model"]) for event in events)
    extension = "." + EXTENSIONS.get(person.team, "md")
    commonest = min(models, key=lambda model: (-models[model], model)) if models else None
    version = f"2.{day.month}.{day.day}"
    return dict(zip(LABELS, (commonest, extension if events else None, extension, version), strict=True))
