"""explain: what an id means, and what a line of the specs is; docs/rules.md is what it prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from portcfg.rules.catalog import entries, entry, known_ids
from tests.support import REPOSITORY, portcfg_beside, write_files

Cli = Callable[..., Result]
MAPPING = """
source: {base_url: "http://127.0.0.1:9", auth: {type: none}}
vars: {org: "${vars.org}"}
resources:
  - kind: /rows
    selector: {query: "true"}
    port:
      entity:
        mappings:
          identifier: .id
          blueprint: '"thing"'
          properties:
            size: |
              .size
              | tonumber
"""
FILES = {
    "portcfg.yaml": "version: 1\nvars: {org: acme}\nenvironments: {staging: {}}\n",
    "blueprints/thing.yaml": "title: Thing\nschema:\n  $include: ../fragments/size.yaml\n",
    "blueprints/other.yaml": "title: Other\nschema:\n  $include: ../fragments/size.yaml\n",
    "fragments/size.yaml": "properties:\n  size:\n    type: number\n    title: Size of ${vars.org}\n",
    "mappings/rows.yaml": MAPPING.lstrip(),
    "dashboards/sizes.yaml": (
        "title: Sizes\nwidgets:\n  total:\n    type: number\n    title: Total\n    blueprint: thing\n    sum: size\n"
        "rows: [[total]]\n"
    ),
    "environments/staging/blueprints/thing.yaml": "title: Staging\nicon: Box\n",
}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run portcfg beside a small portal."""
    monkeypatch.chdir(tmp_path)
    return portcfg_beside(tmp_path, FILES, "explain")


def test_without_an_argument_every_id_is_listed(cli: Cli) -> None:
    lines = cli().stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(known_ids())
    assert all(line.split()[1] in ("error", "warning", "info") for line in lines)


@pytest.mark.parametrize("format_", ["text", "markdown"])
def test_every_entry_is_told_whole(cli: Cli, format_: str) -> None:
    for each in entries():
        told = " ".join(cli(each.id, "--format", format_).stdout.split())
        assert each.title in told
        for text in (each.finds, each.why, each.fix):
            assert " ".join(text.split()) in told
        for example in (*each.bad, *each.good):
            assert all(name in told for name in example.files if not name.endswith(".json"))


def test_an_id_may_be_typed_in_small_letters_and_a_wrong_one_is_guessed(cli: Cli) -> None:
    assert cli("pc202").stdout.startswith(f"PC202 (error): {entry('PC202').title}")
    wrong = cli("PC2020")
    assert wrong.exit_code == 64
    assert "did you mean PC2" in wrong.stderr


def test_the_documentation_of_the_rules_is_what_explain_prints(cli: Cli) -> None:
    printed = cli("--format", "markdown").stdout
    written = (REPOSITORY / "docs" / "rules.md").read_text(encoding="utf-8")
    assert printed == written, "portcfg explain --format markdown > docs/rules.md"
    anchors = set(re.findall(r'<a id="(pc\d{3})">', printed))
    assert set(re.findall(r"\(#(pc\d{3})\)", printed)) == anchors == {id_.lower() for id_ in known_ids()}


def test_a_line_of_a_blueprint_says_who_writes_and_who_reads_it(cli: Cli) -> None:
    told = cli("specs/fragments/size.yaml:3").stdout
    assert "blueprint/thing  schema.properties.size.type" in told
    assert "blueprint/other  schema.properties.size.type" in told
    assert "is included by specs/blueprints/thing.yaml" in told
    thing = told[told.index("thing.size") :]
    assert "thing.size (property number)" in thing
    assert "written by mapping/rows, resource 1 (/rows) (specs/mappings/rows.yaml:12:13): .size | tonumber" in thing
    assert 'read by widget "Total" of dashboard/sizes' in thing
    other = told[told.index("other.size") : told.index("thing.size")]
    assert "written by nothing in these specs" in other
    assert "read by nothing in these specs" in other


def test_who_writes_from_outside_is_told(cli: Cli) -> None:
    write_files(Path("specs"), {"portcfg.yaml": FILES["portcfg.yaml"] + "external: {writers: {other.size: CI}}\n"})
    told = cli("specs/fragments/size.yaml:2").stdout
    other = told[told.index("other.size") : told.index("thing.size")]
    assert "written by external CI (specs/portcfg.yaml:4:22)" in other


def test_a_variable_is_shown_with_its_value(cli: Cli) -> None:
    told = cli("specs/fragments/size.yaml:4").stdout
    assert '${vars.org} is "acme"' in told
    assert '"Size of acme"' in told


@pytest.mark.parametrize("line", ["12", "13", "14:20"])
def test_a_line_inside_a_text_is_of_its_key(cli: Cli, line: str) -> None:
    told = cli(f"specs/mappings/rows.yaml:{line}").stdout
    assert "mapping/rows  resources[0].port.entity.mappings.properties.size" in told
    assert "compiled, config.resources[0].port.entity.mappings.properties.size:" in told
    assert "thing.size" in told


def test_a_line_of_a_widget_shows_what_it_becomes(cli: Cli) -> None:
    told = cli("specs/dashboards/sizes.yaml:7").stdout
    assert "dashboard/sizes  widgets.total.sum" in told
    assert '"type": "entities-number-chart"' in told
    assert "thing.size (property number)" in told


def test_an_include_sends_to_the_file_that_it_names(cli: Cli) -> None:
    told = cli("specs/blueprints/thing.yaml:3").stdout
    assert told.splitlines()[1] == "the keys of that file stand here"


def test_a_column_chooses_between_the_nodes_of_a_line(cli: Cli) -> None:
    assert "mapping/rows  source.auth.type" in cli("specs/mappings/rows.yaml:1:49").stdout
    assert "mapping/rows  source\n" in cli("specs/mappings/rows.yaml:1:1").stdout


def test_an_overlay_is_read_in_its_own_environment(cli: Cli) -> None:
    told = cli("specs/environments/staging/blueprints/thing.yaml:1").stdout
    assert "says blueprint/thing of specs/blueprints/thing.yaml otherwise for this environment" in told
    assert '"Staging"' in told


def test_findings_of_the_line_are_told_and_nothing_is_compiled(cli: Cli) -> None:
    write_files(Path("specs"), {"blueprints/bad.yaml": "title: Bad\nschema:\n  properties: {}\n  required: [x]\n"})
    told = cli("specs/blueprints/bad.yaml:4").stdout
    assert "blueprint/bad  schema.required" in told
    assert "what it compiles to is known once the specs have no errors" in told
    assert "specs/blueprints/bad.yaml:4:14: error PC202" in told


def test_what_is_meant_is_told_with_its_reason(cli: Cli) -> None:
    text = "title: Bad\nschema:\n  properties: {}\n  required: [x]  # portcfg: ignore PC202 (x comes later)\n"
    write_files(Path("specs"), {"blueprints/bad.yaml": text})
    told = cli("specs/blueprints/bad.yaml:4").stdout
    assert "ignored: PC202: required names 'x', which is no property (x comes later)" in told


@pytest.mark.parametrize("place", ["other.yaml:1", "specs/gone.yaml:1", "specs/fragments/unused.yaml:1", "thing"])
def test_what_is_no_spec_is_wrong_usage(cli: Cli, place: str) -> None:
    write_files(Path("specs"), {"fragments/unused.yaml": "x: 1\n"})
    assert cli(place).exit_code == 64


@pytest.mark.parametrize("line", [0, 5, 99])
def test_a_line_that_the_file_doesnt_have_is_wrong_usage(cli: Cli, line: int) -> None:
    write_files(Path("specs"), {"blueprints/short.yaml": "title: Short\nschema:\n  properties: {}\n"})
    done = cli(f"specs/blueprints/short.yaml:{line}")
    assert done.exit_code == 64
    assert f"there is no line {line}: the file has 3 lines" in done.stderr


def test_an_empty_file_is_no_crash(cli: Cli) -> None:
    write_files(Path("specs"), {"blueprints/none.yaml": ""})
    assert "no resource has anything here" in cli("specs/blueprints/none.yaml:1").stdout
    assert "```" in cli("specs/blueprints/thing.yaml:1", "--format", "markdown").stdout
