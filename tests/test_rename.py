"""`renamed_from`: parts of blueprints get other names, and the values of entities survive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portcfg import renames
from portcfg.apply import apply_plan
from portcfg.cli.main import main
from portcfg.client import Answer, PortWriter
from portcfg.compile import compile_specs
from portcfg.emulator.port_app import Chaos
from portcfg.errors import AnswerError
from portcfg.kinds import KINDS
from portcfg.model import Action, Applied, Body, Document, Plan, Project, Ref, Rename, Resource
from portcfg.plan import make_plan
from portcfg.planfile import digest_of
from portcfg.render.plan import plan_json, plan_text
from portcfg.yamlread import dump
from tests.support import CREDENTIALS, PATIENT, Bench, Server, cases, write_files

B = Ref("blueprint", "b")
TEXT: Body = {"type": "string"}
LEVEL: Body = {
    "title": "B",
    "schema": {"properties": {"level": TEXT, "n": {"type": "number"}}, "required": ["level"]},
    "relations": {"up": {"target": "b", "required": False, "many": False}},
    "mirrorProperties": {"upper": {"title": "Upper", "path": "up.level"}},
}
TIER: Body = {
    "title": "B",
    "schema": {
        "properties": {"tier": {**TEXT, "renamed_from": "level"}, "n": {"type": "number"}},
        "required": ["tier"],
    },
    "relations": {"parent": {"target": "b", "required": False, "many": False, "renamed_from": "up"}},
    "mirrorProperties": {"higher": {"title": "Upper", "path": "parent.tier", "renamed_from": "upper"}},
}
RENAMED = [
    "~ schema.properties: level renamed to tier",
    "~ relations: up renamed to parent",
    "~ mirrorProperties: upper renamed to higher",
]


def compiled(identifier: str, body: Body) -> Resource:
    document = Document("blueprint", {"identifier": identifier, **body}, f"{identifier}.yaml", {})
    return compile_specs([document], Project("portcfg.yaml"))[Ref("blueprint", identifier)]


def folder(tmp_path: Path, **blueprints: Body) -> Path:
    files = {f"blueprints/{name}.yaml": dump(body) for name, body in blueprints.items()}
    return write_files(tmp_path / f"specs{len(list(tmp_path.iterdir()))}", files)


def fill(bench: Bench, number: int = 3) -> None:
    """Entities with a level; each but the first is below the first."""
    for index in range(number):
        relations = {"up": "e0"} if index else {}
        body = {"identifier": f"e{index}", "properties": {"level": f"v{index}", "n": index}, "relations": relations}
        bench.send("POST", "/blueprints/b/entities", body)


def values(bench: Bench, *names: str) -> list[Any]:
    """(properties, relations) of each entity of b, of the names that are given."""
    entities = bench.send("GET", "/blueprints/b/entities")["entities"]
    return [
        {name: {**entity["properties"], **entity["relations"]}.get(name) for name in names}
        for entity in sorted(entities, key=lambda each: str(each["identifier"]))
    ]


def lines(plan: Plan) -> list[str]:
    return [line.strip() for line in plan_text(plan).splitlines() if line.strip()[:2] in ("~ ", "+ ", "- ")][1:]


@pytest.mark.parametrize("case", cases("rename"))
def test_what_a_rename_is(case: dict[str, Any]) -> None:
    desired = compiled("b", case["desired"])
    live = Resource(B, {"identifier": "b", **case["live"]})
    applied = {}
    if "applied" in case:
        applied = {B: Applied({"identifier": "b", **case["applied"]}, case.get("server", {}))}
    plan = make_plan({B: desired}, {B: live}, {B}, applied=applied)
    (change,) = plan.changes
    assert lines(plan) == case["fields"]
    assert change.action is (Action.UPDATE if case["fields"] else Action.NOOP)
    assert list(change.notes) == case.get("notes", [])
    if "causes" in case:
        assert [field.cause for field in change.fields] == case["causes"]


def test_values_survive_and_a_second_apply_sends_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.apply(folder(tmp_path, b=LEVEL))
    fill(bench)
    before = values(bench, "level", "up", "n", "upper")
    root = folder(tmp_path, b=TIER)
    plan = bench.plan(root)
    assert lines(plan) == RENAMED
    assert (plan.pending[0].risk, plan.refusals) == ("safe", ())
    report = bench.apply(root)
    assert (report.failed, report.after and report.after.pending) == ((), ())
    after = values(bench, "tier", "parent", "n", "higher")
    assert [list(entity.values()) for entity in after] == [list(entity.values()) for entity in before]
    assert values(bench, "level", "up") == [{"level": None, "up": None}] * 3
    live = bench.send("GET", "/blueprints/b")["blueprint"]
    assert live["schema"]["required"] == ["tier"]
    assert "renamed_from" not in dump(live)
    bench.clear()
    again = bench.apply(root)
    assert (again.outcomes, bench.writes) == ((), [])
    assert sum("renamed_from can go" in note for change in bench.plan(root).changes for note in change.notes) == 3


def test_a_rename_is_one_field_for_programs(bench: Bench, tmp_path: Path) -> None:
    bench.apply(folder(tmp_path, b=LEVEL))
    text = plan_json(bench.plan(folder(tmp_path, b=TIER)))
    assert '"renamed_from": "level"' in text
    assert '"before"' not in text


def test_what_else_changes_is_counted_under_the_old_name(bench: Bench, tmp_path: Path) -> None:
    bench.apply(folder(tmp_path, b=LEVEL))
    fill(bench)
    narrowed = {**TIER, "schema": {"properties": {"tier": {**TEXT, "enum": ["v0"], "renamed_from": "level"}}}}
    plan = bench.plan(folder(tmp_path, b=narrowed))
    told = [impact["reason"] for impact in plan.pending[0].impacts]
    assert "narrows the enum of `tier`: 2 entities outside of it" in told
    linked = {"parent": {"target": "b", "required": True, "many": False, "renamed_from": "up"}}
    plan = bench.plan(folder(tmp_path, b={**TIER, "relations": linked}))
    assert "requires the relation `parent`: 1 entity without it" in [i["reason"] for i in plan.pending[0].impacts]


def test_who_still_reads_the_old_name_is_told(bench: Bench, tmp_path: Path) -> None:
    def reading(body: Body, program: str) -> Body:
        return {**body, "calculationProperties": {"c": {"type": "string", "calculation": program}}}

    # One that reads both names is made for the time in between; with the old one alone, validate refuses it.
    either = ".properties.tier // .properties.level"
    bench.apply(folder(tmp_path, b=reading(LEVEL, ".properties.level")))
    plan = bench.plan(folder(tmp_path, b=reading(TIER, either)))
    (impact,) = plan.pending[0].impacts
    assert (impact["risk"], impact["read_by"]) == ("breaking", ["calculation b.c"])
    assert impact["reason"] == "renames `level` to `tier`; read by 1 calculation"
    root = folder(tmp_path, b=reading(TIER, ".properties.tier"))
    assert bench.plan(root).pending[0].impacts == ()
    report = bench.apply(root)
    assert (report.failed, report.after and report.after.pending) == ((), ())


def test_a_mirror_that_no_spec_has_follows_in_port(bench: Bench, tmp_path: Path) -> None:
    reader = {
        "title": "C",
        "schema": {"properties": {}},
        "relations": {"b": {"target": "b", "required": False, "many": False}},
        "mirrorProperties": {"level": {"path": "b.level"}},
    }
    bench.apply(folder(tmp_path, b=LEVEL, c=reader))
    assert bench.plan(folder(tmp_path, b=TIER)).pending[0].impacts == ()
    root = folder(tmp_path, b=TIER, c={**reader, "mirrorProperties": {"level": {"path": "b.tier"}}})
    assert bench.plan(root).pending[0].impacts == ()
    report = bench.apply(root)
    assert (report.failed, report.after and report.after.pending) == ((), ())


def test_blueprints_in_a_cycle_are_renamed(bench: Bench, tmp_path: Path) -> None:
    def pair(name: str, **asked: str) -> tuple[Body, Body]:
        link: Body = {"required": False, "many": False}
        b = {
            "title": "B",
            "schema": {"properties": {name: {**TEXT, **asked}}},
            "relations": {"c": {"target": "c", **link}},
            "mirrorProperties": {"back": {"path": f"c.b.{name}"}},
        }
        c = {
            "title": "C",
            "schema": {"properties": {}},
            "relations": {"b": {"target": "b", **link}},
            "mirrorProperties": {"m": {"path": f"b.{name}"}},
        }
        return b, c

    b, c = pair("level")
    bench.apply(folder(tmp_path, b=b, c=c))
    bench.send("POST", "/blueprints/b/entities", {"identifier": "e", "properties": {"level": "x"}})
    b, c = pair("tier", renamed_from="level")
    # Both are new in a relation to each other, so both are written in stages.
    c["relations"] = {**c["relations"], "more": {"target": "b", "required": False, "many": False}}
    report = bench.apply(folder(tmp_path, b=b, c=c))
    assert (report.failed, report.after and report.after.pending) == ((), ())
    assert values(bench, "tier", "level") == [{"tier": "x", "level": None}]


def test_ports_own_blueprints_are_renamed(bench: Bench, tmp_path: Path) -> None:
    bench.apply(folder(tmp_path, _team={"schema": {"properties": {"level": TEXT}}}))
    bench.send("POST", "/blueprints/_team/entities", {"identifier": "t", "title": "T", "properties": {"level": "x"}})
    root = folder(tmp_path, _team={"schema": {"properties": {"tier": {**TEXT, "renamed_from": "level"}}}})
    report = bench.apply(root)
    assert (report.failed, report.after and report.after.pending) == ((), ())
    entity = bench.send("GET", "/blueprints/_team/entities/t")["entity"]
    assert entity["properties"]["tier"] == "x"


class Killed(BaseException):
    """As a signal would end the process."""


class Mortal(PortWriter):
    """A writer that dies before its n-th write."""

    left = 0

    def send(self, *args: Any, **more: Any) -> Answer:
        if not self.left:
            raise Killed
        self.left -= 1
        return super().send(*args, **more)


@pytest.mark.parametrize("writes", [0, 1, 2, 3, 4])
def test_killed_anywhere_the_next_apply_does_the_rest(bench: Bench, tmp_path: Path, writes: int) -> None:
    bench.apply(folder(tmp_path, b=LEVEL))
    fill(bench)
    root = folder(tmp_path, b={**TIER, "title": "New"})
    with closing(Mortal(bench.url, CREDENTIALS, PATIENT)) as port:
        port.left = writes
        try:
            done = list(apply_plan(bench.plan(root), port))
        except Killed:
            done = []
    assert len(done) == (writes == 4)
    left = lines(bench.plan(root))
    assert left == ([*RENAMED, '~ title: "B" -> "New"'][writes:])
    report = bench.apply(root)
    assert report.after is not None
    assert (report.failed, report.after.pending) == ((), ())
    assert [entity["tier"] for entity in values(bench, "tier")] == ["v0", "v1", "v2"]
    assert values(bench, "parent")[1:] == [{"parent": "e0"}] * 2


@pytest.mark.parametrize("seed", range(4))
def test_renames_whose_answers_are_lost_are_made_all_the_same(server: Server, tmp_path: Path, seed: int) -> None:
    bench = server.bench(chaos=Chaos(drops=0.3, seed=seed))
    bench.apply(folder(tmp_path, b=LEVEL))
    for index in range(3):
        body = {"identifier": f"e{index}", "properties": {"level": f"v{index}"}}
        bench.send("POST", "/blueprints/b/entities?upsert=true", body)
    report = bench.apply(folder(tmp_path, b=TIER))
    assert report.after is not None
    assert (report.failed, report.after.pending) == ((), ())
    assert [entity["tier"] for entity in values(bench, "tier")] == ["v0", "v1", "v2"]


def test_a_name_that_a_mirror_gives_up_can_be_had_at_once(bench: Bench, tmp_path: Path) -> None:
    more = {"calculationProperties": {"twice": {"type": "string", "calculation": ".properties.upper"}}}
    bench.apply(folder(tmp_path, b={**LEVEL, **more}))
    fill(bench)
    schema = {
        "properties": {"upper": {**TEXT, "renamed_from": "level"}, "n": {"type": "number"}},
        "required": ["upper"],
    }
    report = bench.apply(folder(tmp_path, b={**LEVEL, "schema": schema, "mirrorProperties": {}, **more}))
    assert (report.failed, report.after and report.after.pending) == ((), ())
    assert [entity["upper"] for entity in values(bench, "upper")] == ["v0", "v1", "v2"]
    assert "twice" in bench.send("GET", "/blueprints/b")["blueprint"]["calculationProperties"]


def test_what_port_refuses_to_rename_fails_with_its_reason_and_blocks_nothing_else(
    bench: Bench, tmp_path: Path
) -> None:
    bench.apply(folder(tmp_path, b=LEVEL))
    fill(bench)
    total = {"title": "T", "target": "b", "calculationSpec": {"func": "count", "calculationBy": "entities"}}
    live = bench.send("GET", "/blueprints/b")["blueprint"]
    bench.send("PUT", "/blueprints/b", {**live, "aggregationProperties": {"total": total}})
    body = {**LEVEL, "schema": {"properties": {"total": {**TEXT, "renamed_from": "level"}}}, "mirrorProperties": {}}
    report = bench.apply(
        folder(tmp_path, b=body, other={"title": "O", "schema": {"properties": {}}}), allowed=("blueprint/b",)
    )
    (failed,) = report.failed
    assert failed.change.ref == B
    assert "rename" in failed.message
    assert [entity["level"] for entity in values(bench, "level")] == ["v0", "v1", "v2"]


@contextmanager
def counts(monkeypatch: pytest.MonkeyPatch, *numbers: int | None) -> Iterator[None]:
    answers = iter(numbers)
    with monkeypatch.context() as patched:
        patched.setattr(renames, "counted", lambda *_: next(answers))
        yield


def test_values_that_take_their_time_are_waited_for(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.apply(folder(tmp_path, b=LEVEL))
    rename = Rename(("schema", "properties"), "level", "tier")
    with closing(bench.writer()) as port, counts(monkeypatch, 3, 0, 1, 3):
        renames.rename_parts(port, "/blueprints/b", B, [rename])
    lost = pytest.raises(AnswerError, match="3 entities had a value in tier, and 2 have one in level")
    with closing(bench.writer()) as port, counts(monkeypatch, 3, *[2] * len(renames.WAITS)), lost:
        renames.rename_parts(port, "/blueprints/b", B, [rename.back])
    with closing(bench.writer()) as port, counts(monkeypatch, None):
        renames.rename_parts(port, "/blueprints/b", B, [rename])


@pytest.fixture
def cli(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}

    def run(*args: str) -> Result:
        return CliRunner().invoke(main, list(args), env=env)

    return run


def test_a_rollback_renames_back(cli: Any, bench: Bench) -> None:
    write_files(Path("specs"), {"blueprints/b.yaml": dump(LEVEL)})
    assert cli("apply", "--auto-approve").exit_code == 0
    fill(bench)
    before = values(bench, "level", "up", "n", "upper")
    write_files(Path("specs"), {"blueprints/b.yaml": dump({**TIER, "title": "New"})})
    assert cli("apply", "--auto-approve").exit_code == 0
    journal = str(sorted(Path(".portcfg/journal").iterdir())[-1])
    done = cli("rollback", journal, "--auto-approve")
    assert done.exit_code == 0, done.output
    assert "tier renamed to level" in done.stderr
    assert "without values" not in done.stderr
    assert values(bench, "level", "up", "n", "upper") == before
    live = bench.send("GET", "/blueprints/b")["blueprint"]
    assert (live["title"], sorted(live["schema"]["properties"]), list(live["relations"])) == (
        "B",
        ["level", "n"],
        ["up"],
    )
    again = str(sorted(Path(".portcfg/journal").iterdir())[-1])
    assert cli("rollback", again, "--auto-approve").exit_code == 0
    assert values(bench, "tier", "parent")[1] == {"tier": "v1", "parent": "e0"}


def test_a_bound_plan_is_bound_to_its_renames(cli: Any, bench: Bench) -> None:
    write_files(Path("specs"), {"blueprints/b.yaml": dump(LEVEL)})
    cli("apply", "--auto-approve")
    fill(bench)
    write_files(Path("specs"), {"blueprints/b.yaml": dump(TIER)})
    assert cli("plan", "--out", "plan.json").exit_code == 0
    done = cli("apply", "plan.json")
    assert done.exit_code == 0, done.output
    assert [entity["tier"] for entity in values(bench, "tier")] == ["v0", "v1", "v2"]


def test_specs_that_differ_only_in_a_rename_are_other_specs() -> None:
    asked, plain = compiled("b", TIER), compiled("b", {**TIER, "schema": compiled("b", TIER).body["schema"]})
    assert asked.body == plain.body
    assert digest_of({B: asked}) != digest_of({B: plain})


NAMES = ("one", "two", "three", "four")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["new_a", "new_b", "new_c"]), max_size=3),
    st.lists(st.dictionaries(st.sampled_from(NAMES), st.text("ab", min_size=1, max_size=3)), min_size=1, max_size=4),
    st.booleans(),
)
def test_random_renames_keep_every_value(
    server: Server, chosen: dict[str, str], held: list[dict[str, str]], titled: bool
) -> None:
    names = {old: new for old, new in chosen.items() if list(chosen.values()).count(new) == 1}
    bench = server.bench()
    extra = {"title": "New"} if titled else {}
    after = {names.get(name, name): {**TEXT, **extra} for name in NAMES}
    for old, new in names.items():
        after[new]["renamed_from"] = old
    with TemporaryDirectory() as place:
        bench.apply(folder(Path(place), b={"title": "B", "schema": {"properties": dict.fromkeys(NAMES, TEXT)}}))
        for index, properties in enumerate(held):
            bench.send("POST", "/blueprints/b/entities", {"identifier": f"e{index}", "properties": properties})
        report = bench.apply(folder(Path(place), b={"title": "B", "schema": {"properties": after}}))
    assert report.after is not None
    assert (report.failed, report.after.pending) == ((), ())
    expected = [{names.get(name, name): properties.get(name) for name in NAMES} for properties in held]
    assert values(bench, *after) == expected


def test_other_kinds_have_nothing_to_rename() -> None:
    renaming = KINDS["dashboard"].renaming
    assert renaming.asked({"widgets": {}}) == ()
    assert renaming.renamed({"a": 1}, ()) == {"a": 1}
