"""Writes side by side: whatever ends first, Port ends up the same; never more at once than asked for, nothing early."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portcfg.client import PortReader
from portcfg.emulator.port_app import port_app
from portcfg.kinds.base import STAMPS
from portcfg.model import Body
from portcfg.observe import observe
from portcfg.pipeline import Options, apply_specs, plan_specs, read_specs
from portcfg.report import Report
from portcfg.yamlread import dump
from tests.cli.now import NOW
from tests.strategies import specs
from tests.support import CREDENTIALS, PATIENT, Bench, Server, write_files
from tests.test_flow import everything_named, folder_of
from tests.watched import Watched

# Also a page's place where no spec says so (behind the one that was made last), and what an integration is given.
ITS_OWN = STAMPS | {"after", "logAttributes", "resyncState"}
LAWS = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def applied(bench: Bench, root: Path, parallelism: int, **options: Any) -> Report:
    found = read_specs(root)
    with closing(bench.writer()) as port:
        plan = plan_specs(found, port, Options(**options))
        return apply_specs(found, plan, port, Options(**options), clock=NOW, parallelism=parallelism)


def contents(bench: Bench) -> dict[str, Body]:
    with closing(bench.reader()) as port:
        live = observe(port).items()
        return {str(ref): {k: v for k, v in part.body.items() if k not in ITS_OWN} for ref, part in live}


@contextmanager
def watched(server: Server, seed: int = 0, jitter: float = 0.01) -> Iterator[tuple[Bench, Watched]]:
    app = port_app()
    watch = Watched(app, jitter, seed)
    yield server.serve(app, watch), watch


def ended_well(report: Report) -> None:
    assert [(str(outcome.change.ref), outcome.message) for outcome in report.failed] == []
    assert (report.problems, report.not_kept) == ((), ())
    assert report.after is not None
    assert report.after.pending == ()


@LAWS
@given(specs(), specs(), st.integers(0, 99), st.sampled_from([2, 3, 8]))
def test_any_order_of_completion_gives_the_same_port(
    server: Server, first: Any, second: Any, seed: int, workers: int
) -> None:
    named = everything_named(second)
    found = []
    with TemporaryDirectory() as folder:
        one, two = folder_of(Path(folder) / "one", first), folder_of(Path(folder) / "two", named)
        for parallelism in (1, workers):
            with watched(server, seed, 0.01 * (parallelism > 1)) as (bench, watch):
                ended_well(applied(bench, one, parallelism))
                ended_well(applied(bench, two, parallelism, prune=True, remove_all=True))
                assert watch.early == []
                assert watch.most <= parallelism
                found.append(contents(bench))
    assert found[0] == found[1]


def layers(width: int, depth: int) -> dict[str, Body]:
    """Blueprints in layers, each with a mirror of a property of the one before in its column."""
    made: dict[str, Body] = {}
    for column in range(width):
        for row in range(depth):
            target = f"b{column}_{row - 1}"
            link = {"up": {"target": target, "required": False, "many": False}} if row else {}
            mirrors = {"m": {"title": "M", "path": "up.n"}} if row else {}
            schema = {"properties": {"n": {"type": "number"}}}
            made[f"b{column}_{row}"] = {
                "title": "T",
                "schema": schema,
                "relations": link,
                "mirrorProperties": mirrors,
            }
    return made


def folder_with(root: Path, blueprints: dict[str, Body]) -> Path:
    return write_files(root, {f"blueprints/{name}.yaml": dump(body) for name, body in blueprints.items()})


@pytest.mark.parametrize("parallelism", [1, 4, 8])
def test_as_many_at_once_as_asked_for_and_none_too_early(server: Server, tmp_path: Path, parallelism: int) -> None:
    root = folder_with(tmp_path / "specs", layers(9, 3))
    with watched(server, jitter=0.02) as (bench, watch):
        ended_well(applied(bench, root, parallelism))
        assert (watch.early, watch.refused, watch.most) == ([], [], parallelism)
        keep = {"keep": {"title": "K", "schema": {"properties": {}}}}
        watch.most = 0
        ended_well(applied(bench, folder_with(tmp_path / "keep", keep), parallelism, prune=True))
        assert (watch.refused, watch.most) == ([], parallelism)
        assert [name for name in contents(bench) if "/b" in name] == []


def test_one_at_a_time_is_in_the_order_of_the_plan(server: Server, tmp_path: Path) -> None:
    root = folder_with(tmp_path / "specs", layers(3, 3))
    with watched(server) as (bench, _):
        report = applied(bench, root, 1)
        plan = [change.ref for change in report.after.changes] if report.after else []
        assert [outcome.change.ref for outcome in report.outcomes] == plan


@pytest.mark.parametrize("parallelism", [1, 8])
def test_a_failure_stops_only_what_needs_it(server: Server, tmp_path: Path, parallelism: int) -> None:
    made = layers(4, 3)
    # What Port refuses and `validate` can't see: it doesn't look into definitions.
    calculation = {"title": "C", "type": "number", "calculation": "def f: .properties.none; f"}
    made["b1_1"]["calculationProperties"] = {"c": calculation}
    with watched(server) as (bench, _):
        report = applied(bench, folder_with(tmp_path / "specs", made), parallelism)
    ended = {outcome.change.ref.identifier: outcome.status.value for outcome in report.outcomes}
    assert {name: status for name, status in ended.items() if status != "done"} == {"b1_1": "failed", "b1_2": "blocked"}
    assert len(ended) == 12


def test_what_is_behind_a_cycle_is_written_whole_at_once(server: Server, tmp_path: Path) -> None:
    def naming(*targets: str) -> Body:
        links = {f"to_{target}": {"target": target, "required": False, "many": False} for target in targets}
        return {"title": "T", "schema": {"properties": {"n": {"type": "number"}}}, "relations": links}

    made = {"a": naming("b"), "b": naming("a"), "behind": naming("a", "b"), "further": naming("behind")}
    with watched(server) as (bench, watch):
        ended_well(applied(bench, folder_with(tmp_path / "specs", made), 8))
    writes = [path for method, path in watch.begun if method == "PUT"]
    assert sorted(writes) == ["/v1/blueprints/a", "/v1/blueprints/b"]


def test_a_change_of_titles_in_a_cycle_takes_one_write_each(server: Server, tmp_path: Path) -> None:
    def pair(title: str) -> dict[str, Body]:
        link = {"required": False, "many": False}
        return {
            name: {"title": title, "schema": {"properties": {}}, "relations": {"to": {"target": other, **link}}}
            for name, other in (("a", "b"), ("b", "a"))
        }

    with watched(server) as (bench, watch):
        ended_well(applied(bench, folder_with(tmp_path / "one", pair("One")), 8))
        watch.begun.clear()
        ended_well(applied(bench, folder_with(tmp_path / "two", pair("Two")), 8))
    assert sorted(path for method, path in watch.begun if method == "PUT") == [
        "/v1/blueprints/a",
        "/v1/blueprints/b",
    ]


# --- one client for many threads ----------------------------------------------------------------------------------


def at_once(number: int, work: Any) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_workers_log_in_once_and_again_once_when_the_token_is_refused(server: Server) -> None:
    now = [1_000_000.0]
    bench = server.bench(clock=lambda: now[0])
    with closing(PortReader(bench.url, CREDENTIALS, replace(PATIENT, wall=lambda: 0.0))) as port:
        at_once(8, lambda: port.get("/blueprints"))
        now[0] += 4000
        at_once(8, lambda: port.get("/blueprints"))
        logins = [path for _, path, _ in bench.log if path == "/v1/auth/access_token"]
        assert len(logins) == 2
        assert port.requests_made == len(bench.log)


@pytest.mark.parametrize("epoch", [False, True])
def test_a_pause_that_port_asks_one_worker_for_holds_for_all(server: Server, epoch: bool) -> None:
    slept: list[float] = []
    waiting, go = threading.Semaphore(0), threading.Event()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        waiting.release()
        assert go.wait(30)

    app = port_app()
    told: list[float] = []
    limited = Limited(app, epoch)
    bench = server.serve(app, limited)
    policy = replace(PATIENT, sleep=sleep, wall=lambda: 1_000_000.0)
    with closing(PortReader(bench.url, CREDENTIALS, policy, lambda seconds, _: told.append(seconds))) as port:
        first = threading.Thread(target=port.get, args=("/blueprints",))
        first.start()
        assert waiting.acquire(timeout=30)
        second = threading.Thread(target=port.get, args=("/pages",))
        second.start()
        assert waiting.acquire(timeout=30)
        # The second has slept without having asked.
        assert limited.asked == ["/v1/auth/access_token", "/v1/blueprints"]
        go.set()
        first.join()
        second.join()
    assert told == [30.0]
    assert sorted(limited.asked)[1:] == ["/v1/blueprints", "/v1/blueprints", "/v1/pages"]


class Limited:
    """A Port that answers the first request after the login with 429 and half a minute to wait."""

    def __init__(self, app: Any, epoch: bool) -> None:
        self._app = app
        self._reset = b"1000030" if epoch else b"30"
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        if len(self.asked) != 2:
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"x-ratelimit-reset", self._reset)]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"ok": false, "error": "rate_limit_exceeded"}'})
