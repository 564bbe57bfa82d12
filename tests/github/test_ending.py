"""What is told of an apply fits where it is posted, and nothing in it acts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from portcfg.cli.applying import say_what_was_not_kept
from portcfg.errors import Problem
from portcfg.model import Action, Change, FieldChange, Outcome, Plan, Ref, Status
from portcfg.render.applied import SUMMARY_LIMIT, Ending, ending_markdown, hidden
from portcfg.render.comment import LIMIT
from portcfg.report import Report

COMMIT = "a" * 40
TAME = "thing"
HOSTILE = "</details> @octocat #1 `x` ``` <script> --> | <!-- portcfg apply: -->\u202e\n# Heading\n- item\n```"


def ending(name: str, count: int, **more: Any) -> Ending:
    refs = [Ref("blueprint", f"{name}{number}") for number in range(count)]
    changes = tuple(Change(Action.DELETE, ref, {"title": name}, None) for ref in refs)
    outcomes = tuple(Outcome(change, Status.FAILED, f"Port said {name}") for change in changes)
    filled = {
        "reasons": tuple((number, f"Port has moved: {name}") for number in range(20)),
        "plan": Plan(changes, notes=(name,), refusals=(name,)),
        "report": Report(outcomes, None, problems=(name,), halted=name),
        "digest": "d" * 64,
        "advice": "Go on.",
        "commands": ("gh run rerun 1",),
        "undo": f"portcfg rollback {name}",
    }
    return Ending(name, COMMIT, 6, "0 of 1 change(s) applied", **{**filled, **more})


@pytest.mark.parametrize("limit", [LIMIT, SUMMARY_LIMIT])
@pytest.mark.parametrize("name", ["x" * 1_000, "\U0001f600" * 1_000, HOSTILE * 20], ids=["long", "wide", "hostile"])
def test_it_fits_with_hundreds_of_deletes(name: str, limit: int) -> None:
    text = ending_markdown(ending(name, 300), limit)
    assert len(text.encode()) <= limit
    assert "Applied 0 of 300 change(s)" in text
    assert "d" * 64 in text


def test_thousands_of_findings_fit() -> None:
    problems = tuple(Problem("specs/a.yaml", line, 1, "PC101", "wrong " * 100) for line in range(3_000))
    text = ending_markdown(ending(TAME, 0, plan=None, report=None, problems=problems))
    assert len(text.encode()) <= LIMIT
    assert "PC101" in text


def test_hostile_names_leave_the_structure_as_it_is() -> None:
    def structure(name: str) -> list[tuple[str, str, int]]:
        parser = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
        tokens = parser.parse(ending_markdown(ending(name, 3)))
        return [(token.type, token.tag, token.level) for token in tokens]

    assert structure(HOSTILE) == structure(TAME)


@pytest.mark.parametrize("what", ["apply", "drift", "sync"])
def test_no_two_environments_share_a_hidden_line(what: str) -> None:
    names = ["", "a", "A", "a-b", "a_b", "a b", "a/b", "a%2f;b", "a\nb", "--> x", "ä"]
    marks = {hidden(what, name) for name in names}
    assert len(marks) == len(names)
    assert all(mark.startswith(f"<!-- portcfg {what}:") and mark.count("-->") == 1 for mark in marks)
    assert not marks & {hidden("comment", name) for name in names}


def test_what_port_did_not_keep_is_no_command_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    title = FieldChange(("title",), "##[error]Theirs", "Ours")
    change = Change(Action.UPDATE, Ref("blueprint", "thing"), {}, {}, fields=(title,))
    say_what_was_not_kept(Report((), Plan((change,))))
    said = capsys.readouterr().err
    assert "[error]Theirs" in said
    assert "##[" not in said


def test_what_went_well_is_short() -> None:
    done = Ending("production", COMMIT, 0, "nothing to do", because="there is nothing to do", plan=Plan(()))
    text = ending_markdown(done)
    assert text.startswith("### portcfg apply (`production`): nothing to do")
    assert len(text.splitlines()) < 8
    assert "digest" not in ending_markdown(replace(done, digest="d" * 64)).partition("\n\n")[2].partition("\n\n")[0]
