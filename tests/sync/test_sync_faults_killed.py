"""A sync whose process ends anywhere, at reads and writes: what is in Port then is true, and the next run finishes."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from portcfg.client import PortWriter
from portcfg.lock import SYNC_LOCKS, release
from tests.sync.conftest import Served, clean_world
from tests.sync.network import Act, Asked, Forward, Reply
from tests.sync.support import ROOT
from tests.sync.truth import Entities
from tests.sync.world import DAYS, ONE, World, at_noon, copy_state

Row = Callable[..., None]
POINTS, SIGNALLED = 38, 12
BEFORE, AFTER = "before the request", "before the answer is used"


class Dying:
    """Ends the process, as far as its requests go: at one of them, and whatever it tries afterwards."""

    def __init__(self, at: int, when: str) -> None:
        self.asked = 0
        self._at, self._when = at, when
        self._lock = threading.Lock()
        self._send = requests.Session.send

    def __call__(self, session: requests.Session, *asked: Any, **named: Any) -> Any:
        with self._lock:
            self.asked += 1
            number = self.asked
        if number > self._at or (number == self._at and self._when == BEFORE):
            raise KeyboardInterrupt
        answer = self._send(session, *asked, **named)
        if number == self._at:
            answer.close()
            raise KeyboardInterrupt
        return answer


@pytest.fixture(scope="module")
def yesterday(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Entities, int]]:
    """Port as the run of the day before left it, what it holds, and how many requests today's run makes on it."""
    with clean_world(served, tmp_path_factory.mktemp("yesterday")) as world:
        world.now = at_noon(DAYS[-1])
        state = world.serve_port()
        days = DAYS[:-1]
        # Before the last events of the day came in.
        assert world.sync(last_day=days[-1]).exit_code == 0
        held = world.held()
        assert held == world.truth(days)
        kept = world.folder / "kept.db"
        copy_state(state, kept)
        world.now = at_noon(DAYS[-1] + ONE)
        world.meddle()
        world.sync(world.client())
        yield kept, held, world.requests


def random_points(count: int, seed: str) -> list[tuple[str, float, str]]:
    """Places in a run from 0 to 1, and when a request ends there."""
    drawn = random.Random(seed)
    parts = sorted(drawn.random() for _ in range(count))
    return [(f"at {part:.3f}", part, drawn.choice((BEFORE, AFTER))) for part in parts]


@pytest.mark.matrix("case", random_points(POINTS, "interrupted"), 2)
def test_interrupted_at_any_request(
    yesterday: tuple[Path, Entities, int],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, float, str],
    soak_row: Row,
) -> None:
    state, before, usual = yesterday
    _, part, when = case
    world.serve_port(state)
    world.meddle()
    dying = Dying(1 + int(part * (usual - 1)), when)
    client = world.client()
    monkeypatch.setattr(requests.Session, "send", lambda *asked, **named: dying(*asked, **named))
    with pytest.raises(KeyboardInterrupt):
        world.sync(client)
    monkeypatch.undo()
    finished(world, before)
    soak_row("killed", f"interrupted {when}", world.requests, 1)


def finished(world: World, before: Entities) -> None:
    """Whatever is in Port is as it was or as it is to be, entity by entity; a run makes the rest so."""
    truth = world.truth()
    assert world.untrue(before, truth) == []
    report = world.sync()
    assert (report.exit_code, report.rejects, world.wrong()) == (0, (), [])
    assert world.sync().writes == 0


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped specs, the source unpaced, for a process of its own."""
    root = tmp_path_factory.mktemp("killed") / "specs"
    shutil.copytree(ROOT / "specs", root)
    mapping = root / "mappings" / "cursor.yaml"
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(text.replace(": 20\n", ": 1000\n").replace(": 60\n", ": 1000\n"), encoding="utf-8")
    return root


@pytest.mark.matrix("case", random_points(SIGNALLED, "signalled"), 1)
def test_killed_by_a_signal(
    world: World, specs: Path, tmp_path: Path, case: tuple[str, float, str], soak_row: Row
) -> None:
    _, part, when = case
    world.page_sizes = {}
    # The lock's routes and the token's come on top of a run's own.
    number = 1 + int(part * 44)
    process: list[subprocess.Popen[str]] = []
    counted = threading.Lock()
    total = [0]

    async def kill(_asked: Asked, forward: Forward) -> Reply:
        if when == AFTER:
            await forward()
        process[0].kill()
        # Nobody is there any more.
        return Reply.of(500, {})

    def meddle(_: Asked) -> Act | None:
        with counted:
            total[0] += 1
            return kill if total[0] == number else None

    world.meddle(meddle, meddle)
    kept = str(tmp_path / "kept.ndjson")
    process.append(world.command(tmp_path, "--quarantine", kept, specs=specs, TZ="America/New_York"))
    said = process[0].communicate(timeout=120)
    assert process[0].returncode == -signal.SIGKILL, said
    assert world.met == 1
    asked = total[0]
    world.meddle()
    assert world.untrue(world.truth()) == []
    client = world.client()
    release_lock(client)
    assert (world.sync(client).exit_code, world.wrong()) == (0, [])
    soak_row("killed", f"SIGKILL {when}", asked + world.requests, 1)


def release_lock(port: PortWriter) -> None:
    """As `portcfg unlock sync:cursor` does."""
    names = {item["identifier"] for item in port.get("/blueprints")["blueprints"]}
    if "portcfg_resource" in names:
        release(port, f"{SYNC_LOCKS}cursor")


def test_a_run_may_be_killed_again_and_again(
    yesterday: tuple[Path, Entities, int], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run gets a little further; none of them undoes what the one before did."""
    state, before, usual = yesterday
    world.serve_port(state)
    world.meddle()
    for number in range(1, usual + 1, 6):
        dying = Dying(number, AFTER)
        client = world.client()
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(requests.Session, "send", lambda *asked, dying=dying, **named: dying(*asked, **named))
            world.sync(client)
            # Fewer requests than usual: there was less to write.
            raise KeyboardInterrupt
        assert world.untrue(before, world.truth()) == []
    finished(world, before)
