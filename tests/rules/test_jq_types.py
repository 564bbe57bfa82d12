"""Inferred types against libjq: what an expression gives of an input is of the type inferred for its input's type."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcfg.rules.jq_types import ANY, KINDS, NULL, NUMBER, STRING, Type, array_of, object_of, type_of
from portcfg.rules.jq_types_infer import infer, learned
from portcfg.sync.jq_checks import jq_mistakes, parsed
from portcfg.sync.jq_syntax import syntax_mistake
from tests.sync.test_jq_closures import EXPRESSIONS, ROWS, VARIABLES, WINDOW, by_jq

CALLS = [
    *("add", "all", "any", "arrays", "ascii_downcase", "ceil", "del(.a)", "empty", "explode", "first", "flatten"),
    *("flatten(1)", "floor", "from_entries", "fromdate", 'gsub("a"; "b")', "has(0)", 'has("a")', 'index("a")'),
    *('join(",")', "keys", "keys_unsorted", "last", "last(.[])", "length", "limit(2; .[])", 'ltrimstr("a")', "map(.a)"),
    *("map_values(1)", "map_values(empty)", "max", "max_by(.a)", "min", "nulls", "numbers", "objects", "range(3)"),
    *("reverse", "scalars", "select(.)", "sort", "sort_by(.a)", 'split("a")', "strings", 'sub("a"; "b")', "to_entries"),
    *("tojson", "tonumber", "tostring", "trim", "type", "unique", "unique_by(.a)", "utf8bytelength", "values"),
    *("with_entries(.)", "group_by(.a)", "iterables", "booleans", "abs", "todate", "min_by(.b)", 'test("a")'),
    *("any(.a)", "all(. > 1)", 'contains("a")', 'startswith("a")', "isempty(.[])", "error", "implode", "toboolean"),
    *("first(.a)", 'trimstr("a")', "gmtime", "paths", "recurse", "tostream", "transpose", "fabs", "pow(.; 2)"),
]
WITH_CALLS = st.one_of(
    EXPRESSIONS,
    st.tuples(EXPRESSIONS, st.sampled_from(CALLS)).map(lambda part: f"({part[0]}) | {part[1]}"),
    st.tuples(st.sampled_from(CALLS), EXPRESSIONS).map(lambda part: f"{part[0]} | {part[1]}"),
    st.tuples(EXPRESSIONS, st.sampled_from(CALLS)).map(lambda part: f"[({part[0]})[]? | {part[1]}]"),
)
NAMES = {**{name: type_of(value) for name, value in VARIABLES.items()}, "window": type_of(WINDOW)}


def widened(type_: Type, draw: Any) -> Type:
    """A type that holds all that `type_` does: some of what is known of it is forgotten."""
    if draw(st.integers(0, 9)) == 0:
        return ANY
    fields = {name: widened(each, draw) for name, each in type_.fields.items() if draw(st.booleans()) or not type_.more}
    return replace(
        type_,
        kinds=type_.kinds | draw(st.sets(st.sampled_from(sorted(KINDS)), max_size=1)),
        items=widened(type_.items, draw) if type_.items and draw(st.booleans()) else None,
        fields=fields,
        more=type_.more or draw(st.booleans()),
        texts=type_.texts if draw(st.booleans()) else None,
    )


@st.composite
def typed_rows(draw: Any) -> tuple[Type, Any]:
    row, other = draw(ROWS), draw(ROWS)
    return widened(type_of(row) | type_of(other), draw), row


@given(WITH_CALLS, typed_rows())
@settings(max_examples=400)
def test_what_jq_gives_is_of_the_inferred_type(expression: str, typed: tuple[Type, Any]) -> None:
    type_, row = typed
    assert type_.holds(row)
    found = infer(expression, type_, NAMES)
    for value in by_jq(expression, row) or ():
        assert found.holds(value), (expression, found, value)


@given(WITH_CALLS)
@settings(max_examples=200)
def test_what_needs_no_libjq_would_compile_there(expression: str) -> None:
    names = [*VARIABLES, "missing"]
    body = {"vars": dict.fromkeys(names, 1), "lookups": {"x": {"key": expression}}}
    mistakes = [mistake for mistake in jq_mistakes(body, True) if mistake.topic == "jq"]
    assert bool(mistakes) == bool(syntax_mistake(expression, names)[0]) or "env" in expression


ROW = object_of({"n": NUMBER, "s": STRING, "m": NUMBER | NULL, "l": array_of(object_of({"name": STRING}))}, more=True)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (".n", "number"),
        (".nope", "unknown"),
        (".m", "number or null"),
        (".m // 0", "number"),
        (".s + 5", "nothing"),
        (".nope + 5", "number"),
        ('.nope + "x"', "string"),
        (".n | tostring", "string"),
        (".n * 100 | round", "number"),
        (".nope / 100", "number"),
        ('if .n > 1 then "a" else "b" end', "string"),
        ("if .n > 1 then .n else null end", "number or null"),
        ("[.l[].name] | sort", "array"),
        (".l[0].name", "string or null"),
        (".l | map(.name) | first", "string or null"),
        ("{a: .n}", "object"),
        ("{a: .n}.a", "number"),
        (". + {n: .s} | .n", "string"),
        ('"\\(.n) of \\(.m)"', "string"),
        (".n == 1 and .s", "boolean"),
        (".l | length", "number"),
        (".s as $x | $x", "string"),
        ("$window.days", "unknown"),
        ("reduce .l[] as $x (0; . + 1)", "unknown"),
        ("try .n catch 1", "unknown"),
        ("empty", "nothing"),
    ],
)
def test_types_for_people(expression: str, expected: str) -> None:
    assert infer(expression, ROW, {}).named == expected


def test_what_always_fails_says_why() -> None:
    found, (clash,) = learned('.n + "T00:00:00Z"', ROW, {})
    assert found.named == "nothing"
    assert clash.message == "number + string always fails"


def test_a_tree_that_is_too_deep_is_unknown() -> None:
    assert infer("(" * 5000 + "." + ")" * 5000, ANY, {}).named == "unknown"
    assert infer(" + ".join(["."] * 5000), ANY, {}).named == "unknown"


def test_the_same_text_is_parsed_once() -> None:
    assert parsed(".a + .b") is parsed(".a + .b")


def test_types_of_constants() -> None:
    value = json.loads('{"a": [1, "x"], "b": null}')
    assert type_of(value).holds(value)
    assert not type_of(value).holds({"a": [1, "y"], "b": None})
    assert not type_of(value).holds({**value, "c": 1})
