"""One person's AI code day in the synthetic company: commits and accepted changes.

The shapes are those of `/analytics/ai-code/commits` and `/analytics/ai-code/changes`. Amended commits come twice with
one hash; Monday's amendments are ingested two days late, so `commitTs` and `createdAt` fall on different days.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha1
from random import Random

from portcfg.emulator.cursor_activity import (
    DAY_MS,
    EXTENSIONS,
    MODELS,
    MONDAY,
    Plan,
    Row,
    midnight_ms,
    written_email,
)
from portcfg.emulator.cursor_people import Person

LATEST_DAYS = 2  # a commit is ingested at most this many days after its own day
LATE_QUIRKS = (3, 4, 5)  # whose commits may be ingested on a later day: midnight commits, late amendments
REPOS = {"Platform": "platform", "Payments": "payments", "Web": "web", "Mobile": "mobile-app"}
MESSAGES = (
    "Add retry",
    "Fix rounding",
    "Refactor the parser",
    "wip",
    'Say "no", politely',
    "First line\n\nSecond line",
)
FILES = ("src/main", "src/limits", "tests/test_limits", "src/app", "lib/util")


def iso(at: int) -> str:
    """Epoch milliseconds as `2026-03-02T09:00:03.211Z`."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).isoformat(timespec="milliseconds")[:-6] + "Z"


def commits_of(seed: int, person: Person, day: date, plan: Plan) -> list[tuple[int, Row]]:
    """The person's commits made on `day`, as (ingestion time in ms, item)."""
    if not plan.active:
        return []
    rng = Random(f"{seed}/{person.id}/{day.toordinal()}/commits")
    made: list[tuple[int, Row]] = []
    for number in range(int(rng.random() * 4)):
        at = _commit_time(rng, person, day, number)
        created = at + (14_005 if at % DAY_MS > DAY_MS - 20_000 else 900 + int(9000 * rng.random()))
        item = _commit(rng, person, day, number, at, created)
        made.append((created, item))
        if number == 0 and person.quirk in (4, 5):
            made.append(_amended(item, created + (2 * DAY_MS if day.weekday() == MONDAY else 539_111)))
    return made


def _commit_time(rng: Random, person: Person, day: date, number: int) -> int:
    draw = rng.random()
    if number == 0 and person.quirk == 3:
        return midnight_ms(day) + DAY_MS - 10_000  # ingested on the next day
    return midnight_ms(day) + int((8 + 10 * draw) * 3600) * 1000


def _commit(rng: Random, person: Person, day: date, number: int, at: int, created: int) -> Row:
    main = rng.random() < 0.6
    repo = f"example-org/{REPOS.get(person.team, 'tools')}"
    if rng.random() < 0.2:
        repo = "example-org/shared"
    unknown = person.quirk == 6 and number == 0  # a workspace without a remote
    item: Row = {
        "commitHash": sha1(f"{person.id}/{day}/{number}/{created}".encode()).hexdigest(),
        "userId": person.id,
        "userEmail": written_email(person, day, rng.random()),
        "repoName": None if unknown else repo,
        "branchName": None if unknown else "main" if main else f"feat/{number}-{day.day}",
        "isPrimaryBranch": None if unknown else main,
        "commitSource": ("ide", "ide", "ide", "cli", "cloud")[int(rng.random() * 5)],
        **_commit_lines(rng),
        "message": None if person.quirk == 7 and number == 1 else MESSAGES[int(rng.random() * len(MESSAGES))],
        "commitTs": None if unknown else iso(at),
        "createdAt": iso(created),
    }
    if person.quirk == 7 and number == 0:
        item |= {"nonAiLinesAdded": None, "nonAiLinesDeleted": None}
    return item


def _commit_lines(rng: Random) -> Row:
    tab, composer, own = int(20 * rng.random()), int(140 * rng.random() ** 2), int(60 * rng.random())
    return {
        "totalLinesAdded": tab + composer + own,
        "totalLinesDeleted": tab // 6 + composer // 5 + own // 3,
        "tabLinesAdded": tab,
        "tabLinesDeleted": tab // 6,
        "composerLinesAdded": composer,
        "composerLinesDeleted": composer // 5,
        "nonAiLinesAdded": own,
        "nonAiLinesDeleted": own // 3,
    }


def _amended(item: Row, created: int) -> tuple[int, Row]:
    """The same hash and `commitTs` once more, with five more composer lines and a newer `createdAt`."""
    more = {key: item[key] + 5 for key in ("totalLinesAdded", "composerLinesAdded")}
    return created, {**item, **more, "message": "Amended", "createdAt": iso(created)}


def changes_of(seed: int, person: Person, day: date, plan: Plan, mean: float) -> list[tuple[int, Row]]:
    """The person's accepted AI changes of `day`, as (ingestion time in ms, item)."""
    if not plan.active:
        return []
    rng = Random(f"{seed}/{person.id}/{day.toordinal()}/changes")
    count = max(1, round(mean * person.intensity * (0.5 + rng.random())))
    times = sorted(midnight_ms(day) + int((8 + 10 * rng.random()) * 3_600_000) for _ in range(count))
    if person.quirk in (0, 4) and count > 1:
        times[1] = times[0]
    first = int(sha1(f"{person.id}/{day}".encode()).hexdigest()[:10], 16) * 1000
    made = [(at, _change(rng, person, day, first + number, at)) for number, at in enumerate(times)]
    if person.quirk == 4:  # the service delivers the day's last change twice, word for word
        made.append(made[-1])
    return made


def _change(rng: Random, person: Person, day: date, number: int, at: int) -> Row:
    tab = rng.random() < 0.7
    model = None if tab or rng.random() < 0.1 else MODELS[int(rng.random() * len(MODELS))]
    files = [_file(rng, person, tab) for _ in range(1 if tab else 1 + int(2.2 * rng.random()))]
    return {
        "changeId": str(number),
        "userId": person.id,
        "userEmail": written_email(person, day, rng.random()),
        "source": "TAB" if tab else "COMPOSER",
        "model": model,
        "totalLinesAdded": sum(file["linesAdded"] for file in files),
        "totalLinesDeleted": sum(file["linesDeleted"] for file in files),
        "createdAt": iso(at),
        "metadata": files,
    }


def _file(rng: Random, person: Person, tab: bool) -> Row:
    extension = EXTENSIONS.get(person.team, "md") if rng.random() < 0.7 else ("md", "PY", "json")[int(rng.random() * 3)]
    added, deleted = int((5 if tab else 45) * rng.random()) + 1, int((2 if tab else 12) * rng.random())
    row: Row = {"fileExtension": extension, "linesAdded": added, "linesDeleted": deleted}
    if person.quirk == 3:  # privacy mode
        return row
    return {"fileName": f"{FILES[int(rng.random() * len(FILES))]}.{extension.lower()}", **row}
