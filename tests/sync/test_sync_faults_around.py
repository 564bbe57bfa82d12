"""What happens around a sync: another one at the same time, a schema that changes, a disk that is full."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from portcfg.errors import EXIT_PARTIAL, PortcfgError
from portcfg.sync import quarantine as quarantine_module
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.replay import replay
from tests.sync.network import Act, Asked, Forward, Reply, untouched, waiting
from tests.sync.test_sync_faults_bulk import Refusals, error
from tests.sync.truth import COMMIT, COMMIT_DAY, USAGE
from tests.sync.world import World

Row = Callable[..., None]
WORKERS = (1, 2, 3, 4, 6, 8)


@pytest.mark.matrix("workers", WORKERS, 1)
def test_runs_at_once_without_a_lock(world: World, workers: int, soak_row: Row) -> None:
    """`run_sync` takes no lock, the command does: all of them at once still make the truth."""
    world.meddle(port=lambda asked: waiting(0.01) if asked.number % 5 == 0 else None)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(world.sync, world.client(), parallelism=workers) for _ in range(2)]
        reports = [run.result() for run in runs]
    assert [(report.exit_code, report.rejects) for report in reports] == [(0, ())] * 2
    assert world.wrong() == []
    soak_row("two runs at once", f"{workers} workers each", world.requests, 1)


def test_the_second_of_two_processes_exits_with_the_reason(world: World, tmp_path: Path) -> None:
    world.page_sizes = {}
    done: list[tuple[int, str]] = []

    def meddle(asked: Asked) -> Act | None:
        return second if asked.nth == 1 and asked.path == "/teams/groups" else None

    async def second(_asked: Asked, forward: Forward) -> Reply:
        # The first has the lock, and reads its first page.
        other = world.command(tmp_path)
        _, said = await asyncio.to_thread(other.communicate, None, 60)
        done.append((other.returncode, said))
        return await forward()

    world.meddle(cursor=meddle)
    first = world.command(tmp_path)
    _, said = first.communicate(timeout=120)
    assert (first.returncode, world.wrong()) == (0, []), said
    [(code, message)] = done
    assert code == 1
    assert "is running since" in message
    assert "portcfg unlock sync:cursor" in message


# What happens to a blueprint in Port while a sync runs, and the blueprints whose entities Port then refuses.
Change = Callable[[dict[str, Any]], dict[str, Any]]


def without_property(name: str) -> Change:
    """A property is gone; Port allows that only where nothing reads it."""

    def change(body: dict[str, Any]) -> dict[str, Any]:
        body["schema"]["properties"].pop(name)
        return body

    return change


def with_type(name: str, kind: str) -> Change:
    """A property is of another type, which Port allows once the old one is gone."""

    def change(body: dict[str, Any]) -> dict[str, Any]:
        body["schema"]["properties"][name] = {"type": kind, "title": name}
        return body

    return change


def with_required(name: str) -> Change:
    """There is another required property, which nobody writes."""

    def change(body: dict[str, Any]) -> dict[str, Any]:
        body["schema"]["properties"][name] = {"type": "string", "title": name}
        body["schema"]["required"].append(name)
        return body

    return change


def without_relation(name: str) -> Change:
    """A relation is gone."""

    def change(body: dict[str, Any]) -> dict[str, Any]:
        body["relations"].pop(name)
        return body

    return change


SCHEMAS = [
    ("a property is gone", COMMIT, [without_property("nonAiLinesAdded")]),
    ("a type is another", COMMIT_DAY, [without_property("total_commits"), with_type("total_commits", "string")]),
    ("one more is required", COMMIT_DAY, [with_required("cost_centre")]),
    ("a relation is gone", COMMIT, [without_relation("user")]),
]


@pytest.mark.matrix("case", SCHEMAS, 1)
def test_a_schema_that_changes_during_a_run(world: World, tmp_path: Path, case: Any, soak_row: Row) -> None:
    name, blueprint, changes = case
    truth, kept = world.truth(), tmp_path / "kept.ndjson"
    client = world.client()
    whole = client.get(f"/blueprints/{blueprint}")["blueprint"]
    bare = {
        key: value for key, value in whole.items() if key not in ("createdAt", "createdBy", "updatedAt", "updatedBy")
    }
    changed: list[int] = []

    def put(*some: Change) -> None:
        for change in some:
            client.send("PUT", f"/blueprints/{blueprint}", change(deepcopy(bare)))

    async def act(_asked: Asked, forward: Forward) -> Reply:
        world.port_net.meddle = untouched
        await asyncio.to_thread(put, *changes)
        # Not if Port refused the change itself.
        changed.append(1)
        return await forward()

    route = f"POST /v1/blueprints/{blueprint}/entities/bulk"
    world.meddle(port=lambda asked: act if asked.route == route else None)
    report = world.sync(quarantine=kept, parallelism=1)
    assert changed == [1]
    assert report.exit_code == EXIT_PARTIAL
    put(*changes[:-1], lambda body: body)
    assert world.untrue(truth) == []
    again = replay(world.mapping(), kept, world.client(), Quarantine())
    assert (again.exit_code, world.wrong()) == (0, [])
    soak_row("schema changes", name, world.requests, 1)


class Full:
    """A file on a disk that is full after some bytes."""

    def __init__(self, file: BinaryIO, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: bytes) -> int:
        """As much as there is room for."""
        fits = data[: self._room]
        self._room -= len(fits)
        written = self._file.write(fits)
        if len(fits) < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return written

    def close(self) -> None:
        """As files do."""
        self._file.close()


@pytest.mark.matrix("room", [0, 10, 500, 2_000, 5_000, 20_000], 1)
def test_no_room_for_what_is_rejected(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, soak_row: Row
) -> None:
    opened = Quarantine._opened
    monkeypatch.setattr(Quarantine, "_opened", lambda self, path: Full(opened(self, path), room))
    refusals = Refusals(error(422, "no"), 2)
    world.meddle(port=refusals)
    with pytest.raises(PortcfgError, match="can't be written: No space left on device") as caught:
        world.sync(quarantine=tmp_path / "kept.ndjson")
    assert "--quarantine FILE" in caught.value.hint
    assert refusals.refused
    assert world.untrue(world.truth()) == []
    requests = world.requests
    monkeypatch.undo()
    # What could be kept is whole lines but for the last, and is no obstacle.
    assert list(quarantine_module.kept_lines(tmp_path / "kept.ndjson")) is not None
    world.meddle()
    assert (world.sync().exit_code, world.wrong()) == (0, [])
    soak_row("no room for rejects", f"{room} bytes", requests + world.requests, len(refusals.refused))


def test_a_folder_that_cant_be_written_for_what_is_rejected(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    refusals = Refusals(error(422, "no"), 2, (USAGE,))
    world.meddle(port=refusals)
    with pytest.raises(PortcfgError, match="can't be written"):
        world.sync(quarantine=tmp_path / "file" / "kept.ndjson")
    assert refusals.refused
    assert world.untrue(world.truth()) == []
