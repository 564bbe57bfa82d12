"""Groups and aggregates: exact, and the same whatever the order of the rows."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcfg.sync.aggregate import Groups, compile_aggregate
from portcfg.sync.jq_programs import Batch, RowProgram, RowValues, Scope

ALL = {
    "sum": {"sum": ".n"},
    "count": {"count": ".flag"},
    "rows": {"count": True},
    "distinct": {"count_distinct": ".name"},
    "least": {"min": ".n"},
    "most": {"max": ".n"},
    "any": {"any": ".flag"},
    "mode": {"mode": ".name"},
    "latest": {"latest": {"by": ".at", "value": ".name"}},
    "names": {"collect": ".name"},
    "nested": {"deep": {"sum": ".n"}},
    "by_name": {"object": {"key": ".name", "value": {"n": {"sum": ".n"}, "rows": {"count": True}}}},
}


def fold(aggregate: dict[str, Any], rows: list[dict[str, Any]], batch: int = 1000) -> Groups:
    compiled = compile_aggregate(aggregate)
    program = RowProgram({"group": ".g", **compiled.expressions}, Scope())
    groups = Groups(("g",), compiled)
    for start in range(0, len(rows), batch):
        for result in program.run(Batch(None, rows[start : start + batch])):
            assert isinstance(result, RowValues)
            groups.add(result.values[:1], result.values[1:])
    return groups


def only(aggregate: dict[str, Any], rows: list[dict[str, Any]]) -> Any:
    (row,) = fold(aggregate, [{"g": 1, **row} for row in rows]).rows()
    return {key: value for key, value in row.items() if key != "g"}


def test_each_aggregator() -> None:
    rows = [
        {"n": 2, "name": "b", "flag": True, "at": "2026-03-02"},
        {"n": None, "name": "a", "flag": False, "at": "2026-03-04"},
        {"n": 3, "name": "a", "at": "2026-03-03"},
        {"n": 1.5, "name": "b", "flag": None},
    ]
    assert only(ALL, rows) == {
        "sum": 6.5,
        "count": 1,
        "rows": 4,
        "distinct": 2,
        "least": 1.5,
        "most": 3,
        "any": True,
        "mode": "a",
        "latest": "a",
        "names": ["a", "b"],
        "nested": {"deep": 6.5},
        "by_name": {"a": {"n": 3, "rows": 2}, "b": {"n": 3.5, "rows": 2}},
    }


def test_nulls_say_nothing() -> None:
    assert only(ALL, [{}, {}]) == {
        "sum": None,
        "count": 0,
        "rows": 2,
        "distinct": 0,
        "least": None,
        "most": None,
        "any": None,
        "mode": None,
        "latest": None,
        "names": [],
        "nested": {"deep": None},
        "by_name": {},
    }


def test_first_is_the_first_that_is_not_null() -> None:
    assert only({"x": {"first": ".n"}}, [{"n": None}, {"n": 0}, {"n": 5}]) == {"x": 0}


def test_money_is_exact() -> None:
    assert only({"x": {"sum": ".n"}}, [{"n": 0.1}] * 3) == {"x": 0.3}
    assert only({"x": {"sum": ".n"}}, [{"n": n} for n in (33.75, 5.6, 4.0, 8.0)]) == {"x": 51.35}
    cents = [1e15, 0.01, -1e15]
    assert only({"x": {"sum": ".n"}}, [{"n": n} for n in cents]) == {"x": 0.01}


def test_binary_noise_of_the_source_doesnt_stay() -> None:
    assert only({"x": {"sum": ".n"}}, [{"n": 0.8471750000000001}]) == {"x": 0.847175}
    assert only({"x": {"sum": ".n"}}, [{"n": 1e22}, {"n": 0.5}]) == {"x": 1e22}


def test_integers_stay_integers() -> None:
    result = only({"x": {"sum": ".n"}}, [{"n": 2**52}, {"n": 2**52}])
    assert result == {"x": 2**53} and isinstance(result["x"], int)


def test_a_field_may_have_an_aggregators_name() -> None:
    assert only({"count": {"sum": {"max": ".n"}}}, [{"n": 1}, {"n": 2}]) == {"count": {"sum": 2}}


@pytest.mark.parametrize(
    ("aggregate", "row"),
    [
        ({"x": {"sum": ".n"}}, {"n": "5"}),
        ({"x": {"sum": ".n"}}, {"n": True}),
        ({"x": {"any": ".n"}}, {"n": 1}),
        ({"x": {"max": ".n"}}, {"n": {}}),
        ({"x": {"object": {"key": ".n", "value": {"y": {"count": True}}}}}, {"n": 5}),
    ],
)
def test_a_value_of_the_wrong_type_poisons_its_group_only(aggregate: dict[str, Any], row: dict[str, Any]) -> None:
    groups = fold(aggregate, [{"g": 1}, {"g": 2, **row}, {"g": 2}])
    assert [item["g"] for item in groups.rows()] == [1]
    assert list(groups.poisoned) == ["[2]"]


ROWS = st.lists(
    st.fixed_dictionaries(
        {"g": st.integers(1, 3)},
        optional={
            "n": st.none() | st.integers(-(10**6), 10**6) | st.decimals(-1000, 1000, places=4).map(float),
            "name": st.none() | st.sampled_from(["a", "b", "c", "ü"]),
            "flag": st.none() | st.booleans(),
            "at": st.none() | st.sampled_from(["2026-03-02", "2026-03-03"]),
        },
    ),
    max_size=30,
)


@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 7))
def test_order_and_batches_of_rows_dont_matter(rows: list[Any], shuffle: random.Random, batch: int) -> None:
    shuffled = list(rows)
    shuffle.shuffle(shuffled)
    assert fold(ALL, rows).rows() == fold(ALL, shuffled, batch).rows()


@given(ROWS)
def test_sums_are_those_of_decimals(rows: list[Any]) -> None:
    for row in fold({"x": {"sum": ".n"}}, rows).rows():
        values = [Decimal(repr(item["n"])) for item in rows if item["g"] == row["g"] and item.get("n") is not None]
        assert row["x"] == (float(sum(values, Decimal())) if values else None)
        json.dumps(row, allow_nan=False)
