"""Who changed what in Port: from the audit log where it may be read, by one request, and only when there is drift."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from portcfg.client import Credentials, PortReader, PortWriter
from portcfg.emulator.port_app import Chaos
from portcfg.errors import TerminalApiError
from portcfg.model import Ref
from tests.support import Bench, Server, write_files

FILES = {
    **{f"blueprints/{name}.yaml": "title: T\nschema: {properties: {a: {type: string}}}\n" for name in "abc"},
    "dashboards/d.yaml": "title: D\nwidgets: {w: {type: text, title: M, markdown: x}}\nrows: [[w]]\n",
    "mappings/m.yaml": "title: M\ntype: custom\nrunner: ocean\nresources: []\n",
}
LOG = "/v1/audit-log"


@pytest.fixture
def bench(server: Server) -> Bench:
    """A Port whose clock moves by a second a look, with two more clients."""
    clock = itertools.count(1_775_000_000).__next__
    return server.bench(clients={"ada": "s", "bob": "s"}, clock=clock, expires_in=10**7, chaos=Chaos())


@pytest.fixture
def root(bench: Bench, tmp_path: Path) -> Path:
    """Three blueprints, a page and a mapping, applied."""
    root = write_files(tmp_path / "specs", FILES)
    assert bench.apply(root).failed == ()
    assert bench.plan(root).pending == ()
    bench.clear()
    return root


def edit(bench: Bench, who: str, path: str, body: Any, method: str = "PATCH") -> None:
    with closing(PortWriter(bench.url, Credentials(who, "s" if who != "local" else "local"))) as port:
        port.send(method, path, body)


def drifted(bench: Bench, root: Path) -> dict[str, str]:
    return {str(change.ref): change.drifted for change in bench.plan(root).pending}


def asked(bench: Bench) -> int:
    return sum(path == LOG for _, path, _ in bench.log)


def test_without_drift_the_log_isnt_asked(bench: Bench, root: Path) -> None:
    assert drifted(bench, root) == {}
    write_files(root, {"blueprints/a.yaml": "title: New\nschema: {properties: {}}\n"})
    assert drifted(bench, root) == {"blueprint/a": ""}
    assert asked(bench) == 0


def test_the_last_editor_is_named_with_time_and_way_by_one_request(bench: Bench, root: Path) -> None:
    edit(bench, "ada", "/blueprints/a", {"title": "1"})
    edit(bench, "bob", "/blueprints/a", {"title": "2"})
    edit(bench, "ada", "/blueprints/b", {"title": "3"})
    edit(bench, "bob", "/integration/m", {"title": "4"})
    bench.clear()
    found = drifted(bench, root)
    assert asked(bench) == 1
    with closing(bench.reader()) as port:
        stamps = {body["identifier"]: body["updatedAt"] for body in port.get("/blueprints")["blueprints"]}
    assert found["blueprint/a"] == f"by bob at {stamps['a']} through API, and before that by 1 other(s)"
    assert found["blueprint/b"] == f"by ada at {stamps['b']} through API"
    assert found["mapping/m"].startswith("by bob at 20")
    assert found["mapping/m"].endswith(" through API")


def test_what_was_done_before_our_apply_and_by_it_doesnt_count(bench: Bench, root: Path) -> None:
    edit(bench, "ada", "/blueprints/a", {"title": "1"})
    assert bench.apply(root).failed == ()
    edit(bench, "bob", "/blueprints/a", {"icon": "Box"})
    assert drifted(bench, root)["blueprint/a"].endswith(" through API")
    assert drifted(bench, root)["blueprint/a"].startswith("by bob at ")


def test_who_deleted_it(bench: Bench, root: Path) -> None:
    edit(bench, "ada", "/blueprints/c", None, "DELETE")
    edit(bench, "bob", "/pages/d", None, "DELETE")
    found = drifted(bench, root)
    assert found["blueprint/c"].startswith("deleted in Port by ada at 20")
    assert found["blueprint/c"].endswith(" through API")
    assert found["dashboard/d"] == "deleted in Port"


def test_pages_arent_in_the_log_and_have_their_stamps(bench: Bench, root: Path) -> None:
    edit(bench, "ada", "/pages/d", {"title": "1"})
    bench.clear()
    assert drifted(bench, root)["dashboard/d"].startswith("by ada at 20")
    assert asked(bench) == 0


ODD: list[Any] = [
    TerminalApiError("no", status=403),
    TerminalApiError("no", status=404),
    {},
    {"audits": {"a": 1}},
    {"audits": [1, None, {}, {"trigger": 1, "context": []}, {"trigger": {"at": "now", "by": 1}}]},
    {"audits": [{"resourceType": "blueprint", "context": {"blueprint": "a"}, "trigger": {"at": "2020-01-01"}}]},
]


@pytest.mark.parametrize("answer", ODD, ids=str)
def test_without_a_log_to_read_the_stamps_tell(
    bench: Bench, root: Path, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    edit(bench, "ada", "/blueprints/a", {"title": "1"})
    get = PortReader.get

    def without(port: PortReader, path: str, *args: Any) -> Any:
        if path != "/audit-log":
            return get(port, path, *args)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(PortReader, "get", without)
    assert drifted(bench, root)["blueprint/a"].startswith("by ada at 20")


def test_a_log_that_lags_behind_doesnt_hide_the_last_editor(
    bench: Bench, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(bench, "ada", "/blueprints/a", {"title": "1"})
    edit(bench, "bob", "/blueprints/a", {"title": "2"})
    get = PortReader.get

    def late(port: PortReader, path: str, *args: Any) -> Any:
        answer = get(port, path, *args)
        return {"audits": answer["audits"][1:]} if path == "/audit-log" else answer

    monkeypatch.setattr(PortReader, "get", late)
    (change,) = bench.plan(root).pending
    assert change.ref == Ref("blueprint", "a")
    assert change.drifted.startswith("by bob at ")
    assert change.drifted.endswith(", and before that by 1 other(s)")
