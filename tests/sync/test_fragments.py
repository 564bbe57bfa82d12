"""Merging what several resources say about one entity; identifiers and types before Port sees them."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from portcfg.sync.compare import same_value
from portcfg.sync.entities import safe_identifier, schema_problem, value_problem, with_safe_identifiers
from portcfg.sync.fragments import Entity, Fragment, merge

PORT_ALPHABET = regex.compile(r"[\p{L}0-9@_.+:\\/=-]*")


def fragment(order: int = 0, name: str = "e", **properties: Any) -> Fragment:
    return Fragment("b", name, title=f"t{order}", properties=properties, order=order)


def merged(*fragments: Fragment, **rules: str) -> dict[str, Any]:
    (entity,), rejects = merge(fragments, {"b": rules})
    assert not rejects
    return dict(entity.properties)


@pytest.mark.parametrize(
    ("rule", "values", "result"),
    [
        ("any", (False, True), True),
        ("max", (1, 3, 2), 3),
        ("min", ("b", "a"), "a"),
        ("sum", (0.1, 0.2), 0.3),
        ("sum", (2, 2), 4),
        ("first", (None, 5, 6), 5),
        ("union", (["b", "a"], ["a", "c"], "d"), ["a", "b", "c", "d"]),
        ("count_union", (["b", "a"], ["a", "c"]), 3),
        ("count_union", (["b", "a"], ["a", "b"]), 2),
        ("count_union", (["b", None, "a"], None), 3),
        ("count_union", ([],), 0),
        ("count_union", (None, None), None),
        ("object", ({"a": 1}, {"b": 2, "a": None}), {"a": 1, "b": 2}),
    ],
)
def test_rules(rule: str, values: tuple[Any, ...], result: Any) -> None:
    fragments = [fragment(order, x=value) for order, value in enumerate(values)]
    for arrangement in itertools.permutations(fragments):
        assert merged(*arrangement, x=rule) == {"x": result}


def test_equal_values_and_nulls_need_no_rule() -> None:
    assert merged(fragment(0, x=1, y=None), fragment(1, x=1, y=2), fragment(2, z=3)) == {"x": 1, "y": 2, "z": 3}


def test_disagreement_without_a_rule_rejects_the_entity_only() -> None:
    entities, rejects = merge([fragment(0, x=1), fragment(1, x=2), fragment(0, "other", x=1)], {})
    assert [entity.identifier for entity in entities] == ["other"]
    assert rejects[0].identifier == "e" and "`x` is 1 and 2" in rejects[0].reason


def test_a_rule_that_cant_be_applied_rejects_too() -> None:
    _, rejects = merge([fragment(0, x="a"), fragment(1, x=2)], {"b": {"x": "max"}})
    assert "can't be merged by `max`" in rejects[0].reason


def test_a_count_of_what_is_no_list_is_none() -> None:
    _, rejects = merge([fragment(0, x="a"), fragment(1, x={"b": 1})], {"b": {"x": "object"}})
    assert "can't be merged by `object`" in rejects[0].reason
    _, rejects = merge([fragment(0, x=5)], {"b": {"x": "count_union"}})
    assert "can't be merged by `count_union`" in rejects[0].reason


def test_an_entity_is_created_when_one_fragment_does() -> None:
    idle = Fragment("b", "e", creates=False)
    assert merge([idle], {})[0][0].creates is False
    assert merge([idle, fragment(1)], {})[0][0].creates is True


VALUES = st.none() | st.integers(0, 3)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab"), VALUES, VALUES), max_size=8),
    st.sampled_from(["any", "max", "min", "sum", "union", "first", ""]),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_fragments_arrive_doesnt_matter(rows: Any, rule: str, shuffle: random.Random) -> None:
    fragments = [fragment(order, name, x=x, y=y) for order, name, x, y in rows]
    shuffled = list(fragments)
    shuffle.shuffle(shuffled)
    rules = {"b": {"x": rule, "y": "max"} if rule else {"y": "max"}}
    assert {e.identifier: e.properties for e in merge(fragments, rules)[0]} == {
        e.identifier: e.properties for e in merge(shuffled, rules)[0]
    }


# Letters that this Python doesn't know yet may be letters to Port; they become `_`, which is safe.
@given(st.text(st.characters(exclude_categories=["Cn"])))
def test_a_safe_identifier_is_in_ports_alphabet(raw: str) -> None:
    safe = safe_identifier(raw)
    assert PORT_ALPHABET.fullmatch(safe)
    assert len(safe) == len(raw)
    assert safe_identifier(safe) == safe
    if PORT_ALPHABET.fullmatch(raw):
        assert safe == raw


def test_identifiers_that_fall_together_are_all_rejected() -> None:
    entities = [Entity("b", name) for name in ("a b", "a_b", "a.b", ".", "x" * 1001)]
    kept, rejects = with_safe_identifiers(entities)
    assert [entity.identifier for entity in kept] == ["a.b"]
    assert sorted(reject.identifier for reject in rejects) == sorted(["a b", "a_b", ".", "x" * 1001])


SCHEMA = {
    "schema": {
        "properties": {
            "n": {"type": "number", "minimum": 0},
            "s": {"type": "string", "enum": ["a", "b"]},
            "at": {"type": "string", "format": "date-time"},
            "flag": {"type": "boolean"},
            "o": {"type": "object"},
            "l": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["n"],
    }
}


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"n": 0, "s": "a", "at": "2026-03-02T00:00:00Z", "flag": False, "o": {}, "l": ["x"]}, ""),
        ({"n": 1.5, "s": None, "at": "2026-03-02T00:00:00.123+01:00"}, ""),
        ({}, "`n` is required"),
        ({"s": 5}, "`n` is required"),
        ({"n": None}, "`n` is required"),
        ({"n": "1"}, "`n` is string where number is due"),
        ({"n": True}, "`n` is boolean where number is due"),
        ({"n": -1}, "`n` is under 0"),
        ({"n": float("inf")}, "`n` is not a finite number"),
        ({"n": 1, "s": "c"}, "`s` is 'c', not one of a, b"),
        ({"n": 1, "at": "2026-03-02"}, "`at` is '2026-03-02' where an RFC 3339"),
        ({"n": 1, "at": "2026-13-02T00:00:00Z"}, "`at` is '2026-13-02T00:00:00Z' where"),
        ({"n": 1, "o": []}, "`o` is array where object"),
        ({"n": 1, "l": [1]}, "`l` has an item that is number where string"),
    ],
)
def test_entities_are_checked_against_the_blueprint(properties: dict[str, Any], problem: str) -> None:
    _, found = schema_problem(Entity("b", "e", properties=properties), SCHEMA) or ("", "")
    assert found.startswith(problem) and bool(found) == bool(problem)


def test_what_only_updates_may_lack_what_is_required_but_not_have_the_wrong_type() -> None:
    assert schema_problem(Entity("b", "e", properties={"s": "a"}, creates=False), SCHEMA) is None
    name, reason = schema_problem(Entity("b", "e", properties={"s": 5}, creates=False), SCHEMA) or ("", "")
    assert name == "s" and reason.startswith("`s` is number")


def test_lengths() -> None:
    assert value_problem("ab", {"type": "string", "maxLength": 1}) == "is longer than 1 characters"
    assert value_problem("ab", {"type": "string", "minLength": 3}) == "is shorter than 3 characters"
    assert value_problem(5, {"type": "number", "maximum": 4}) == "is over 4"


@pytest.mark.parametrize(
    ("ours", "live", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, None, True),
        ({"a": 1, "b": None}, {"a": 1.0}, True),
        ([1, 2], [2, 1], False),
        ("2026-03-02T00:00:00Z", "2026-03-02T00:00:00.000Z", True),
        ("2026-03-02T00:00:00Z", "2026-03-02T01:00:00+01:00", True),
        ("2026-03-02T00:00:00Z", "2026-03-02T00:00:01Z", False),
        ("The", "the", False),
        (0, None, False),
    ],
)
def test_what_counts_as_equal(ours: Any, live: Any, same: bool) -> None:
    assert same_value(ours, live) is same
