"""What is left of a reviewed plan may be done; what anybody else has done since may not be undone by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portcfg.errors import MovedError, UntrustedPlanError
from portcfg.model import Action, Body, Migration, Move, Plan, Ref, Rename, Resource
from portcfg.plan import make_plan
from portcfg.planfile import Binding, bound_changes, shown
from portcfg.resuming import check_rest

BINDING = Binding("specs", "https://api.port.io/v1", "", prune=True, use_ledger=True)
NAMES = ("one", "two", "three")
WORLDS = st.fixed_dictionaries(
    {},
    optional={
        name: st.fixed_dictionaries(
            {"title": st.sampled_from("ABC"), "properties": st.sets(st.sampled_from("xyz"))},
            optional={"description": st.sampled_from("DE"), "icon": st.sampled_from(["Box", "Service"])},
        )
        for name in NAMES
    },
)
World = dict[str, dict[str, Any]]


def body(name: str, said: dict[str, Any]) -> Body:
    properties = {key: {"type": "string", "title": key} for key in sorted(said["properties"])}
    rest = {key: value for key, value in said.items() if key != "properties"}
    return {"identifier": name, **rest, "schema": {"properties": properties, "required": []}, "relations": {}}


def state(bodies: dict[str, Body]) -> dict[Ref, Resource]:
    return {Ref("blueprint", name): Resource(Ref("blueprint", name), each) for name, each in bodies.items()}


def planned(desired: World, live: dict[str, Body]) -> Plan:
    managed = [Ref("blueprint", name) for name in NAMES]
    return make_plan(
        state({name: body(name, said) for name, said in desired.items()}), state(live), managed, prune=True
    )


def some_of(data: st.DataObject, now: Body | None, wanted: Body) -> Body:
    """A resource of which a part has been written: what it had, or nothing, and some keys of what is wanted."""
    keys = sorted(wanted.keys() - {"identifier", "schema", "relations"})
    done = data.draw(st.sets(st.sampled_from(keys)))
    begun = now or {"identifier": wanted["identifier"], "schema": wanted["schema"], "relations": {}}
    return {**begun, **{key: wanted[key] for key in done}}


@given(WORLDS, WORLDS, st.data())
def test_whatever_part_is_done_the_rest_is_what_was_reviewed(live: World, desired: World, data: st.DataObject) -> None:
    before = {name: body(name, said) for name, said in live.items()}
    plan = planned(desired, before)
    bound = shown(plan, BINDING)
    now = dict(before)
    for change in plan.pending:
        name = change.ref.identifier
        how = data.draw(st.sampled_from(["not", "done", "half"]))
        if change.action is Action.DELETE:
            now = {key: each for key, each in now.items() if key != name or how == "not"}
        elif how != "not":
            wanted = body(name, desired[name])
            now[name] = wanted if how == "done" else some_of(data, now.get(name), wanted)
    check_rest(bound, BINDING, planned(desired, now))


@given(WORLDS, WORLDS, st.sampled_from(NAMES), st.sampled_from(["title", "description"]))
def test_what_somebody_has_changed_is_not_written_over(live: World, desired: World, name: str, key: str) -> None:
    before = {each: body(each, said) for each, said in live.items()}
    bound = shown(planned(desired, before), BINDING)
    assume(name in before)
    fresh = planned(desired, {**before, name: {**before[name], key: "by hand"}})
    with pytest.raises(MovedError, match=f"blueprint/{name}"):
        check_rest(bound, BINDING, fresh)


@given(WORLDS, WORLDS, st.sampled_from(NAMES))
def test_what_came_meanwhile_and_what_went_is_told(live: World, desired: World, name: str) -> None:
    before = {each: body(each, said) for each, said in live.items()}
    bound = shown(planned(desired, before), BINDING)
    if name in before:
        now = {each: found for each, found in before.items() if each != name}
    else:
        now = {**before, name: body(name, {"title": "by hand", "properties": {"w"}})}
    fresh = planned(desired, now)
    if not bound_changes(fresh) or (name in before and name not in desired):
        check_rest(bound, BINDING, fresh)
        return
    with pytest.raises(MovedError, match=f"blueprint/{name}"):
        check_rest(bound, BINDING, fresh)


@pytest.mark.parametrize(
    "more",
    [
        {"renames": (Rename(("schema", "properties"), "x", "y"),)},
        {"migrations": (Migration(("schema", "properties"), "x", "y", ".properties.x"),)},
        {"move": Move(Ref("blueprint", "old"), Ref("blueprint", "one"), {}, ())},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_is_carried_over_is_no_rest_of_what_was_begun(more: dict[str, Any]) -> None:
    """It comes first; where the rest was done before it, somebody else did that."""
    desired = {"one": {"title": "B", "description": "D", "properties": set()}}
    bound = shown(planned(desired, {"one": body("one", {"title": "A", "properties": set()})}), BINDING)
    (change,) = planned(desired, {"one": body("one", {"title": "B", "properties": set()})}).pending
    check_rest(bound, BINDING, Plan((change,)))
    with pytest.raises(MovedError, match="blueprint/one"):
        check_rest(bound, BINDING, Plan((replace(change, **more),)))


def test_what_is_of_other_specs_is_no_rest() -> None:
    plan = planned({"one": {"title": "A", "properties": set()}}, {})
    bound = shown(plan, Binding("others", *list(vars(BINDING).values())[1:]))
    with pytest.raises(UntrustedPlanError, match="other specs"):
        check_rest(bound, BINDING, plan)
