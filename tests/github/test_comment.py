"""What a reviewer reads of a plan in a pull request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcfg.errors import Problem
from portcfg.model import Action, Body, Cause, Change, FieldChange, Move, Plan, Ref
from portcfg.render.budget import fitted, middle_cut, size, widest
from portcfg.render.comment import LIMIT, comment, drift_markdown, marker, plan_markdown
from portcfg.render.plans import plans_markdown
from portcfg.render.summary import LIMIT as SUMMARY_LIMIT
from portcfg.render.summary import summary
from portcfg.review import Review, labels
from tests.github.markdown import fences, folded, prose
from tests.support import cases
from tests.test_plan_shown import planned

LOST = {
    "risk": "destructive",
    "reason": "drops `cost` from 12 entities; read by 2 widgets",
    "entities": 12,
    "read_by": [],
}


def change(action: Action, identifier: str, *fields: FieldChange, kind: str = "blueprint", **more: object) -> Change:
    body = {"identifier": identifier, "title": "T", "schema": {"properties": {}}}
    before, after = None if action is Action.CREATE else body, None if action is Action.DELETE else body
    return replace(Change(action, Ref(kind, identifier), before, after, fields), **more)  # type: ignore[arg-type]


def field(name: str = "title", cause: Cause = Cause.SPEC, value: str = "new") -> FieldChange:
    return FieldChange((name,), "old", value, cause)


def plan(*changes: Change, **more: object) -> Plan:
    return replace(Plan(changes), **more)  # type: ignore[arg-type]


def size_of(text: str) -> int:
    """By every count that GitHub may make."""
    return max(len(text), len(text.encode()), len(text.encode("utf-16-le")) // 2)


def in_order(parts: Iterable[str], text: str) -> bool:
    found = [text.find(part) for part in parts]
    return min(found) >= 0 and found == sorted(found)


@pytest.mark.parametrize("case", cases("comment/shown"))
def test_a_comment_as_it_is_shown(case: Body) -> None:
    problems = tuple(Problem(**problem) for problem in case.get("problems", ()))
    made = {"environment": "", "plan": planned(case.get("live", {}), case.get("desired", {})), **case.get("review", {})}
    whole = comment(Review(**made, problems=problems, texts=case.get("texts", {})))
    text = whole.split("-->\n", 2)[2]
    assert [part for part in case["has"] if part not in text] == []
    assert in_order(case["has"], text), text
    assert [part for part in case.get("lacks", ()) if part in text] == []


MIXED = plan(
    change(Action.CREATE, "new"),
    change(Action.UPDATE, "drifted", field(cause=Cause.DRIFT), drifted="by Jo"),
    change(Action.UPDATE, "both", field(cause=Cause.CONFLICT), drifted="by Sam"),
    change(Action.UPDATE, "smaller", field("cost"), risk="destructive", impacts=(LOST,)),
    change(Action.UPDATE, "tighter", field(), risk="breaking"),
    change(Action.DELETE, "gone", risk="destructive"),
    change(Action.CREATE, "moved", move=Move(Ref("blueprint", "was"), Ref("blueprint", "moved"), {})),
    change(Action.DELETE, "was", move=Move(Ref("blueprint", "was"), Ref("blueprint", "moved"), {})),
    change(Action.NOOP, "same", notes=("looked at",)),
    environment="production",
    refusals=("blueprint/gone is destructive",),
    notes=("old is managed and no longer in the specs",),
)


def test_what_may_hurt_is_open_on_top_and_the_rest_is_folded() -> None:
    text = comment(Review("production", MIXED))
    assert in_order(
        ["**delete** `blueprint/gone`", "**update** `blueprint/smaller`", "**update** `blueprint/both`"], text
    )
    hidden = "".join(folded(text))
    assert not any(name in hidden for name in ("gone", "smaller", "both", "drops"))
    for name in ("create blueprint/new", "update blueprint/drifted", "update blueprint/tighter", "looked at", "old is"):
        assert name in hidden
    assert "\n- `rename blueprint/was -> blueprint/moved`\n" in text
    assert "delete blueprint/was" not in text


def test_the_headline_counts_by_action_risk_and_cause() -> None:
    text = prose(comment(Review("production", MIXED)))
    assert "1 to delete, 4 to update, 1 to create, 1 to rename" in text
    assert "Risk: 2 destructive, 1 breaking, 4 safe." in text
    assert "Cause: 5 from the specs, 1 by drift (set back), 1 in conflict (the specs win)" in text
    assert "1 unchanged." in text


def test_a_refused_plan_says_so_before_its_changes() -> None:
    text = comment(Review("production", MIXED))
    assert in_order(["> [!CAUTION]\n> `portcfg apply` refuses", "blueprint/gone is destructive", "**delete**"], text)


def test_impacts_and_who_changed_what_stand_with_the_change() -> None:
    text = comment(Review("production", MIXED))
    assert "```diff\n! destructive: drops `cost` from 12 entities; read by 2 widgets\n" in text
    assert '# changed in the specs and in Port (by Sam); the specs win:\n! title: "old" -> "new"' in text
    assert '# changed in Port by Jo, not in the specs; set back to the specs:\n! title: "old" -> "new"' in text


def test_notes_on_no_change_are_folded_below_its_line() -> None:
    text = comment(Review("", plan(change(Action.NOOP, "a"), notes=("read me",))))
    line, _, rest = text.split("-->\n", 2)[2].partition("\n\n")
    assert "nothing to do" in line
    assert rest == "<details><summary>1 note</summary>\n\n```text\nread me\n```\n\n</details>"


def test_nothing_but_a_known_risk_or_severity_stands_outside_of_code() -> None:
    for made in (replace(MIXED.changes[0], risk="@everyone"), replace(MIXED.changes[2], risk="@everyone")):
        with pytest.raises(ValueError, match="everyone"):
            comment(Review("", plan(made)))
    with pytest.raises(ValueError, match="not in tuple"):
        comment(Review("", None, (Problem("a.yaml", 1, 1, "PC101", "wrong", severity="@everyone"),)))


def test_drift_is_told_as_such() -> None:
    drift = plan(change(Action.UPDATE, "a", field(cause=Cause.DRIFT), drifted="by Jo"), environment="production")
    assert drift_markdown(drift).startswith("### portcfg drift for `production`: 1 resource changed in Port\n")
    assert drift_markdown(plan()) == "**portcfg drift**: no drift, Port holds what was applied."
    assert "no drift is known" in drift_markdown(plan(notes=("there is no ledger",)))


def test_labels() -> None:
    assert labels(Review("", MIXED)) == ("port/changes", "port/destroy", "port/conflict")
    assert labels(Review("", plan(change(Action.NOOP, "a")))) == ()
    assert labels(Review("", plan(change(Action.DELETE, "a", kind="dashboard")))) == ("port/changes", "port/destroy")
    error = Problem("a.yaml", 1, 1, "PC101", "wrong")
    assert labels(Review("", None, (error,))) == ("port/invalid",)
    assert labels(Review("", None, (replace(error, severity="warning"),))) == ()


@given(st.lists(st.text(max_size=300), min_size=2, max_size=2, unique=True))
def test_environments_have_markers_of_their_own(names: list[str]) -> None:
    one, other = map(marker, names)
    assert one != other
    assert one.isascii() and "\n" not in one
    assert one.index("-->") == len(one) - 3


def test_names_and_texts_of_backticks_leave_the_comment_its_size() -> None:
    ticks = "`" * 3_000
    changes = [change(Action.DELETE, f"{number:0>4}{ticks}") for number in range(90)]
    text = comment(Review("", plan(*changes, *updates(300, value="`" * 99), refusals=(ticks,), notes=(ticks,) * 99)))
    assert LIMIT * 0.9 < size_of(text) <= LIMIT
    assert all(f"{number:0>4}ˋ" in text for number in range(90))


def test_the_links_to_run_artifact_and_files_are_left_out_where_they_go_elsewhere() -> None:
    for link in ("javascript:alert(1)", "https://x.example/)[x](", "https://github.com/o/r", ""):
        text = comment(Review("", MIXED, run_link=link, artifact="plan", head="ab" * 20))
        assert "](" not in text
        assert "artifact `plan`" in text


@pytest.mark.parametrize("number", [0, 31, 70])
def test_a_diagram_that_is_too_large_to_read_is_left_out(number: int) -> None:
    live = {f"blueprint/b{each}": {"title": "B", "schema": {"properties": {}}} for each in range(number)}
    relations = {f"to_{each}": {"target": f"b{each}"} for each in range(number)}
    new = {**live, "blueprint/a": {"title": "A", "schema": {"properties": {}}, "relations": relations}}
    assert fences(plan_markdown(planned(live, new)), "mermaid") == []


def test_a_diagram_leaves_out_the_neighbours_first() -> None:
    live = {f"blueprint/b{each}": {"title": "B", "schema": {"properties": {}}} for each in range(40)}
    relations = {f"to_{each}": {"target": f"b{each}"} for each in range(40)} | {"up": {"target": "c"}}
    new = {
        **live,
        "blueprint/a": {"title": "A", "schema": {"properties": {}}, "relations": relations},
        "blueprint/c": {"title": "C", "schema": {"properties": {}}},
    }
    (drawn,) = fences(plan_markdown(planned(live, new)), "mermaid")
    assert '"up"' in drawn
    assert "to_" not in drawn


def named(text: str) -> list[str]:
    """The names in the lists of those that have no room for more."""
    lists = " ".join(part for part in fences(text, "text") if "): " in part).replace("\n", " ")
    return [name.split("): ")[-1].split(" delete blueprint (")[0] for name in lists.split(", ")]


@pytest.mark.parametrize("length", [1, 12, 40, 1_000])
def test_five_thousand_deletes_are_all_named(length: int) -> None:
    names = [f"{number:0>4}{'x' * length}{number:0>4}" for number in range(5_000)]
    deletes = plan(*(change(Action.DELETE, name) for name in names), refusals=("x" * 9_999,) * 99)
    run = "https://github.com/acme/portal/actions/runs/1"
    text = comment(Review("é" * 999, deletes, (), {}, "ab" * 32, "cd" * 20, "base", "", run, "x" * 999, unchecked=True))
    assert size_of(text) <= LIMIT
    assert "5,000 to delete" in text
    opened = [
        line.removeprefix("**delete** `blueprint/") for line in text.splitlines() if line.startswith("**delete**")
    ]
    shown = [name for name in [*opened, *named(text)] if name[0].isdigit()]
    assert len(shown) == 5_000
    assert {name[:3] for name in shown} == {name[:3] for name in names}


@pytest.mark.parametrize("number", [300, 3_000, 6_000])
def test_the_reason_of_a_refusal_comes_before_all_details(number: int) -> None:
    deletes = [change(Action.DELETE, f"gone_{each:0>4}{'x' * (each % 20)}") for each in range(number)]
    reason = f"too many deletes: {'word ' * 100}"
    text = comment(Review("", plan(*deletes, refusals=(reason, "another reason")), head="cd" * 20))
    assert size_of(text) <= LIMIT
    assert in_order(["refuses this plan", "too many deletes: word word", "another reason", "#### Deletes"], text)
    assert "more reason" not in text


def test_deletes_and_conflicts_come_before_any_number_of_other_changes() -> None:
    others = [change(Action.CREATE, f"new_{'x' * 20}_{number}", field()) for number in range(4_980)]
    deletes = [change(Action.DELETE, f"gone_{number}") for number in range(10)]
    conflicts = [change(Action.UPDATE, f"both_{number}", field(cause=Cause.CONFLICT)) for number in range(10)]
    text = comment(Review("production", plan(*others, *conflicts, *deletes)))
    assert size_of(text) <= LIMIT
    for number in range(10):
        assert f"**delete** `blueprint/gone_{number}`" in text
        assert f"**update** `blueprint/both_{number}` · conflict" in text
    assert "more changes (" in text
    assert "the summary of the run has them" in text


def updates(number: int, fields: int = 9, value: str = "new") -> list[Change]:
    made = [field(f"f{each}", value=value) for each in range(fields)]
    return [change(Action.UPDATE, f"b{each}", *made) for each in range(number)]


def test_what_there_is_room_for_is_told() -> None:
    text = comment(Review("", plan(*updates(1_000))))
    assert LIMIT * 0.9 < size_of(text) <= LIMIT
    assert text.count("<details><summary><code>update") > 50
    assert all(f"b{number}" in text for number in range(1_000))


def test_a_change_that_is_too_large_shows_its_beginning() -> None:
    (large,) = updates(1, 1_000, "x" * 150)
    text = comment(Review("", plan(replace(large, risk="destructive", impacts=(LOST,)))))
    assert size_of(text) <= LIMIT
    assert in_order(
        ["**update** `blueprint/b0` · destructive", "! destructive: ", "f0: ", "# and 989 more lines"], text
    )
    assert "f999" in summary(Review("", plan(large)))


def test_refusals_notes_and_findings_leave_room_for_deletes() -> None:
    texts = tuple(f"{number}: {'word ' * 300}" for number in range(2_000))
    problems = tuple(Problem(f"f{number}.yaml", 1, 1, "PC101", "x " * 500, "y " * 500) for number in range(2_000))
    deletes = [change(Action.DELETE, f"gone_{number:0>4}") for number in range(2_000)]
    text = comment(Review("", plan(*deletes, refusals=texts, notes=texts), problems))
    assert size_of(text) <= LIMIT
    assert all(f"gone_{number:0>4}" in text for number in range(2_000))
    assert "more reasons" in text
    assert "more findings: `portcfg validate` prints them" in text


def test_a_summary_holds_what_a_comment_has_no_room_for() -> None:
    text = summary(Review("", plan(*updates(1_000)), artifact="portcfg-plan"))
    assert LIMIT < size_of(text) <= SUMMARY_LIMIT
    assert text.count("<details><summary><code>update") == 1_000
    text = summary(Review("", plan(*updates(400, 40, "é" * 99)), artifact="portcfg-plan"))
    assert size_of(text) <= SUMMARY_LIMIT
    assert all(f"b{number}" in text for number in range(400))
    assert "# and 28 more lines" in text
    assert "more changes by name; the artifact has the details" in text


def test_the_plans_of_several_environments_share_one_comment() -> None:
    small = replace(MIXED, environment="staging")
    large = plan(
        *(change(Action.DELETE, f"gone_{number}") for number in range(300)),
        *updates(300),
        environment="production",
    )
    text = plans_markdown([small, large])
    assert size_of(text) <= 65_536
    assert in_order(
        ["### portcfg plan for `staging`", "**delete** `blueprint/gone`", "### portcfg plan for `production`"], text
    )
    assert all(f"gone_{number}" in text for number in range(300))
    assert size_of(plans_markdown([replace(large, environment=f"e{number}") for number in range(9)])) <= 65_536


LETTERS = st.sampled_from(["a", "é", "名", "😀", "`", "\u202e", "\n", "|", " "])
IDENTIFIERS = st.builds(
    lambda text, times: text * times, st.text(LETTERS, min_size=1, max_size=10), st.integers(1, 100)
)
CHANGES = st.builds(
    lambda action, name, cause, risk, number: change(
        action, name, *[field(f"f{each}", cause, name) for each in range(number)], risk=risk, drifted=name
    ),
    st.sampled_from([Action.CREATE, Action.UPDATE, Action.DELETE]),
    IDENTIFIERS,
    st.sampled_from(Cause),
    st.sampled_from(["safe", "breaking", "destructive"]),
    st.sampled_from([0, 1, 3, 20]),
)


@given(st.lists(CHANGES, max_size=5), st.sampled_from([1, 5, 60]), st.lists(IDENTIFIERS, max_size=3), IDENTIFIERS)
def test_whatever_the_names_a_comment_fits_and_names_all_that_may_hurt(
    some: list[Change], times: int, notes: list[str], environment: str
) -> None:
    changes = [replace(each, ref=Ref("blueprint", f"{each.ref.identifier}{n}")) for n in range(times) for each in some]
    problems = tuple(Problem(note, 1, 1, "PC101", note, note) for note in notes * times)
    made = plan(*changes, notes=tuple(notes * times), refusals=tuple(notes * times), environment=environment)
    text = comment(Review(environment, made, problems, digest="ab" * 32, head="cd" * 20, artifact=environment))
    assert size_of(text) <= LIMIT
    hurting = [each for each in changes if labels(Review("", plan(each)))[1:]]
    open_blocks = sum(text.count(f"\n**{verb}** `blueprint/") for verb in ("create", "update", "delete"))
    listed = sum(int(count.replace(",", "")) for count in counts_of(text))
    assert open_blocks + listed == len(hurting)


def counts_of(text: str) -> list[str]:
    """The numbers of what is only named, and of what isn't even that, in the section of what may hurt."""
    section = text.partition("#### Deletes")[2].partition("\n#### ")[0].partition("<details")[0]
    return [line.partition(" more change")[0].lstrip("_") for line in section.splitlines() if " more change" in line]


@given(st.lists(st.text(), max_size=9), st.integers(0, 50))
def test_names_are_cut_to_one_width_only_where_they_must_be(names: list[str], room: int) -> None:
    width = widest(map(size, names), room)
    assert sum(min(size(name), width) for name in names) <= room or not width
    if sum(map(size, names)) <= room:
        assert all(size(name) <= width for name in names)
    elif names:
        assert sum(min(size(name), width + 1) for name in names) > room


@given(st.text(), st.integers(2, 30))
def test_a_name_that_is_cut_keeps_its_beginning_and_its_end(text: str, width: int) -> None:
    cut = middle_cut(text, width)
    assert len(cut.encode()) <= width
    if cut != text:
        head, _, tail = cut.partition("..")
        assert text.startswith(head)
        assert text.endswith(tail) or ".." in head + tail


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=4), max_size=9), st.integers(0, 200))
def test_forms_are_chosen_within_the_room(items: list[list[str]], room: int) -> None:
    chosen = fitted(items, room)
    least = sum(size(forms[0]) for forms in items)
    assert sum(size(forms[level]) for forms, level in zip(items, chosen, strict=True)) <= max(room, least)
