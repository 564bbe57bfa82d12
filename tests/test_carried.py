"""What a write leaves alone, clears and empties, at the embedded Port: the other half of tests/cases/plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from portcfg.causes import value_at
from portcfg.model import MISSING, Body
from portcfg.yamlread import dump
from tests.support import Bench, cases, write_files


def parts(path: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in path.split("."))


@pytest.mark.parametrize("case", cases("carry"))
def test_what_is_kept_and_what_is_cleared(case: Body, bench: Bench, tmp_path: Path) -> None:
    for method, path, body in case.get("port", ()):
        bench.send(method, path, body)
    files = {"portcfg.yaml": "version: 1\n", **{name: dump(body) for name, body in case["specs"].items()}}
    root = write_files(tmp_path / "specs", files)
    (change,) = bench.plan(root).changes
    assert [".".join(map(str, field.path)) for field in change.fields] == case.get("fields", [])
    report = bench.apply(root)
    assert [outcome.message for outcome in report.failed] == []
    assert report.after is not None
    assert report.after.pending == ()
    answer = bench.send("GET", case["at"])
    for path, wanted in case["holds"].items():
        held: Any = value_at(answer, parts(path))
        assert (None if held is MISSING else held) == wanted, path
