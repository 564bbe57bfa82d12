"""What somebody changes in Port while an apply runs stays theirs; only what came with our own write is Port's."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portcfg.cli.main import main
from portcfg.client import Credentials, PortWriter
from portcfg.emulator.port_app import port_app
from portcfg.model import Action, Body, Cause, Outcome, Plan
from portcfg.pipeline import apply_specs, plan_specs, read_specs
from portcfg.report import Report
from tests.support import CREDENTIALS, PATIENT, Bench, Server, write_files

UI = Credentials("ui", "ui")
SPECS = {
    "blueprints/a.yaml": "title: A\nschema: {properties: {a: {type: string}}}\nrelations: {}\n",
    "blueprints/b.yaml": "title: B\nschema: {properties: {b: {type: string}}}\nrelations: {}\n",
    "mappings/m.yaml": "type: custom\nconfig: {runner: ocean, resources: []}\n",
    "dashboards/d.yaml": (
        "title: D\nwidgets:\n  text: {type: markdown, title: T, markdown: hello}\n"
        "  more: {type: markdown, title: M, markdown: more}\n"
    ),
}


@pytest.fixture
def bench(server: Server) -> Bench:
    """An embedded Port that a second client may write to."""
    return server.serve(port_app(clients={UI.client_id: UI.client_secret}))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_files(tmp_path / "specs", SPECS)


Edit = Callable[[PortWriter], Any]


def applied(bench: Bench, root: Path, ref: str, edit: Edit, who: Credentials = UI) -> Report:
    """Apply the specs; as soon as `ref` is written, another client (`who`) makes the `edit`."""

    def progress(outcome: Outcome) -> None:
        if str(outcome.change.ref) == ref:
            with closing(PortWriter(bench.url, who, PATIENT)) as other:
                edit(other)

    specs = read_specs(root)
    with closing(bench.writer()) as port:
        now = datetime(2026, 3, 2, tzinfo=UTC)
        return apply_specs(specs, plan_specs(specs, port), port, clock=lambda: now, progress=progress, parallelism=1)


def causes(plan: Plan | None) -> dict[str, str]:
    """The fields that differ, each with its cause."""
    assert plan is not None
    return {".".join(map(str, field.path)): field.cause.value for each in plan.changes for field in each.fields}


def patched(path: str, body: Body) -> Edit:
    return lambda port: port.send("PATCH", path, body)


def replaced(path: str, key: str, change: Callable[[Body], None]) -> Edit:
    """What a UI does: it reads the whole, changes something and puts it back."""

    def edit(port: PortWriter) -> None:
        body = {name: part for name, part in port.get(path)[key].items() if name[:7] not in ("created", "updated")}
        change(body)
        port.send("PUT", path, body)

    return edit


LINK = {"title": "L", "target": "a", "required": False, "many": False}
EDITS = [
    pytest.param("blueprint/a", patched("/blueprints/a", {"icon": "Team"}), "icon", id="an icon"),
    pytest.param("blueprint/a", patched("/blueprints/a", {"description": "D"}), "description", id="a description"),
    pytest.param(
        "blueprint/a",
        patched("/blueprints/a", {"schema": {"properties": {"a": {"type": "string"}, "ui": {"type": "number"}}}}),
        "schema.properties.ui",
        id="a property",
    ),
    pytest.param("blueprint/b", patched("/blueprints/b", {"relations": {"ui": LINK}}), "relations.ui", id="a relation"),
    pytest.param(
        "mapping/m",
        patched("/integration/m", {"config": {"runner": "ocean", "resources": [], "enableMergeEntity": False}}),
        "config.enableMergeEntity",
        id="a flag of a mapping",
    ),
    pytest.param(
        "dashboard/d",
        replaced("/pages/d", "page", lambda page: page["widgets"][0]["widgets"][0].update(description="D")),
        "widgets.d-layout.widgets.text.description",
        id="a widget, with its page",
    ),
    pytest.param(
        "dashboard/d",
        patched("/pages/d/widgets/text", {"description": "D"}),
        "widgets.d-layout.widgets.text.description",
        id="a widget by itself",
    ),
    pytest.param(
        "dashboard/d",
        replaced("/pages/d", "page", lambda page: page.update(description="D")),
        "description",
        id="a page's description",
    ),
]


@pytest.mark.parametrize("before", ["", "updated"])
@pytest.mark.parametrize(("ref", "edit", "path"), EDITS)
def test_what_somebody_adds_after_our_write_is_drift(
    bench: Bench, root: Path, ref: str, edit: Edit, path: str, before: str
) -> None:
    if before:
        bench.apply(root)
        for name, text in SPECS.items():
            old, new = ("resources: []", "resources: [], more: 1") if "m.yaml" in name else ("title: ", "title: New ")
            write_files(root, {name: text.replace(old, new)})
    report = applied(bench, root, ref, edit)
    assert report.failed == ()
    found = causes(report.after)
    assert found[path] == Cause.DRIFT
    assert {*found.values()} == {Cause.DRIFT}
    assert causes(bench.plan(root)) == found
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    drift = CliRunner().invoke(main, ["drift", "--specs", str(root)], env=env)
    assert drift.exit_code == 2
    assert f"- {path}" in drift.stdout
    bench.apply(root)
    assert causes(bench.plan(root)) == {}


@pytest.mark.parametrize(("ref", "edit", "path"), [each for each in EDITS if each.values[0] != "dashboard/d"])
def test_an_answer_tells_edits_by_the_same_client_too(
    bench: Bench, root: Path, ref: str, edit: Edit, path: str
) -> None:
    assert causes(applied(bench, root, ref, edit, CREDENTIALS).after)[path] == Cause.DRIFT


def test_a_page_that_was_put_into_its_place_since_bears_our_name_all_the_same(bench: Bench, root: Path) -> None:
    write_files(
        root, {"dashboards/e.yaml": "title: E\nafter: d\nwidgets: {x: {type: markdown, title: X, markdown: x}}\n"}
    )
    write_files(root, {"dashboards/d.yaml": SPECS["dashboards/d.yaml"] + "after: null\n"})

    def edit(port: PortWriter) -> None:
        replaced("/pages/d", "page", lambda page: page.update(description="D"))(port)
        bench.send("PATCH", "/pages/d", {"locked": False})

    assert causes(applied(bench, root, "dashboard/d", edit).after)["description"] == Cause.DRIFT


class Generous:
    """A Port that fills in `more` whenever it takes a write whose path ends in `path`, or keeps what it is to lose."""

    def __init__(self, app: ASGIApp, path: str, more: Body) -> None:
        self.app, self.path, self.more = app, path, more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def altered() -> Message:
            message = await receive()
            # Of a test's size, a body comes in one piece.
            body = {**json.loads(message["body"]), **self.more}
            return {**message, "body": json.dumps(body).encode()}

        writes = scope["type"] == "http" and scope["method"] in ("POST", "PUT") and scope["path"].endswith(self.path)
        await self.app(scope, altered if writes else receive, send)


def generous(server: Server, path: str, more: Body) -> Bench:
    app = port_app(clients={UI.client_id: UI.client_secret})
    return server.serve(app, Generous(app, path, more))


@pytest.mark.parametrize(
    ("path", "more", "ref"),
    [
        pytest.param("/blueprints", {"icon": "Box"}, "blueprint/a", id="a blueprint, by its answer"),
        pytest.param("/pages", {"description": "Filled in"}, "dashboard/d", id="a page, by who wrote it last"),
    ],
)
def test_what_port_fills_in_is_left_alone_until_somebody_changes_it(
    server: Server, root: Path, path: str, more: Body, ref: str
) -> None:
    bench = generous(server, path, more)
    key = next(iter(more))
    report = bench.apply(root)
    assert {*causes(report.after).values()} == {Cause.SERVER}
    again = bench.plan(root)
    assert again.pending == ()
    assert key in causes(again)
    bench.send("PATCH", f"{path}/{ref.partition('/')[2]}", {key: "Star"})
    [change] = bench.plan(root).pending
    assert [(field.path, field.cause) for field in change.fields] == [((key,), Cause.DRIFT)]


def test_what_the_plan_wants_gone_and_port_keeps_isnt_filled_in(server: Server, root: Path) -> None:
    bench = generous(server, "/blueprints/a", {"icon": "Box"})
    write_files(root, {"blueprints/a.yaml": "icon: Box\n" + SPECS["blueprints/a.yaml"]})
    bench.apply(root)
    write_files(root, {"blueprints/a.yaml": SPECS["blueprints/a.yaml"]})
    report = bench.apply(root)
    assert report.after is not None
    [change] = report.after.pending
    assert (change.action, str(change.ref), [field.path for field in change.fields]) == (
        Action.UPDATE,
        "blueprint/a",
        [("icon",)],
    )
