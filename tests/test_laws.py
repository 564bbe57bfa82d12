"""The laws of a plan, over generated portals: it is complete, it touches nothing else, it tells whose a change is, and
it is the same whatever the order of files and lists."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import chdir, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portcfg.cli.main import main
from portcfg.emulator.port_app import Chaos
from portcfg.kinds import KINDS
from portcfg.kinds.base import STAMPS
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Action, Body, Cause, Plan, Ref
from portcfg.model import Path as Place
from portcfg.render.plan import plan_json
from portcfg.yamlread import dump
from tests.strategies import specs
from tests.support import Bench, Server, write_files
from tests.test_flow import Specs, _escaped, everything_named, folder_of

LAWS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
# What only Port writes: in a page also its place where no spec names it.
ITS_OWN = STAMPS | {"after", "resyncState"}
# Ocean's, true where nobody says otherwise.
FLAGS = ("deleteDependentEntities", "createMissingRelatedEntities")
# Port's collections, as its routes have them, and the kinds of what is in them.
COLLECTIONS = {"blueprints": "blueprint", "pages": "dashboard", "integration": "mapping"}


@contextmanager
def fresh(server: Server, **switches: Any) -> Iterator[tuple[Bench, Path]]:
    """A new Port and an empty folder."""
    with TemporaryDirectory() as folder:
        yield server.bench(**switches), Path(folder)


def everything(bench: Bench) -> dict[Ref, Body]:
    """All blueprints, pages and integrations, as Port answers them."""
    found = {}
    for route, key in (
        ("/blueprints", "blueprints"),
        ("/pages?compact=false", "pages"),
        ("/integration", "integrations"),
    ):
        kind = COLLECTIONS[route.strip("/").partition("?")[0]]
        for body in bench.send("GET", route)[key]:
            found[Ref(kind, str(body[KINDS[kind].id_field]))] = body
    return {ref: body for ref, body in found.items() if LEDGER_BLUEPRINT not in ref.identifier}


def flat(value: Any, path: tuple[Any, ...] = (), ordered: bool = True) -> Iterator[tuple[tuple[Any, ...], str]]:
    """(path, JSON) of each leaf; widgets go by their id, and have an order where no layout places them."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and "type" in item for item in value):
        ids = [item.get("id") for item in value]
        if ordered:
            yield (*path, "(order)"), json.dumps(ids)
        value = dict(zip(ids, value, strict=True))
    if isinstance(value, dict) and value:
        for key, part in value.items():
            if key not in ITS_OWN - {"id"} or len(path) > 1:
                yield from flat(part, (*path, key), ordered=not (key == "widgets" and "layout" in value))
    elif value not in ({}, [], None):
        yield path, json.dumps(meaning(value), sort_keys=True)


def meaning(value: Any) -> Any:
    """A value in one of the forms that mean the same to Ocean: one mapping may be a list of one."""
    if isinstance(value, dict):
        return {key: meaning(part[0] if _one_mapping(key, part) else part) for key, part in value.items()}
    return [meaning(part) for part in value] if isinstance(value, list) else value


def _one_mapping(key: str, part: Any) -> bool:
    return key == "mappings" and isinstance(part, list) and len(part) == 1


def changed(before: Body, after: Body) -> set[tuple[Any, ...]]:
    """The paths of the leaves that differ, stamps apart; an order differs by what is on both sides."""
    old, new = dict(flat(before)), dict(flat(after))
    differing = {path for path in {*old, *new} if old.get(path) != new.get(path)}
    differing -= {
        path for path in differing if {old.get(path, "true"), new.get(path, "true")} == {"true"} and path[-1] in FLAGS
    }
    return {path for path in differing if path[-1] != "(order)" or _moved(old.get(path), new.get(path))}


def _moved(old: str | None, new: str | None) -> bool:
    one, two = json.loads(old or "[]"), json.loads(new or "[]")
    return [item for item in one if item in two] != [item for item in two if item in one]


def within(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether one path leads to the other, or through it."""
    one, other = [str(part) for part in one], [str(part) for part in other]
    return one[: len(other)] == other[: len(one)]


def written(bench: Bench) -> list[Ref]:
    """The resources that the log has writes of, but for the ledger; a POST to a collection names none."""
    paths = (path.removeprefix("/v1/").split("/") for _, path, status in bench.writes if status < 300)
    named = (Ref(COLLECTIONS[part[0]], unquote(part[1])) for part in paths if part[0] in COLLECTIONS and len(part) > 1)
    return [ref for ref in named if ref.identifier != LEDGER_BLUEPRINT]


@LAWS
@given(specs(), specs())
def test_a_plan_is_complete(server: Server, first: Specs, second: Specs) -> None:
    """What an apply writes is what the plan said: no resource, no field more, and none less."""
    with fresh(server) as (bench, root):
        bench.apply(folder_of(root / "first", first))
        target = folder_of(root / "second", everything_named(second))
        before, plan = everything(bench), bench.plan(target, prune=True)
        bench.clear()
        assert bench.apply(target, prune=True).failed == ()
        after, pending = everything(bench), {change.ref: change for change in plan.pending}
        assert set(written(bench)) <= pending.keys()
        ours = {ref for ref in {*before, *after} if ref in pending or not ref.identifier.endswith("Entity")}
        assert {ref for ref in ours if ref not in before} == refs(plan, Action.CREATE)
        assert {ref for ref in ours if ref not in after} == refs(plan, Action.DELETE)
        for ref in before.keys() & after.keys() - pending.keys():
            assert (ref, placeless(after[ref])) == (ref, placeless(before[ref]))
        for ref in refs(plan, Action.UPDATE):
            paths, told = changed(before[ref], after[ref]), [_listed(field.path) for field in pending[ref].fields]
            assert [path for path in paths if not any(within(path, field) for field in told)] == []
            assert [field for field in told if not any(within(path, field) for path in paths)] == []
        for ref in refs(plan, Action.CREATE):
            wanted, has = dict(flat(pending[ref].after)), dict(flat(after[ref]))
            assert {path: value for path, value in wanted.items() if has.get(path) != value} == {}


def _listed(path: Place) -> Place:
    """Where the order of a list is told, the list: its order changes with its items, too."""
    return path[: path.index("(order)")] if "(order)" in path else path


def refs(plan: Plan, action: Action) -> set[Ref]:
    return {change.ref for change in plan.changes if change.action is action}


def placeless(body: Body) -> Body:
    """A body with its stamps, without its place among others that may come and go."""
    return {key: value for key, value in body.items() if key != "after"}


@LAWS
@given(specs(), specs())
def test_a_rollback_brings_back_what_was_there(server: Server, first: Specs, second: Specs) -> None:
    """Whatever the apply did: nothing is left of it, and nothing is missing."""
    with fresh(server) as (bench, root), chdir(root):
        env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
        folder_of(root / "specs", first)
        bench.apply(root / "specs")
        shutil.rmtree(root / "specs")
        before = {ref: lasting(body) for ref, body in everything(bench).items()}
        folder_of(write_files(root / "specs", {"portcfg.yaml": dump(UNLIMITED)}), everything_named(second))
        done = CliRunner().invoke(main, ["apply", "--auto-approve", "--prune"], env=env)
        assert done.exit_code == 0, done.output
        for journal in sorted(Path(".portcfg/journal").glob("*")):
            back = CliRunner().invoke(main, ["rollback", str(journal), "--auto-approve"], env=env)
            assert back.exit_code == 0, back.output
        now = {ref: lasting(body) for ref, body in everything(bench).items()}
        differing = {ref for ref in {*before, *now} if before.get(ref) != now.get(ref)}
        assert [(ref, before.get(ref), now.get(ref)) for ref in sorted(differing)] == []


UNLIMITED: Body = {"version": 1, "guards": {"delete_share": 1.0, "update_share": 1.0}}


def lasting(body: Body) -> Body:
    """A body without what Port sets anew at each write, or makes up."""
    return {key: value for key, value in body.items() if key not in ITS_OWN | {"logAttributes"}}


THEIRS: tuple[tuple[str, str, Body], ...] = (
    (
        "POST",
        "/blueprints",
        {"identifier": "theirs", "title": "T", "schema": {"properties": {"a": {"type": "string"}}}},
    ),
    ("POST", "/blueprints/theirs/entities", {"identifier": "e", "properties": {"a": "x"}}),
    ("POST", "/pages", {"identifier": "their-page", "title": "T", "type": "dashboard", "widgets": []}),
    ("POST", "/integration", {"installationId": "their-feed", "installationAppType": "x", "config": {"resources": []}}),
    ("PATCH", "/blueprints/theirs", {"relations": {"up": {"target": "alpha", "title": "Up"}}}),
    ("PATCH", "/blueprints/theirs", {"mirrorProperties": {"up": {"path": "up.$title", "title": "Up"}}}),
)
COUNT: Body = {"title": "N", "target": "theirs", "calculationSpec": {"func": "count", "calculationBy": "entities"}}


@LAWS
@given(specs(), specs())
def test_what_is_unmanaged_stays_as_it_is_byte_for_byte(server: Server, first: Specs, second: Specs) -> None:
    """Whole resources with their stamps, and in a managed blueprint what no spec names: also keys nobody knows of."""
    with fresh(server) as (bench, root):
        unnamed = [(folder, {key: part for key, part in body.items() if key not in LATE}) for folder, body in first]
        later = [(folder, {key: part for key, part in body.items() if key not in LATE}) for folder, body in second]
        bench.apply(folder_of(root / "first", mirrorless(unnamed)))
        for method, path, body in THEIRS:
            bench.send(method, path, body)
        bench.send("PATCH", "/blueprints/alpha", {"aggregationProperties": {"theirs": COUNT}, "future": {"x": [1]}})
        before = theirs(bench)
        assert bench.apply(folder_of(root / "second", mirrorless(later)), prune=True).failed == ()
        assert theirs(bench) == before


LATE = ("aggregationProperties", "ownership")


def mirrorless(resources: Specs) -> Specs:
    """Without mirrors of what `LATE` has taken away."""
    return [
        (folder, {key: part for key, part in body.items() if key != "mirrorProperties"}) for folder, body in resources
    ]


def theirs(bench: Bench) -> list[Any]:
    found = everything(bench)
    alpha = found[Ref("blueprint", "alpha")]
    with closing(bench.reader()) as port:
        entities = list(port.entities("theirs", include=["$identifier", "a", "$updatedAt"]))
    pages = [placeless(body) for ref, body in sorted(found.items()) if ref.identifier.startswith("their")]
    return [pages, entities, alpha["aggregationProperties"]["theirs"], alpha["future"]]


SPARE: Body = {"type": "string", "title": "Spare"}


@st.composite
def edits(draw: st.DrawFn, body: Body) -> tuple[Body, Body, dict[tuple[str, ...], Cause]]:
    """A blueprint as the spec and as somebody in Port has edited it, and whose each difference is."""
    spec, port = copy.deepcopy(body), copy.deepcopy(body)
    causes: dict[tuple[str, ...], Cause] = {}
    places = [
        (),
        *((section, name) for section in ("relations", "calculationProperties") for name in body.get(section, {})),
    ]
    places += [("schema", "properties", name) for name in body["schema"]["properties"]]
    for place in places:
        mine, other = draw(st.sampled_from(["", "mine"])), draw(st.sampled_from(["", "mine", "other"]))
        if place == ("schema", "properties", "spare"):
            mine, other = draw(st.sampled_from([mine, None])), draw(st.sampled_from([other, None]))
        _edit(spec, place, mine)
        _edit(port, place, other)
        whole = place if None in (mine, other) else (*place, "title")
        if mine != other:
            causes[whole] = Cause.SPEC if other == "" else Cause.DRIFT if mine == "" else Cause.CONFLICT
    return spec, port, causes


def _edit(body: Body, place: tuple[str, ...], title: str | None) -> None:
    """Give the member at `place` another title, or with None take it away."""
    for key in place[:-1]:
        body = body[key]
    if title is None:
        del body[place[-1]]
    elif title:
        (body[place[-1]] if place else body)["title"] = title


@LAWS
@given(st.data())
def test_a_plan_tells_whose_each_change_is(server: Server, data: st.DataObject) -> None:
    """Both sides are edited at known places; a place that both edit alike is no change."""
    resources = data.draw(specs())
    (_, alpha), *others = resources
    alpha = {**alpha, "schema": {**alpha["schema"], "properties": {**alpha["schema"]["properties"], "spare": SPARE}}}
    mine, other, causes = data.draw(edits(alpha))
    with fresh(server) as (bench, root):
        bench.apply(folder_of(root / "first", [("blueprints", alpha), *others]))
        live = bench.send("GET", "/blueprints/alpha")["blueprint"]
        edited = {key: value for key, value in live.items() if key not in STAMPS} | {"title": other["title"]}
        for section in ("schema", "relations", "calculationProperties"):
            edited[section] = other.get(section, {})
        bench.send("PUT", "/blueprints/alpha", edited)
        plan = bench.plan(folder_of(root / "second", [("blueprints", mine), *others]))
        assert [change.ref.identifier for change in plan.pending if change.ref.identifier != "alpha"] == []
        (change,) = [change for change in plan.changes if change.ref == Ref("blueprint", "alpha")]
        assert {field.path: field.cause for field in change.fields} == causes


@st.composite
def layouts(draw: st.DrawFn, resources: Specs) -> dict[str, str]:
    """The files of a specs folder: in any order, one resource or several in each, as documents or as a JSON list."""
    files: dict[str, list[Body]] = {}
    for folder, body in draw(st.permutations(list(resources))):
        name = draw(st.sampled_from(["a", "z/b", "c", body["identifier"]]))
        files.setdefault(f"{folder}/{name}", []).append(body)
    texts = {}
    for name, bodies in files.items():
        if len(bodies) > 1 and draw(st.booleans()):
            texts[f"{name}.json"] = json.dumps([_escaped(body) for body in bodies])
        else:
            texts[f"{name}.yaml"] = "---\n".join(dump(_escaped(body)) for body in bodies)
    return texts


@LAWS
@given(st.data())
def test_the_order_of_files_and_of_ports_lists_doesnt_matter(server: Server, data: st.DataObject) -> None:
    """The same plan, to the letter, but for the names of the files."""
    first, second = data.draw(specs()), data.draw(specs())
    one, two = data.draw(layouts(second)), data.draw(layouts(second))
    with fresh(server, chaos=Chaos(shuffle=True, seed=data.draw(st.integers(0, 9)))) as (bench, root):
        bench.apply(folder_of(root / "first", first))
        plans = [bench.plan(write_files(root / name, files), prune=True) for name, files in (("1", one), ("2", two))]
        assert fileless(plans[0]) == fileless(plans[1])


def fileless(plan: Plan) -> Any:
    body = json.loads(re.sub(r'"file": "[^"]*"', '"file": ""', plan_json(plan)))
    # A doubt about a spec begins with its place.
    return {**body, "notes": sorted(re.sub(r"^\S+:\d+:\d+: ", "", note) for note in body["notes"])}
