"""Blueprints of all kinds: `validate` finds an error where the embedded Port refuses, and hardly anywhere else."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portcfg.emulator.blueprint_rules import check_blueprint
from portcfg.emulator.blueprint_shapes import POST_BODY
from portcfg.emulator.body_checks import require
from portcfg.emulator.wire_errors import WireError
from portcfg.model import Body, Document, Project
from portcfg.validate import validate

# What could never work, although nothing published says that Port refuses it: names that clash, circles, jq that fails.
STRICTER = {"PC208", "PC209", "PC211", "PC231"}
BLUEPRINTS = st.sampled_from(["a", "b", "c", "c", "gone"])
RELATIONS = st.sampled_from(["r", "q", "r", "q", "lost"])
NAMES = st.sampled_from(["n", "s", "d", "m", "k", "g", "zz", "$title", "$createdAt", "$nothing"])
OWN = st.sampled_from(["n", "s", "d", "m", "k", "g", "zz"])
PROPERTIES: Body = {
    "n": {"type": "number"},
    "s": {"type": "string"},
    "d": {"type": "string", "format": "date-time"},
}


def some(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Body]:
    return st.just({}) | values.map(lambda value: {key: value})


def joined(*parts: st.SearchStrategy[Body]) -> st.SearchStrategy[Body]:
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


FLAGS = joined(some("many", st.booleans()), some("required", st.booleans()))
RELATION = joined(BLUEPRINTS.map(lambda target: {"target": target}), FLAGS)
MIRROR = st.tuples(st.lists(RELATIONS, max_size=2), NAMES).map(lambda path: {"path": ".".join([*path[0], path[1]])})
CALCULATION = st.tuples(st.sampled_from(["number", "string"]), OWN, st.sampled_from(["", " | tostring", " |"])).map(
    lambda parts: {"type": parts[0], "calculation": f".properties.{parts[1]}{parts[2]}"}
)
SPEC = joined(
    st.sampled_from(["count", "sum", "average", "max"]).map(lambda func: {"func": func}),
    st.sampled_from(["entities", "property"]).map(lambda by: {"calculationBy": by}),
    some("property", NAMES),
    some("averageOf", st.sampled_from(["day", "total", "year"])),
    some("measureTimeBy", NAMES),
    some("other", st.just("x")),
)
RULE = joined(
    some("property", NAMES),
    some("operator", st.sampled_from(["=", "isEmpty", "between", ">", "is", "in"])),
    some("value", st.sampled_from([1, "x", {"preset": "lastWeek"}, {"preset": "never"}, {"from": "2026-01-01"}])),
)
QUERY = joined(
    some("combinator", st.sampled_from(["and", "or", "xor"])),
    some("rules", st.lists(RULE, max_size=2)),
)
WAY = joined(some("path", st.lists(RELATIONS, max_size=2)), some("fromBlueprint", BLUEPRINTS))
AGGREGATION = joined(
    st.just({"title": "A"}),
    BLUEPRINTS.map(lambda target: {"target": target}),
    SPEC.map(lambda spec: {"calculationSpec": spec}),
    some("query", QUERY),
    some("pathFilter", st.lists(WAY, max_size=2)),
)
OWNERSHIP = joined(
    some("type", st.sampled_from(["Direct", "Inherited"])),
    some("path", st.lists(RELATIONS, min_size=1, max_size=2).map(".".join)),
)
SOUND = joined(
    st.just({"schema": {"properties": PROPERTIES}, "relations": {"r": {"target": "b"}, "q": {"target": "c"}}}),
    some("mirrorProperties", st.just({"m": {"path": "r.n"}})),
    some("ownership", st.just({"type": "Direct"})),
)
ONE = joined(
    st.just({"schema": {"properties": PROPERTIES}}),
    some("relations", st.fixed_dictionaries({"r": RELATION, "q": RELATION})),
    some("schema", st.lists(OWN, max_size=1).map(lambda names: {"properties": PROPERTIES, "required": names})),
    some("mirrorProperties", st.fixed_dictionaries({"m": MIRROR})),
    some("calculationProperties", st.fixed_dictionaries({"k": CALCULATION})),
    some("aggregationProperties", st.fixed_dictionaries({"g": AGGREGATION})),
    some("ownership", OWNERSHIP),
)


def refused(bodies: dict[str, Body]) -> str:
    """Why Port refuses one of the blueprints, all others being there; empty if it takes them all."""
    for name, body in bodies.items():
        try:
            require(POST_BODY, {"identifier": name, "title": name, **body})
            check_blueprint({"identifier": name, **body}, lambda other: _known(bodies, other))
        except WireError as error:
            return f"{name}: {error}"
    return ""


def _known(bodies: dict[str, Body], name: str) -> Body | None:
    return {"identifier": name, **bodies[name]} if name in bodies else None


def errors(bodies: dict[str, Body]) -> set[str]:
    documents = [
        Document("blueprint", {"identifier": name, "title": name, **body}, f"{name}.yaml", {})
        for name, body in bodies.items()
    ]
    return {each.id for each in validate(documents, Project("portcfg.yaml")) if each.severity == "error"}


@given(ONE, SOUND, SOUND)
@settings(max_examples=250, deadline=None)
def test_validate_and_port_agree_on_blueprints(one: Body, two: Body, three: Body) -> None:
    bodies = {"a": one, "b": two, "c": three}
    why, found = refused(bodies), errors(bodies)
    assert bool(why) == bool(found - STRICTER), (why, found)
