"""What is meant isn't found, says why, and can't hide what it wasn't for."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from portcfg.errors import PortcfgError
from portcfg.ignores import LASTING
from portcfg.pipeline import read_specs
from portcfg.rules.catalog import entries
from tests.support import Bench, cases, write_files
from tests.test_rules import expect, lines

WRONG = "title: A\nschema:\n  properties: {}\n  required: [x]"


@pytest.mark.parametrize("case", cases("ignores"))
def test_what_is_meant_is_ignored_and_nothing_else(case: dict[str, Any], tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", case["files"])
    specs = read_specs(root)
    expect(specs.problems, case["problems"], root)
    places = lines([each.problem for each in specs.ignored], root)
    found = [f"{' '.join(line.split(' ')[:2])} {each.reason}" for line, each in zip(places, specs.ignored, strict=True)]
    assert found == case["ignored"]


def test_an_ignored_error_keeps_no_plan_from_being_made(bench: Bench, tmp_path: Path) -> None:
    text = "title: A\nschema: {properties: {}}\nmirrorProperties: {m: {path: gone.$title, title: M}}"
    root = write_files(tmp_path / "specs", {"blueprints/a.yaml": text})
    assert [each.id for each in read_specs(root).problems] == ["PC204"]
    write_files(root, {"blueprints/a.yaml": f"{text}  # portcfg: ignore PC204 (Port keeps it)\n"})
    assert bench.plan(root).pending


def test_a_plans_notes_tell_the_ids_of_warnings(bench: Bench, tmp_path: Path) -> None:
    files = {"blueprints/a.yaml": "title: A\nschema: {properties: {}}\n", "extra.yaml": "x: 1\n"}
    root = write_files(tmp_path / "specs", files)
    (problem,) = read_specs(root).problems
    assert any(problem.id in note for note in bench.plan(root).notes)


def ignorable() -> list[Any]:
    """Each wrong example of an error that may be ignored."""
    return [
        pytest.param(each.id, example.files, id=f"{each.id}-{number}")
        for each in entries()
        if each.severity == "error" and not each.id.startswith(LASTING)
        for number, example in enumerate(each.bad)
    ]


@pytest.mark.parametrize(("id_", "files"), ignorable())
def test_an_ignored_error_is_ports_to_refuse_and_no_crash(
    id_: str, files: dict[str, str], bench: Bench, tmp_path: Path
) -> None:
    project = {"version": 1, **yaml.safe_load(files.get("portcfg.yaml", "{}"))}
    project["ignore"] = [{"rule": id_, "reason": "to see what happens"}]
    root = write_files(tmp_path / "specs", {**files, "portcfg.yaml": yaml.safe_dump(project)})
    specs = read_specs(root)
    assert {each.problem.id for each in specs.ignored} == {id_}
    with suppress(PortcfgError):
        specs.compiled()
        bench.plan(root)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_are_counted_as_positions_are(end: str, tmp_path: Path) -> None:
    text = f"\ufeff{WRONG}  # portcfg: ignore PC202 (known)\n".replace("\n", end)
    specs = read_specs(write_files(tmp_path / "specs", {"blueprints/a.yaml": text}))
    assert specs.problems == ()
    assert len(specs.ignored) == 1
