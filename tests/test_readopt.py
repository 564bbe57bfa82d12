"""`drift --adopt` again and again, with no apply in between: each time what was changed in Port since, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import Bench, cases, write_files
from tests.test_adopt import adopted, edit, texts


@pytest.mark.parametrize("case", cases("readopt"))
def test_case(bench: Bench, tmp_path: Path, case: dict[str, Any]) -> None:
    root = write_files(tmp_path / "specs", case["files"])
    assert bench.apply(root).failed == ()
    for each in case["rounds"]:
        write_files(root, each.get("specs", {}))
        for ref, *changes in each["port"]:
            edit(bench, ref, *changes)
        before = texts(root)
        left = [f"{one.ref} {'.'.join(map(str, one.path))}: {one.reason}" for one in adopted(bench, root).left]
        assert left == each.get("left", [])
        assert texts(root) == {**before, **each["after"]}
        if not left:
            assert bench.plan(root).pending == ()
