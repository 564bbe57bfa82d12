"""make_plan: what is a difference and what isn't, what is adopted and pruned, and in which order things are written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portcfg.diff import canonical, field_changes, same
from portcfg.kinds import KINDS
from portcfg.model import MISSING, Action, Body, FieldChange, Path, Plan, Ref, Resource
from portcfg.plan import make_plan, write_order
from tests.support import cases

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "a", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "__c", "1"]), inner, max_size=3)
    ),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(["a", "b", "__c", "d.e", "it's"]), VALUES, max_size=4)


def blueprint(identifier: str, *targets: str, **more: Any) -> Resource:
    relations = {f"to_{target}": {"target": target} for target in targets}
    body = {"identifier": identifier, "title": identifier, "schema": {"properties": {}}, "relations": relations, **more}
    return Resource(Ref("blueprint", identifier), body, f"{identifier}.yaml")


def state(*resources: Resource) -> dict[Ref, Resource]:
    return {resource.ref: resource for resource in resources}


def shown(plan: Plan) -> list[str]:
    return [f"{change.action} {change.ref.identifier}" for change in plan.changes]


@pytest.mark.parametrize("case", cases("plan"))
def test_what_is_a_difference(case: dict[str, Any]) -> None:
    kind, identifier = case.get("kind", "blueprint"), case.get("identifier", "b")
    ref = Ref(kind, identifier)
    desired = Resource(ref, {"identifier": identifier, **case["desired"]})
    live = Resource(ref, {"identifier": identifier, **case["live"]})
    (change,) = make_plan({ref: desired}, {ref: live}, {ref}).changes
    paths = [".".join(map(str, field.path)) for field in change.fields]
    if "some" in case:
        assert any(path.startswith(case["some"]) for path in paths), paths
    else:
        assert paths == case["fields"]
    assert change.action is (Action.UPDATE if paths else Action.NOOP)


@given(BODIES, BODIES)
@example({"enum": [1, 0]}, {"enum": [True, False]})
@example({"a": [[1]]}, {"a": [[True]]})
@example({"a": 1}, {"a": True})
@example({"a": ["a", "b", "c"]}, {"a": ["c", "a"]})
@example({"a": [{"b": True}]}, {"a": [{"b": False}, 1.0]})
def test_no_difference_vanishes_and_the_changes_lead_from_the_one_body_to_the_other(before: Body, after: Body) -> None:
    changes = field_changes(before, after)
    assert bool(changes) == (canonical(before) != canonical(after))
    assert same(changed(before, [(change.path, change) for change in changes]), after)


def changed(value: Any, changes: list[tuple[Path, FieldChange]]) -> Any:
    """`value` with its fields changed: in lists, first what changes, then removals from the end, then additions."""
    if not changes:
        return value
    if changes[0][0] == ():
        return changes[0][1].after
    below: dict[Any, list[tuple[Path, FieldChange]]] = {}
    for path, change in changes:
        below.setdefault(path[0], []).append((path[1:], change))
    if isinstance(value, dict):
        shaped = {key: changed(value.get(key), below.get(key, [])) for key in [*value, *below]}
        return {key: part for key, part in shaped.items() if part is not MISSING}
    added = {key: change.after for key, group in below.items() for path, change in group if _is(path, change.before)}
    inner = {key: [(path, c) for path, c in group if not _is(path, c.before)] for key, group in below.items()}
    items = [changed(item, inner.get(index, [])) for index, item in enumerate(value)]
    items = [item for item in items if item is not MISSING]
    for index in sorted(added):
        items.insert(index, added[index])
    return items


def _is(path: Path, before: Any) -> bool:
    """Whether a change adds an item."""
    return path == () and before is MISSING


@given(BODIES)
def test_a_body_has_no_difference_from_itself(body: Body) -> None:
    assert field_changes(body, dict(reversed(body.items()))) == ()


def test_what_isnt_live_is_created_whole() -> None:
    wanted = blueprint("a")
    (change,) = make_plan(state(wanted), {}).changes
    assert (change.action, change.before, change.after, change.file) == (Action.CREATE, None, wanted.body, "a.yaml")


def test_what_is_live_and_unmanaged_is_adopted_and_what_is_managed_isnt() -> None:
    both = state(blueprint("a"), blueprint("b"))
    plan = make_plan(both, both, {Ref("blueprint", "b")})
    assert [(change.action, change.adopted) for change in plan.changes] == [(Action.NOOP, True), (Action.NOOP, False)]


def test_without_a_ledger_nothing_is_said_to_be_adopted_and_nothing_is_deleted() -> None:
    plan = make_plan(state(blueprint("a")), state(blueprint("a"), blueprint("b")), None, prune=True)
    assert [(change.action, change.adopted) for change in plan.changes] == [(Action.NOOP, False)]


def test_prune_deletes_what_is_managed_live_and_no_longer_specified() -> None:
    live = state(blueprint("kept"), blueprint("gone"), blueprint("unmanaged"), blueprint("_user"))
    managed = [Ref("blueprint", name) for name in ("kept", "gone", "gone_elsewhere", "_user")]
    managed.append(Ref("scorecard", "of_a_later_version"))
    plan = make_plan(state(blueprint("kept")), live, managed, prune=True)
    assert shown(plan) == ["noop kept", "delete gone"]
    assert plan.stale == (Ref("blueprint", "gone_elsewhere"),)


def test_without_prune_what_left_the_specs_is_named_and_kept() -> None:
    live = state(blueprint("kept"), blueprint("gone"))
    plan = make_plan(state(blueprint("kept")), live, list(live))
    assert shown(plan) == ["noop kept"]
    assert plan.notes == ("managed but no longer in the specs, and kept: blueprint/gone; --prune deletes them",)


def test_deletes_come_last_and_before_what_they_refer_to() -> None:
    live = state(blueprint("a"), blueprint("b", "a"), blueprint("c", "b"))
    page = Resource(Ref("dashboard", "d"), {"identifier": "d", "type": "dashboard", "widgets": []})
    plan = make_plan(state(blueprint("z")), {**live, page.ref: page}, [*live, page.ref], prune=True)
    assert shown(plan) == ["create z", "delete d", "delete c", "delete b", "delete a"]


def test_a_resource_comes_after_what_it_refers_to() -> None:
    mapping = Resource(
        Ref("mapping", "m"),
        {"config": {"resources": [{"port": {"entity": {"mappings": {"blueprint": '"z"'}}}}]}},
    )
    page = Resource(Ref("dashboard", "a"), {"widgets": [{"type": "pie", "blueprint": "z"}]})
    count = {"n": {"title": "N", "target": "m1", "calculationSpec": {}}}
    specs = state(
        page, mapping, blueprint("b", "z"), blueprint("z"), blueprint("a", aggregationProperties=count), blueprint("m1")
    )
    order = [ref.identifier for ref in write_order(specs)]
    assert order == ["m1", "z", "a", "b", "m", "a"]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12), st.randoms())
def test_the_order_is_whole_and_doesnt_depend_on_the_order_of_the_specs(
    edges: list[tuple[int, int]], random: Any
) -> None:
    names = [f"b{number}" for number in range(7)]
    resources = [blueprint(name, *(names[to] for at, to in edges if names[at] == name)) for name in names]
    shuffled = random.sample(resources, len(resources))
    order = write_order(state(*shuffled))
    assert order == write_order(state(*resources))
    assert sorted(order) == sorted(state(*resources))
    if all(at > to for at, to in edges):  # no cycle
        place = {ref.identifier: index for index, ref in enumerate(order)}
        assert all(place[names[at]] > place[names[to]] for at, to in edges)


@pytest.mark.parametrize("config", [None, [], {}, {"resources": None}, {"resources": [None, {"port": None}]}])
def test_a_live_mapping_of_any_shape_can_be_pruned(config: Any) -> None:
    mapping = Resource(Ref("mapping", "m"), {"installationId": "m", "config": config})
    assert shown(make_plan({}, state(mapping), [mapping.ref], prune=True)) == ["delete m"]


def test_notes_reach_their_change() -> None:
    notes = {Ref("blueprint", "a"): ("left out",)}
    assert make_plan(state(blueprint("a")), {}, notes=notes).changes[0].notes == ("left out",)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_comparing_a_body_doesnt_change_it(kind: Any) -> None:
    body = {
        "identifier": "x",
        "installationId": "x",
        "schema": {"properties": {"b": {"type": "string"}}, "required": ["b", "a"]},
        "widgets": [{"type": "grouper", "groups": [{"widgets": [{"dataset": [], "type": "x"}]}]}],
        "config": {"deleteDependentEntities": True, "resources": [{"port": {"entity": {"mappings": [{"a": " b "}]}}}]},
    }
    before = canonical(body)
    kind.comparable(body)
    list(kind.references(body))
    assert canonical(body) == before


def test_a_put_carries_the_keys_that_only_port_knows_of_members_that_stay() -> None:
    kind = KINDS["blueprint"]
    member = {"target": "a", "future": 1}
    live = {"identifier": "a", "schema": {"properties": {}}, "relations": {"stays": member, "goes": member}}
    desired = {"identifier": "a", "schema": {"properties": {}}, "relations": {"stays": {"target": "a", "title": "New"}}}
    body = kind.carried(desired, live)
    assert body["relations"] == {"stays": {"target": "a", "title": "New", "future": 1}}
    assert desired["relations"]["stays"] == {"target": "a", "title": "New"}


def test_every_stage_of_ports_own_blueprint_holds_only_what_the_spec_names() -> None:
    live = {"identifier": "_user", "title": "User", "schema": {"properties": {"status": {}}, "required": ["status"]}}
    desired = {"identifier": "_user", "schema": {"properties": {"seat": {}}}, "relations": {"r": {"target": "a"}}}
    first, last = KINDS["blueprint"].stages(desired, live)
    assert first == {"schema": {"properties": {"seat": {}}}, "relations": {"r": {"target": "a"}}}
    assert last == desired
