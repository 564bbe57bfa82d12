"""Live resources become specs: whatever their texts and names are, the specs read back as the same resource."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from portcfg.importer import importable, spec_file, spec_text
from portcfg.kinds import KINDS
from portcfg.model import Body, Ref, Resource
from portcfg.pipeline import read_specs
from portcfg.plan import make_plan
from tests.support import write_files


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
            "groups": [{"title": "G", "widgets": [{"id": "m", "type": "markdown", "title": "M", "updatedAt": "x"}]}],
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
    [("a/b", "a-b"), ("../../etc", "etc"), ("..", "unnamed"), ("ünï", "n"), ("a.b", "a.b"), (".hidden", "hidden")],
)
def test_file_names_are_harmless(identifier: str, name: str, tmp_path: Path) -> None:
    assert spec_file(tmp_path, Ref("blueprint", identifier), set()) == tmp_path / "blueprints" / f"{name}.yaml"


def test_two_identifiers_never_share_a_file(tmp_path: Path) -> None:
    taken: set[Path] = set()
    for identifier in ("a/b", "a:b", "a-b"):
        taken.add(spec_file(tmp_path, Ref("blueprint", identifier), taken))
    assert sorted(path.name for path in taken) == ["a-b-2.yaml", "a-b-3.yaml", "a-b.yaml"]
