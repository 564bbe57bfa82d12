"""Risk and impact of a plan's steps: case files of bodies, numbers from the embedded Port, and the guards."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest

from portcfg.guard import Limits, guard
from portcfg.impact import assess, count_impacts
from portcfg.kinds import KINDS
from portcfg.kinds.blueprint_reads import calculation_names
from portcfg.model import Action, Body, Change, Plan, Ref, Resource
from portcfg.observe import observe
from portcfg.plan import make_plan
from portcfg.risk import (
    IMPACTS,
    READS,
    AtLeast,
    Count,
    Impact,
    Reader,
    Risk,
    Risks,
    impacts,
    plan_impacts,
    readers,
    told,
)
from tests.support import Bench, cases

B = Ref("blueprint", "b")
SURROUNDINGS: Mapping[str, Body] = {
    "mapping": {
        "blueprint/b": {
            "title": "B",
            "schema": {"properties": {"p": {"type": "string"}, "q": {"type": "string"}}},
            "relations": {"r": {"target": "b"}},
        }
    }
}
NAMES = {"blueprint": "b", "mapping": "m", "dashboard": "d", "folder": "f"}


def resources(bodies: Mapping[str, Body]) -> dict[Ref, Resource]:
    found = {}
    for name, body in bodies.items():
        kind, _, identifier = name.partition("/")
        ref = Ref(kind, identifier)
        found[ref] = Resource(ref, {KINDS[kind].id_field: identifier, **body})
    return found


def planned(case: Body) -> tuple[Ref, Plan, dict[Ref, Resource], dict[Ref, Resource]]:
    kind = case.get("kind", "blueprint")
    ref = Ref(kind, case.get("identifier", NAMES[kind]))
    beside = resources({**SURROUNDINGS.get(kind, {}), **case.get("beside", {})})
    own = {side: resources({str(ref): case[side]} if case[side] else {}) for side in ("before", "after")}
    live = {**own["before"], **beside, **resources(case.get("by_hand", {}))}
    desired = {**own["after"], **beside}
    return ref, make_plan(desired, live, {*own["before"], *beside}, prune=True), live, desired


@pytest.mark.parametrize("case", cases("risk"))
def test_impacts(case: Body) -> None:
    ref, plan, live, desired = planned(case)
    change = next(change for change in plan.changes if change.ref == ref)
    found = impacts(change, live, desired)
    assert found == plan_impacts(plan, live).get(ref, ())
    for impact, wanted in itertools.zip_longest(found, case["impacts"]):
        assert impact is not None, wanted
        assert wanted is not None, impact
        assert impact.risk == wanted["risk"], impact.reason
        for words in wanted["words"]:
            assert words in impact.reason
        assert (list(impact.count.rules) if impact.count else None) == wanted.get("rules"), impact.reason
        assert sorted(map(str, impact.readers)) == wanted.get("readers", []), impact.reason
        assert wanted.get("told", told(impact, {})) == told(impact, {})


def test_every_kind_has_its_risks() -> None:
    assert set(IMPACTS) == set(READS) == set(KINDS)


@pytest.mark.parametrize(
    ("program", "names"),
    [
        (".properties.a + .properties.b", {"a", "b"}),
        ('.properties["a b"] // .properties."c"', {"a b", "c"}),
        (".relations.r | length", {"r"}),
        (".properties | .a / .b", {"a", "b"}),
        (".properties as $p | $p.a", {"a"}),
        (".properties.a.b", {"a"}),
        (".identifier", set()),
        (".properties?.a", {"a"}),
    ],
)
def test_names_that_a_calculation_reads(program: str, names: set[str]) -> None:
    assert calculation_names(program) == names


def test_readers_of_a_whole_resource() -> None:
    state = resources(
        {
            "blueprint/b": {"title": "B", "schema": {"properties": {"p": {"type": "string"}}}},
            "blueprint/c": {"title": "C", "schema": {"properties": {}}, "relations": {"r": {"target": "b"}}},
        }
    )
    assert readers(B, (), state) == (Reader("relation", "c.r"),)
    assert readers(B, ("schema", "properties", "p"), state) == ()


def test_told() -> None:
    count = Count("b", ({"property": "p", "operator": "isNotEmpty"},))
    found = (Reader("mapping", "m"), Reader("widget", "1"), Reader("calculation", "c"), Reader("widget", "2"))
    impact = Impact(Risk.DESTRUCTIVE, "drops `p` from {entities}", count, found)
    assert told(impact, {count: 12480}) == (
        "drops `p` from 12,480 entities; read by 2 widgets, 1 mapping, 1 calculation"
    )
    assert told(impact, {count: 1}).startswith("drops `p` from 1 entity;")
    assert told(impact, {count: AtLeast(1000)}).startswith("drops `p` from at least 1,000 entities;")
    assert told(impact, {count: None}).startswith("drops `p` from ? entities;")


def test_where_no_entity_is_concerned_nothing_is_lost() -> None:
    count = Count("b")
    lonely = Impact(Risk.DESTRUCTIVE, "deletes {entities}", count)
    read = Impact(Risk.DESTRUCTIVE, "deletes {entities}", count, (Reader("widget", "w"),))
    expected = {0: (Risk.SAFE, Risk.BREAKING), 1: (Risk.DESTRUCTIVE,) * 2, None: (Risk.DESTRUCTIVE,) * 2}
    for number, risks in expected.items():
        assert tuple(Risks({B: (impact,)}, {count: number}).of(B) for impact in (lonely, read)) == risks
    assert Risks().of(B) is Risk.SAFE


BEFORE: Body = {
    "identifier": "b",
    "title": "B",
    "schema": {
        "properties": {
            "name": {"type": "string"},
            "size": {"type": "number"},
            "level": {"type": "string", "enum": ["low", "high"]},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}},
            "rare": {"type": "string"},
        }
    },
    "relations": {"up": {"target": "b"}, "peers": {"target": "b", "many": True}},
}
AFTER: Body = {
    "title": "B",
    "schema": {
        "properties": {
            "size": {"type": "number", "maximum": 3},
            "level": {"type": "string", "enum": ["low"]},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["x"]}},
            "rare": {"type": "string"},
            "fresh": {"type": "string"},
        },
        "required": ["rare", "fresh"],
    },
    "relations": {"up": {"target": "b", "required": True}},
}


def entity(number: int) -> Body:
    """Ten of them: names on even ones, sizes 0-9, `high` from 8 on, tag y on 3 and 6, rare on 0, `up` from 1 on."""
    values = {
        "name": f"n{number}" if number % 2 == 0 else None,
        "size": number,
        "level": "high" if number >= 8 else "low",
        "tags": ["x", "y"] if number in (3, 6) else ["x"],
        "rare": "r" if number == 0 else None,
    }
    relations: Body = {"up": f"e{number - 1}"} if number else {}
    if number == 9:
        relations["peers"] = ["e1", "e2"]
    properties = {name: value for name, value in values.items() if value is not None}
    return {"identifier": f"e{number}", "properties": properties, "relations": relations}


def fill(bench: Bench, number: int) -> Bench:
    # A blueprint can relate to itself only once it is there.
    bench.send("POST", "/blueprints", {**BEFORE, "relations": {}})
    bench.send("PUT", "/blueprints/b", BEFORE)
    for index in range(number):
        bench.send("POST", "/blueprints/b/entities", entity(index))
    return bench


@pytest.fixture
def filled(bench: Bench) -> Bench:
    return fill(bench, 10)


def assessed(bench: Bench, after: Body | None) -> tuple[Plan, Risks]:
    desired = resources({"blueprint/b": after}) if after else {}
    with closing(bench.reader()) as port:
        live = observe(port)
        bench.clear()
        plan = make_plan(desired, live, {B}, prune=True)
        return plan, assess(plan, live, port)


def test_port_counts_what_a_change_concerns(filled: Bench) -> None:
    _, risks = assessed(filled, AFTER)
    lines = "\n".join(risks.lines(B))
    for text in (
        "drops `name` from 5 entities",
        "narrows the enum of `level`: 2 entities outside of it",
        "narrows the enum of the items of `tags`: 2 entities concerned",
        "tightens maximum of `size` to 3: 6 entities beyond it",
        "requires `rare`: 9 entities without it",
        "requires `fresh`: 10 entities without it",
        "drops the relation `peers` from 1 entity",
        "requires the relation `up`: 1 entity without it",
    ):
        assert text in lines
    assert risks.of(B) is Risk.DESTRUCTIVE
    assert {line["entities"] for line in risks.json(B)} == {1, 2, 5, 6, 9, 10}
    assert filled.writes == []
    counting = [path for method, path, _ in filled.log if "entities" in path]
    assert len(counting) == len(risks.counts) == 8


def test_a_deleted_blueprint_is_counted_whole(filled: Bench) -> None:
    plan, risks = assessed(filled, None)
    assert risks.lines(B) == ("deletes 10 entities",)
    assert [path for _, path, _ in filled.log if "entities" in path] == ["/v1/blueprints/b/entities-count"]
    assert guard(plan, risks, Limits(remove_all=True)) == [
        "blueprint/b is destructive: deletes 10 entities. If it is meant, pass --allow-destructive blueprint/b, "
        "or have guards: {allow_destructive: [blueprint/b]} in portcfg.yaml until it is applied"
    ]


def test_a_property_without_values_is_no_loss(filled: Bench) -> None:
    filled.send("POST", "/blueprints", {**BEFORE, "identifier": "empty", "relations": {}})
    with closing(filled.reader()) as port:
        live = observe(port)
        after = {"title": "B", "schema": {"properties": {}}}
        plan = make_plan(resources({"blueprint/empty": after}), live, frozenset())
        risks = assess(plan, live, port)
    assert len(risks.lines(Ref("blueprint", "empty"))) == 5
    assert risks.of(Ref("blueprint", "empty")) is Risk.SAFE
    assert guard(plan, risks) == []


def test_without_impact_nothing_is_asked(filled: Bench) -> None:
    _, risks = assessed(filled, {**BEFORE, "title": "Better"})
    assert filled.log == []
    assert risks == Risks()


def test_one_request_a_count_and_unknown_where_port_does_not_say(filled: Bench) -> None:
    there, gone = Count("b", ({"property": "name", "operator": "isNotEmpty"},)), Count("gone")
    same = Count("b", ({"property": "name", "operator": "isNotEmpty"},))
    refused = Count("b", ({"property": "name", "operator": "unheard of"},))
    asked = [Impact(Risk.BREAKING, "", count) for count in (there, gone, same, refused, gone)]
    with closing(filled.reader()) as port:
        filled.clear()
        counts = count_impacts(port, [*asked, Impact(Risk.BREAKING, "")])
    assert counts == {there: 5, gone: None, refused: None}
    assert len([path for _, path, _ in filled.log if "entities" in path]) == 3


def test_a_port_that_is_not_there_is_asked_once(filled: Bench) -> None:
    with closing(filled.reader()) as port:
        port.root = "http://127.0.0.1:9/v1"
        counts = count_impacts(port, [Impact(Risk.BREAKING, "", Count(name)) for name in ("b", "c", "d")])
        assert set(counts.values()) == {None}
        assert port.requests_made == 8  # the attempts of one request


def test_a_relation_of_more_than_a_page(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(bench, 4)
    monkeypatch.setattr("portcfg.counting.SEARCH_PAGE", 2)
    count = Count("b", ({"relation": "up", "operator": "isNotEmpty"},))
    with closing(bench.reader()) as port:
        counts = count_impacts(port, [Impact(Risk.DESTRUCTIVE, "{entities}", count)])
    assert told(Impact(Risk.DESTRUCTIVE, "{entities}", count), counts) == "at least 2 entities"


def plan_of(deleted: int = 0, updated: int = 0, kept: int = 0) -> Plan:
    def step(action: Action, number: int) -> Change:
        after = None if action is Action.DELETE else {"title": "T"}
        return Change(action, Ref("blueprint", f"{action}{number}"), {"title": "T"}, after)

    numbers = {Action.DELETE: deleted, Action.UPDATE: updated, Action.NOOP: kept}
    return Plan(tuple(step(action, index) for action, number in numbers.items() for index in range(number)))


def breaking(plan: Plan, entities: int = 1) -> Risks:
    counts = {Count(change.ref.identifier): entities for change in plan.pending}
    found = {change.ref: (Impact(Risk.BREAKING, "", Count(change.ref.identifier)),) for change in plan.pending}
    return Risks(found, counts)


@pytest.mark.parametrize(
    ("plan", "limits", "words"),
    [
        (plan_of(deleted=3, kept=7), Limits(), []),
        (plan_of(deleted=4, kept=6), Limits(), ["deletes: 4 of 10 managed resources (40.0%), over the limit of 30.0%"]),
        (plan_of(deleted=4, kept=5), Limits(), []),
        (plan_of(deleted=4, kept=5), Limits(share_from=1), ["raise delete_share"]),
        (plan_of(deleted=11, kept=90), Limits(), ["deletes: 11 resources, over the limit of 10", "raise delete_count"]),
        (plan_of(deleted=11, kept=90), Limits(delete_count=11), []),
        (plan_of(updated=6, kept=4), Limits(), ["updates: 6 of 10 managed resources (60.0%), over the limit of 50.0%"]),
        (plan_of(updated=51, kept=900), Limits(), ["updates: 51 resources, over the limit of 50"]),
        (plan_of(updated=2, kept=9), Limits(entities=1), ["entities: 2 are concerned, over the limit of 1"]),
        (plan_of(deleted=2), Limits(), ["all 2 managed resource(s)", "--allow-remove-all"]),
        (plan_of(deleted=2), Limits(remove_all=True), []),
        (plan_of(), Limits(), []),
    ],
)
def test_guards(plan: Plan, limits: Limits, words: list[str]) -> None:
    refusals = guard(plan, breaking(plan), limits)
    assert bool(refusals) is bool(words)
    for text in words:
        assert text in " ".join(refusals)


def test_safe_updates_and_what_is_allowed_by_name_do_not_count() -> None:
    plan = plan_of(updated=60, deleted=20, kept=10)
    assert len(guard(plan, Risks())) == 1  # 20 deletes; of 90 they are less than 30%
    deletes = [str(change.ref) for change in plan.pending if change.action is Action.DELETE]
    assert guard(plan, Risks(), allowed=deletes) == []
    everything = [str(change.ref) for change in plan.pending]
    assert guard(plan, breaking(plan, 1_000_000), allowed=everything) == []


def test_removing_everything_needs_its_own_leave() -> None:
    plan = plan_of(deleted=1)
    assert guard(plan, Risks(), allowed=["blueprint/delete0"]) != []


def test_destructive_changes_are_refused_by_name() -> None:
    plan = plan_of(updated=2, kept=9)
    refs = [change.ref for change in plan.pending]
    impact = Impact(Risk.DESTRUCTIVE, "drops `p` from {entities}", Count("b"))
    risks = Risks({ref: (impact, Impact(Risk.BREAKING, "and more")) for ref in refs}, {Count("b"): 7})
    assert guard(plan, risks, allowed=[str(refs[0])]) == [
        f"{refs[1]} is destructive: drops `p` from 7 entities. If it is meant, pass --allow-destructive {refs[1]}, "
        f"or have guards: {{allow_destructive: [{refs[1]}]}} in portcfg.yaml until it is applied"
    ]


def test_every_kind_has_cases() -> None:
    kinds: set[Any] = {case.values[0].get("kind", "blueprint") for case in cases("risk")}
    assert kinds == set(KINDS)
