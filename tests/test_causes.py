"""The three-way table: live, applied, desired -> whose change it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from portcfg.causes import labelled, path_key, same_value, value_at
from portcfg.cli.main import main
from portcfg.diff import field_changes
from portcfg.model import MISSING, Applied, Body, Cause, FieldChange
from tests.support import Bench, write_files

A, B, C = "a", "b", "c"


@pytest.mark.parametrize(
    ("live", "applied", "desired", "cause"),
    [
        pytest.param({"x": A}, {"x": A}, {"x": B}, Cause.SPEC, id="the spec changed a value"),
        pytest.param({}, {}, {"x": B}, Cause.SPEC, id="the spec added a key"),
        pytest.param({"x": A}, {"x": A}, {}, Cause.SPEC, id="the spec removed a key"),
        pytest.param({"x": B}, {"x": A}, {"x": A}, Cause.DRIFT, id="Port changed a value"),
        pytest.param({"x": B}, {}, {}, Cause.DRIFT, id="Port added a key"),
        pytest.param({}, {"x": A}, {"x": A}, Cause.DRIFT, id="Port removed a key"),
        pytest.param({"x": B}, {"x": A}, {"x": C}, Cause.CONFLICT, id="both changed it"),
        pytest.param({"x": B}, {"x": A}, {}, Cause.CONFLICT, id="changed here, removed there"),
        pytest.param({}, {"x": A}, {"x": B}, Cause.CONFLICT, id="removed here, changed there"),
        pytest.param({"x": 1.0}, {"x": 1}, {"x": 2}, Cause.SPEC, id="1 is 1.0"),
        pytest.param({"x": True}, {"x": 1}, {"x": 2}, Cause.CONFLICT, id="1 is not true"),
        pytest.param({"x": [A, B]}, {"x": [A]}, {"x": [A]}, Cause.DRIFT, id="inside a list"),
        pytest.param({"x": {"y": B}}, {"x": {"y": A}}, {"x": {"y": A}}, Cause.DRIFT, id="further down"),
        pytest.param({"x": {"y": A}}, {"x": None}, {"x": {"y": B}}, Cause.CONFLICT, id="another shape was applied"),
    ],
)
def test_cause(live: Body, applied: Body, desired: Body, cause: Cause) -> None:
    fields = labelled(field_changes(live, desired), Applied(applied), applied, live, desired)
    assert {field.cause for field in fields} == {cause}
    told = {MISSING} if cause is not Cause.CONFLICT else {value_at(applied, field.path) for field in fields}
    assert {field.applied for field in fields} == told


S, D = Cause.SPEC, Cause.DRIFT


@pytest.mark.parametrize(
    ("live", "applied", "desired", "expected"),
    [
        pytest.param("cab", "ab", "ab", [("c", "", D)], id="Port adds in front"),
        pytest.param("b", "ab", "ab", [("", "a", D)], id="Port removes the first"),
        pytest.param("ab", "ab", "cab", [("", "c", S)], id="the spec adds in front"),
        pytest.param("ab", "ab", "b", [("a", "", S)], id="the spec removes the first"),
        pytest.param("abp", "ab", "sab", [("", "s", S), ("p", "", D)], id="both add, at two ends"),
        pytest.param("b", "abc", "ab", [("", "a", D)], id="Port removes one, and both another"),
        pytest.param("xb", "ab", "ay", None, id="both change one: each its own"),
        pytest.param("ap", "a", "as", [("p", "s", Cause.CONFLICT)], id="both add at one place"),
        pytest.param("px", "ab", "sx", [("p", "s", Cause.CONFLICT)], id="both change one place"),
        pytest.param("ba", "ab", "ab", [("ba", "ab", D)], id="Port moves one"),
        pytest.param("cab", "abc", "bac", [("cab", "bac", Cause.CONFLICT)], id="both move one"),
    ],
)
def test_the_cause_of_an_item(
    live: str, applied: str, desired: str, expected: list[tuple[str, str, Cause]] | None
) -> None:
    """Each text is a list of its letters. Items that come and go are told by their value, wherever they stand."""
    was, last, now = ({"x": {"y": list(text)}} for text in (live, applied, desired))
    fields = labelled(field_changes(was, now), Applied(last), last, was, now)
    for field in fields:
        old, new = set(_text(field.before)), set(_text(field.after))
        if field.cause is S:
            assert old <= set(applied) and not new & set(applied) - set(live)
        if field.cause is D:
            assert new <= set(applied) and not old & set(applied) - set(desired)
    if expected is not None:
        assert [(_text(field.before), _text(field.after), field.cause) for field in fields] == expected


def _text(value: Any) -> str:
    return "" if value is MISSING else "".join(value)


LEAVES = st.sampled_from([A, B, C, 1, True])
ITEMS = st.lists(st.sampled_from("abcd"), max_size=4, unique=True) | st.lists(
    st.dictionaries(st.sampled_from("xy"), LEAVES), max_size=3
)
BODIES = st.dictionaries(
    st.sampled_from("pqr"), LEAVES | ITEMS | st.dictionaries(st.sampled_from("xy"), LEAVES | ITEMS), max_size=3
)


@given(BODIES, BODIES)
def test_what_only_one_side_changed_is_that_sides(one: Body, other: Body) -> None:
    assert {field.cause for field in _fields(live=one, applied=one, desired=other)} <= {Cause.SPEC}
    assert {field.cause for field in _fields(live=other, applied=one, desired=one)} <= {Cause.DRIFT}


@given(BODIES, BODIES, BODIES)
def test_a_field_has_the_cause_that_its_three_values_tell(live: Body, applied: Body, desired: Body) -> None:
    for field in _fields(live=live, applied=applied, desired=desired):
        key = field.path[0]
        sides = [body.get(key, MISSING) for body in (live, applied, desired)]
        if len(field.path) > 1 and any(isinstance(side, list) for side in sides[::2]):
            # An item: nobody did to it what would contradict what was applied.
            known = sides[1] if isinstance(sides[1], list) else []
            if field.cause is Cause.SPEC and len(field.path) == 2 and not same_value(sides[0], sides[1]):
                assert field.before is MISSING or field.before in known
            continue
        if len(field.path) > 1 and isinstance(sides[0], dict) and isinstance(sides[2], dict):
            inner = sides[1] if isinstance(sides[1], dict) else {}
            sides = [side.get(field.path[1], MISSING) for side in (sides[0], inner, sides[2])]
            if any(isinstance(side, list) for side in sides[::2]):
                continue
        same = same_value(sides[0], sides[1]), same_value(sides[2], sides[1])
        assert field.cause is {(True, False): Cause.SPEC, (False, True): Cause.DRIFT}.get(same, Cause.CONFLICT)


def _fields(*, live: Body, applied: Body, desired: Body) -> tuple[FieldChange, ...]:
    return labelled(field_changes(live, desired), Applied(applied), applied, live, desired)


@pytest.mark.parametrize("shown", ["text", "markdown", "json"])
@pytest.mark.parametrize("command", ["plan", "drift"])
def test_a_conflict_shows_all_three_values(bench: Bench, tmp_path: Path, command: str, shown: str) -> None:
    spec = "title: {}\nschema: {{properties: {{a: {{type: string, enum: [{}]}}}}}}\n"
    root = write_files(tmp_path / "specs", {"blueprints/thing.yaml": spec.format("Applied", "one, two")})
    bench.apply(root)
    write_files(root, {"blueprints/thing.yaml": spec.format("Spec", "one, mine")})
    properties = {"a": {"type": "string", "enum": ["one", "theirs"]}}
    bench.send("PATCH", "/blueprints/thing", {"title": "Port", "schema": {"properties": properties}})
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    told = CliRunner().invoke(main, [command, "--specs", str(root), "--format", shown], env=env).stdout
    if shown == "json":
        (change,) = json.loads(told)["changes"]
        enum, title = change["fields"]
        assert (title["before"], title["after"], title["applied"]) == ("Port", "Spec", "Applied")
        assert (enum["before"], enum["after"], enum["applied"]) == ("theirs", "mine", "two")
        assert {title["cause"], enum["cause"]} == {"conflict"}
        assert change["drifted"].startswith("by local at 20")
    else:
        assert 'title: "Port" -> "Spec"' in told
        assert '(applied last: "Applied")' in told
        assert 'schema.properties.a.enum[1]: "theirs" -> "mine"' in told
        assert '(applied last: "two")' in told
        assert "changed in the specs and in Port (by local at 20" in told


@pytest.mark.parametrize(
    ("value", "cause"),
    [pytest.param(A, Cause.SERVER, id="as Port filled it in"), pytest.param(B, Cause.DRIFT, id="changed since")],
)
def test_what_port_filled_in_is_told_from_what_somebody_did(value: str, cause: Cause) -> None:
    applied = Applied({}, {path_key(("x",)): A})
    fields = labelled(field_changes({"x": value}, {}), applied, {}, {"x": value}, {})
    assert [field.cause for field in fields] == [cause]


def test_without_a_ledger_nothing_is_claimed() -> None:
    assert [field.cause for field in labelled(field_changes({"x": A}, {}), None, None, {"x": A}, {})] == [Cause.SPEC]
