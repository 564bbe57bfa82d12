"""Mappings of all kinds: where a row becomes an entity that the embedded Port takes, `validate` finds no error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portcfg.emulator.entity_rules import check_required, check_values
from portcfg.emulator.wire_errors import WireError
from portcfg.errors import PortcfgError
from portcfg.mapping_tests.case import Case
from portcfg.mapping_tests.made import make
from portcfg.model import Body, Document, Project
from portcfg.sync.offline import Recorded
from portcfg.validate import validate

ROW = {"n": 2.5, "s": "x", "b": True, "l": ["x", "y"], "o": {"k": 1}, "d": "2026-03-02T00:00:00Z", "id": "one"}
SHAPE = {"n": "number", "s": "string", "b": "boolean", "l": "array", "o": "object", "d": "string", "id": "string"}
PROPERTIES: Body = {
    "n": {"type": "number"},
    "s": {"type": "string"},
    "b": {"type": "boolean"},
    "l": {"type": "array", "items": {"type": "string"}},
    "o": {"type": "object"},
    "d": {"type": "string", "format": "date-time"},
    "e": {"type": "string", "enum": ["x", "y"]},
}
BLUEPRINTS: list[Body] = [
    {
        "identifier": "a",
        "title": "A",
        "schema": {"properties": PROPERTIES, "required": ["s"]},
        "relations": {"r": {"target": "t"}, "m": {"target": "t", "many": True}},
    },
    {"identifier": "t", "title": "T", "schema": {"properties": {}}},
]
LEAVES = st.sampled_from(
    [*(f".{name}" for name in ROW), ".none", ".", "1", '"x"', '"z"', "true", "null", '"2026-03-02"', "$org", ".o.k"]
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(["+", "-", "*", "/", "//", "==", "and", "|", ","])
    pipes = ["tostring", "tonumber", "length", "todate", ".[0]", ".k", "keys", "first", "not", "ascii_downcase", "add"]
    return (
        st.tuples(inner, binary, inner).map(lambda parts: f"({' '.join(parts)})")
        | st.tuples(inner, st.sampled_from(pipes)).map(lambda parts: f"({parts[0]} | {parts[1]})")
        | st.tuples(inner, inner).map(lambda parts: f"(if .b then {parts[0]} else {parts[1]} end)")
        | inner.map(lambda text: f"[{text}]")
        | inner.map(lambda text: f'"\\({text})"')
        | inner.map(lambda text: f"({text})?")
    )


EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=3)
ENTITIES = st.fixed_dictionaries(
    {
        "identifier": st.just(".id") | EXPRESSIONS,
        "properties": st.dictionaries(st.sampled_from([*PROPERTIES, "zz"]), EXPRESSIONS, max_size=3).map(
            lambda found: {"s": ".s", **found}
        ),
    },
    optional={
        "title": EXPRESSIONS,
        "relations": st.dictionaries(st.sampled_from(["r", "m", "lost"]), EXPRESSIONS, max_size=1),
    },
)


def taken(config: Body) -> bool:
    """Whether the row becomes an entity with a value for all that is written, and the embedded Port takes it."""
    (resource,) = config["resources"]
    written = _values(resource["port"]["entity"]["mappings"])
    answers = {("GET", "/rows"): [Recorded("rows", {"items": [ROW]}, 200)]}
    try:
        made = make(Case(Path("case"), "m", answers, now=1.8e9), config, {}, BLUEPRINTS, full=True)
        entities = made.body["entities"].get("a", {})
        for entity in entities.values():
            check_values(BLUEPRINTS[0], entity.get("properties", {}))
            check_required(BLUEPRINTS[0], entity.get("properties", {}), entity.get("relations", {}))
    except (PortcfgError, WireError):
        return False
    whole = all(written == _values(entity) for entity in entities.values())
    return made.body.keys() == {"entities"} and bool(entities) and whole


def _values(entity: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(section, name) of what an entity has values for, or a mapping says."""
    said = {section: entity.get(section) or {} for section in ("properties", "relations")}
    title = {("title", "")} if entity.get("title") is not None else set()
    return title | {(section, name) for section, part in said.items() for name in part if part[name] is not None}


def errors(config: Body) -> list[str]:
    documents = [Document("blueprint", body, f"{body['identifier']}.yaml", {}) for body in BLUEPRINTS]
    documents.append(Document("mapping", config, "m.yaml", {}))
    return [f"{each.id} {each.message}" for each in validate(documents, Project("")) if each.severity == "error"]


@given(ENTITIES, st.sampled_from(["true", ".b", ".n > 1"]) | EXPRESSIONS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_makes_entities_that_port_takes_has_no_error(entity: Body, query: str, shaped: bool) -> None:
    stream: dict[str, Any] = {"path": "/rows", "data_path": ".items", **({"shape": SHAPE} if shaped else {})}
    entity = {"blueprint": '"a"', **entity}
    config: Body = {
        "identifier": "m",
        "source": {"base_url": "https://api.example.com", "auth": {"type": "none"}},
        "vars": {"org": "acme"},
        "streams": {"rows": stream},
        "resources": [
            {"kind": "rows", "selector": {"stream": "rows", "query": query}, "port": {"entity": {"mappings": entity}}}
        ],
    }
    found = errors(config)
    assert not (found and taken(config)), found
