"""The published schemas take files as they stand in an editor, refuse mistakes, and say what every key is for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from portcfg import yamlread
from portcfg.kinds import KINDS, load_schema
from portcfg.raw_schema import SPLICED, raw_schema
from portcfg.yamlread import MappingNode, Node, SequenceNode
from tests.support import REPOSITORY, cases
from tests.test_validate import VENDORS, corpus

NAMES = ("project", *KINDS)


def value_of(node: Node) -> Any:
    """What stands there: neither $include nor << nor ${vars} is resolved."""
    if isinstance(node, MappingNode):
        return {str(key.value): value_of(value) for key, value in node.value}
    return [value_of(item) for item in node.value] if isinstance(node, SequenceNode) else yamlread.scalar(node)


@cache
def validator(name: str) -> Any:
    return Draft202012Validator(raw_schema(load_schema(name), name))


def name_of(path: str) -> str:
    """The schema of a file below specs/; "" for fragments and what is in no known folder."""
    if path == "portcfg.yaml":
        return "project"
    return next((name for name, kind in KINDS.items() if path.startswith(f"{kind.folder}/")), "")


def refused(path: str, text: str) -> list[str]:
    name = name_of(path)
    nodes = yamlread.parse(text.encode(), is_json=path.endswith(".json")) if name else ()
    documents = map(value_of, nodes)
    return [
        f"{path} {error.json_path} {error.message}"
        for value in documents
        for error in validator(name).iter_errors(value)
    ]


def shipped() -> list[Any]:
    roots = [REPOSITORY / "specs", *sorted((REPOSITORY / "specs" / "examples").iterdir())]
    return [
        pytest.param(file.relative_to(root).as_posix(), file, id=file.relative_to(REPOSITORY).as_posix())
        for root in roots
        for file in sorted(root.rglob("*.y*ml"))
        if name_of(file.relative_to(root).as_posix())
    ]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(raw_schema(load_schema(name), name))


def undescribed(schema: Any, defs: dict[str, Any], path: str = "") -> Iterator[str]:
    """The keys that an editor would have nothing to say about. Conditions show no keys."""
    if isinstance(schema, list):
        for part in schema:
            yield from undescribed(part, defs, path)
    elif isinstance(schema, dict):
        for key, part in schema.get("properties", {}).items():
            if isinstance(part, dict):
                aim = defs.get(part.get("$ref", "").rpartition("/")[2], {})
                yield from () if "description" in part | aim else [f"{path}.{key}"]
                yield from undescribed(part, defs, f"{path}.{key}")
        for keyword in ("items", "additionalProperties", "then", "else", "allOf", "anyOf"):
            yield from undescribed(schema.get(keyword), defs, path)


@pytest.mark.parametrize("name", NAMES)
def test_every_key_says_what_it_is_for(name: str) -> None:
    schema = raw_schema(load_schema(name), name)
    defs = schema["$defs"]
    assert [key for part in defs.values() for key in undescribed(part, defs)] == []


@pytest.mark.parametrize("path, file", shipped())
def test_shipped_specs_are_taken_as_they_stand(path: str, file: Path) -> None:
    assert refused(path, file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_files_of_others_are_taken(vendor: str, reference_dir: Path) -> None:
    assert [line for path, text in corpus(reference_dir, vendor) for line in refused(path, text)] == []


ENTRIES = {
    file.stem: yaml.safe_load(file.read_text(encoding="utf-8"))
    for file in sorted((REPOSITORY / "portcfg" / "rules" / "entries").glob("PC[1-7]*.yaml"))
}


@pytest.mark.parametrize("id_", ENTRIES)
def test_good_examples_of_findings_are_taken(id_: str) -> None:
    files = [pair for example in ENTRIES[id_]["good"] for pair in example["files"].items()]
    assert [line for path, text in files for line in refused(path, text)] == []


@pytest.mark.parametrize("case", [case for case in cases("invalid") if "mistakes_" in str(case.id)])
def test_mistakes_are_refused(case: Any) -> None:
    """All that `validate` says of a shape, but what only the file's name tells."""
    by_name = {"properties at the top, as there is no schema", "a mirror of one part"}
    if case["name"] not in by_name:
        assert [line for path, text in case["files"].items() for line in refused(path, text)] != []


@pytest.mark.parametrize("case", cases("raw"))
def test_what_the_loader_resolves_is_taken(case: dict[str, Any]) -> None:
    assert [line for path, text in case["files"].items() for line in refused(path, text)] == []


@pytest.mark.parametrize("key", SPLICED)
def test_keys_that_are_spliced_in_are_described(key: str) -> None:
    assert SPLICED[key]
    assert refused("portcfg.yaml", f"version: 1\n'{key}': x.yaml\n") == []
