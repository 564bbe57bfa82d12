"""The people, service accounts and billing groups of the synthetic company.

Everybody is a function of the seed and, for contractors, of a calendar month: never of the window asked for. A quirk
number per person decides which oddities of the real API show in that person's rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

TEAMS = ("Platform", "Payments", "Web", "Mobile")
UNASSIGNED = "Unassigned"
QUIRKS = 8
MOVE_DAY = 15  # of each month: movers change their billing group
LEAVE_DAY = 20  # of each month: that month's contractor leaves
FIRST_NAMES = (
    *(
        "Alice",
        "Bob",
        "Carol",
        "Dave",
        "Erin",
        "Farid",
        "Grace",
        "Hiro",
        "Ines",
        "Jonas",
        "Kira",
        "Liam",
        "Mona",
        "Nils",
    ),
    *("Nils", "Olga", "Pablo", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Viktor", "Wanda", "Xavi", "Yara", "Zoe"),
)
LAST_NAMES = (
    *("Arnaud", "Bianchi", "Castro", "Dimitrov", "Eklund", "Fischer", "Garcia", "Haddad", "Ito", "Jansen", "Kovacs"),
    *("Lindgren", "Moreau", "Novak", "O'Brien", "Petrov", "Quist", "Rossi", "Silva"),
)


@dataclass(frozen=True)
class Stay:
    """A membership of a billing group: from `since` up to, not including, `until` (None: still there)."""

    group: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Person:
    """A team member. `joined` and `left` are the first and the last day of the membership (None: still a member)."""

    id: str
    name: str
    email: str
    role: str
    team: str
    quirk: int
    intensity: float
    joined: date
    left: date | None = None
    mover: bool = False

    def is_member(self, day: date) -> bool:
        """Whether the person held a membership on `day`."""
        return self.joined <= day and (self.left is None or day <= self.left)

    def removed_by(self, day: date) -> bool:
        """Whether the person had left by the end of `day`."""
        return self.left is not None and self.left <= day


@dataclass(frozen=True)
class ServiceAccount:
    """A non-human account whose events look like a person's, but for `serviceAccountId`."""

    id: str
    name: str
    email: str
    automation: str | None


def roster(seed: int, users: int, start: date, end: date) -> tuple[Person, ...]:
    """The `users` permanent people, then one contractor per month of the window (and per 40 people)."""
    contractors = [_contractor(seed, month, n) for month in _months(start, end) for n in range(max(1, users // 40))]
    present = [person for person in contractors if person.joined <= end]
    return (*(_permanent(seed, index) for index in range(users)), *present)


def accounts() -> tuple[ServiceAccount, ...]:
    """Two service accounts: one that runs automations, one that a person's tool calls."""
    nightly = ServiceAccount(
        "sa_01HEXAMPLENIGHTLY", "nightly-bot", "agent-runner@example.com", "auto_01HEXAMPLENIGHTLY"
    )
    return (nightly, ServiceAccount("sa_01HEXAMPLETRIAGE", "triage-bot", "triage@example.com", None))


def stays(person: Person, until: date) -> tuple[Stay, ...]:
    """The person's billing group memberships known at the end of `until`, oldest first."""
    since = datetime(person.joined.year, person.joined.month, person.joined.day, 8, 5, tzinfo=UTC)
    known: list[Stay] = []
    team = person.team
    for moved in _moves(person, until):
        known.append(Stay(team, since, moved))
        team, since = _other_team(person.team) if team == person.team else person.team, moved
    gone = datetime(person.left.year, person.left.month, person.left.day, 18, tzinfo=UTC) if person.left else None
    return (*known, Stay(team, since, gone if person.removed_by(until) else None))


def _moves(person: Person, until: date) -> list[datetime]:
    if not person.mover:
        return []
    months = _months(person.joined + timedelta(days=31), until)
    return [datetime(year, month, MOVE_DAY, 9, 30, tzinfo=UTC) for year, month in months if _day(year, month) <= until]


def _day(year: int, month: int) -> date:
    return date(year, month, MOVE_DAY)


def _other_team(team: str) -> str:
    return TEAMS[(TEAMS.index(team) + 1) % len(TEAMS)]


def _permanent(seed: int, index: int) -> Person:
    rng = Random(f"{seed}/person/{index}")
    first, last = FIRST_NAMES[index % len(FIRST_NAMES)], rng.choice(LAST_NAMES)
    joined = date(2025, 1, 6) + timedelta(days=rng.randrange(240))
    invited = index % 20 == 13  # invited people may have an empty name
    return Person(
        id=f"user_01HEXAMPLE{index:06d}{rng.randrange(16**8):08X}",
        name="" if invited else f"{first} {last}",
        email=f"{first}.{last}{index}@example.com".lower(),
        role="owner" if index == 0 else "free-owner" if index % 50 == 49 else "member",
        team=UNASSIGNED if index % 9 == 8 else TEAMS[rng.randrange(len(TEAMS))] if index > 7 else TEAMS[index % 4],
        quirk=index % QUIRKS,
        intensity=0.4 + 1.2 * rng.random(),
        joined=joined,
        mover=index % 16 == 1 and index % 9 != 8,
    )


def _contractor(seed: int, month: tuple[int, int], number: int) -> Person:
    """Joins on the 1st of the month and leaves on the 20th."""
    rng = Random(f"{seed}/contractor/{month}/{number}")
    tag = f"{month[0]}{month[1]:02d}{number}"
    return Person(
        id=f"user_01HEXAMPLECONTRACTOR{tag}",
        name=f"Contractor {tag}",
        email=f"contractor-{tag}@example.com",
        role="member",
        team=TEAMS[rng.randrange(len(TEAMS))],
        quirk=0,
        intensity=0.7,
        joined=date(*month, 1),
        left=date(*month, LEAVE_DAY),
    )


def _months(start: date, end: date) -> list[tuple[int, int]]:
    first, last = start.year * 12 + start.month - 1, end.year * 12 + end.month - 1
    return [(number // 12, number % 12 + 1) for number in range(first, last + 1)]
