"""Mappings of any shape are survived, and what Ocean runs is told more gently."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcfg.model import Document, Project
from portcfg.pipeline import read_specs
from portcfg.validate import validate
from tests.support import REPOSITORY, write_files

SPECS = read_specs(REPOSITORY / "specs")
CONFIG = next(each.body for each in SPECS.documents if each.kind == "mapping")
BLUEPRINTS = [each for each in SPECS.documents if each.kind == "blueprint"]
JUNK: list[Any] = [None, 1, "x", "", [], {}, [1], {"a": None}, [None], True, "$", "{{", ".a[]", "1"]


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from spots(part, (*path, key))


def with_junk(path: tuple[Any, ...], junk: Any) -> dict[str, Any]:
    found = copy.deepcopy({key: value for key, value in CONFIG.items() if key not in ("identifier", "type", "title")})
    target: Any = found
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = copy.deepcopy(junk)
    return found


PLACES = [path for path in spots(with_junk(("vars",), {})) if path]


@given(st.sampled_from(PLACES), st.sampled_from(JUNK), st.booleans())
@settings(max_examples=40)
def test_a_mapping_of_any_shape_gives_problems_and_no_crash(path: tuple[Any, ...], junk: Any, ports_form: bool) -> None:
    config = with_junk(path, junk)
    body = {"config": config} if ports_form else config
    validate([*BLUEPRINTS, Document("mapping", {"identifier": "m", **body}, "m.yaml", {})], Project(""))


@pytest.mark.parametrize(("runner", "severity"), [("ocean", "warning"), ("portcfg", "error")])
def test_what_ocean_runs_keeps_nothing_else_from_being_planned(runner: str, severity: str, tmp_path: Path) -> None:
    mapping = """
        source: {base_url: "https://api.example.com"}
        resources:
          - kind: /services
            port: {entity: {mappings: {identifier: .id, blueprint: '"b"', properties: {n: .n | tostring, m: .m}}}}
    """
    files = {
        "mappings/m.yaml": f"runner: {runner}\n" + "\n".join(line[8:] for line in mapping.split("\n")),
        "blueprints/b.yaml": "title: B\nschema: {properties: {n: {type: number}}}",
    }
    found = [(each.id, each.severity) for each in read_specs(write_files(tmp_path, files)).problems]
    assert sorted(each for each in found if each[0] in ("PC320", "PC323")) == [("PC320", severity), ("PC323", severity)]
