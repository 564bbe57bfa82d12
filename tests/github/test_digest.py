"""The digest of a plan's changes: the same as long as the same would be written, and another as soon as it wouldn't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from portcfg.model import Cause, Change, Migration, Plan, Ref, Rename, Resource
from portcfg.plan import make_plan
from portcfg.planfile import Binding, changes_digest

BINDING = Binding("specs", "https://api.port.io/v1", "production", False, True)
LIVE: dict[str, Any] = {"identifier": "b", "title": "Old", "schema": {"properties": {}}}
HOOK: dict[str, Any] = {"identifier": "b", "title": "New", "changelogDestination": {"url": "https://hooks.example/1"}}


def state(body: dict[str, Any] | None) -> dict[Ref, Resource]:
    ref = Ref("blueprint", "b")
    return {ref: Resource(ref, body, "b.yaml")} if body else {}


def plan(desired: dict[str, Any] | None, live: dict[str, Any] | None, **options: Any) -> Plan:
    return make_plan(state(desired), state(live), {Ref("blueprint", "b")}, **options)


def digest(made: Plan, binding: Binding = BINDING, key: str = "") -> str:
    return changes_digest(made, binding, key)


UPDATE = plan({**LIVE, "title": "New"}, LIVE)


def retold(**more: Any) -> Plan:
    """The update, otherwise told."""
    return replace(UPDATE, changes=tuple(replace(change, **more) for change in UPDATE.changes))


def recaused(cause: Cause) -> Plan:
    (change,) = UPDATE.changes
    return retold(fields=tuple(replace(field, cause=cause) for field in change.fields))


@pytest.mark.parametrize(
    "other",
    [
        retold(file="elsewhere.yaml"),
        retold(notes=("by the way",)),
        retold(impacts=({"risk": "breaking", "reason": "r", "entities": 9, "read_by": []},)),
        retold(before={**LIVE, "updatedAt": "later"}),
        recaused(Cause.CONFLICT),
        replace(UPDATE, notes=("a warning",)),
        replace(UPDATE, changes=(*UPDATE.changes, *plan(LIVE, LIVE).changes)),
    ],
    ids=["file", "notes", "impacts", "live elsewhere", "cause", "plan's notes", "nothing to do beside it"],
)
def test_what_is_only_told_otherwise_is_the_same(other: Plan) -> None:
    assert digest(other) == digest(UPDATE)


def adopting(change: Change) -> Change:
    return replace(change, adopted=True)


@pytest.mark.parametrize(
    "other",
    [
        plan({**LIVE, "title": "Newer"}, LIVE),
        plan({**LIVE, "title": "New"}, {**LIVE, "title": "Older"}),
        plan({**LIVE, "title": "New", "icon": "Box"}, LIVE),
        plan({**LIVE, "title": "New"}, None),
        plan(None, LIVE, prune=True),
        replace(UPDATE, changes=tuple(map(adopting, UPDATE.changes))),
        retold(renames=(Rename(("schema", "properties"), "a", "b"),)),
        retold(migrations=(Migration(("schema", "properties"), "a", "b", ".a"),)),
        Plan(()),
    ],
    ids=["after", "before", "a field more", "create", "delete", "adopted", "renamed", "migrated", "nothing"],
)
def test_what_would_be_written_makes_it(other: Plan) -> None:
    assert digest(other) != digest(UPDATE)


@pytest.mark.parametrize(
    "more",
    [{"section": ("relations",)}, {"source": "x"}, {"name": "x"}, {"jq": ".a + 1"}, {"converts": True}],
    ids=lambda more: next(iter(more)),
)
def test_how_values_would_be_carried_over_makes_it(more: dict[str, Any]) -> None:
    migration = Migration(("schema", "properties"), "a", "b", ".a")
    assert digest(retold(migrations=(migration,))) != digest(retold(migrations=(replace(migration, **more),)))


def test_what_would_be_lost_makes_it() -> None:
    assert digest(plan(None, LIVE, prune=True)) != digest(plan(None, {**LIVE, "title": "Other"}, prune=True))


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ({"specs": "others"}, True),
        ({"allowed": ()}, True),
        ({"base_url": "https://api.us.port.io/v1"}, False),
        ({"environment": "staging"}, False),
        ({"prune": True}, False),
        ({"allowed": ("blueprint/b",)}, False),
        ({"remove_all": True}, False),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_where_and_how_make_it_but_not_the_specs(more: dict[str, Any], same: bool) -> None:
    assert (digest(UPDATE, replace(BINDING, **more)) == digest(UPDATE)) is same


def test_the_order_of_names_does_not_make_it() -> None:
    names = ("blueprint/a", "blueprint/b")
    one, other = (replace(BINDING, allowed=allowed) for allowed in (names, names[::-1]))
    assert digest(UPDATE, one) == digest(UPDATE, other)


def test_a_key_makes_it_one_that_nobody_else_can_make() -> None:
    made = {digest(UPDATE), digest(UPDATE, key="one"), digest(UPDATE, key="two")}
    assert len(made) == 3
    assert {len(each) for each in made} == {64}


@pytest.mark.parametrize(
    "act",
    [lambda body: plan(body, None), lambda body: plan(None, body, prune=True), lambda body: plan(body, LIVE)],
    ids=["create", "delete", "update"],
)
def test_a_changed_secret_makes_another_one(act: Callable[[dict[str, Any]], Plan]) -> None:
    other = {**HOOK, "changelogDestination": {"url": "https://hooks.example/2"}}
    assert digest(act(HOOK)) != digest(act(other))
