"""Folders, and the places of folders and pages: as the specs say after every apply, whatever was moved in Port."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import JSONResponse

from portcfg.cli.main import main
from portcfg.client import PortWriter
from portcfg.emulator.port_app import Chaos
from portcfg.errors import ApiError, GuardError, InvalidSpecsError, TerminalApiError
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Body, Plan, Ref, Status
from portcfg.observe import observe
from portcfg.pipeline import refuse_harm
from portcfg.yamlread import dump
from tests.support import Bench, Server, cases, write_files

PAGE: Body = {"type": "dashboard", "widgets": []}
Tree = dict[str, list[str]]


def written(root: Path, folders: dict[str, Body], pages: dict[str, Body], external: Any = ()) -> Path:
    """A specs folder with just these."""
    for file in [*root.glob("folders/*"), *root.glob("dashboards/*")]:
        file.unlink()
    files = {f"folders/{name}.yaml": dump({"identifier": name, **body}) for name, body in folders.items()}
    files |= {f"dashboards/{name}.yaml": dump({"identifier": name, **PAGE, **body}) for name, body in pages.items()}
    kinds = {"folders": [name for name in external if name.startswith("f")]}
    kinds["dashboards"] = [name for name in external if name not in kinds["folders"]]
    shared = {kind: {name: {} for name in names} for kind, names in kinds.items()}
    files["portcfg.yaml"] = dump({"version": 1, "external": shared})
    return write_files(root, files)


def sidebar(bench: Bench) -> Tree:
    """The identifiers below each parent, top to bottom; the ledger's own page is left out."""
    followers: dict[tuple[str, str], str] = {}
    for item in bench.send("GET", "/sidebars/catalog")["sidebar"]["items"]:
        followers[item.get("parent", ""), item.get("after", "")] = item["identifier"]
    tree: Tree = {}
    for parent in {parent for parent, _ in followers}:
        last, tree[parent] = "", []
        while last := followers.get((parent, last), ""):
            tree[parent].append(last)
    own = "portcfg_resources"
    return {parent: [each for each in children if each != own] for parent, children in tree.items()}


def by_hand(bench: Bench, name: str, **place: str | None) -> None:
    """Move something in Port's UI."""
    items = bench.send("GET", "/sidebars/catalog")["sidebar"]["items"]
    folder = any((item["identifier"], item["sidebarType"]) == (name, "folder") for item in items)
    bench.send("PATCH", f"/sidebars/catalog/folders/{name}" if folder else f"/pages/{name}", place)


def run(*args: str, bench: Bench) -> Result:
    """portcfg on that Port; for what must succeed."""
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    result = CliRunner().invoke(main, list(args), env=env)
    assert result.exit_code == 0, result.output
    return result


def shown(plan: Plan) -> list[str]:
    """Each pending change with its fields and their causes."""
    return [
        " ".join([f"{change.action} {change.ref}", *(f"{field.path[0]}:{field.cause}" for field in change.fields)])
        for change in plan.pending
    ]


@pytest.mark.parametrize("case", cases("places"))
def test_what_is_moved(case: dict[str, Any], server: Server, tmp_path: Path) -> None:
    """A case: `port` is made by hand; each step writes `specs`, moves things `by_hand`, and says what is planned and
    how the sidebar stands after the apply, or which `problems` keep it from being planned. What is written to the
    folder `slow` arrives after all else that may go out beside it."""
    bench = server.bench()
    for name, body in case.get("port", {}).items():
        route, shape = ("/sidebars/catalog/folders", {}) if name.startswith("f") else ("/pages", PAGE)
        bench.send("POST", route, {"identifier": name, "title": name, **shape, **(body or {})})
    for step in case["steps"]:
        if "specs" in step:
            folders = {name: body for name, body in step["specs"].items() if name.startswith("f")}
            pages = {name: body for name, body in step["specs"].items() if not name.startswith("f")}
            root = written(tmp_path / "specs", folders, pages, case.get("port", {}))
        for name, place in step.get("by_hand", {}).items():
            by_hand(bench, name, **place)
        delay(server, step.get("slow"))
        prune = step.get("prune", False)
        if "problems" in step:
            with pytest.raises(InvalidSpecsError) as caught:
                bench.plan(root, prune=prune)
            found = [f"{each.id} {each.message} ({each.hint})" for each in caught.value.problems]
            assert found == step["problems"]
            continue
        assert shown(bench.plan(root, prune=prune)) == step.get("plan", shown(bench.plan(root, prune=prune)))
        report = bench.apply(root, prune=prune)
        assert not report.failed
        assert report.after is not None
        assert not report.after.pending
        tree = sidebar(bench)
        assert {parent: tree.get(parent, []) for parent in step["sidebar"]} == step["sidebar"]


# ------------------------------------------------------------------------ at random

FOLDERS, PAGES, OTHERS = ("f0", "f1", "f2", "f3"), ("p0", "p1", "p2", "p3"), ("u0", "u1")


@st.composite
def layouts(draw: st.DrawFn) -> tuple[dict[str, Body], dict[str, Body]]:
    """Folders and pages, each below a folder or at the top, some of them after a sibling or first."""
    folders = draw(st.lists(st.sampled_from(FOLDERS), unique=True))
    pages = draw(st.lists(st.sampled_from(PAGES), unique=True, min_size=1))
    levels: dict[str, int] = {}
    bodies: dict[str, Body] = {}
    for name in folders:
        parent = draw(st.sampled_from([None, *(each for each in levels if levels[each] < 3)]))
        levels[name] = levels.get(parent or "", 0) + 1
        bodies[name] = {"parent": parent}
    for name in pages:
        bodies[name] = {"parent": draw(st.sampled_from([None, *folders]))}
    for body in bodies.values():
        # What is written for another reason must not lose its place, nor upset that of others.
        body["title"] = draw(st.sampled_from(["One", "Two"]))
    before: dict[str | None, list[str]] = {None: list(OTHERS)}
    for name in draw(st.permutations(list(bodies))):
        siblings = before.setdefault(bodies[name]["parent"], [])
        if draw(st.booleans()):
            bodies[name]["after"] = draw(st.sampled_from([None, *siblings]))
        siblings.append(name)
    return {name: bodies[name] for name in folders}, {name: bodies[name] for name in pages}


MOVES = st.lists(
    st.tuples(
        st.sampled_from((*FOLDERS, *PAGES, *OTHERS)),
        st.fixed_dictionaries(
            {},
            optional={
                "parent": st.sampled_from((None, *FOLDERS)),
                "after": st.sampled_from((None, *FOLDERS, *PAGES, *OTHERS)),
            },
        ),
    ),
    max_size=4,
)


@given(
    first=layouts(),
    second=layouts(),
    moves=st.tuples(MOVES, MOVES),
    shuffle=st.booleans(),
    prune=st.booleans(),
    slow=st.sampled_from((None, *FOLDERS)),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_every_apply_the_sidebar_is_as_the_specs_say(
    server: Server,
    tmp_path_factory: pytest.TempPathFactory,
    first: Any,
    second: Any,
    moves: Any,
    shuffle: bool,
    prune: bool,
    slow: str | None,
) -> None:
    bench, root = server.bench(chaos=Chaos(shuffle=shuffle)), tmp_path_factory.mktemp("random")
    delay(server, slow)
    for name in OTHERS:
        bench.send("POST", "/pages", {"identifier": name, "title": name, **PAGE})
    for (folders, pages), edits in zip((first, second), moves, strict=True):
        for name, place in edits:
            with suppress(ApiError):
                by_hand(bench, name, **place)
        written(root, folders, pages, OTHERS)
        try:
            # What holds somebody else's pages isn't deleted.
            report = bench.apply(root, prune=prune and not bench.plan(root, prune=True).refusals)
        except InvalidSpecsError as error:
            # Somebody has moved the page that something should come after, or the specs have left a folder behind.
            assert {problem.id for problem in error.problems} <= {"PC805", "PC807"}
            continue
        assert not report.failed
        assert report.after is not None
        assert not report.after.pending
        expect(sidebar(bench), {**folders, **pages})


def delay(server: Server, slow: str | None) -> None:
    """Let what is written to a folder arrive after all that may go out beside it."""
    inner = server._app

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if (
            scope["type"] == "http"
            and slow
            and scope["method"] == "PATCH"
            and scope["path"].endswith(f"/folders/{slow}")
        ):
            await asyncio.sleep(0.1)
        await inner(scope, receive, send)

    server._app = app


def expect(tree: Tree, bodies: dict[str, Body]) -> None:
    """Each below its parent and after what it comes after, with nothing between but what is nobody's or follows too."""
    for name, body in bodies.items():
        siblings = tree[body["parent"] or ""]
        if "after" not in body:
            assert name in siblings
            continue
        above = siblings[: siblings.index(name)]
        between = above[above.index(body["after"]) + 1 :] if body["after"] else above
        ours = [each for each in between if each in bodies or body["after"] is None]
        assert all(body["after"] in chain(each, bodies) for each in ours), (name, siblings)


def chain(name: str, bodies: dict[str, Body]) -> list[str | None]:
    found: list[str | None] = []
    while name in bodies and "after" in bodies[name]:
        found.append(bodies[name]["after"])
        name = bodies[name]["after"] or ""
    return found


@pytest.mark.parametrize("slow", [None, *FOLDERS])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            {"f0": None, "f1": "f0", "f2": "f1", "f3": None},
            {"f0": None, "f1": None, "f2": "f1", "f3": "f2"},
            id="below what stays below what comes up",
        ),
        pytest.param(
            {"f2": None, "f1": None, "f0": "f1", "f3": "f0"},
            {"f2": None, "f1": "f2", "f0": None, "f3": "f0"},
            id="what is below leaves, with what is below that",
        ),
        pytest.param(
            {"f0": None, "f1": "f0", "f2": "f1"}, {"f2": None, "f1": "f2", "f0": "f1", "f3": "f1"}, id="inside out"
        ),
    ],
)
def test_no_folder_is_too_deep_in_between(
    server: Server, tmp_path: Path, before: dict[str, str | None], after: dict[str, str | None], slow: str | None
) -> None:
    bench = server.bench()
    for parents in (before, after):
        bodies: dict[str, Body] = {name: {"parent": parent} for name, parent in parents.items()}
        report = bench.apply(written(tmp_path, bodies, {}))
        assert report.after is not None
        assert (report.failed, report.after.pending) == ((), ())
        expect(sidebar(bench), bodies)
        delay(server, slow)


class Killed(BaseException):
    """What nothing in portcfg catches."""


FIRST: tuple[dict[str, Body], dict[str, Body]] = (
    {"f1": {}, "f2": {"parent": "f1"}, "f3": {"parent": "f2"}},
    {"a": {"parent": "f3", "after": None}, "b": {"parent": "f3", "after": "a"}, "c": {"parent": "f3", "after": "b"}},
)
SECOND: tuple[dict[str, Body], dict[str, Body]] = (
    {"f3": {"parent": None, "after": None}, "f2": {"parent": "f3"}, "f1": {"parent": "f2"}},
    {
        "c": {"parent": "f1", "after": None, "title": "New"},
        "b": {"parent": "f1", "after": "c"},
        "a": {"parent": "f1", "after": "b"},
        "d": {"parent": None, "after": "f3"},
    },
)


def test_an_apply_that_is_killed_between_writes_is_completed_by_the_next(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends = PortWriter.send
    for stop in itertools.count(0, 2):
        bench, root, left = server.bench(), tmp_path / str(stop), iter(range(stop))

        def send(*args: Any, left: Iterator[int] = left, **named: Any) -> Any:
            if next(left, None) is None:
                raise Killed
            return sends(*args, **named)

        bench.apply(written(root, *FIRST))
        written(root, *SECOND)
        with monkeypatch.context() as patch, suppress(Killed):
            patch.setattr(PortWriter, "send", send)
            bench.apply(root)
        with suppress(ApiError):
            bench.send("DELETE", f"/blueprints/{LEDGER_BLUEPRINT}/entities/apply")
        report = bench.apply(root)
        assert report.after is not None
        assert (report.failed, report.after.pending) == ((), ())
        expect(sidebar(bench), {**SECOND[0], **SECOND[1]})
        if next(left, None) is not None:
            break
    assert stop > 10


# ------------------------------------------------------------------------ what is around it


def refusing(server: Server, status: int) -> Bench:
    """A Port without the sidebar's routes."""
    bench = server.bench()
    inner = server._app

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1/sidebars"):
            await JSONResponse({"ok": False, "error": "no", "message": "not for you"}, status)(scope, receive, send)
        else:
            await inner(scope, receive, send)

    server._app = app  # type: ignore[assignment]
    return bench


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_port_without_a_sidebar_does_for_specs_without_places(server: Server, tmp_path: Path, status: int) -> None:
    bench = refusing(server, status)
    root = written(tmp_path / "specs", {}, {"a": {"title": "A"}})
    report = bench.apply(root)
    assert report.after is not None
    assert (report.failed, report.after.pending) == ((), ())
    assert Ref("dashboard", "a") in observe(bench.reader())
    for folders, pages in (({"f": {}}, {}), ({}, {"a": {"parent": None}}), ({}, {"a": {"after": None}})):
        with pytest.raises(TerminalApiError, match=r"this Port refuses its sidebar.*not for you") as caught:
            bench.plan(written(root, folders, pages))
        assert "take folders" in caught.value.hint


def test_the_sidebar_is_asked_for_once_and_only_where_it_is_needed(bench: Bench, tmp_path: Path) -> None:
    root = written(tmp_path / "specs", {}, {"a": {}})
    asked = ("GET", "/v1/sidebars/catalog", 200)
    bench.apply(root)
    assert asked not in bench.log
    written(root, {"f": {}}, {"a": {"parent": "f"}})
    bench.apply(root)
    for folders, pages in (({"f": {}}, {"a": {"parent": "f"}}), ({}, {"a": {}})):
        written(root, folders, pages)
        bench.clear()
        bench.plan(root)
        assert bench.log.count(asked) == 1


def test_a_page_and_its_place_take_two_writes_and_a_place_alone_one(bench: Bench, tmp_path: Path) -> None:
    root = written(tmp_path / "specs", {}, {"a": {}, "b": {"after": None}})
    bench.clear()
    bench.apply(root)
    pages = [entry[:2] for entry in bench.writes if "/pages" in entry[1]]
    assert sorted(pages) == [("PATCH", "/v1/pages/b"), ("POST", "/v1/pages"), ("POST", "/v1/pages")]
    written(root, {}, {"a": {"after": None}, "b": {"after": "a"}})
    bench.clear()
    bench.apply(root)
    assert [entry[:2] for entry in bench.writes if "/pages" in entry[1]] == [("PATCH", "/v1/pages/a")]


def test_a_folder_that_holds_something_unmanaged_is_not_deleted(bench: Bench, tmp_path: Path) -> None:
    root = written(tmp_path / "specs", {"f": {}}, {"a": {"parent": "f"}})
    bench.apply(root)
    bench.send("POST", "/pages", {"identifier": "theirs", "title": "T", "parent": "f", **PAGE})
    bench.send("POST", "/blueprints", {"identifier": "service", "title": "S", "schema": {"properties": {}}})
    by_hand(bench, "services", parent="f")
    plan = bench.plan(written(root, {}, {"a": {}}), prune=True)
    pages, known = plan.refusals
    assert "holds the page(s) services: move" in pages
    assert "place of dashboard/a, place of dashboard/theirs" in known
    with pytest.raises(GuardError):
        refuse_harm(plan)


def test_what_moves_along_keeps_what_port_has_filled_in(bench: Bench, tmp_path: Path) -> None:
    root = written(tmp_path / "specs", {}, {"a": {}, "b": {"after": "a"}, "c": {"after": "b"}})
    bench.apply(root)
    bench.send("PATCH", "/pages/c", {"description": "filled"})
    entry = f"/blueprints/{LEDGER_BLUEPRINT}/entities/dashboard%2Fc"
    bench.send("PATCH", entry, {"properties": {"server": {'["description"]': "filled"}}})
    by_hand(bench, "a", after="c")
    bench.clear()
    assert bench.apply(root).failed == ()
    pages = {(method, path) for method, path, _ in bench.writes if "/pages/" in path}
    assert pages == {("PATCH", "/v1/pages/b"), ("PATCH", "/v1/pages/c")}
    assert bench.send("GET", "/pages/c")["page"]["description"] == "filled"
    assert sidebar(bench)[""][-3:] == ["a", "b", "c"]


def test_what_could_not_be_written_stays_where_it_is_and_is_told_once(server: Server, tmp_path: Path) -> None:
    bench = server.bench()
    root = written(tmp_path / "specs", {}, {"a": {}, "b": {}, "c": {}})
    bench.apply(root)
    inner = server._app

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if (scope.get("method"), scope.get("path")) == ("PUT", "/v1/pages/a"):
            await JSONResponse({"ok": False, "error": "forbidden"}, 403)(scope, receive, send)
        else:
            await inner(scope, receive, send)

    server._app = app  # type: ignore[assignment]
    written(root, {}, {"a": {"title": "New", "after": "b"}, "b": {}, "c": {"after": "b"}})
    by_hand(bench, "b", after="c")
    bench.clear()
    report = bench.apply(root)
    assert {(outcome.change.ref.identifier, outcome.status) for outcome in report.outcomes} == {
        ("a", Status.FAILED),
        ("c", Status.DONE),
    }
    assert len(report.outcomes) == 2
    assert {path for method, path, _ in bench.writes if method == "PATCH"} == {"/v1/pages/c"}


def test_what_comes_after_something_elsewhere_is_an_error_that_names_both(bench: Bench, tmp_path: Path) -> None:
    root = written(tmp_path / "specs", {"f": {}}, {"a": {"parent": "f"}, "b": {"after": "a"}})
    with pytest.raises(InvalidSpecsError) as caught:
        bench.plan(root)
    (problem,) = caught.value.problems
    assert (problem.id, Path(problem.file).name) == ("PC805", "b.yaml")
    assert problem.message == "dashboard/b is to come after 'a', which isn't at the top of the sidebar as it is"


@pytest.mark.parametrize("policy", ["error", "skip"])
def test_an_external_that_port_lacks(bench: Bench, tmp_path: Path, policy: str) -> None:
    root = written(tmp_path / "specs", {}, {"a": {"parent": "gone", "after": "lost"}})
    external = {"folders": {"gone": {"missing": policy}}, "dashboards": {"lost": {"missing": policy}}}
    write_files(root, {"portcfg.yaml": dump({"version": 1, "external": external})})
    if policy == "error":
        with pytest.raises(InvalidSpecsError) as caught:
            bench.plan(root)
        assert [problem.id for problem in caught.value.problems] == ["PC801", "PC801"]
        return
    (change,) = bench.plan(root).changes
    assert (change.after or {}).keys().isdisjoint({"parent", "after"})
    assert [note.rpartition(": ")[2] for note in change.notes] == ["parent", "after"]


def test_a_page_that_port_makes_is_external_and_may_be_followed(bench: Bench, tmp_path: Path) -> None:
    bench.send("POST", "/blueprints", {"identifier": "service", "title": "S", "schema": {"properties": {}}})
    root = written(tmp_path / "specs", {}, {"a": {"after": None}, "b": {"after": "services"}}, ["services"])
    report = bench.apply(root)
    assert report.after is not None
    assert (report.failed, report.after.pending) == ((), ())
    assert sidebar(bench)[""] == ["a", "services", "b"]


def test_a_place_that_port_refuses_fails_that_change_which_is_managed_all_the_same(
    server: Server, tmp_path: Path
) -> None:
    bench = server.bench()
    inner = server._app

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("PATCH", "/v1/pages/a"):
            await JSONResponse({"ok": False, "error": "no", "message": "stuck"}, 422)(scope, receive, send)
        else:
            await inner(scope, receive, send)

    server._app = app  # type: ignore[assignment]
    root = written(tmp_path / "specs", {}, {"a": {"after": None}, "b": {}})
    bench.send("POST", "/pages", {"identifier": "u", "title": "U", **PAGE})
    report = bench.apply(root)
    assert [(str(outcome.change.ref), outcome.message) for outcome in report.failed] == [
        ("dashboard/a", "PATCH /pages/a: 422 no: stuck")
    ]
    server._app = inner
    assert shown(bench.plan(root)) == ["update dashboard/a after:drift"]
    report = bench.apply(root)
    assert report.after is not None
    assert not report.after.pending
    assert sidebar(bench)[""][0] == "a"


def test_a_page_is_written_although_its_neighbour_has_just_left(server: Server, tmp_path: Path) -> None:
    bench = server.bench()
    inner, refused = server._app, list[str]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "PUT" and not refused:
            refused.append(scope["path"])
            body = {"ok": False, "error": "after_item_not_in_parent", "message": "gone"}
            await JSONResponse(body, 403)(scope, receive, send)
        else:
            await inner(scope, receive, send)

    root = written(tmp_path / "specs", {}, {"a": {}, "b": {}})
    bench.apply(root)
    order = sidebar(bench)
    server._app = app  # type: ignore[assignment]
    report = bench.apply(written(root, {}, {"a": {}, "b": {"title": "New"}}))
    assert report.after is not None
    assert (report.failed, report.after.pending) == ((), ())
    assert (refused, sidebar(bench)) == (["/v1/pages/b"], order)


def test_a_reviewed_title_doesnt_mind_a_new_neighbour(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(Path("specs"), {}, {"a": {}, "b": {}})
    run("apply", "--auto-approve", bench=bench)
    written(Path("specs"), {}, {"a": {}, "b": {"title": "New"}})
    run("plan", "--out", "plan.json", bench=bench)
    bench.send("POST", "/pages", {"identifier": "u", "title": "U", "after": "a", **PAGE})
    run("apply", "plan.json", bench=bench)


def test_an_import_keeps_folders_places_and_order_and_builds_the_same_sidebar_elsewhere(
    server: Server, tmp_path: Path
) -> None:
    bench = server.bench()
    for name, place in {"f1": {}, "f2": {"parent": "f1"}}.items():
        bench.send("POST", "/sidebars/catalog/folders", {"identifier": name, "title": name.upper(), **place})
    for name, place in {"c": {}, "a": {"parent": "f2"}, "b": {"parent": "f2", "after": None}, "d": {}}.items():
        bench.send("POST", "/pages", {"identifier": name, "title": name, **PAGE, **place})
    bench.send("POST", "/blueprints", {"identifier": "x", "title": "X", "schema": {"properties": {}}})
    by_hand(bench, "xs", after="c")
    root = tmp_path / "specs"
    run("import", "--specs", str(root), bench=bench)
    assert (root / "dashboards/a.yaml").read_text().splitlines()[:3] == ["identifier: a", "title: a", "parent: f2"]
    assert "after: b\n" in (root / "dashboards/a.yaml").read_text()
    assert "after: c\n" in (root / "dashboards/d.yaml").read_text()
    assert not bench.plan(root).pending
    before = sidebar(bench)
    fresh = server.bench()
    report = fresh.apply(root)
    assert report.after is not None
    assert (report.failed, report.after.pending) == ((), ())
    after = sidebar(fresh)
    ours = {parent: [each for each in children if each != "xs"] for parent, children in before.items()}
    assert {parent: [each for each in children if each != "xs"] for parent, children in after.items()} == ours


def test_a_port_without_a_sidebar_is_imported_without_it(server: Server, tmp_path: Path) -> None:
    bench = refusing(server, 404)
    bench.send("POST", "/pages", {"identifier": "a", "title": "A", **PAGE})
    result = run("import", "--specs", str(tmp_path / "specs"), bench=bench)
    assert "note: no folders, and no order of pages: this Port refuses its sidebar" in result.output
    assert (tmp_path / "specs/dashboards/a.yaml").is_file()


def test_what_is_imported_below_what_isnt_names_the_folder(bench: Bench, tmp_path: Path) -> None:
    bench.send("POST", "/sidebars/catalog/folders", {"identifier": "f", "title": "F"})
    bench.send("POST", "/pages", {"identifier": "a", "title": "A", "parent": "f", **PAGE})
    result = run("import", "--specs", str(tmp_path / "specs"), "--kind", "dashboard", bench=bench)
    assert 'external: {"folders": {"f": {}}}' in result.output


def test_folders_are_imported_from_a_file_of_ports_answer(bench: Bench, tmp_path: Path) -> None:
    for name in ("f", "g"):
        bench.send("POST", "/sidebars/catalog/folders", {"identifier": name, "title": name.upper()})
    file = tmp_path / "sidebar.json"
    file.write_text(json.dumps(bench.send("GET", "/sidebars/catalog")))
    root = tmp_path / "specs"
    run("import", "--specs", str(root), "--from-json", str(file), bench=bench)
    assert (root / "folders/g.yaml").read_text() == "identifier: g\ntitle: G\n"


def test_rollback_puts_everything_back_in_its_place(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bench.send("POST", "/pages", {"identifier": "u", "title": "U", **PAGE})
    apply = ("apply", "--auto-approve", "--prune")
    a, b, c = {"parent": None, "after": None}, {"parent": None, "after": "a"}, {"parent": "f1", "after": None}
    written(Path("specs"), {"f1": {"title": "One"}, "f2": {"parent": "f1"}}, {"a": a, "b": b, "c": c}, ["u"])
    run(*apply, bench=bench)
    before = sidebar(bench)
    moved = {"a": {"parent": None, "after": "u"}, "b": b, "c": {"parent": "f3"}, "d": {"after": None}}
    written(Path("specs"), {"f1": {"title": "Two"}, "f3": {"parent": "f1", "after": None}}, moved, ["u"])
    run(*apply, bench=bench)
    assert sidebar(bench) == {"": ["d", "u", "a", "b", "f1"], "f1": ["f3"], "f3": ["c"]}
    run("rollback", str(max(Path(".portcfg/journal").iterdir())), "--auto-approve", bench=bench)
    ours = {parent: [each for each in below if each != "u"] for parent, below in sidebar(bench).items()}
    assert ours == {parent: [each for each in below if each != "u"] for parent, below in before.items()}
    titles = {item["identifier"]: item["title"] for item in bench.send("GET", "/sidebars/catalog")["sidebar"]["items"]}
    assert titles["f1"] == "One"


def test_rollback_takes_a_folder_back_although_what_goes_is_below_it(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(Path("specs"), {"f2": {}, "f1": {"parent": "f2"}}, {})
    run("apply", "--auto-approve", bench=bench)
    before = sidebar(bench)
    written(Path("specs"), {"f2": {}, "f1": {"parent": None}, "f0": {"parent": "f1"}, "f3": {"parent": "f0"}}, {})
    run("apply", "--auto-approve", bench=bench)
    assert sidebar(bench)["f0"] == ["f3"]
    run("rollback", str(max(Path(".portcfg/journal").iterdir())), "--auto-approve", bench=bench)
    assert sidebar(bench) == before


def test_rollback_brings_a_folder_that_was_to_go_back_from_the_top(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken there so as not to be in the way, and then the apply failed."""
    bench = server.bench()
    monkeypatch.chdir(tmp_path)
    written(Path("specs"), {"f1": {}, "f0": {"parent": "f1"}, "f3": {"parent": "f0"}}, {})
    run("apply", "--auto-approve", bench=bench)
    before = sidebar(bench)
    written(Path("specs"), {"f2": {}, "f1": {"parent": "f2"}}, {"a": {}})
    inner = server._app

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if (scope.get("method"), scope.get("path")) == ("POST", "/v1/pages"):
            await JSONResponse({"ok": False, "error": "forbidden"}, 403)(scope, receive, send)
        else:
            await inner(scope, receive, send)

    server._app = app  # type: ignore[assignment]
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    result = CliRunner().invoke(main, ["apply", "--auto-approve", "--prune"], env=env)
    assert result.exit_code == 6, result.output
    assert sidebar(bench) == {"": ["f3", "f2"], "f2": ["f1"], "f1": ["f0"]}
    run("rollback", str(max(Path(".portcfg/journal").iterdir())), "--auto-approve", bench=bench)
    assert sidebar(bench) == before


def test_rollback_leaves_a_place_alone_that_somebody_changed_since(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pages: dict[str, Body] = {"a": {"after": None}, "b": {"after": "a"}, "c": {"after": "b"}}
    written(Path("specs"), {}, pages)
    run("apply", "--auto-approve", bench=bench)
    written(Path("specs"), {}, {"c": {"after": None}, "b": {"after": "c"}, "a": {"after": "b"}})
    run("apply", "--auto-approve", bench=bench)
    assert sidebar(bench)[""] == ["c", "b", "a"]
    by_hand(bench, "b", after=None)
    result = run("rollback", str(max(Path(".portcfg/journal").iterdir())), "--auto-approve", bench=bench)
    assert "dashboard/b was changed since the apply, and is left alone" in result.output


def test_a_reviewed_plan_holds_while_others_only_come_in_between(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(Path("specs"), {}, {"a": {"after": None}, "b": {"after": "a"}})
    run("apply", "--auto-approve", bench=bench)
    written(Path("specs"), {}, {"a": {"after": None}, "b": {"after": "a", "title": "New"}})
    run("plan", "--out", "plan.json", bench=bench)
    bench.send("POST", "/pages", {"identifier": "u", "title": "U", "after": "a", **PAGE})
    run("apply", "plan.json", bench=bench)
    run("plan", "--out", "plan.json", bench=bench)
    assert sidebar(bench)[""] == ["a", "u", "b"]


def test_a_place_and_a_title_changed_in_port_are_adopted(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pages: dict[str, Body] = {"a": {"after": "f"}, "b": {"after": "a"}, "c": {"after": "b"}}
    written(Path("specs"), {"f": {"title": "F"}}, pages)
    run("apply", "--auto-approve", bench=bench)
    by_hand(bench, "c", after="a")
    by_hand(bench, "f", title="Folder")
    result = CliRunner().invoke(
        main,
        ["drift", "--adopt"],
        env={"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"},
    )
    assert "title: Folder" in Path("specs/folders/f.yaml").read_text(), result.output
    assert "after: a" in Path("specs/dashboards/c.yaml").read_text()
    assert not bench.plan(Path("specs")).pending
    assert sidebar(bench)[""] == ["f", "a", "c", "b"]
