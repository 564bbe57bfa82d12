"""What recorded cases show of rows: findings where all of them contradict, and silence where they don't."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcfg.errors import Problem
from portcfg.mapping_tests.samples import read_samples
from portcfg.model import Document, Project
from portcfg.pipeline import read_specs
from portcfg.rules.jq_types import Type
from portcfg.rules.samples import Sample
from portcfg.sync.jq_programs import Expression, JqError, Scope
from portcfg.validate import validate
from tests.rules.test_no_false_alarms import alarms
from tests.support import REPOSITORY, write_files

BLUEPRINT = "title: B\nschema: {properties: {n: {type: number}, s: {type: string}, l: {type: array}}}\n"
MAPPING = """source: {base_url: "https://api.example.com"}
streams:
  things: {path: /things, data_path: .items}
resources:
  - kind: /things
    selector: {stream: things}
    port:
      entity:
        mappings:
          identifier: .id
          blueprint: '"b"'
          properties:
            n: .size
"""
CASE = "mapping: m\nanswers:\n  GET /things: things.json\n"
PLACE = "specs/mappings/m.yaml:13:13"


def found(
    tmp_path: Path, rows: Any, mapping: str = MAPPING, case: str = CASE, files: Mapping[str, str] | None = None
) -> list[str]:
    """What PC323 finds in a mapping with one case, of these rows."""
    answers = {"tests/mappings/one-day/things.json": json.dumps({"items": rows})}
    specs = {"specs/blueprints/b.yaml": BLUEPRINT, "specs/mappings/m.yaml": mapping}
    write_files(tmp_path, {**specs, "tests/mappings/one-day/case.yaml": case, **answers, **(files or {})})
    problems = [each for each in read_specs(tmp_path / "specs").problems if each.id == "PC323"]
    return [
        f"{each.where.removeprefix(f'{tmp_path}/')} {each.severity}: {each.message}; {each.hint}" for each in problems
    ]


def instead(text: str) -> str:
    """The mapping with another expression for `n`."""
    return MAPPING.replace("n: .size", f"n: '{text}'")


def test_a_path_that_is_text_in_every_sample_is_no_number(tmp_path: Path) -> None:
    assert found(tmp_path, [{"id": "a", "size": "1"}, {"id": "b", "size": "2"}]) == [
        f"{PLACE} warning: 'n' of b takes number, and this gives string; `| tonumber` makes a number of text; "
        "so it is in all samples of tests/mappings/one-day"
    ]


def test_a_case_does_not_keep_a_plan_from_being_made(tmp_path: Path) -> None:
    assert found(tmp_path, [{"id": "a", "size": "1"}])
    specs = read_specs(tmp_path / "specs")
    assert specs.compiled()
    assert [each for each in specs.warnings if "all samples of tests/mappings/one-day" in each]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (".owner.login", {"owner": {"login": "ann"}}),
        (".labels[0].name", {"labels": [{"name": "ui"}, {"name": "bug"}]}),
        (".labels | map(.name)", {"labels": [{"name": "ui"}]}),
        ('.size // "none"', {"size": "1"}),
        (".done", {"done": True}),
    ],
)
def test_inner_fields_and_items_are_known_too(text: str, row: dict[str, Any], tmp_path: Path) -> None:
    assert [each.startswith(f"{PLACE} ") for each in found(tmp_path, [row, row], instead(text))] == [True]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (".size", [{"size": 1}, {"size": 2.5}]),
        (".size", [{"size": None}]),
        (".size", [{"size": "1"}, {"size": None}]),
        (".size", [{"size": "1"}, {"id": "b"}]),
        (".size", [{"size": "1"}, {"size": 1}]),
        (".size", []),
        (".size", "no rows"),
        (".size", ["no", 1, None, ["objects"]]),
        (".other", [{"size": "1"}]),
        (".owner.id", [{"owner": {"login": "ann"}}]),
        (".owner.login", [{"owner": {"login": "ann"}}, {"owner": None}]),
        (".labels[0]", [{"labels": []}]),
        (".labels[0]", [{"labels": ["ui"]}, {"labels": []}]),
        (".labels[0]", [{"labels": ["ui", None]}]),
        (".counts.gpt", [{"counts": {"gpt": "1"}}, {"counts": {"opus": "2"}}]),
        (".counts[]", [{"counts": {"gpt": "1"}}]),
        (".counts[.key]", [{"counts": {"gpt": "1"}, "key": "gpt"}]),
        # Whoever asks for the kind, expects another one.
        ('.size | if type == "number" then . else null end', [{"size": "1"}]),
        (".size | numbers", [{"size": "1"}]),
        ('.size | select(. != "1")', [{"size": "1"}]),
        (".size.of?", [{"size": "1"}]),
    ],
)
def test_what_samples_cannot_show_is_not_found(text: str, rows: Any, tmp_path: Path) -> None:
    assert found(tmp_path, rows, instead(text)) == []


WRONG = [{"id": "a", "size": "1"}]


@pytest.mark.parametrize(
    "case",
    [
        "mapping: other\nanswers: {GET /things: things.json}\n",
        "mapping: m\nspecs: ../../../elsewhere\nanswers: {GET /things: things.json}\n",
        "mapping: m\nanswers: {GET /things: lost.json}\n",
        "mapping: m\nanswers: {POST /things: things.json, GET /others: things.json}\n",
        "mapping: m\nanswers: {GET /things: {status: 403}}\n",
        "mapping: m\nanswers: [GET /things]\n",
        "mapping: m\nport: {b: 1}\nanswers: {GET /things: things.json}\n",
        "mapping: m\nanswers: {GET /things: case.yaml}\n",
        "mapping: m\n",
        "mapping: m\nanswers: {GET /things: {json: {items: [{size: !!set {a}}]}}}\n",
        "mapping: [\n",
        "",
        "- 1\n",
    ],
)
def test_cases_of_something_else_or_that_cannot_be_read_say_nothing(case: str, tmp_path: Path) -> None:
    assert found(tmp_path, WRONG, case=case) == []


@pytest.mark.parametrize(
    "case",
    [
        "mapping: m\nspecs: ../../../specs\nanswers: {GET /things: things.json}\n",
        "mapping: m\nanswers: {GET /things: [{status: 401}, {json: {items: []}}, things.json]}\n",
        "mapping: m\nanswers: {GET /things: {json: {items: [{size: 2026-01-01}]}}}\n",
    ],
)
def test_cases_in_every_form_are_read(case: str, tmp_path: Path) -> None:
    assert len(found(tmp_path, WRONG, case=case)) == 1


def test_what_is_too_large_to_be_read_quickly_is_left_alone(tmp_path: Path) -> None:
    large = {f"tests/mappings/b{at}/case.yaml": CASE + "#" * 300_000 for at in range(3)}
    assert found(tmp_path, [{"size": "1", "text": "x" * 2_100_000}], files=large) == []
    assert len(found(tmp_path, WRONG, files=large)) == 1


def test_cases_are_taken_together(tmp_path: Path) -> None:
    other = {
        "tests/mappings/other/case.yaml": CASE,
        "tests/mappings/other/things.json": json.dumps({"items": [{"size": 1}]}),
    }
    assert found(tmp_path, WRONG, files=other) == []
    other["tests/mappings/other/things.json"] = json.dumps({"items": WRONG})
    (told,) = found(tmp_path, WRONG, files=other)
    assert told.endswith("so it is in all samples of tests/mappings/one-day, tests/mappings/other")


def test_shape_counts_where_it_states_a_type(tmp_path: Path) -> None:
    def shaped(shape: str, text: str = ".size") -> str:
        return instead(text).replace("data_path: .items", f"data_path: .items, shape: {shape}")

    assert found(tmp_path, WRONG, shaped("{size: number}")) == []
    assert len(found(tmp_path, WRONG, shaped("{id: string}"))) == 1
    # What shape leaves open of an object is in the samples.
    assert len(found(tmp_path, [{"owner": {"login": "ann"}}], shaped("{owner: object}", ".owner.login"))) == 1
    (told,) = found(tmp_path, [{"size": 1}], shaped("{size: string}"))
    assert " error: " in told and "samples" not in told


@pytest.mark.parametrize(
    ("old", "new", "findings"),
    [
        ("data_path: .items", "data_path: '.items[:1]'", 0),
        ("data_path: .items", "data_path: .items, rows: '{size: (.size | tonumber)}'", 0),
        ("data_path: .items", "data_path: .items, rows: '{size}'", 1),
        ("data_path: .items", "data_path: .items, rows: 'select(.id)'", 0),
        ("{path: /things, data_path: .items}", "{path: /things}", 0),
        ("selector: {stream: things}", "selector: {data_path: .items}", 1),
        ("selector: {stream: things}", "selector: {data_path: .items, query: '.id != null'}", 1),
        ("selector: {stream: things}", "selector: {stream: things, query: '.size | type == \"number\"'}", 0),
        # The answers may be those of either.
        ("streams:", "streams:\n  more: {path: /things, data_path: .items, query_params: {more: '1'}}", 0),
        ("resources:", "privacy: {key_env: KEY, fields: [size]}\nresources:", 1),
        ('source: {base_url: "https://api.example.com"}', "runner: ocean", 0),
    ],
)
def test_rows_are_those_that_the_stream_reads(old: str, new: str, findings: int, tmp_path: Path) -> None:
    assert len(found(tmp_path, WRONG, MAPPING.replace(old, new))) == findings


def test_what_pseudonyms_stand_for_is_text(tmp_path: Path) -> None:
    hidden = instead(".size | tostring").replace("n: '.size | tostring'", "s: .size")
    assert len(found(tmp_path, [{"size": 1}], hidden)) == 1
    hidden = hidden.replace("resources:", "privacy: {key_env: KEY, fields: [size]}\nresources:")
    assert found(tmp_path, [{"size": 1}], hidden) == []


def test_paths_with_parameters_are_found(tmp_path: Path) -> None:
    path = "path: '/boxes/{box}/things', path_parameters: {box: {endpoint: /boxes, field: .id}}"
    case = "mapping: m\nanswers: {GET /boxes/1/things: things.json, GET /boxes: {json: [{id: 1, size: 1}]}}\n"
    assert len(found(tmp_path, WRONG, MAPPING.replace("path: /things", path), case)) == 1


def test_the_shipped_specs_have_no_findings_by_their_cases(tmp_path: Path) -> None:
    for folder in ("specs", "tests/mappings"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    assert alarms(tmp_path / "specs") == []
    tracker = tmp_path / "specs" / "examples" / "issue-tracker"
    shutil.copytree(REPOSITORY / "tests/mappings", tracker.parent / "tests/mappings")
    case = tracker.parent / "tests/mappings/tracker/case.yaml"
    case.write_text(
        case.read_text().replace("specs: ../../../specs/examples/issue-tracker", "specs: ../../../issue-tracker")
    )
    assert alarms(tracker) == []
    # They are read all the same.
    assert [each.case for each in read_samples(tmp_path / "specs")] == [
        "tests/mappings/cursor-enterprise",
        "tests/mappings/cursor-people",
    ]
    edited = tracker / "blueprints/tracker_project.yaml"
    edited.write_text(edited.read_text().replace("type: string\n      format: url", "type: number"))
    assert [each.split(" ", 1)[1] for each in alarms(tracker)] == [
        "PC323 'url' of tracker_project takes number, and this gives string"
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "1", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), max_size=4) | st.lists(
    st.fixed_dictionaries({"a": VALUES, "b": st.just("x"), "c": st.just([{"a": 1, "b": "y"}])}), max_size=4
)
EXPRESSIONS = st.sampled_from(
    [
        *(
            ".a",
            ".b",
            ".c",
            ".a.b",
            ".c[0].a",
            ".c[0].b",
            ".a // .b",
            ".a + .b",
            ".a - 1",
            ".a | tostring",
            ".c | length",
        ),
        *(
            ".b | tonumber",
            ".c | map(.b)",
            '.c | map(.b) | join(",")',
            "[.a, .b]",
            "{a: .b}",
            ".a == .b",
            ".b?",
            ".c[:1]",
        ),
        *(
            "if .a then .b else .c end",
            '.b | if type == "number" then . else null end',
            ".b | numbers",
            ".c | .[0].b | length",
        ),
        *(
            "select(.a) | .b",
            ".a as $x | $x",
            ".c | to_entries",
            ".c | first",
            '"\\(.a) \\(.b)"',
            ".a.a // 1",
            ".c | add | .b",
        ),
    ]
)
KINDS = {"n": "number", "s": "string", "l": "array"}
SHAPES = st.dictionaries(
    st.sampled_from("abc"), st.sampled_from(["number", "string", "object?", "array|null", "string|number"])
)


def problems(shape: Mapping[str, str], text: str, rows: Sequence[Any] | None) -> set[Problem]:
    """All findings in a mapping that makes every property by one expression."""
    blueprint = {
        "identifier": "b",
        "title": "B",
        "schema": {"properties": {name: {"type": kind} for name, kind in KINDS.items()}},
    }
    entity = {"identifier": ".id", "blueprint": '"b"', "properties": dict.fromkeys(KINDS, text)}
    resource = {"kind": "/t", "selector": {"shape": shape}, "port": {"entity": {"mappings": entity}}}
    mapping = {"identifier": "m", "source": {"base_url": "https://api.example.com"}, "resources": [resource]}
    samples = [] if rows is None else [Sample("tests/mappings/x", "m", {("GET", "/t"): [list(rows)]})]
    documents = [Document("blueprint", blueprint, "b.yaml", {}), Document("mapping", mapping, "m.yaml", {})]
    return {*validate(documents, Project(""), {}, samples)}


@given(SHAPES, EXPRESSIONS, ROWS)
@settings(max_examples=100)
def test_samples_only_add_findings(shape: dict[str, str], text: str, rows: list[Any]) -> None:
    assert problems(shape, text, None) <= problems(shape, text, rows)


@given(EXPRESSIONS, ROWS)
@settings(max_examples=100)
def test_what_maps_every_row_is_right(text: str, rows: list[Any]) -> None:
    told = {each.message.split("'")[1] for each in problems({}, text, rows) - problems({}, text, None)}
    assert {name for name in told if all(fits(text, row, KINDS[name]) for row in rows)} == set()


def fits(text: str, row: Any, kind: str) -> bool:
    """Whether what is made of a row is a value of the kind, or none."""
    try:
        return Type(frozenset({kind, "null"})).holds(Expression(text, Scope({})).one(row))
    except JqError:
        return False
