"""Whatever HTTP does, a sync ends with the truth in Port, entity by entity; or says that it didn't, has written nothing
that is wrong, and the next one does."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from itertools import cycle, product
from typing import Any

import pytest

from portcfg.errors import PortcfgError
from portcfg.sync.report import SyncReport
from tests.sync.conftest import Served, clean_world
from tests.sync.network import (
    Act,
    Asked,
    Forward,
    Meddle,
    Reply,
    cutting,
    every,
    first_of,
    refusing,
    replacing,
    untouched,
)
from tests.sync.truth import BLUEPRINTS
from tests.sync.world import World

Row = Callable[..., None]
RECORDS = ("portcfg_sync_day", "portcfg_sync_run")
CURSOR_ROUTES = (
    "GET /teams/groups",
    "POST /teams/daily-usage-data",
    "POST /teams/filtered-usage-events",
    "GET /analytics/ai-code/commits",
    "GET /analytics/ai-code/changes",
)
PORT_ROUTES = (
    "POST /v1/auth/access_token",
    "GET /v1/blueprints",
    "POST /v1/blueprints",
    "POST /v1/blueprints/_user/entities/search",
    "POST /v1/blueprints/service/entities/search",
    "POST /v1/blueprints/portcfg_sync_run/entities/search",
    *(f"POST /v1/blueprints/{name}/entities/search" for name in BLUEPRINTS),
    *(f"POST /v1/blueprints/{name}/entities/bulk" for name in (*BLUEPRINTS, *RECORDS)),
)
WAIT, BURST = 7, 3


def test_these_are_all_routes_of_a_sync(world: World) -> None:
    report = world.sync()
    assert (report.exit_code, world.wrong()) == (0, [])
    assert sorted(world.cursor_net.routes) == sorted(CURSOR_ROUTES)
    world.port_net.routes.pop("GET /v1/blueprints/cursor_usage_record", None)
    asked = {route for route in world.port_net.routes if not route.startswith("GET /v1/blueprints/")}
    assert sorted(asked) == sorted(PORT_ROUTES)


# How a server says how long to wait.
DIALECTS: dict[str, Callable[[World], dict[str, str]]] = {
    "reset in seconds": lambda _: {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(WAIT)},
    "reset as an epoch": lambda world: {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(world.time.now + WAIT)},
    "Retry-After in seconds": lambda _: {"retry_after": str(WAIT)},
    "Retry-After as a date": lambda world: {"retry_after": formatdate(world.time.now + WAIT, usegmt=True)},
    "no word on it": lambda _: {},
}


def too_many(world: World, dialect: str) -> Act:
    """429, with the wait as of the moment of the answer."""

    async def act(asked: Asked, forward: Forward) -> Reply:
        return await refusing(429, **DIALECTS[dialect](world))(asked, forward)

    return act


EVERY_ROUTE = "every route"


def bursts(routes: Sequence[str]) -> list[tuple[str, str, str]]:
    """Every route at once in each dialect, and one route after the other in one of them."""
    pairs = [(EVERY_ROUTE, dialect) for dialect in DIALECTS]
    pairs += zip(routes, cycle(DIALECTS), strict=False)
    return [(f"{route}, {dialect}", route, dialect) for route, dialect in pairs]


@dataclass(frozen=True)
class Survived:
    """A run that ended well."""

    report: SyncReport
    requests: int
    met: int
    routes: Counter[str]


def survived(world: World, **options: Any) -> Survived:
    """A run that ends well, with the truth in Port."""
    report = world.sync(**options)
    done = Survived(report, world.requests, world.met, world.port_net.routes)
    assert (report.exit_code, report.rejects, world.wrong()) == (0, (), [])
    return done


@pytest.mark.matrix("case", bursts(PORT_ROUTES), 2)
def test_a_burst_of_429_at_port(world: World, case: tuple[str, str, str], soak_row: Row) -> None:
    _, route, dialect = case
    world.meddle(port=first_of("" if route == EVERY_ROUTE else route, BURST, too_many(world, dialect)))
    done = survived(world)
    assert done.met >= BURST
    said = [seconds for seconds in world.time.slept if seconds == WAIT]
    # A pause for all workers is slept by the second.
    assert said or dialect == "no word on it" or world.time.slept.count(1.0) >= WAIT
    soak_row("Port: 429 burst", dialect, done.requests, done.met)


@pytest.mark.matrix("case", bursts(CURSOR_ROUTES), 2)
def test_a_burst_of_429_at_cursor(world: World, case: tuple[str, str, str], soak_row: Row) -> None:
    _, route, dialect = case
    world.meddle(cursor=first_of("" if route == EVERY_ROUTE else route, BURST, too_many(world, dialect)))
    done = survived(world)
    assert done.report.source_retries == done.met >= BURST
    assert WAIT in world.time.slept or dialect == "no word on it"
    soak_row("Cursor: 429 burst", dialect, done.requests, done.met)


NTH = range(2, 8)
SIDES = ("Port", "Cursor", "both")
NTH_CASES = [(f"{side}, every {n}", side, n) for side, n in product(SIDES, NTH)]
SERVER_ERRORS = [refusing(status) for status in (500, 502, 503, 504)]


def on(world: World, side: str, port: Meddle, cursor: Meddle) -> None:
    """Meddle on one side or both."""
    world.meddle(port if side != "Cursor" else untouched, cursor if side != "Port" else untouched)


@pytest.mark.matrix("case", NTH_CASES, 2)
def test_server_errors(world: World, case: tuple[str, str, int], soak_row: Row) -> None:
    _, side, n = case
    on(world, side, every(n, *SERVER_ERRORS), every(n, *SERVER_ERRORS))
    done = survived(world)
    assert done.met > 1
    soak_row(f"{side}: 5xx", f"on every {n}th call", done.requests, done.met)


@pytest.mark.matrix("case", NTH_CASES, 2)
def test_connections_dropped_in_the_body(world: World, case: tuple[str, str, int], soak_row: Row) -> None:
    _, side, n = case
    on(world, side, every(n, cutting), every(n, cutting))
    done = survived(world)
    assert done.met > 1
    soak_row(f"{side}: dropped in the body", f"every {n}th call", done.requests, done.met)


def revoking(every_so_many: int) -> Meddle:
    """Revoke the token whenever so many requests were let through."""
    counts = Counter[str]()

    def meddle(asked: Asked) -> Act | None:
        if "authorization" not in asked.headers:
            counts["revoked"] = 0
        elif counts["revoked"]:
            return refusing(401)
        else:
            counts["let through"] += 1
            counts["revoked"] = counts["let through"] % every_so_many == 0
        return None

    return meddle


@pytest.mark.matrix("after", [1, 2, 3, 5, 8, 13, 21], 1)
def test_ports_token_dies(world: World, after: int, soak_row: Row) -> None:
    world.meddle(port=revoking(after))
    # With fewer requests than workers, others may use up the new token before one has tried it.
    done = survived(world, parallelism=1 if after < 13 else 4)
    assert done.met > 0
    assert done.routes["POST /v1/auth/access_token"] > 1
    soak_row("Port: token dies", f"every {after} requests", done.requests, done.met)


HALF_GZIP = gzip.compress(json.dumps({"ok": True, "entities": [{"identifier": str(n)} for n in range(200)]}).encode())
# What no API documents, or what ends a key's life.
STRANGE: dict[str, Act] = {
    "a web page with 200": replacing(b"<!doctype html><h1>Sign in</h1>", "text/html"),
    "half a gzip": replacing(HALF_GZIP[: len(HALF_GZIP) // 2], "application/json", content_encoding="gzip"),
    "no gzip, though it says so": replacing(b'{"ok": true}', "application/json", content_encoding="gzip"),
    "half the JSON": replacing(b'{"ok": true, "entities": [{"ident', "application/json"),
    "nothing": replacing(b"", "application/json"),
    "null": replacing(b"null", "application/json"),
    "an empty object": replacing(b"{}", "application/json"),
    "an empty list": replacing(b"[]", "application/json"),
    "objects where lists are due": replacing(
        b'{"blueprints": {}, "entities": {}, "errors": {}, "data": {}, "usageEvents": {}, "items": {}, "groups": {}}',
        "application/json",
    ),
    "lists of the wrong things": replacing(
        b'{"blueprints": [1], "entities": [null, "x"], "errors": [7], "data": [1], "usageEvents": ["x"], "items": [[]],'
        b' "groups": [null], "accessToken": 5, "expiresIn": "soon"}',
        "application/json",
    ),
    "400": refusing(400),
    "401": refusing(401),
    "403": refusing(403),
    "404": refusing(404),
    "409": refusing(409),
    "a redirect": refusing(302, location="http://127.0.0.1:9/elsewhere"),
    "503 for good": refusing(503),
}
PARTS = (0.0, 0.3, 0.7)
ONCE, FOR_GOOD = "once", "from then on"


def strange_cases() -> Iterator[tuple[str, str, str, str, float]]:
    """Each of them at one request or from then on, on each side, early and late."""
    for (number, name), side, part in product(enumerate(STRANGE), ("Port", "Cursor"), PARTS):
        # Which of the two it is alternates: all of them would take too long.
        how = (ONCE, FOR_GOOD)[(number + PARTS.index(part)) % 2]
        yield f"{side}, {name}, {how}, {part}", side, name, how, part


@pytest.fixture(scope="module")
def usual(served: Served, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many requests a run without faults takes."""
    with clean_world(served, tmp_path_factory.mktemp("usual")) as world:
        world.sync()
        return {"Port": world.port_net.number, "Cursor": world.cursor_net.number}


@pytest.mark.matrix("case", list(strange_cases()), 4)
def test_what_no_retry_helps_against(
    usual: dict[str, int], world: World, case: tuple[str, str, str, str, float], soak_row: Row
) -> None:
    _, side, name, how, part = case
    world.policy = world.time.policy(attempts=3)
    # Not the first of Cursor's, the billing groups: a key that may not read those is one of a plan without them.
    number = int(part * usual[side]) + (1 if side == "Port" else 2)
    times = 3 if name == "503 for good" else 1

    def meddle(asked: Asked) -> Act | None:
        hit = asked.number >= number and (how == FOR_GOOD or asked.number < number + times)
        return STRANGE[name] if hit else None

    on(world, side, meddle, meddle)
    told = is_told(world)
    assert world.met > 0
    assert world.untrue(world.truth()) == []
    requests, met = world.requests, world.met
    world.meddle()
    report = world.sync()
    assert (report.exit_code, report.rejects, world.wrong()) == (0, (), [])
    # Whatever was missing was told.
    assert told or report.writes == 0
    soak_row(f"{side}: strange answers", name, requests + world.requests, met)


def is_told(world: World) -> bool:
    """Run; whether it says that something is missing."""
    try:
        report = world.sync()
    except PortcfgError:
        return True
    return report.exit_code != 0 or any("not in your plan" in notice for notice in report.notices)
