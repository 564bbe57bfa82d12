"""The issue that portcfg keeps of a matter: opened once, edited when it says something else, closed when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from portcfg.errors import ApiError
from portcfg.github.api import GitHub
from portcfg.github.issues import LABEL, Matter, close_issue, keep_issue
from portcfg.settings import Settings
from tests.github.stand_in import StandIn

RUN = "Run: https://github.example/acme/portal/actions/runs"
MATTER = Matter("<!-- portcfg drift:production -->", "Port differs", f"One field.\n\n{RUN}/1")


@pytest.fixture
def api(github: StandIn) -> Iterator[GitHub]:
    with closing(GitHub(Settings(environ=github.environ()).github)) as opened:
        yield opened


def opened(github: StandIn) -> list[int]:
    return [number for number, issue in github.issues.items() if issue["state"] == "open"]


def test_an_issue_is_opened_kept_and_closed(github: StandIn, api: GitHub) -> None:
    address = keep_issue(api, MATTER)
    assert [(issue["title"], issue["body"]) for issue in github.issues.values()] == [("Port differs", MATTER.text)]
    assert address == next(iter(github.issues.values()))["html_url"]
    (number,) = opened(github)
    assert github.labels_of(number) == [LABEL]

    github.log.clear()
    assert keep_issue(api, replace(MATTER, body=f"One field.\n\n{RUN}/2")) == address
    assert github.writes == []

    keep_issue(api, replace(MATTER, body=f"Two fields.\n\n{RUN}/3"))
    assert github.issues[number]["body"].endswith(f"Two fields.\n\n{RUN}/3")

    assert close_issue(api, MATTER.marker, "All is well.")
    assert github.issues[number]["state_reason"] == "completed"
    assert github.texts(number) == ["All is well."]
    github.log.clear()
    assert not close_issue(api, MATTER.marker, "All is well.")
    assert github.writes == []


def test_an_issue_is_found_again_though_its_label_was_dropped(github: StandIn, api: GitHub) -> None:
    github.drops_labels = True
    keep_issue(api, MATTER)
    keep_issue(api, replace(MATTER, body="Two fields."))
    (number,) = opened(github)
    assert github.labels_of(number) == [LABEL]
    assert github.issues[number]["body"].endswith("Two fields.")


def test_what_comes_back_gets_an_issue_of_its_own(github: StandIn, api: GitHub) -> None:
    keep_issue(api, MATTER)
    close_issue(api, MATTER.marker, "All is well.")
    keep_issue(api, MATTER)
    assert [issue["state"] for issue in github.issues.values()] == ["closed", "open"]


def test_matters_don_t_meet(github: StandIn, api: GitHub) -> None:
    keep_issue(api, MATTER)
    keep_issue(api, replace(MATTER, marker="<!-- portcfg drift:production2 -->"))
    assert len(opened(github)) == 2
    close_issue(api, MATTER.marker, "All is well.")
    assert [github.issues[number]["body"].splitlines()[0] for number in opened(github)] == [
        "<!-- portcfg drift:production2 -->"
    ]


def test_of_two_the_older_stays(github: StandIn, api: GitHub) -> None:
    keep_issue(api, MATTER)
    (first,) = opened(github)
    # Another run that looked at the same time.
    keep_issue(api, replace(MATTER, marker="<!-- another -->"))
    (second,) = set(opened(github)) - {first}
    github.issues[second]["body"] = MATTER.text
    keep_issue(api, replace(MATTER, body="Two fields."))
    assert opened(github) == [first]
    assert github.issues[first]["body"].endswith("Two fields.")
    assert github.issues[second]["state_reason"] == "not_planned"
    assert github.texts(second) == [f"The same as #{first}, which stays."]


def test_other_people_s_issues_are_left_alone(github: StandIn, api: GitHub) -> None:
    with closing(GitHub(Settings(environ=github.environ(github.token("eve", issues="write"))).github)) as theirs:
        keep_issue(theirs, replace(MATTER, body="A copied marker."))
    (copied,) = opened(github)
    keep_issue(api, MATTER)
    assert len(opened(github)) == 2
    close_issue(api, MATTER.marker, "All is well.")
    assert opened(github) == [copied]
    assert github.issues[copied]["body"].endswith("A copied marker.")


def test_a_pull_request_with_the_marker_is_no_issue(github: StandIn, api: GitHub) -> None:
    number = github.open_pull("a" * 40)
    github.pulls[number] |= {"body": MATTER.text, "user": {"login": "github-actions[bot]"}}
    github.pulls[number]["labels"] = [{"name": LABEL}]
    keep_issue(api, MATTER)
    assert github.pulls[number]["state"] == "open"
    assert len(opened(github)) == 1


def test_it_is_found_among_two_hundred(github: StandIn, api: GitHub) -> None:
    keep_issue(api, MATTER)
    for _ in range(200):
        api.send("POST", "/issues", {"title": "another", "body": "of somebody", "labels": [LABEL]})
    github.log.clear()
    keep_issue(api, replace(MATTER, body="Two fields."))
    assert [entry[:2] for entry in github.writes] == [("PATCH", f"/repos/{github.repository}/issues/1")]


def test_a_token_that_may_not_is_told_which_permission(github: StandIn) -> None:
    access = Settings(environ=github.environ(github.token(contents="read"))).github
    with closing(GitHub(access)) as api, pytest.raises(ApiError) as caught:
        keep_issue(api, MATTER)
    assert "issues: write" in caught.value.hint
