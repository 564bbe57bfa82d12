"""Whatever is called what: names and values from specs, Port and GitHub act on nothing in a comment."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from portcfg.errors import Problem
from portcfg.model import Action, Cause, Change, FieldChange, Move, Plan, Ref
from portcfg.render.comment import comment, drift_markdown, plan_markdown
from portcfg.render.plans import plans_markdown
from portcfg.render.summary import summary
from portcfg.review import Review
from tests.github.markdown import addresses, fences, prose, structure
from tests.support import REPOSITORY

HEAD = "ab12" * 10
RUN = "https://github.com/acme/portal/actions/runs/12345"
HOSTILE: list[str] = yaml.safe_load((REPOSITORY / "tests/cases/comment/hostile.yaml").read_text(encoding="utf-8"))
HALF = "\ud800"
NAMES = st.lists(st.one_of(st.sampled_from([*HOSTILE, HALF]), st.text(max_size=8)), min_size=1, max_size=4).map("".join)
Name = Callable[[str], str]


def tame(what: str) -> str:
    return what


def change(action: Action, name: Name, what: str, kind: str = "blueprint", **more: object) -> Change:
    relations = {name("relation"): {"target": name("target")}}
    body = {
        "identifier": name(what),
        "title": name("title"),
        "relations": relations,
        "schema": {"properties": {name("p"): {}}},
    }
    before = None if action is Action.CREATE else body
    after = None if action is Action.DELETE else body
    made = Change(action, Ref(kind, name(what)), before, after, file=f"specs/{name('file')}", notes=(name("note"),))
    return replace(made, **more)  # type: ignore[arg-type]


def plan(name: Name) -> Plan:
    harm = {"risk": "destructive", "reason": f"drops `{name('part')}` from 12 entities", "entities": 12, "read_by": []}
    path = ("properties", name("key"))
    conflict = FieldChange(path, name("was"), name("is"), Cause.CONFLICT, applied=name("applied"))
    drift = FieldChange((*path, 0), {name("k"): name("v")}, [name("i")], Cause.DRIFT)
    long = FieldChange(path, f"a\n{name('line')}", f"b\n{name('line')}\nc")
    renamed = FieldChange(path, {}, {}, renamed_from=name("old part"))
    move = Move(Ref("blueprint", name("before")), Ref("blueprint", name("moved")), {"identifier": name("before")})
    changes = (
        change(Action.DELETE, name, "gone", risk="destructive", impacts=(harm,)),
        change(Action.UPDATE, name, "smaller", risk="destructive", impacts=(harm,), fields=(long, renamed)),
        change(Action.UPDATE, name, "both", fields=(conflict, long), drifted=f"by {name('who')}"),
        change(Action.UPDATE, name, "page", "dashboard", fields=(drift,), drifted=f"by {name('who')}"),
        change(Action.CREATE, name, "moved", move=move, risk="breaking"),
        change(Action.CREATE, name, "new", drifted=f"deleted in Port by {name('who')}"),
        change(Action.NOOP, name, "kept"),
    )
    return Plan(changes, (name("plan's note"),), name("environment"), refusals=(name("refusal"),))


def review(name: Name, made: Plan | None) -> Review:
    file = f"specs/{name('spec')}.yaml"
    error = Problem(file, 2, 3, "PC101", name("message"), name("hint"), environments=(name("environment"),))
    problems = (error, replace(error, severity="warning", file=name("spec"), line=0))
    texts = {file: f"one: 1\n  {name('line')}: 2"}
    artifact, failure = name("artifact"), "" if made else name("failure")
    return Review(name("environment"), made, problems, texts, "cd" * 32, HEAD, "live", failure, RUN, artifact)


WAYS: dict[str, Callable[[Name], str]] = {
    "comment": lambda name: comment(review(name, plan(name))),
    "comment without a plan": lambda name: comment(review(name, None)),
    "comment on no change": lambda name: comment(review(name, replace(plan(name), changes=(), refusals=()))),
    "summary": lambda name: summary(review(name, plan(name))),
    "plan": lambda name: plan_markdown(plan(name)),
    "drift": lambda name: drift_markdown(plan(name)),
    "plans": lambda name: plans_markdown([plan(name), replace(plan(name), environment=f"{name('other')}2")]),
}


def numbered(names: list[str]) -> Name:
    """A hostile name for each thing that has one; no two are the same."""
    given: dict[str, str] = {}
    return lambda what: given.setdefault(what, f"{names[len(given) % len(names)]}{len(given)}")


@cache
def tamely(way: str) -> str:
    return WAYS[way](tame)


def same(hostile: str, expected: str) -> None:
    """A table is sorted by name: the order of its words says nothing."""
    assert structure(hostile) == structure(expected)
    assert sorted(prose(hostile).split()) == sorted(prose(expected).split())


@pytest.mark.parametrize("way", WAYS)
@given(names=st.lists(NAMES, min_size=1, max_size=12))
def test_hostile_names_leave_the_structure_and_the_prose_as_they_are(way: str, names: list[str]) -> None:
    same(WAYS[way](numbered(names)), tamely(way))


@pytest.mark.parametrize("text", [*HOSTILE, HALF], ids=ascii)
def test_each_hostile_name_leaves_them_as_they_are(text: str) -> None:
    for names in ([text], [f"a {text}"], [f"{text} b"]):
        same(WAYS["comment"](numbered(names)), tamely("comment"))


@given(names=st.lists(NAMES, min_size=1, max_size=12))
def test_links_go_to_the_run_and_to_the_files_of_the_commit(names: list[str]) -> None:
    base = re.escape(f"https://github.com/acme/portal/blob/{HEAD}/")
    allowed = re.compile(rf"{re.escape(RUN)}(#artifacts)?|{base}[A-Za-z0-9._~/%-]+(#L\d+)?")
    assert [link for link in addresses(WAYS["comment"](numbered(names))) if not allowed.fullmatch(link)] == []


@given(names=st.lists(NAMES, min_size=1, max_size=12))
def test_nothing_hides_or_turns_around_what_is_read(names: list[str]) -> None:
    text = WAYS["comment"](numbered(names))
    assert not set(text) & set("\u202e\u2066\u200b\ufeff\x00\x1b\x85\u2028\r\u3164\u034f\U000e0041")
    text.encode()


@given(names=st.lists(NAMES, min_size=1, max_size=12))
def test_a_diagram_is_made_of_its_own_words_only(names: list[str]) -> None:
    label = r'"(?:[^\W]| |#\d+;)+"'
    line = re.compile(
        rf"flowchart LR|  b\d+\[{label}\]|  b\d+ (?:-->|==>|-\.->)\|{label}\| b\d+"
        r"|  classDef [a-z]+ [a-z0-9#:,]+|  class b\d+(?:,b\d+)* [a-z]+"
    )
    (drawn,) = fences(WAYS["comment"](numbered(names)), "mermaid")
    assert [each for each in drawn.splitlines() if not line.fullmatch(each)] == []
