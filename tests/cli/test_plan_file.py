"""plan --out and apply FILE: what was reviewed is applied, or nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from portcfg import planfile
from portcfg.cli.embedded import CREDENTIALS, serving_port
from portcfg.cli.main import main
from portcfg.client import PortWriter
from portcfg.errors import UntrustedPlanError
from portcfg.kinds import KINDS
from portcfg.model import Plan, Ref, Resource
from portcfg.plan import make_plan
from portcfg.render.comment import plan_markdown
from portcfg.render.plan import plan_json, plan_text
from portcfg.yamlread import dump

THING: dict[str, Any] = {"identifier": "thing", "title": "Thing", "schema": {"properties": {"a": {"type": "string"}}}}
OTHER: dict[str, Any] = {**THING, "identifier": "other"}


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.chdir(tmp_path)
    with serving_port(str(tmp_path / "live.db")) as base_url:
        yield {"PORT_BASE_URL": base_url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}


def run(env: dict[str, str], *args: str) -> Result:
    return CliRunner().invoke(main, list(args), env=env)


def write(*bodies: dict[str, Any]) -> None:
    folder = Path("specs/blueprints")
    folder.mkdir(parents=True, exist_ok=True)
    for body in bodies:
        (folder / f"{body['identifier']}.yaml").write_text(dump(body))


def edit(env: dict[str, str], method: str, path: str, body: dict[str, Any] | None = None) -> None:
    """Somebody's change in Port."""
    with closing(PortWriter(env["PORT_BASE_URL"], CREDENTIALS)) as port:
        port.send(method, path, body)


def title(env: dict[str, str]) -> str:
    with closing(PortWriter(env["PORT_BASE_URL"], CREDENTIALS)) as port:
        return str(port.get("/blueprints/thing")["blueprint"]["title"])


@pytest.fixture
def planned(env: dict[str, str]) -> dict[str, str]:
    """`thing` and `other` applied, and a change of `thing` planned into plan.json."""
    write(THING, OTHER)
    assert run(env, "apply", "--auto-approve").exit_code == 0
    write({**THING, "title": "New"})
    assert run(env, "plan", "--out", "plan.json").exit_code == 0
    return env


def test_the_reviewed_plan_is_applied_without_a_question(planned: dict[str, str]) -> None:
    done = run(planned, "apply", "plan.json")
    assert done.exit_code == 0
    assert title(planned) == "New"
    again = run(planned, "apply", "plan.json")
    assert again.exit_code == 0
    assert "Applied 0 of 0" in again.stdout


def test_the_file_holds_no_secret(planned: dict[str, str]) -> None:
    assert '"local"' not in Path("plan.json").read_text()
    assert "accessToken" not in Path("plan.json").read_text()


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("PATCH", "/blueprints/thing", {"title": "Mine"}, 'blueprint/thing in title ("Thing" then, "Mine" now)'),
        ("PATCH", "/blueprints/other", {"icon": "Box"}, "blueprint/other: nothing to do then, update now"),
        ("DELETE", "/blueprints/thing", None, "blueprint/thing is gone"),
        ("DELETE", "/blueprints/other", None, "blueprint/other: nothing to do then, create now"),
    ],
    ids=["edited", "another edited", "deleted", "another deleted"],
)
def test_when_port_moved_nothing_is_written(
    planned: dict[str, str], method: str, path: str, body: dict[str, Any] | None, says: str
) -> None:
    edit(planned, method, path, body)
    done = run(planned, "apply", "plan.json")
    assert done.exit_code == 4
    assert says in done.stderr
    if "thing" not in path:
        assert title(planned) == "Thing"


def test_a_create_whose_place_is_taken_is_not_written(env: dict[str, str]) -> None:
    write(THING)
    run(env, "plan", "--out", "plan.json")
    edit(env, "POST", "/blueprints", {**THING, "title": "Mine"})
    done = run(env, "apply", "plan.json")
    assert done.exit_code == 4
    assert "blueprint/thing appeared" in done.stderr
    assert title(env) == "Mine"


def test_a_change_that_loses_values_since_is_not_written(env: dict[str, str]) -> None:
    """Destroying is allowed for good, so that nothing else would hold it up."""
    Path("specs").mkdir()
    Path("specs/portcfg.yaml").write_text("version: 1\nguards: {allow_destructive: [blueprint/thing]}\n")
    write(THING)
    run(env, "apply", "--auto-approve")
    write({**THING, "schema": {"properties": {}}})
    run(env, "plan", "--out", "plan.json")
    edit(env, "POST", "/blueprints/thing/entities", {"identifier": "e", "title": "E", "properties": {"a": "value"}})
    done = run(env, "apply", "plan.json")
    assert done.exit_code == 4, done.output
    assert "blueprint/thing is destructive now, and was safe when reviewed" in done.stderr
    run(env, "plan", "--out", "plan.json")
    assert run(env, "apply", "plan.json").exit_code == 0


def _tamper(change: str) -> None:
    body = json.loads(Path("plan.json").read_text())
    if change == "action":
        body["changes"][0]["action"] = "delete"
    elif change == "format":
        body["format"] = "portcfg/bound-plan/0"
    elif change == "tool":
        body["tool"] = "9.9.9"
    elif change == "seal":
        del body["seal"]
    Path("plan.json").write_text(json.dumps(body) if change != "cut" else "{")


@pytest.mark.parametrize("change", ["action", "format", "tool", "seal", "cut"])
def test_a_file_that_was_changed_is_not_trusted(planned: dict[str, str], change: str) -> None:
    _tamper(change)
    done = run(planned, "apply", "plan.json")
    assert done.exit_code == 5
    assert title(planned) == "Thing"


def test_other_specs_than_the_planned_ones_are_not_applied(planned: dict[str, str]) -> None:
    write({**THING, "title": "Newer"})
    done = run(planned, "apply", "plan.json")
    assert done.exit_code == 5
    assert "other specs" in done.stderr
    assert title(planned) == "Thing"


def test_specs_that_only_look_different_are_the_planned_ones(planned: dict[str, str]) -> None:
    Path("specs/blueprints/thing.yaml").unlink()
    Path("specs/blueprints/moved.json").write_text(json.dumps({**THING, "title": "New"}))
    assert run(planned, "apply", "plan.json").exit_code == 0


def test_another_port_is_not_written(planned: dict[str, str], tmp_path: Path) -> None:
    with serving_port(str(tmp_path / "second.db")) as second:
        done = run({**planned, "PORT_BASE_URL": second}, "apply", "plan.json")
    assert done.exit_code == 5
    assert "base_url" in done.stderr


def test_with_a_key_only_signed_plans_are_applied(env: dict[str, str]) -> None:
    write(THING)
    keyed = {**env, "PORTCFG_PLAN_KEY": "k1"}
    run(env, "plan", "--out", "unsigned.json")
    run(keyed, "plan", "--out", "signed.json")
    assert run(keyed, "apply", "unsigned.json").exit_code == 5
    assert run(env, "apply", "signed.json").exit_code == 5
    assert run({**env, "PORTCFG_PLAN_KEY": "k2"}, "apply", "signed.json").exit_code == 5
    assert "k1" not in Path("signed.json").read_text()
    assert run(keyed, "apply", "signed.json").exit_code == 0


# --- what a file may hold, and what is made of it ------------------------------------------------------------------

BINDING = planfile.Binding("d", "https://api.port.io/v1", "prod", prune=True, use_ledger=True, allowed=("blueprint/b",))


def resource(kind: str, identifier: str, **body: Any) -> Resource:
    return Resource(Ref(kind, identifier), {KINDS[kind].id_field: identifier, **body})


def some_plan() -> Plan:
    """A create, an update with signs of all alphabets, a delete and an adoption."""
    live = [
        resource("blueprint", "b", title="Ünïcödé ‮ 😀 <&>", schema={"properties": {"p": {"type": "string"}}}),
        resource("blueprint", "gone", title="Gone", schema={"properties": {"n": {"type": "number", "minimum": 1.5}}}),
        resource("blueprint", "same", title="Same", schema={"properties": {}}),
        resource("mapping", "m", config={"vars": {"api_token": "hunter2"}, "resources": []}),
    ]
    desired = [replace(live[0], body={**live[0].body, "title": "New"}), live[2]]
    desired += [resource("blueprint", "new", title="N", schema={"properties": {}})]
    desired += [resource("mapping", "m", config={"vars": {"api_token": "other"}, "resources": []})]
    state = {each.ref: each for each in live}
    return make_plan({each.ref: each for each in desired}, state, set(state) - {live[2].ref}, prune=True)


SAVED = {key: planfile.save(some_plan(), BINDING, key).encode() for key in ("", "key")}


def unchanged_or_refused(data: bytes, key: str) -> None:
    """A file that was changed is refused, unless the change says nothing (white space, say)."""
    try:
        bound = planfile.read(data, key)
    except UntrustedPlanError as error:
        assert error.exit_code == 5
        assert error.hint
    else:
        assert bound == planfile.read(SAVED[key], key)


@given(st.sampled_from(["", "key"]), st.data())
def test_any_one_byte_changed_is_refused_or_says_nothing(key: str, data: st.DataObject) -> None:
    saved = SAVED[key]
    at = data.draw(st.integers(0, len(saved) - 1))
    new = data.draw(st.binary(max_size=2))
    unchanged_or_refused(saved[:at] + new + saved[at + data.draw(st.integers(0, 2)) :], key)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(part, (*path, key))


LEAVES = list(leaves(json.loads(SAVED[""])))


@given(st.sampled_from(["", "key"]), st.sampled_from(LEAVES[1:]), st.sampled_from([None, "", [], {}, 1, "\ud800", "x"]))
def test_any_one_value_changed_or_taken_away_is_refused(key: str, path: tuple[Any, ...], new: Any) -> None:
    for value in (new, ...):
        body = json.loads(SAVED[key])
        parent = body
        for part in path[:-1]:
            parent = parent[part]
        if value is ...:
            del parent[path[-1]]
        else:
            parent[path[-1]] = value
        unchanged_or_refused(json.dumps(body).encode(), key)


@given(st.sampled_from(LEAVES[1:]), st.sampled_from([None, "", [], {}, 1, "x", [1], {"a": 1}]))
def test_a_file_that_somebody_sealed_is_refused_or_has_the_shape_of_a_plan(path: tuple[Any, ...], new: Any) -> None:
    body = json.loads(SAVED[""])
    parent = body
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = new
    unsealed = {name: value for name, value in body.items() if name != "seal"}
    body["seal"] = {"by": planfile.NO_KEY, "value": planfile.seal_of(unsealed, "")}
    try:
        bound = planfile.read(json.dumps(body).encode(), "")
    except UntrustedPlanError:
        return
    for entry in bound.changes:
        assert entry.keys() == {"action", "kind", "identifier", "live", "risk", "step"}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "isn't JSON"),
        (b"\xff\xfe{}", "isn't JSON"),
        (b"[" * 100_000, "isn't JSON"),
        (b"[]", "holds no plan"),
        (b"{}", "this is no plan file"),
        (b'{"format": "portcfg/plan/1"}', "this is no plan file"),
        (b'{"format": "portcfg/bound-plan/0", "tool": "0.0.1"}', "the older format 'portcfg/bound-plan/0', of portcfg"),
        (b'{"format": "portcfg/bound-plan/99", "tool": "9"}', "the newer format 'portcfg/bound-plan/99', of portcfg 9"),
    ],
)
def test_what_is_no_plan_file_of_this_version_is_called_by_its_name(data: bytes, says: str) -> None:
    with pytest.raises(UntrustedPlanError, match=re.escape(says)):
        planfile.read(data, "")


def test_what_may_be_secret_in_a_live_body_is_not_in_the_file() -> None:
    assert b"hunter2" not in SAVED[""]
    assert b"concealed" in SAVED[""]
    assert "hunter2" not in plan_text(some_plan()) + plan_json(some_plan()) + plan_markdown(some_plan())


def test_only_its_owner_reads_a_plan_file(planned: dict[str, str]) -> None:
    Path("wide.json").write_text("{}")
    Path("wide.json").chmod(0o644)
    assert run(planned, "plan", "--out", "wide.json").exit_code == 0
    assert Path("wide.json").stat().st_mode & 0o777 == 0o600


def test_an_empty_plan_is_applied_as_nothing(env: dict[str, str]) -> None:
    write(THING)
    assert run(env, "apply", "--auto-approve").exit_code == 0
    assert run(env, "plan", "--out", "plan.json").exit_code == 0
    done = run(env, "apply", "plan.json")
    assert (done.exit_code, "Applied 0 of 0" in done.stdout) == (0, True)
    edit(env, "PATCH", "/blueprints/thing", {"title": "Mine"})
    moved = run(env, "apply", "plan.json")
    assert (moved.exit_code, title(env)) == (4, "Mine")
    assert "blueprint/thing: nothing to do then, update now" in moved.stderr


def test_what_a_delete_takes_is_bound_too(env: dict[str, str]) -> None:
    write(THING, OTHER)
    assert run(env, "apply", "--auto-approve").exit_code == 0
    Path("specs/blueprints/thing.yaml").unlink()
    assert run(env, "plan", "--prune", "--out", "plan.json").exit_code == 0
    edit(env, "PATCH", "/blueprints/thing", {"title": "Mine"})
    done = run(env, "apply", "plan.json")
    assert done.exit_code == 4
    assert 'blueprint/thing in title ("Thing" then, "Mine" now)' in done.stderr
    assert title(env) == "Mine"


def test_a_plan_of_another_environment_is_named(env: dict[str, str]) -> None:
    write(THING)
    Path("specs/portcfg.yaml").write_text("version: 1\nenvironments: {staging: {}, production: {}}\n")
    assert run(env, "plan", "--env", "staging", "--out", "plan.json").exit_code == 0
    done = run(env, "apply", "--env", "production", "plan.json")
    assert (done.exit_code, "another environment ('staging')" in done.stderr) == (5, True)


def test_a_plan_file_of_megabytes(planned: dict[str, str]) -> None:
    text = {"markdown": {"type": "markdown", "title": "M", "markdown": "é" * 50_000}}
    for number in range(50):
        Path("specs/dashboards").mkdir(exist_ok=True)
        Path(f"specs/dashboards/d{number}.yaml").write_text(dump({"title": "D", "widgets": text}))
    assert run(planned, "apply", "--auto-approve").exit_code == 0
    for number in range(50):
        Path(f"specs/dashboards/d{number}.yaml").write_text(dump({"title": "E", "widgets": text}))
    assert run(planned, "plan", "--out", "plan.json").exit_code == 0
    assert Path("plan.json").stat().st_size > 4_000_000
    assert run(planned, "apply", "plan.json").exit_code == 0
