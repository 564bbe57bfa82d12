"""What is said of calculations for certain holds for jq itself, on whatever entities the blueprint allows."""

from __future__ import annotations

import json
from typing import Any

import jq
from hypothesis import given, settings
from hypothesis import strategies as st

from portcfg.model import Document, Project
from portcfg.rules.blueprints import RULES
from portcfg.rules.jq_types import kind_of
from portcfg.rules.portal import Portal

PROPERTIES: dict[str, Any] = {
    "n": {"type": "number"},
    "m": {"type": "number"},
    "s": {"type": "string"},
    "flag": {"type": "boolean"},
    "day": {"type": "string", "format": "date-time"},
    "size": {"type": "string", "enum": ["small", "large"]},
    "tags": {"type": "array", "items": {"type": "string"}},
    "extra": {"type": "object"},
}
DAYS = st.datetimes().map(lambda day: day.isoformat(timespec="milliseconds").replace("+00:00", "") + "Z")
ENTITY = st.fixed_dictionaries(
    {
        "n": st.integers(-5, 5) | st.floats(-1e6, 1e6),
        "m": st.integers(-5, 5),
        "s": st.text(alphabet='a1-. {}[]"', max_size=6) | st.sampled_from(["12", "[1]", '{"a": 1}', "null"]),
        "flag": st.booleans(),
        "day": DAYS | st.just("2024-02-29T10:00:00Z"),
        "size": st.sampled_from(["small", "large"]),
        "tags": st.lists(st.text(alphabet="ab1", max_size=3), max_size=3),
        "extra": st.dictionaries(st.sampled_from("ab"), st.integers() | st.text(max_size=2), max_size=2),
    }
)
TERMS = st.sampled_from(
    [*(f".properties.{name}" for name in PROPERTIES), "1", "0", '"x"', "null", "true", ".title", ".properties.extra.a"]
)
CALLS = [
    *("tostring", "tonumber", "floor", "length", "ascii_downcase", "fromdate", "todate", "not", "keys", "add", "type"),
    *('split("-")', 'startswith("a")', 'test("a")', 'join(",")', "first", "sort", "fromjson", "tojson", "map(length)"),
]
PROGRAMS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "/", "//", "==", "<", "and"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(inner, inner, inner).map(lambda parts: "(if {} then {} else {} end)".format(*parts)),
        st.tuples(inner, st.sampled_from(CALLS)).map(lambda parts: f"({parts[0]} | {parts[1]})"),
        inner.map(lambda part: f"[{part}]"),
        inner.map(lambda part: f"(try {part} catch null)"),
    ),
    max_leaves=5,
)
BY_ID = {rule.id: rule for rule in RULES}


def found(program: str, type_: str, id_: str) -> bool:
    calculations = {"c": {"calculation": program, "type": type_}}
    body = {"identifier": "b", "schema": {"properties": PROPERTIES}, "calculationProperties": calculations}
    document = Document("blueprint", body, "b.yaml", {})
    return bool(list(BY_ID[id_].check(Portal((document,), (document,), Project("")))))


def outputs(program: str, properties: dict[str, Any]) -> list[Any]:
    """What jq gives; nothing where it fails."""
    entity = {"identifier": "e", "title": "E", "blueprint": "b", "properties": properties, "relations": {}}
    try:
        return list(jq.compile(program).input_text(json.dumps(entity)).all())
    except ValueError:
        return []


@given(PROGRAMS, st.lists(ENTITY, min_size=1, max_size=3))
@settings(max_examples=400, deadline=None)
def test_what_always_fails_gives_nothing(program: str, entities: list[dict[str, Any]]) -> None:
    if found(program, "string", "PC211"):
        assert [outputs(program, entity) for entity in entities] == [[]] * len(entities)


@given(
    PROGRAMS,
    st.sampled_from(["string", "number", "boolean", "array", "object"]),
    ENTITY,
    st.sets(st.sampled_from(sorted(PROPERTIES))),
)
@settings(max_examples=400, deadline=None)
def test_what_is_of_another_type_is_never_of_its_own(
    program: str, type_: str, entity: dict[str, Any], missing: set[str]
) -> None:
    properties = {name: None if name in missing else value for name, value in entity.items()}
    if found(program, type_, "PC212"):
        assert type_ not in {kind_of(value) for value in outputs(program, properties)}
