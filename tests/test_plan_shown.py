"""What a reviewer sees of a plan: text, markdown, JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcfg.diff import field_changes
from portcfg.kinds import KINDS
from portcfg.model import Body, Plan, Ref, Resource
from portcfg.plan import make_plan
from portcfg.render.comment import plan_markdown
from portcfg.render.fields import fields_lines
from portcfg.render.plan import plan_json, plan_text
from portcfg.render.plans import plans_text
from tests.support import cases

FORMATS = {"text": plan_text, "markdown": plan_markdown, "json": plan_json}


def state(bodies: dict[str, Body]) -> dict[Ref, Resource]:
    found = {}
    for name, body in bodies.items():
        kind, _, identifier = name.partition("/")
        ref = Ref(kind, identifier)
        found[ref] = Resource(ref, {KINDS[kind].id_field: identifier, **body})
    return found


def planned(live: dict[str, Body], desired: dict[str, Body]) -> Plan:
    return make_plan(state(desired), state(live), state(live), prune=True)


@pytest.mark.parametrize("case", cases("shown"))
def test_a_plan_as_it_is_shown(case: Body) -> None:
    plan = planned(case.get("live", {}), case.get("desired", {}))
    for name, text in case["shows"].items():
        assert text.rstrip() in FORMATS[name](plan)
    for name, text in case.get("hides", {}).items():
        assert text not in FORMATS[name](plan)


def blueprint(*targets: str, **more: Any) -> Body:
    relations = {f"to_{target}": {"target": target} for target in targets}
    return {"title": "T", "schema": {"properties": {}}, "relations": relations, **more}


def test_a_cycle_is_one_change_that_counts_each_of_its_resources() -> None:
    new = {"blueprint/a": blueprint("c"), "blueprint/b": blueprint(), "blueprint/c": blueprint("a")}
    plan = planned({}, new)
    heading = "cycle of 2, written together: bare first, then relations, then the rest"
    lines = plan_text(plan).splitlines()
    assert lines.index("  + create blueprint/c") > lines.index("  + create blueprint/a") > lines.index(heading)
    assert "+ create blueprint/b" in lines
    assert lines[-1].startswith("Plan: 3 to create")
    assert json.loads(plan_json(plan))["cycles"] == [["blueprint/a", "blueprint/c"]]
    assert f"{heading}: blueprint/a, blueprint/c" in plan_markdown(plan)


def test_a_cycle_that_goes_lets_go_of_each_other_and_one_that_is_there_is_none() -> None:
    live = {"blueprint/a": blueprint("b"), "blueprint/b": blueprint("a")}
    assert "cycle of 2, deleted together: they let go of each other first" in plan_text(planned(live, {}))
    renamed = {name: {**body, "title": "New"} for name, body in live.items()}
    assert "cycle" not in plan_text(planned(live, renamed))


def test_a_thousand_changes_fit_into_a_comment_and_are_whole_in_json() -> None:
    live = {f"blueprint/b{number}": blueprint(title="Old", description="x" * 150) for number in range(1000)}
    plan = planned(live, {name: {**body, "title": "New"} for name, body in live.items()})
    markdown = plan_markdown(plan)
    assert len(markdown) < 65_536
    assert all(name.removeprefix("blueprint/") in markdown for name in live)
    text = plan_text(plan)
    assert all(name in text for name in live)
    assert len(json.loads(plan_json(plan))["changes"]) == 1000


def test_a_thousand_notes_leave_room_for_the_changes() -> None:
    plan = planned({}, {"blueprint/a": blueprint()})
    notes = tuple(f"{number}: {'x' * 500}" for number in range(1000))
    markdown = plan_markdown(replace(plan, notes=notes, refusals=notes))
    assert len(markdown) < 65_536
    assert re.search(r"\nand \d+ more reasons\n", markdown)
    assert re.search(r"\nand [\d,]+ more notes\n", markdown)
    assert "create blueprint/a" in markdown


def test_the_name_of_who_deleted_something_acts_on_no_terminal() -> None:
    plan = planned({}, {"blueprint/a": blueprint()})
    text = plan_text(replace(plan, changes=(replace(plan.changes[0], drifted="deleted in Port by \x1b[31mme"),)))
    assert "(deleted in Port by \\u001b[31mme)" in text


def test_a_long_value_is_cut_in_text_and_whole_in_json() -> None:
    live, new = "x" * 5_000 + "old", "x" * 5_000 + "new"
    plan = planned({"blueprint/b": blueprint(description=live)}, {"blueprint/b": blueprint(description=new)})
    line = next(line for line in plan_text(plan).splitlines() if "description" in line)
    assert len(line) < 600
    assert 'old"' in line
    assert 'new"' in line
    assert json.loads(plan_json(plan))["changes"][0]["fields"][0]["after"] == new


@pytest.mark.parametrize("text", ["a\x1b[31mb", "‮evil", "```\n# x", "<img src=x>", "@everyone #1", "|x|", "a\nb"])
def test_nothing_in_a_value_acts_on_a_terminal_or_a_comment(text: str) -> None:
    shown = {"blueprint/b": blueprint(title=f"{text}1", description=f"{text}\n{text}2")}
    plan = planned({"blueprint/b": blueprint(title=text, description=f"{text}\n{text}")}, shown)
    assert not {"\x1b", "‮"} & set(plan_text(plan))
    markdown = plan_markdown(plan)
    fence = next(line for line in markdown.splitlines() if line.endswith("diff"))[:-4]
    block = markdown.split(f"{fence}diff\n")[1].split(f"\n{fence}\n")[0]
    assert "description" in block
    assert all(part not in markdown.replace(block, "") for part in ("<img", "@everyone"))


def test_two_plans_side_by_side_say_what_a_blank_would() -> None:
    live = {"blueprint/a": blueprint()}
    text = plans_text([planned(live, live), planned({}, live)])
    row = next(line for line in text.splitlines() if line.startswith("blueprint/a"))
    assert row.split() == ["blueprint/a", "unchanged", "create"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["a\nb", "a\nb\n", "é", "e\u0301"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
BODIES = st.dictionaries(st.sampled_from(["a", "b", "c.d", "\x1b", "changelogDestination"]), VALUES, max_size=4)


@given(BODIES, BODIES)
def test_every_difference_is_shown_on_lines_that_act_on_nothing(before: Body, after: Body) -> None:
    changes = field_changes(before, after)
    lines = list(fields_lines(changes))
    assert bool(lines) is bool(changes)
    assert all(line.isprintable() or not {"\x1b", "\n", "\r", "\x00"} & set(line) for line in lines)


def test_what_may_be_secret_is_no_more_shown_of_a_create_than_of_an_update() -> None:
    hook = {"changelogDestination": {"type": "WEBHOOK", "url": "https://hooks.example/s3cr3t"}}
    body = {"title": "A", "schema": {"properties": {}}}
    created = make_plan(state({"blueprint/a": {**body, **hook}}), {})
    updated = make_plan(state({"blueprint/a": {**body, **hook}}), state({"blueprint/a": body}))
    for plan in (created, updated):
        assert plan.pending and "concealed: sha256" in plan_json(plan)
        assert not any("s3cr3t" in shown(plan) for shown in FORMATS.values())
