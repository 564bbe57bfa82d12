"""What started a job, and where GitHub's API is: good payloads, odd ones, and none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from portcfg.errors import UsageError
from portcfg.github.event import Event, read_event
from portcfg.settings import Settings
from tests.github.support import BASE, FORK, HEAD, pull_request, workflow_run

OWN = "acme/portal"


def read(folder: Path, name: str, payload: Any, **environ: str) -> Event:
    file = folder / "event.json"
    file.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return read_event({"GITHUB_EVENT_NAME": name, "GITHUB_REPOSITORY": OWN, "GITHUB_EVENT_PATH": str(file), **environ})


def test_a_pull_request_has_its_own_head_not_the_merge(tmp_path: Path) -> None:
    event = read(tmp_path, "pull_request", pull_request(7), GITHUB_SHA="e" * 40)
    assert event == Event("pull_request", OWN, HEAD, BASE, 7, OWN, "main")
    assert not event.from_fork


def test_a_fork_is_another_repository_or_one_that_is_gone(tmp_path: Path) -> None:
    assert read(tmp_path, "pull_request", pull_request(7, repository=FORK)).from_fork
    gone = pull_request(7)
    gone["pull_request"]["head"]["repo"] = None
    assert read(tmp_path, "pull_request", gone).from_fork
    assert not read(tmp_path, "pull_request", pull_request(7, repository="Acme/Portal")).from_fork


def test_a_run_that_ended_names_what_it_was_for(tmp_path: Path) -> None:
    event = read(tmp_path, "workflow_run", workflow_run())
    assert (event.head, event.head_repository, event.run, event.run_event) == (HEAD, FORK, 77, "pull_request")
    assert event.pull_request == 0
    assert event.from_fork


@pytest.mark.parametrize(
    ("name", "payload", "head", "base"),
    [
        ("merge_group", {"merge_group": {"head_sha": HEAD, "base_sha": BASE}}, HEAD, BASE),
        ("push", {"after": HEAD, "before": "0" * 40}, HEAD, ""),
        ("schedule", {"schedule": "17 * * * *"}, "e" * 40, ""),
        ("workflow_dispatch", {"inputs": {}}, "e" * 40, ""),
    ],
)
def test_other_events_are_about_this_repository(
    tmp_path: Path, name: str, payload: dict[str, Any], head: str, base: str
) -> None:
    event = read(tmp_path, name, payload, GITHUB_SHA="e" * 40)
    assert (event.head, event.base, event.pull_request) == (head, base, 0)
    assert not event.from_fork


@pytest.mark.parametrize(
    "payload",
    [[], {"pull_request": None}, {"pull_request": {"head": {"sha": "main"}, "number": "7"}}, {"pull_request": []}],
)
def test_a_payload_of_another_shape_says_nothing(tmp_path: Path, payload: Any) -> None:
    event = read(tmp_path, "pull_request", payload)
    assert (event.head, event.pull_request) == ("", 0)


@pytest.mark.parametrize("payload", ["", "{", "\x00"])
def test_a_payload_that_is_no_json_is_an_error(tmp_path: Path, payload: str) -> None:
    with pytest.raises(UsageError, match="can't be read as JSON"):
        read(tmp_path, "push", payload)


def test_outside_of_a_job_there_is_no_event() -> None:
    with pytest.raises(UsageError, match="GITHUB_EVENT_NAME isn't set"):
        read_event({})
    with pytest.raises(UsageError, match="GITHUB_REPOSITORY isn't set"):
        read_event({"GITHUB_EVENT_NAME": "push"})


# Where GitHub's API is.


def environ(**more: str) -> dict[str, str]:
    return {"GITHUB_REPOSITORY": OWN, "GITHUB_TOKEN": "ghs_secret", **more}


@pytest.mark.parametrize(
    ("more", "api", "graphql"),
    [
        ({}, "https://api.github.com", "https://api.github.com/graphql"),
        ({"GITHUB_API_URL": "https://ghe.acme/api/v3/"}, "https://ghe.acme/api/v3", "https://ghe.acme/api/graphql"),
        (
            {"GITHUB_API_URL": "https://api.acme.ghe.com", "GITHUB_GRAPHQL_URL": "https://api.acme.ghe.com/graphql"},
            "https://api.acme.ghe.com",
            "https://api.acme.ghe.com/graphql",
        ),
    ],
)
def test_the_api_is_where_the_job_says(more: dict[str, str], api: str, graphql: str) -> None:
    access = Settings(environ=environ(**more)).github
    assert (access.api_url, access.graphql_url) == (api, graphql)
    assert "ghs_secret" not in repr(access)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"GITHUB_TOKEN": " "}, "GITHUB_TOKEN isn't set"),
        ({"GITHUB_REPOSITORY": "portal"}, "no owner/name"),
        ({"GITHUB_REPOSITORY": "a/b/../c"}, "no owner/name"),
        ({"GITHUB_API_URL": "api.github.com"}, "no URL"),
    ],
)
def test_what_is_missing_is_told(more: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        _ = Settings(environ=environ(**more)).github
