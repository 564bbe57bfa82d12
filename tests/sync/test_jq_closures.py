"""Closures against libjq: whatever expression, whatever row, the outputs are the same, or it is left to libjq."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from portcfg.pipeline import read_specs
from portcfg.sync.jq_closures import closures, known_variables
from portcfg.sync.jq_programs import Batch, JqError, RowProgram, RowValues, Scope, compiled
from portcfg.sync.jq_text import normalise
from portcfg.sync.jq_values import UnsureError
from portcfg.sync.parse import parse_mapping
from tests.support import REPOSITORY

VARIABLES: dict[str, Any] = {"org": "acme", "skip": True, "teams": {"a": "Red", "b": None}, "n": 3}
WINDOW = {"first_day": "2026-03-01", "last_day": "2026-03-30"}
NOW = 1_772_323_200.5
LEFT_TO_JQ = object()


def by_jq(expression: str, row: Any) -> Any:
    """All outputs, or None where jq fails on the row, or doesn't take the expression."""
    try:
        program = compiled(f".[0] as $window | .[1] | ({expression}\n)", Scope(VARIABLES, NOW))
        return list(program.input_text(json.dumps([WINDOW, row], ensure_ascii=False)).all())
    except (ValueError, JqError):
        return None


def by_closure(expression: str, row: Any) -> Any:
    made = closures([expression], {**VARIABLES, "window": None})
    if made is None:
        return LEFT_TO_JQ
    try:
        (value,) = made.values(row, known_variables(VARIABLES, NOW, WINDOW))
    except UnsureError:
        return LEFT_TO_JQ
    return [value] if made.single[0] else value


def same(left: Any, right: Any) -> bool:
    """As JSON texts: true is not 1, and 1.0 is not handed out as 1."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


KEYS = ("a", "b", "c", "first_day", "key", "value")
NUMBERS = (
    st.integers(-5, 20)
    | st.sampled_from([1.5, -2.5, 0.1, 0.30000000000000004, 1e3, -0.0, 2**53, 2**53 + 1, 10**20, 1e300, 1772323200])
    | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.sampled_from(
    ["", "a", "B@x.Y", " b ", "ÄÖ é", "12", "-3.50", "1e5", "007", "null", "2026-03-02", "a,b", "\x1f"]
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | st.text(max_size=4).filter(lambda text: "\x00" not in text)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
ROWS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6) | VALUES

LEAVES = st.sampled_from(
    [
        ".",
        *(f".{key}" for key in KEYS),
        ".a.b",
        ".a.b.c",
        '."a"',
        '.["b"]',
        ".[0]",
        ".[-1]",
        ".a[1]",
        ".a[:2]",
        ".[1:]",
        ".b[1:3]",
        "$org",
        "$n",
        "$teams",
        "$skip",
        "$window.first_day",
        "$teams[.a]",
        "null",
        "true",
        "false",
        "0",
        "1.0",
        "-2",
        "1e2",
        "12.50",
        '""',
        '"x"',
        '"a\\nb\\u00e9"',
        "[]",
        "{}",
        "now",
        "$missing",
        "env",
    ]
)
CALLS = st.sampled_from(
    [
        "ascii_downcase",
        "ascii_upcase",
        "trim",
        "length",
        "floor",
        "round",
        "tonumber",
        "tostring",
        "todate",
        "not",
        "type",
        "add",
        "first",
        "last",
        'startswith("a")',
        'endswith("b")',
        'ltrimstr("a")',
        'rtrimstr("b")',
        'split(",")',
        'join("-")',
        "join(.a)",
        "keys",
        "map(.a)",
        "map(. + 1)",
        "map(select(.))",
        "max_by(.a)",
        "min_by(.a)",
        "map(.)",
        "with_entries(select(.value != null))",
        "with_entries(.value |= .)",
        "to_entries",
        "empty",
        "error",
        "ceil",
        "first(.[])",
    ]
)
OPERATORS = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "//"])


def _composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    three = st.tuples(inner, inner, inner)
    bare = st.tuples(inner, OPERATORS, inner).map(lambda part: f"{part[0]} {part[1]} {part[2]}")
    return st.one_of(
        bare,
        bare.map(lambda text: f"({text})"),
        st.tuples(inner, CALLS).map(lambda part: f"{part[0]} | {part[1]}"),
        st.tuples(inner, CALLS).map(lambda part: f"({part[0]} | {part[1]})"),
        two.map(lambda part: f"{part[0]} | {part[1]}"),
        two.map(lambda part: f"({part[0]}, {part[1]})"),
        two.map(lambda part: f"{part[0]} as $x | {part[1]} | ., $x"),
        two.map(lambda part: f"({part[0]}) as $x | [$x, {part[1]}]"),
        two.map(lambda part: f"select({part[0]}) | {part[1]}"),
        three.map(lambda part: f"if {part[0]} then {part[1]} else {part[2]} end"),
        three.map(lambda part: f"if {part[0]} then {part[1]} elif {part[2]} then . end"),
        two.map(lambda part: f"{{a: {part[0]}, b: ({part[1]})}}"),
        two.map(lambda part: f'{{c, "b": 1, ({part[0]}): {part[1]}, $org}}'),
        inner.map(lambda part: f"[{part}]"),
        inner.map(lambda part: f"[{part}[]]"),
        inner.map(lambda part: f"[{part}[]? | .a]"),
        inner.map(lambda part: f"[({part})[].a?]"),
        inner.map(lambda part: f"({part})?"),
        inner.map(lambda part: f"({part})[0]"),
        inner.map(lambda part: f'"x\\({part})y"'),
    )


EXPRESSIONS = st.recursive(LEAVES, _composed, max_leaves=6)


@given(EXPRESSIONS, ROWS)
@settings(max_examples=600)
def test_a_closure_gives_what_jq_gives(expression: str, row: Any) -> None:
    found = by_closure(expression, row)
    if found is not LEFT_TO_JQ:
        expected = by_jq(expression, row)
        assert expected is not None, f"jq refuses or fails on {expression}"
        assert same(found, expected), expression


# What mappings are made of, each with a row on which the closure must decide by itself.
CASES = [
    (".a", {"a": 1.0}),
    (".a.b // 0", {"a": None}),
    (".a.b // 0", {"a": {"b": False}}),
    ('.a + "@" + .b', {"a": "x", "b": "y"}),
    (".a + .b", {"a": None, "b": 0.5}),
    ('.a == "x"', {"a": 1}),
    (".a == 1", {"a": True}),
    (".a != null", {}),
    ("(.a | tonumber / 1000 | floor | todate | .[:10])", {"a": "1772323200123"}),
    ('if .a == "" then null else .a end', {"a": ""}),
    ('.a // "" | ascii_downcase | trim', {"a": "  Älice@X.com\n"}),
    ("$teams[.a] // $org", {"a": "b"}),
    ("[.a[] | .b // 0] | add", {"a": [{"b": 1}, {}, {"b": 0.25}]}),
    ("[.a, .b] | map(. * 2) | first", {"a": 3, "b": 4}),
    ("{x: .a, $org, y: (.b - 1)}", {"a": [1.0, {"z": 2.0}], "b": 3}),
    ("select(.a >= $window.first_day and .a <= $window.last_day) | .b", {"a": "2026-03-01", "b": 2}),
    ("select(.a)", {"a": False}),
    ("(1 + .a) as $x | $x * 2, .a as $y | $x, $y", {"a": 3}),
    (".a - 1 - 1 / 2", {"a": 3}),
    ("false // null // .a", {"a": 0}),
    ("[.a[]? | .b] | max_by(.c) | .d", {"a": [{"b": {"c": 2, "d": 1}}, {"b": {"c": 2, "d": 5}}]}),
    (".a | with_entries(select(.value != null))", {"a": {"x": None, "y": 1}}),
    ('"\\(.a)/\\(.b)"', {"a": 5, "b": None}),
    ("(.a * 10000 | round) / 1000000", {"a": 51.355}),
]


@pytest.mark.parametrize(("expression", "row"), CASES, ids=[text for text, _ in CASES])
def test_what_mappings_are_made_of_is_decided_without_jq(expression: str, row: Any) -> None:
    found = by_closure(expression, row)
    assert found is not LEFT_TO_JQ
    assert same(found, by_jq(expression, row))


LEFT = [
    "1 + .a as $x | $x",
    "env.HOME",
    "$ENV.HOME",
    "input",
    "reduce .[] as $x (0; . + $x)",
    "def f: 1; f",
    'test("a")',
    "..",
    ".a |= 1",
    ". as [$x] | $x",
    "try .a catch 1",
    "$missing",
    "@base64",
    "1 < 2 < 3",
    "{a",
    '"\\(.a',
    "a b",
    ".[",
    "-.a",
    "$__loc__",
]


@pytest.mark.parametrize("expression", LEFT)
def test_the_rest_is_left_to_jq(expression: str) -> None:
    assert by_closure(expression, {"a": 1}) is LEFT_TO_JQ


UNSURE = [
    (".a.b", {"a": 1}),
    (".a + 1", {"a": "x"}),
    (".a / 0", {"a": 1}),
    (".a + 1", {"a": 2**53}),
    (".a", {"a": 10**17}),
    (".a | tonumber", {"a": "1e5"}),
    ('.a < "x"', {"a": 1}),
    ("[.a[]]", {"a": {"x": 1}}),
    (".a | todate", {"a": 1.5}),
    ("{(.a): 1}", {"a": 1}),
    ("error", {"a": 1}),
    (".a | tostring", {"a": 0.1}),
]


@pytest.mark.parametrize(("expression", "row"), UNSURE, ids=[text for text, _ in UNSURE])
def test_a_value_it_is_not_sure_of_is_left_to_jq(expression: str, row: Any) -> None:
    assert closures([expression], VARIABLES) is not None
    assert by_closure(expression, row) is LEFT_TO_JQ


def test_the_shipped_mapping_needs_no_jq() -> None:
    specs = read_specs(REPOSITORY / "specs")
    (mapping,) = (item for ref, item in specs.compiled().items() if str(ref) == "mapping/cursor")
    parsed = parse_mapping(mapping.body["config"], specs.project.variables)
    names = {*parsed.variables, "window", "lookup"}
    texts = [stream.rows for stream in parsed.streams.values() if stream.rows]
    texts += [text for resource in parsed.resources for text in resource.expressions() if text]
    assert [text for text in texts if closures([text], names) is None] == []


def _texts(value: Any) -> list[str]:
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value] if isinstance(value, str) else [text for part in parts for text in _texts(part)]


def test_the_corpus_gives_the_same(reference_dir: Path) -> None:
    """Every expression of Ocean's own mappings, over rows with every kind of value under the names that it uses."""
    files = sorted((reference_dir / "corpus").glob("*/port-app-config.y*ml"))
    assert files
    tally: Counter[bool] = Counter()
    for file in files:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
        for text in map(normalise, _texts(config["resources"])):
            for row in ({}, None, dict.fromkeys(KEYS, "x")):
                found = by_closure(text, row)
                tally[found is LEFT_TO_JQ] += 1
                if found is not LEFT_TO_JQ:
                    assert same(found, by_jq(text, row)), text
    assert tally[False] > tally[True], tally


def programs(slots: dict[str, str], query: str = "true") -> tuple[RowProgram, RowProgram]:
    """One with closures where they can be, one without."""
    scope = Scope(VARIABLES, NOW)
    return RowProgram(slots, scope, query), RowProgram(slots, scope, query, by_closures=False)


def same_results(found: list[Any], expected: list[Any]) -> bool:
    return len(found) == len(expected) and all(
        (one == other and same(one.values, other.values)) if isinstance(one, RowValues) else one == other
        for one, other in zip(found, expected, strict=True)
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(EXPRESSIONS, min_size=1, max_size=4), EXPRESSIONS | st.just("true"), st.lists(ROWS, max_size=6))
def test_a_program_gives_the_same_with_and_without_closures(texts: list[str], query: str, rows: list[Any]) -> None:
    """Values, empty and several outputs, rows that the query leaves out, and why a row failed, row by row."""
    slots = {f"slot {number}": text for number, text in enumerate(texts)}
    try:
        with_closures, without = programs(slots, query)
    except JqError:
        return
    batch = Batch(WINDOW, rows)
    assert same_results(with_closures.run(batch), without.run(batch))


def test_rows_that_closures_leave_keep_their_place() -> None:
    slots = {"a": ".a + 1", "b": ".b[]"}
    rows = [{"a": 1, "b": [1]}, {"a": "x"}, {"a": 2, "b": []}, {"a": 2**53, "b": [1, 2]}, {"a": 3, "b": "x"}]
    with_closures, without = programs(slots, ".a != 3")
    found = with_closures.run(Batch(WINDOW, rows))
    assert same_results(found, without.run(Batch(WINDOW, rows)))
    assert [type(item).__name__ for item in found] == ["RowValues", "RowError", "RowValues", "RowValues", "NoneType"]
    assert found[2].empty == ("b",)  # type: ignore[union-attr]
    assert found[3].several == ("b",)  # type: ignore[union-attr]
