"""The lock of an apply: renewed as long as it runs, believed until it ends, and heeded when it is somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from portcfg import ledger
from portcfg.emulator.port_app import port_app
from portcfg.errors import BusyError
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.lock import LASTS, release
from portcfg.model import Body, Outcome
from portcfg.observe import observe
from portcfg.pipeline import apply_specs, plan_specs, read_specs
from portcfg.report import Report
from portcfg.yamlread import dump
from tests.support import Bench, Server, write_files

ENTITIES = f"/blueprints/{LEDGER_BLUEPRINT}/entities"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = [f"b{number}" for number in range(6)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    body = dump({"title": "T", "schema": {"properties": {}}})
    return write_files(tmp_path / "specs", {f"blueprints/{name}.yaml": body for name in NAMES})


def lock_of(bench: Bench) -> Body:
    entity: Body = bench.send("GET", f"{ENTITIES}/apply")["entity"]
    return entity


class Clock:
    """Time that passes by as much as each step takes."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def applied(bench: Bench, root: Path, clock: Clock, after: Callable[[int], None] = lambda _: None) -> Report:
    """Apply one step at a time; `after` each, with how many steps there were."""
    specs, steps = read_specs(root), [0]

    def progress(outcome: Outcome) -> None:
        steps[0] += 1
        after(steps[0])

    with closing(bench.writer()) as port:
        plan = plan_specs(specs, port)
        return apply_specs(specs, plan, port, clock=clock, progress=progress, parallelism=1)


def test_a_long_apply_renews_its_lock_and_gives_it_back(bench: Bench, root: Path) -> None:
    clock = Clock()
    ends: list[str] = []

    def step(_: int) -> None:
        ends.append(lock_of(bench)["properties"]["expires_at"])
        clock.now += timedelta(minutes=4)

    report = applied(bench, root, clock, step)
    assert (report.failed, report.problems, report.halted) == ((), (), "")
    assert ends == sorted(set(ends))
    assert datetime.fromisoformat(ends[-1]) == START + 5 * timedelta(minutes=4) + LASTS
    assert [entry for entry in bench.writes if entry[0] == "PATCH" and entry[2] != 200] == []
    with closing(bench.reader()) as port:
        assert "apply" not in {entity["identifier"] for entity in port.entities(LEDGER_BLUEPRINT)}


def test_a_short_apply_doesnt_ask_for_its_lock(bench: Bench, root: Path) -> None:
    applied(bench, root, Clock())
    locks = [method for method, path, _ in bench.log if path.endswith("/entities/apply")]
    assert locks == ["DELETE"]


THEIRS: Body = {"identifier": "apply", "title": "an apply of them", "properties": {"kind": "lock", "resource": "apply"}}


@pytest.mark.parametrize(
    "taken, why",
    [
        pytest.param(True, "stopped, since an apply of them took over", id="by another apply"),
        pytest.param(False, "stopped, since somebody ended the lock", id="by unlock"),
    ],
)
def test_an_apply_that_has_lost_its_lock_stops_writing(bench: Bench, root: Path, taken: bool, why: str) -> None:
    clock = Clock()

    def step(number: int) -> None:
        clock.now += timedelta(minutes=4)
        if number == 2:
            with closing(bench.writer()) as port:
                release(port)
            if taken:
                bench.send("POST", ENTITIES, {**THEIRS, "properties": {**THEIRS["properties"], "run": "theirs"}})

    report = applied(bench, root, clock, step)
    statuses = [outcome.status.value for outcome in report.outcomes]
    # What was handed to a worker before it was noticed is written; nothing else is.
    assert statuses == ["done"] * statuses.count("done") + ["blocked"] * statuses.count("blocked")
    assert 2 <= statuses.count("done") <= 3
    assert (report.halted, report.after) == (why, None)
    [problem] = report.problems
    assert "but not into portcfg's ledger in Port: the lock was lost" in problem
    assert {ref.kind for ref in ledger.entries(bench.reader())} <= {"lock"}
    if taken:
        # Theirs is left alone.
        assert lock_of(bench)["properties"]["run"] == "theirs"
        with closing(bench.writer()) as port:
            release(port)
    assert applied(bench, root, Clock()).failed == ()
    assert {ref.identifier for ref in observe(bench.reader())} >= set(NAMES)


def test_an_apply_whose_lock_has_run_out_without_an_answer_stops(server: Server, root: Path) -> None:
    clock, app = Clock(), port_app()

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        """A Port that doesn't say who has the lock."""
        if (scope["method"], scope["path"]) != ("GET", f"/v1{ENTITIES}/apply"):
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"ok": false, "error": "forbidden"}'})

    def step(_: int) -> None:
        clock.now += timedelta(minutes=6)

    report = applied(server.serve(app, silent), root, clock, step)
    assert report.halted.startswith("stopped, since the lock could not be renewed (GET")
    statuses = [outcome.status.value for outcome in report.outcomes]
    assert (statuses[0], statuses[-1]) == ("done", "blocked")


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"expires_at": "soon"}, id="no date"),
        pytest.param({"expires_at": "2026-03-02T12:05:00"}, id="no time zone"),
        pytest.param({"run": "x", "expires_at": None, "applied_at": None}, id="nulls"),
    ],
)
def test_a_damaged_lock_is_believed_as_long_as_any(bench: Bench, root: Path, properties: Body) -> None:
    with closing(bench.writer()) as port:
        ledger.ensure_blueprint(port)
    schema = {"properties": {"expires_at": {"type": "string"}, "applied_at": {"type": "string"}}}
    changed: dict[str, Any] = ledger.BLUEPRINT_BODY["schema"]
    changed = {**changed, "properties": {**changed["properties"], **schema["properties"]}}
    bench.send("DELETE", f"/blueprints/{LEDGER_BLUEPRINT}")
    bench.send("POST", "/blueprints", {**ledger.BLUEPRINT_BODY, "schema": changed})
    bench.send("POST", ENTITIES, {"identifier": "apply", "properties": {**THEIRS["properties"], **properties}})
    clock = Clock()
    clock.now = datetime.fromisoformat(lock_of(bench)["updatedAt"])
    if properties.get("expires_at") == "2026-03-02T12:05:00":
        clock.now = START
    with pytest.raises(BusyError, match="an apply is running since an unknown time") as caught:
        applied(bench, root, clock)
    assert "portcfg unlock" in caught.value.hint
    clock.now += LASTS
    assert applied(bench, root, clock).failed == ()


@pytest.mark.parametrize("sooner", [True, False])
def test_of_two_that_find_a_lock_left_behind_one_goes_on(bench: Bench, root: Path, sooner: bool) -> None:
    """The other took it between our look and our taking it, or takes ours for the one that was left behind."""
    with closing(bench.writer()) as port:
        ledger.ensure_blueprint(port)
    left = {"run": "killed", "expires_at": (START - LASTS).isoformat()}
    bench.send("POST", ENTITIES, {**THEIRS, "properties": {**THEIRS["properties"], **left}})
    specs = read_specs(root)
    with closing(bench.writer()) as port:
        plan, send = plan_specs(specs, port), port.send

        def take() -> None:
            bench.send("POST", ENTITIES, {**THEIRS, "properties": {**THEIRS["properties"], "run": "theirs"}})

        def slow(method: str, path: str, *args: Any, **named: Any) -> Any:
            answer = send(method, path, *args, **named)
            if sooner and (method, path) == ("DELETE", f"{ENTITIES}/apply"):
                take()
            return answer

        def meanwhile(_: float) -> None:
            bench.send("DELETE", f"{ENTITIES}/apply")
            take()

        port.wait = meanwhile  # type: ignore[method-assign]

        port.send = slow  # type: ignore[method-assign]
        with pytest.raises(BusyError, match="another apply began just now"):
            apply_specs(specs, plan, port, clock=Clock())
    assert lock_of(bench)["properties"]["run"] == "theirs"
