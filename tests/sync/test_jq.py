"""jq in mappings: what is allowed, how a batch tells errors, nothing and null apart."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcfg.sync.jq_programs import (
    Batch,
    Expression,
    JqError,
    RowError,
    RowExpander,
    RowProgram,
    RowValues,
    Scope,
)
from portcfg.sync.jq_syntax import syntax_mistake
from portcfg.sync.jq_text import JqTextError, broken, lookups, normalise, plain_path, refused, tokens, variables

SCOPE = Scope({"org": "acme"}, now=1_772_712_000.5)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("'cursor'", '"cursor"'),
        (".a + 'x'", '.a + "x"'),
        ("'a \"b\"'", '"a \\"b\\""'),
        ('"it\'s"', '"it\'s"'),
        (".a + \"it's\" + 'x'", '.a + "it\'s" + "x"'),
        ("  .a\n", ".a"),
        (".a # it's a comment", ".a # it's a comment"),
    ],
)
def test_single_quotes_stand_for_double_ones(written: str, meant: str) -> None:
    assert normalise(written) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("env", "$ENV", "$ENV.HOME", ".a | env.HOME", "{a: env}", "{env}", "input", "[inputs]", "debug", ".a|debug"),
        *("$__loc__", 'include "x"; .', 'import "x" as y; .', '"\\(env)"', '"a \\("b" + "\\($ENV.X)") c"', "halt"),
        *(".[env.HOME]", "halt_error", "stderr", "input_filename", "get_search_list"),
    ],
)
def test_names_that_reach_outside_are_refused(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize(
    "text", [".env", ".a.input", "{env: .a}", '{"env": 1}', ".debug", '"env"', ".a # env", "{input: .b}"]
)
def test_fields_and_keys_of_those_names_are_fine(text: str) -> None:
    assert refused(text) == []


@pytest.mark.parametrize("text", [".a)", "(.a", "[.a", '"x', '"\\(.a"', "{a: [1}"])
def test_an_expression_must_be_closed_in_itself(text: str) -> None:
    assert broken(text)
    with pytest.raises(JqTextError):
        tokens(text)


def test_the_environment_is_empty_even_if_a_name_got_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "A_SECRET", "s3cret")
    assert Expression("[env, $ENV]", SCOPE).one(None) == [{}, {}]


def test_variables_and_lookups_are_found() -> None:
    assert variables('.a | $org + "\\($x)"') == {"org", "x"}
    assert lookups("$lookup.groups[.email] // $lookup.other") == {"groups", "other"}


def test_now_is_the_clock_of_the_run() -> None:
    assert Expression("now | floor", SCOPE).one(None) == 1_772_712_000


def test_a_plain_path_is_what_jq_says() -> None:
    value = {"a": {"b": 7}, "n": None}
    for text in (".a", ".a.b", ".n.x", ".missing.x"):
        assert plain_path(text)
        assert Expression(text, SCOPE).one(value) == Expression(f"({text})", SCOPE).one(value)
    with pytest.raises(JqError):
        Expression(".a.b.c", SCOPE).one(value)


def test_one_value_is_due() -> None:
    with pytest.raises(JqError, match="gave 2 values"):
        Expression(".[]", SCOPE).one([1, 2])
    with pytest.raises(JqError, match="gave 0 values"):
        Expression("empty", SCOPE).one(None)
    with pytest.raises(JqError, match="doesn't compile"):
        Expression(".a +", SCOPE)


def run(slots: dict[str, str], rows: list[Any], query: str = "true") -> list[Any]:
    return RowProgram(slots, SCOPE, query).run(Batch({"first_day": "2026-03-02"}, rows))


def test_null_nothing_several_and_errors_are_told_apart() -> None:
    slots = {"a": ".a", "b": ".b[]?", "c": ".c | tonumber"}
    good, several, bad, empty = run(
        slots,
        [
            {"a": None, "b": [1], "c": "1"},
            {"a": 1, "b": [1, 2], "c": "2"},
            {"a": 1, "b": [1], "c": "x"},
            {"a": 0, "c": 3},
        ],
    )
    assert good == RowValues([None, 1, 1])
    assert several == RowValues([1, 1, 2], several=("b",))
    assert isinstance(bad, RowError) and bad.expression == "c"
    assert empty == RowValues([0, None, 3], empty=("b",))


def test_a_bad_row_spoils_no_other() -> None:
    results = run({"x": ".x + 1"}, [{"x": 1}, {"x": "a"}, "not an object", {"x": 3}])
    assert [type(result) for result in results] == [RowValues, RowError, RowError, RowValues]


def test_falsy_values_survive() -> None:
    assert run({"v": ".v | ."}, [{"v": value} for value in (False, 0, "", [], {}, None)]) == [
        RowValues([value]) for value in (False, 0, "", [], {}, None)
    ]


def test_query_must_be_true_or_false() -> None:
    kept, left_out, wrong = run({"v": ".v"}, [{"q": True, "v": 1}, {"q": False}, {"q": 1}], query=".q")
    assert kept == RowValues([1])
    assert left_out is None
    assert isinstance(wrong, RowError) and "query gave [1]" in wrong.message


def test_a_row_sees_window_variables_and_comments_dont_swallow_the_program() -> None:
    (result,) = run({"v": "$org + $window.first_day # said", "w": ".a"}, [{"a": 1}])
    assert result == RowValues(["acme2026-03-02", 1])


def test_rows_become_zero_or_more_rows() -> None:
    results = RowExpander("select(.n > 0) | range(.n) | {n: .}", SCOPE).run(
        Batch(None, [{"n": 2}, {"n": 0}, {"n": "x" * 3}, 5])
    )
    assert results[:2] == [[{"n": 0}, {"n": 1}], []]
    assert all(isinstance(result, RowError) for result in results[2:])


def test_an_error_without_a_text_is_still_an_error() -> None:
    (result,) = run({"v": "error(null)"}, [{}])
    assert isinstance(result, RowError)


def test_syntax_errors_name_unknown_variables() -> None:
    assert syntax_mistake("$org + $nope", ["org"]) == ("$nope is not defined", 7)
    assert syntax_mistake("$org + $window.first_day + $lookup.x", ["org"]) == ("", 0)


@pytest.mark.parametrize(
    ("text", "character"),
    [
        (".a | nope | .b", "nope"),
        (".a\n  | nope(1)", "nope"),
        ('"ÄÖ日本" | nope', "nope"),
        ('"ÄÖ"\n| "é" | nope', "nope"),
        (".a + ; .b", "; .b"),
        ("if .a then 1", "1"),
        (".a |  ", "|"),
        ("def f: 1;", ";"),
        ("", ""),
    ],
)
def test_syntax_errors_have_a_place_in_the_text(text: str, character: str) -> None:
    message, at = syntax_mistake(text)
    assert message and text[at:].startswith(character)


@pytest.mark.parametrize("text", [".a)", ".a | (.b", '"x\\(.a', ".a] | 5", "{a: [1}"])
def test_what_is_not_closed_has_a_place_in_the_text(text: str) -> None:
    error = broken(text)
    assert error and text[error.at] in '()[]{}"'


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.fixed_dictionaries({"v": JSON}), max_size=8))
def test_values_pass_through_unchanged(rows: list[dict[str, Any]]) -> None:
    results = run({"plain": ".v", "jq": "(.v)"}, rows)
    assert results == [RowValues([row["v"], row["v"]]) for row in rows]


def test_a_row_that_jq_cant_take_fails_alone() -> None:
    program = RowProgram({"a": ".a | ascii_downcase"}, Scope(), by_closures=False)
    good, bad = {"a": "X"}, {"a": "half a pair \ud83d"}
    found = program.run(Batch(None, [good, good, bad, good]))
    assert [item.values if isinstance(item, RowValues) else type(item) for item in found] == [
        ["x"],
        ["x"],
        RowError,
        ["x"],
    ]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (".a | tonumber", "string cannot be parsed as a number"),
        (".a + {b: .a}", "string and object cannot be added"),
        (".a[]", "Cannot iterate over string"),
        (".a | fromdate", 'date does not match format "%Y-%m-%dT%H:%M:%SZ"'),
        (".a | fromjson", "Invalid numeric literal at line 1, column 6"),
    ],
)
def test_messages_name_types_and_show_no_values(expression: str, message: str) -> None:
    (found,) = run({"v": expression}, [{"a": "a@b.c (me)!"}])
    assert found == RowError("v", message)
