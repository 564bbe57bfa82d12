"""Live resources become specs: whatever their texts and names are, the specs read back as the same resource."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from portcfg.cli.main import main
from portcfg.importer import importable, spec_file, spec_text
from portcfg.kinds import KINDS
from portcfg.load import Reader
from portcfg.model import Body, Project, Ref, Resource
from portcfg.pipeline import read_specs
from portcfg.plan import make_plan
from portcfg.yamlread import dump
from tests.support import Bench, write_files


def live(kind: str, body: Body) -> Resource:
    return Resource(Ref(kind, str(body[KINDS[kind].id_field])), body)


def reimported(tmp_path: Path, resource: Resource) -> Resource:
    path = spec_file(tmp_path / "specs", resource.ref, set())
    write_files(path.parent, {path.name: spec_text(resource)})
    (compiled,) = read_specs(tmp_path / "specs").compiled().values()
    return compiled


@pytest.mark.parametrize(
    "text",
    [
        "${vars.org}",
        "$${vars.org}",
        "$$${x}",
        "${ open",
        "${a ${b}",
        "a ${x} b ${y",
        "on",
        "1.10",
        "2026-03-02",
        "~",
        "null",
        "- x",
        "a: b",
        "# c",
        "line\nbreak",
        "end\n",
        " lead",
        "tab\there",
        "\x85\u2028",
        "\x07\x1b[31m",
        "'",
        '"',
        "é😀",
        "=",
        "<<",
    ],
)
def test_every_text_reads_back_as_it_was(text: str, tmp_path: Path) -> None:
    body = {"identifier": "a", "title": "T", "description": text, "schema": {"properties": {"p": {"type": "string"}}}}
    body["schema"]["properties"]["p"] |= {"title": text, "default": text}  # type: ignore[index]
    back = reimported(tmp_path, live("blueprint", body)).body
    assert (back["description"], back["schema"]["properties"]["p"]["default"]) == (text, text)


BLUEPRINT: Body = {
    "identifier": "a",
    "title": "A",
    "icon": None,
    "future": {"x": 1},
    "createdAt": "x",
    "updatedBy": "y",
    "schema": {
        "properties": {"n": {"type": "number", "format": None, "future": 1, "default": 1e-05, "maximum": 1e21}},
        "required": [],
    },
    "relations": {"r": {"target": "a", "title": None, "required": False, "many": False, "future": 1}},
    "ownership": {"type": "Direct"},
}
PAGE: Body = {
    "identifier": "p",
    "type": "dashboard",
    "title": "P",
    "protected": False,
    "future": 1,
    "sidebar": "catalog",
    "showInSidebar": False,
    "widgets": [
        {
            "id": "g",
            "type": "grouper",
            "displayMode": "tabs",
            "createdAt": "x",
            "groups": [
                {
                    "title": "G",
                    "widgets": [{"id": "m", "type": "markdown", "title": "M", "markdown": "T", "updatedAt": "x"}],
                }
            ],
        }
    ],
}


@pytest.mark.parametrize("kind, body", [("blueprint", BLUEPRINT), ("dashboard", PAGE)])
def test_what_only_port_knows_stays_out_of_the_spec_and_out_of_the_plan(kind: str, body: Any, tmp_path: Path) -> None:
    resource = live(kind, body)
    text = spec_text(resource)
    assert not [word for word in ("future", "createdAt", "updatedAt", "updatedBy", "null", "protected") if word in text]
    (change,) = make_plan({resource.ref: reimported(tmp_path, resource)}, {resource.ref: resource}).changes
    assert change.fields == ()


def test_ports_own_resources_are_not_imported_and_names_choose() -> None:
    state = {Ref("blueprint", name): live("blueprint", {"identifier": name}) for name in ("_user", "b", "a")}
    assert [resource.ref.identifier for resource in importable(state, KINDS, ())] == ["a", "b"]
    assert [resource.ref.identifier for resource in importable(state, KINDS, ["b"])] == ["b"]
    assert importable(state, ["dashboard"], ()) == []


@pytest.mark.parametrize(
    "identifier, name",
    [
        ("a/b", "a-b"),
        ("../../etc", "etc"),
        ("..", "unnamed"),
        ("ünï", "n"),
        ("a.b", "a.b"),
        (".hidden", "hidden"),
        ("ends...", "ends"),
        ("CON", "blueprint-CON"),
        ("nul.x", "blueprint-nul.x"),
        ("lpt1", "blueprint-lpt1"),
        ("console", "console"),
        ("a\\b:c*?", "a-b-c"),
        ("x" * 300, "x" * 120),
        ("-rf", "rf"),
    ],
)
def test_file_names_are_harmless(identifier: str, name: str, tmp_path: Path) -> None:
    assert spec_file(tmp_path, Ref("blueprint", identifier), set()) == tmp_path / "blueprints" / f"{name}.yaml"


def test_two_identifiers_never_share_a_file(tmp_path: Path) -> None:
    taken: set[Path] = set()
    for identifier in ("a/b", "a:b", "a-b", "A-B", "日本", "中国"):
        taken.add(spec_file(tmp_path, Ref("blueprint", identifier), taken))
    names = ["A-B-4.yaml", "a-b-2.yaml", "a-b-3.yaml", "a-b.yaml", "unnamed-2.yaml", "unnamed.yaml"]
    assert sorted(path.name for path in taken) == names


TARGET = "title: T\nschema: {properties: {}}\n"
RELATED = f"{TARGET}relations: {{r: {{target: b}}, s: {{target: _user}}}}\n"
KEYS = {"PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}


@pytest.fixture
def run(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`portcfg import` beside a specs folder, from a Port that has the blueprints a -> b."""
    monkeypatch.chdir(tmp_path)
    bench.apply(write_files(tmp_path / "origin", {"blueprints/a.yaml": RELATED, "blueprints/b.yaml": TARGET}))

    def invoke(files: dict[str, str], *arguments: str) -> Result:
        write_files(tmp_path / "specs", files)
        return CliRunner().invoke(main, ["import", *arguments], env={**KEYS, "PORT_BASE_URL": bench.url})

    return invoke


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.*"))


def test_a_resource_that_has_a_spec_keeps_its_file(run: Callable[..., Result], tmp_path: Path) -> None:
    files = {"blueprints/other.yaml": f"identifier: a\n{RELATED}", "blueprints/b.yaml": f"identifier: c\n{TARGET}"}
    done = run(files)
    assert done.exit_code == 0, done.output
    assert "kept    specs/blueprints/other.yaml" in done.stderr
    assert names(tmp_path / "specs") == ["blueprints/b-2.yaml", "blueprints/b.yaml", "blueprints/other.yaml"]
    assert read_specs(tmp_path / "specs").problems == ()
    assert "wrote   specs/blueprints/other.yaml" in run({}, "--overwrite", "a").stderr
    assert read_specs(tmp_path / "specs").problems == ()
    assert "identifier: c" in (tmp_path / "specs/blueprints/b.yaml").read_text()


@pytest.mark.parametrize(
    "name, text, why",
    [
        ("many.yaml", f"identifier: a\n{RELATED}---\nidentifier: b\n{TARGET}", "holds several resources"),
        ("one.json", '{"identifier": "a", "title": "A", "schema": {"properties": {}}}', "is JSON"),
    ],
)
def test_a_file_that_holds_more_or_json_isnt_overwritten(
    name: str, text: str, why: str, run: Callable[..., Result], tmp_path: Path
) -> None:
    done = run({f"blueprints/{name}": text}, "--overwrite", "a")
    assert f"kept    specs/blueprints/{name} ({why}" in done.stderr
    assert (tmp_path / "specs/blueprints" / name).read_text() == text


def test_mistakes_of_the_project_file_stop_an_import(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run({"portcfg.yaml": "version: 1\nvarz: {}\n"})
    assert done.exit_code == 1
    assert "specs/portcfg.yaml:2:1" in done.stderr
    assert names(tmp_path / "specs") == ["portcfg.yaml"]


def test_an_unknown_environment_is_one_without_a_folder_too(run: Callable[..., Result]) -> None:
    done = run({}, "--env", "nowhere", "--specs", "absent")
    assert done.exit_code == 64
    assert "names no environment 'nowhere'" in done.stderr


def test_what_an_import_leaves_out_and_refers_to_is_said(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run({}, "a")
    assert "note: the imported refer to what isn't in the specs" in done.stderr
    assert "_user" not in done.stderr
    (declaration,) = [line.strip() for line in done.stderr.splitlines() if line.startswith("      external:")]
    write_files(tmp_path / "specs", {"portcfg.yaml": f"version: 1\n{declaration}\n"})
    assert read_specs(tmp_path / "specs").problems == ()
    assert "note" not in run({}, "--overwrite", "a").stderr


def test_specs_that_cant_be_read_are_said(run: Callable[..., Result]) -> None:
    assert "warning: specs/blueprints/x.yaml:2:1: " in run({"blueprints/x.yaml": "title: [\n"}).stderr


NOISY: Body = {
    "schema": {
        "required": ["b", "a"],
        "properties": {
            "b": {"title": "B", "description": "", "type": "string", "icon": None, "enum": ["x", "on"], "default": ""},
            "a": {"items": {"type": "string"}, "type": "array", "title": "A"},
        },
    },
    "relations": {"r": {"many": False, "required": True, "title": "R", "target": "a"}},
    "mirrorProperties": {},
    "calculationProperties": {"c": {"type": "number", "calculation": ".properties.a | length", "title": ""}},
    "aggregationProperties": {
        "n": {
            "query": {"combinator": "and", "rules": []},
            "type": "number",
            "title": "N",
            "target": "a",
            "pathFilter": [],
            "calculationSpec": {"func": "count", "calculationBy": "entities"},
        }
    },
    "ownership": {"title": "Owning teams", "type": "Direct"},
    "changelogDestination": {},
    "teamInheritance": None,
    "description": "",
    "icon": "Git",
    "title": "A",
    "identifier": "a",
}


def test_a_blueprint_is_written_without_defaults_and_in_the_order_of_ports_docs() -> None:
    assert (
        spec_text(live("blueprint", NOISY))
        == """\
identifier: a
title: A
icon: Git
ownership:
  type: Direct
schema:
  properties:
    b:
      type: string
      title: B
      default: ''
      enum: [x, 'on']
    a:
      type: array
      title: A
      items:
        type: string
  required: [b, a]
relations:
  r:
    target: a
    title: R
    required: true
calculationProperties:
  c:
    calculation: .properties.a | length
    type: number
aggregationProperties:
  n:
    title: N
    target: a
    calculationSpec:
      func: count
      calculationBy: entities
"""
    )


JQ = "if .a then .b else .c end | " * 8 + "."
INTEGRATION: Body = {
    "installationId": "feed",
    "installationAppType": "gitlab",
    "title": "",
    "version": None,
    "changelogDestination": {},
    "resyncState": {"a": 1},
    "config": {
        "deleteDependentEntities": True,
        "createMissingRelatedEntities": False,
        "resources": [
            {
                "selector": {"query": "true"},
                "port": {
                    "itemsToParse": ".rows",
                    "itemsToParseName": "item",
                    "entity": {
                        "mappings": [
                            {
                                "properties": {"long": JQ, "block": ".a\n| .b\n"},
                                "relations": {},
                                "blueprint": '"a"',
                                "identifier": ".id",
                            }
                        ]
                    },
                },
                "kind": "project",
            }
        ],
    },
}


def test_an_integration_is_written_without_oceans_defaults_its_jq_in_blocks(tmp_path: Path) -> None:
    resource = live("mapping", INTEGRATION)
    folded = re.fullmatch(r"(.*long: >-\n)((?: {16}[^\n]*\n)+)(.*)", spec_text(resource), re.DOTALL)
    assert folded and " ".join(line.strip() for line in folded[2].splitlines()) == JQ
    assert max(map(len, folded[2].splitlines())) <= 120
    assert (
        folded[1] + folded[3]
        == """\
identifier: feed
type: gitlab
config:
  createMissingRelatedEntities: false
  resources:
    - kind: project
      selector:
        query: 'true'
      port:
        itemsToParse: .rows
        entity:
          mappings:
            identifier: .id
            blueprint: '"a"'
            properties:
              long: >-
              block: |
                .a
                | .b
"""
    )
    write_files(tmp_path / "specs", {"portcfg.yaml": "version: 1\nexternal: {blueprints: {a: {}}}"})
    back = reimported(tmp_path, resource)
    assert back.body["config"]["resources"][0]["port"]["entity"]["mappings"]["properties"]["long"] == JQ
    (change,) = make_plan({resource.ref: back}, {resource.ref: resource}).changes
    assert change.fields == ()


@pytest.mark.parametrize("source", [{}, {"base_url": "https://example.com"}])
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"resources": []},
        {"streams": {"s": {"path": "/s"}}, "resources": []},
        {"source": {"base_url": "https://example.org"}, "resources": []},
        {"runner": "ocean", "resources": [], "future": 1},
        {"runner": "ocean", "resources": []},
        {"runner": "portcfg", "resources": []},
        {"changelogDestination": {"a": 1}, "runner": "ocean", "resources": []},
    ],
)
def test_a_config_comes_back_whatever_the_project_gives_to_mappings(config: Body, source: Body) -> None:
    project, kind = Project("", mapping_source=source), KINDS["mapping"]
    body = {"installationId": "feed", "installationAppType": "x", "config": config}
    spec = {"identifier": "feed", **kind.decompile(body, project)}
    assert kind.comparable(kind.compile(spec, project)) == kind.comparable(body)


TEXTS = st.text(" \n\t:#-|>'\"ab,[]{}&*!%@`$\u2028é", max_size=30) | st.text("ab  \t#:", min_size=90, max_size=260)
VALUES = st.recursive(
    TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


@given(VALUES)
def test_no_yaml_is_written_that_reads_otherwise(value: Any) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "value.yaml"
        file.write_text(dump({"value": value}), encoding="utf-8", newline="")
        reader = Reader(Path(folder), None)
        ((read, _),) = reader.read_file(file)
    assert repr(read) == repr({"value": value})
