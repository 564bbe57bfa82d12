"""What was changed in Port, written back into the specs: these bytes and no others; then the plan is empty."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from portcfg import adopt as adoption_module
from portcfg.adopt import Adoption, adopt_drift, replace_files
from portcfg.cli.main import main
from portcfg.kinds import KINDS
from portcfg.kinds.base import STAMPS
from portcfg.pipeline import plan_specs, read_specs
from portcfg.spelling import escaped
from portcfg.threeway import steps, taken
from portcfg.yamlread import dump
from tests.strategies import TEXT, specs
from tests.support import Bench, Server, cases, write_files

ABSENT = "(absent)"


def edit(bench: Bench, ref: str, path: list[Any], value: Any, *more: Any) -> None:
    """Somebody changes one value of a resource in Port, or (`more`: path, value, ...) several in one write.

    `+` appends to a list, a text finds the item with that id.
    """
    kind, _, identifier = ref.partition("/")
    route = f"{KINDS[kind].collection}/{identifier}"
    body = {key: part for key, part in live(bench, ref).items() if key not in STAMPS | {"protected", "sidebar"}}
    changes = [path, value, *more]
    for each, new in zip(changes[::2], changes[1::2], strict=True):
        set_at(body, each, new)
    bench.send(KINDS[kind].update_verb, route, body)


def set_at(inner: Any, path: list[Any], value: Any) -> None:
    for part in path[:-1]:
        inner = inner[index_of(inner, part)] if isinstance(inner, list) else inner.setdefault(part, {})
    last = index_of(inner, path[-1]) if isinstance(inner, list) else path[-1]
    if last == "+":
        inner.append(value)
    elif value == ABSENT:
        del inner[last]
    else:
        inner[last] = value


def index_of(items: list[Any], part: Any) -> Any:
    if isinstance(part, int) or part == "+":
        return part
    return next(index for index, item in enumerate(items) if item.get("id") == part)


def live(bench: Bench, ref: str) -> dict[str, Any]:
    kind, _, identifier = ref.partition("/")
    with closing(bench.reader()) as port:
        listed = port.get(KINDS[kind].collection, KINDS[kind].list_params)[KINDS[kind].list_key]
    return copy.deepcopy(next(body for body in listed if body[KINDS[kind].id_field] == identifier))


def adopted(bench: Bench, root: Path, conflicts: bool = False, environment: str = "") -> Adoption:
    read = read_specs(root, environment)
    with closing(bench.reader()) as port:

        def again() -> Any:
            fresh = read_specs(root, environment)
            return fresh.documents, plan_specs(fresh, port)

        return adopt_drift(read.documents, plan_specs(read, port), read.project, again, conflicts=conflicts)


def texts(root: Path) -> dict[str, str]:
    found = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes().decode() for path in found}


@pytest.mark.parametrize("case", cases("adopt"))
def test_case(bench: Bench, tmp_path: Path, case: dict[str, Any]) -> None:
    root, chosen = write_files(tmp_path / "specs", case["files"]), case.get("environment", "")
    assert bench.apply(root, chosen).failed == ()
    assert bench.plan(root, chosen).pending == ()
    write_files(root, case.get("meanwhile", {}))
    before = texts(root)
    for ref, *changes in case["port"]:
        edit(bench, ref, *changes)
    assert bench.plan(root, chosen).pending, "nothing was changed in Port"
    bench.clear()
    done = adopted(bench, root, case.get("conflicts", False), chosen)
    left = [f"{each.ref} {'.'.join(map(str, each.path))}: {each.reason}" for each in done.left]
    assert left == case.get("left", [])
    assert texts(root) == {**before, **case.get("after", {})}
    assert bench.writes == []
    if not left:
        assert bench.plan(root, chosen).pending == ()


EDITS = st.lists(
    st.tuples(
        st.sampled_from(
            ["title", "icon", "description", "property", "added", "removed", "renamed", "enum", "required"]
        ),
        TEXT,
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=6,
)


def change(body: dict[str, Any], what: str, text: str, number: int) -> None:
    properties = body["schema"]["properties"]
    names = sorted(properties)
    name = names[number % len(names)] if names else ""
    if what in ("title", "icon", "description"):
        body[what] = text
    elif what == "added":
        properties[f"new_{number}"] = {"type": "string", "title": text, "enum": [text, "b"], "default": "b"}
    elif what == "required":
        body["schema"]["required"] = [each for each in names if len(each) % 2 == number % 2]
    elif name and what in ("property", "renamed"):
        properties[name]["title" if what == "property" else "description"] = text
    elif name == "level" and what == "enum":
        properties[name]["enum"] = ["high", text, "low"]


@settings(phases=[Phase.explicit, Phase.generate])
@given(specs(), EDITS)
def test_whatever_is_changed_in_blueprints_the_plan_is_empty_after(
    server: Server, tmp_path_factory: pytest.TempPathFactory, drawn: list[Any], edits: list[Any]
) -> None:
    bench = server.bench()
    files = {f"{folder}/{body['identifier']}.yaml": f"# mine\n{dump(escaped(body))}# end\n" for folder, body in drawn}
    root = write_files(tmp_path_factory.mktemp("adopt") / "specs", files)
    assert bench.apply(root).failed == ()
    refs = [f"blueprint/{body['identifier']}" for folder, body in drawn if folder == "blueprints"]
    for what, text, number in edits:
        ref = refs[number % len(refs)]
        body = {key: part for key, part in live(bench, ref).items() if key not in STAMPS}
        change(body, what, text, number)
        bench.send("PUT", f"/blueprints/{body['identifier']}", body)
    done = adopted(bench, root)
    assert done.left == [], texts(root)
    assert bench.plan(root).pending == ()
    assert all(text.startswith("# mine\n") and text.endswith("# end\n") for text in texts(root).values())


VALUES = st.recursive(
    st.integers(0, 3) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "id"]), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_the_steps_between_two_values_lead_from_one_to_the_other(one: Any, other: Any) -> None:
    assert taken({"": one}, steps({"": one}, {"": one}, {"": other})) == {"": other}


THING = "title: Thing # its name\nschema:\n  properties:\n    a: {type: string}\n"


@pytest.fixture
def thing(bench: Bench, tmp_path: Path) -> Iterator[Path]:
    """A blueprint that is applied."""
    root = write_files(tmp_path / "specs", {"blueprints/thing.yaml": THING})
    bench.apply(root)
    yield root
    assert not list(root.rglob(".*")), "a temporary file is left"


def run(bench: Bench, root: Path, *args: str) -> Any:
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    return CliRunner().invoke(main, ["drift", "--specs", str(root), *args], env=env)


def test_the_command_says_what_it_wrote_and_exits_with_0(bench: Bench, thing: Path) -> None:
    edit(bench, "blueprint/thing", ["title"], "Other")
    done = run(bench, thing, "--adopt")
    assert done.exit_code == 0, done.output
    assert 'adopted blueprint/thing title: "Thing" -> "Other"' in done.stderr
    assert "No drift" in done.stdout
    assert texts(thing)["blueprints/thing.yaml"] == THING.replace("Thing", "Other")


def test_the_command_names_the_file_that_it_wrote(bench: Bench, tmp_path: Path) -> None:
    files = {
        "blueprints/thing.yaml": "title: Thing\nschema:\n  properties: {$include: ../fragments/f.yaml}\n",
        "fragments/f.yaml": "a: {type: string, title: A}\n",
    }
    root = write_files(tmp_path / "specs", files)
    assert bench.apply(root).failed == ()
    edit(bench, "blueprint/thing", ["title"], "Other", ["schema", "properties", "a", "title"], "B")
    done = run(bench, root, "--adopt")
    spec = root / "blueprints/thing.yaml"
    assert f'title: "Thing" -> "Other"  [{spec}]\n' in done.stderr
    fragment = f"[{root / 'fragments/f.yaml'}, a fragment that {spec} includes]\n"
    assert f'a.title: "A" -> "B"  {fragment}' in done.stderr


def test_a_conflict_is_adopted_only_when_that_is_said(bench: Bench, thing: Path) -> None:
    edit(bench, "blueprint/thing", ["title"], "Port")
    write_files(thing, {"blueprints/thing.yaml": THING.replace("Thing", "Spec")})
    done = run(bench, thing, "--adopt", "--format", "json")
    assert done.exit_code == 2
    assert "--adopt-conflicts takes Port's" in done.stderr
    assert [field["cause"] for field in json.loads(done.stdout)["changes"][0]["fields"]] == ["conflict"]
    assert run(bench, thing, "--adopt-conflicts").exit_code == 0
    assert texts(thing)["blueprints/thing.yaml"] == THING.replace("Thing", "Port")


def test_what_was_deleted_in_port_is_told_and_its_file_stays(bench: Bench, thing: Path) -> None:
    bench.send("DELETE", "/blueprints/thing")
    done = run(bench, thing, "--adopt")
    assert done.exit_code == 2
    assert "left blueprint/thing: it was deleted in Port" in done.stderr
    assert texts(thing) == {"blueprints/thing.yaml": THING}


def test_what_would_be_read_otherwise_is_put_back(bench: Bench, thing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(bench, "blueprint/thing", ["title"], "Other")
    adopt = adoption_module.adopt

    def broken(*args: Any, **options: Any) -> Adoption:
        found = adopt(*args, **options)
        found.texts = {file: text + "x: [" for file, text in found.texts.items()}
        return found

    monkeypatch.setattr(adoption_module, "adopt", broken)
    done = adopted(bench, thing)
    assert [left.reason for left in done.left] == ["written into the file, it would not be read as Port has it"]
    assert texts(thing) == {"blueprints/thing.yaml": THING}


def test_files_are_replaced_all_or_none(thing: Path) -> None:
    file = thing / "blueprints/thing.yaml"
    with pytest.raises(FileNotFoundError):
        replace_files({file: b"new", thing / "gone" / "b.yaml": b"new"})
    assert texts(thing) == {"blueprints/thing.yaml": THING}


def test_a_file_that_somebody_saves_meanwhile_isnt_overwritten(
    bench: Bench, thing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(bench, "blueprint/thing", ["title"], "Other")
    write = adoption_module.write_edits

    def late(*args: Any) -> Any:
        write_files(thing, {"blueprints/thing.yaml": THING + "icon: Box\n"})
        return write(*args)

    monkeypatch.setattr(adoption_module, "write_edits", late)
    done = run(bench, thing, "--adopt")
    assert done.exit_code == 1
    assert "was changed while it was adopted into" in done.stderr
    assert texts(thing) == {"blueprints/thing.yaml": THING + "icon: Box\n"}


def test_what_is_taken_back_is_only_what_was_written(
    bench: Bench, thing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(bench, "blueprint/thing", ["title"], "Other")
    write = adoption_module.write_edits

    def saved(*args: Any) -> Any:
        before = write(*args)
        write_files(thing, {"blueprints/thing.yaml": "x: ["})
        return before

    monkeypatch.setattr(adoption_module, "write_edits", saved)
    assert run(bench, thing, "--adopt").exit_code == 1
    assert texts(thing) == {"blueprints/thing.yaml": "x: ["}


def test_killed_in_the_middle_each_file_is_old_or_new(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"blueprints/{name}.yaml": THING for name in "abc"}
    root = write_files(tmp_path / "specs", files)
    bench.apply(root)
    for name in "abc":
        edit(bench, f"blueprint/{name}", ["title"], "Other")
    replace, done = Path.replace, []

    def killed(path: Path, target: Path) -> Path:
        done.append(target)
        if len(done) == 2:
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        adopted(bench, root)
    monkeypatch.undo()
    assert sorted(texts(root).values()) == sorted([THING, THING, THING.replace("Thing", "Other")])
    assert adopted(bench, root).left == []
    assert bench.plan(root).pending == ()


def test_widgets_that_port_gave_ids_to_are_adopted_into_their_twins(bench: Bench, tmp_path: Path) -> None:
    widgets = [{"id": "Zk3", "type": "markdown", "title": "Hello", "markdown": "hi"}]
    bench.send("POST", "/pages", {"identifier": "d", "title": "D", "type": "dashboard", "widgets": widgets})
    spec = "title: D\nwidgets:\n  - type: markdown # first\n    title: Hello\n    markdown: {}\n"
    root = write_files(tmp_path / "specs", {"portcfg.yaml": "version: 1\n", "dashboards/d.yaml": spec.format("hi")})
    assert bench.apply(root).outcomes == ()
    edit(bench, "dashboard/d", ["widgets", 0, "markdown"], "by hand")
    plan = bench.plan(root)
    loaded = read_specs(root)
    adoption = adopt_drift(
        loaded.documents,
        plan,
        loaded.project,
        lambda: (read_specs(root).documents, bench.plan(root)),
    )
    assert [left.reason for left in adoption.left] == []
    assert (root / "dashboards/d.yaml").read_text() == spec.format("by hand")
    assert bench.plan(root).pending == ()
