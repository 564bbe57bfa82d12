"""Every rule by its own examples, as `portcfg explain` shows them, and by one break of the shipped specs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from portcfg.errors import Problem
from portcfg.pipeline import read_specs
from portcfg.rules import RULES
from tests.support import REPOSITORY, cases, write_files

ENTRIES = REPOSITORY / "portcfg" / "rules" / "entries"
KEYS = {"id", "title", "severity", "finds", "why", "fix", "bad", "good"}
SEVERITIES = ("info", "warning", "error")


def entries() -> dict[str, dict[str, Any]]:
    return {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(ENTRIES.glob("*.yaml"))}


def examples(key: str) -> list[Any]:
    return [
        pytest.param(entry, example, id=f"{name}-{number}")
        for name, entry in entries().items()
        for number, example in enumerate(entry[key])
    ]


def weighty(problems: Sequence[Problem], entry: dict[str, Any]) -> list[Problem]:
    """What the rule itself finds, and all else but infos: an example need not use all that it writes."""
    return [each for each in problems if each.id == entry["id"] or each.severity != "info"]


def lines(problems: Sequence[Problem], root: Path) -> list[str]:
    """`file:line:column id message (hint)`, with the file's path below the specs folder."""
    return [
        f"{Path(each.file).relative_to(root).as_posix()}:{each.line}:{each.column} "
        f"{each.id} {each.message} ({each.hint})"
        for each in problems
    ]


def expect(problems: Sequence[Problem], wanted: Sequence[str], root: Path) -> None:
    """Each wanted line is `place id` and any text that the rest must hold."""
    found = lines(problems, root)
    assert [line.split(" ")[:2] for line in found] == [line.split(" ")[:2] for line in wanted], found
    for line, text in zip(found, wanted, strict=True):
        assert text.split(" ", 2)[2:] == [] or text.split(" ", 2)[2] in line


def test_ids_are_unique_and_every_rule_has_an_entry() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert set(ids) <= entries().keys()


def test_every_id_in_the_code_has_an_entry() -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for file in (REPOSITORY / "portcfg").rglob("*.py"))
    assert set(re.findall(r'"(PC\d{3})"', code)) == entries().keys()


@pytest.mark.parametrize("name", entries())
def test_an_entry_says_everything(name: str) -> None:
    entry = entries()[name]
    assert entry.keys() == KEYS
    assert entry["id"] == name
    assert entry["severity"] in SEVERITIES
    assert [rule.severity for rule in RULES if rule.id == name] in ([], [entry["severity"]])
    assert all(entry[key].strip() for key in ("title", "finds", "why", "fix"))
    # What shows only once Port is asked, or its JSON imported, has its examples among those cases.
    assert name.startswith(("PC8", "PC013", "PC014")) or (entry["bad"] and entry["good"])


@pytest.mark.parametrize("entry, example", examples("bad"))
def test_bad_examples_are_found_by_this_rule_and_no_other(
    entry: dict[str, Any], example: dict[str, Any], tmp_path: Path
) -> None:
    root = write_files(tmp_path / "specs", example["files"])
    problems = weighty(read_specs(root, example.get("environment", "")).problems, entry)
    wanted = [
        f"{line.split(' ')[0]} {entry['id']} {' '.join(line.split(' ')[1:])}".strip() for line in example["problems"]
    ]
    expect(problems, wanted, root)
    assert {each.severity for each in problems} == {entry["severity"]}


@pytest.mark.parametrize("entry, example", examples("good"))
def test_good_examples_are_fine(entry: dict[str, Any], example: dict[str, Any], tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", example["files"])
    assert lines(weighty(read_specs(root, example.get("environment", "")).problems, entry), root) == []


def test_the_shipped_specs_are_fine() -> None:
    assert lines([each for each in shipped() if each.severity != "info"], REPOSITORY / "specs") == []


@cache
def shipped() -> Sequence[Problem]:
    """What is found in the shipped specs as they are."""
    return read_specs(REPOSITORY / "specs").problems


@pytest.mark.parametrize("case", cases("mutations"))
def test_one_break_of_the_shipped_specs_is_found_at_its_place(case: dict[str, Any], tmp_path: Path) -> None:
    """A case edits texts of the shipped specs, `edits: [{file, old, new}]`, or adds `files`; `problems` is all then."""
    root = tmp_path / "specs"
    shutil.copytree(REPOSITORY / "specs", root)
    write_files(root, case.get("files", {}))
    for edit in case["edits"]:
        file = root / edit["file"]
        text = file.read_text(encoding="utf-8")
        assert text.count(edit["old"]) == 1, f"{edit['old']!r} stands {text.count(edit['old'])} times in {file.name}"
        file.write_text(text.replace(edit["old"], edit["new"]), encoding="utf-8")
    known = {line.split(" ", 1)[1] for line in lines(shipped(), REPOSITORY / "specs")}
    # What lists names has others now.
    listed = {each.subject for each in shipped() if each.id == "PC504"}
    found = [
        each
        for each in read_specs(root).problems
        if f"{each.id} {each.message} ({each.hint})" not in known and (each.id != "PC504" or each.subject not in listed)
    ]
    expect(found, case["problems"], root)
