"""specs/examples/issue-tracker from the command line: a source that is nothing like Cursor, paged by Link headers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portcfg.cli.main import main
from portcfg.emulator.server import serving
from portcfg.errors import EXIT_ERROR, EXIT_INCOMPLETE, EXIT_OK
from tests.support import REPOSITORY, Bench

KEY = "a-key-that-must-not-show"
SPECS = str(REPOSITORY / "specs" / "examples" / "issue-tracker")
PAGE = 50
COUNTS = {"web": 120, "api": 7, "idle": 0, "gone": 30}


def issue(number: int) -> dict[str, Any]:
    opened = datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(days=number)
    closed = opened + timedelta(days=number % 5, hours=1) if number % 3 == 0 else None
    return {
        "number": number,
        "title": f"Issue {number}",
        "state": "closed" if closed else "open",
        "author": {"login": "ann"} if number % 2 else None,
        "labels": [{"name": "ui"}, {"name": "bug"}][: number % 3],
        "created_at": opened.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "closed_at": closed and closed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "pull": number % 10 == 0,
    }


class Tracker:
    """An issue tracker. `asked` are the paths with their page; `counts` how many issues a project has."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.counts = dict(COUNTS)
        self.broken = ""
        self.app = Starlette(routes=[Route("/api/v1/{path:path}", self.answer)])

    async def answer(self, request: Request) -> Response:
        path, page = request.path_params["path"], int(request.query_params.get("page", "1"))
        self.asked.append(f"{path} {page}")
        if request.headers.get("x-api-key") != KEY:
            return JSONResponse({"message": "Bad credentials"}, 401)
        if self.broken == f"{path} {page}":
            return JSONResponse({"message": "gone away"}, 410)
        rows = (
            self.projects() if path == "projects" else [issue(n) for n in range(1, self.counts[path.split("/")[1]] + 1)]
        )
        first, last = (page - 1) * PAGE, page * PAGE
        following = str(request.url.include_query_params(page=page + 1))
        links = {"link": f'<{request.url}>; rel="self", <{following}>; rel="next"'} if last < len(rows) else {}
        return JSONResponse(rows[first:last], headers=links)

    def projects(self) -> list[dict[str, Any]]:
        return [
            {
                "key": key,
                "name": key.title(),
                "html_url": f"https://tracker.example.com/{key}",
                "archived": key == "gone",
            }
            for key in self.counts
        ]


Sync = Callable[..., Result]


@pytest.fixture
def tracker() -> Tracker:
    return Tracker()


@pytest.fixture
def portcfg(bench: Bench, tracker: Tracker, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """portcfg on the example's specs, applied, with the tracker as its source."""
    monkeypatch.chdir(tmp_path)
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local", "TRACKER_KEY": KEY}
    runner = CliRunner()
    assert runner.invoke(main, ["apply", "--auto-approve", "--specs", SPECS], env=env).exit_code == EXIT_OK
    with serving(tracker.app) as url:
        source = ["--source-url", f"{url}/api/v1"]
        yield lambda *args: runner.invoke(main, ["sync", "--specs", SPECS, *source, "--format", "json", *args], env=env)


def entities(bench: Bench, name: str) -> dict[str, Any]:
    reader = bench.reader()
    try:
        return {entity["identifier"]: entity for entity in reader.entities(name)}
    finally:
        reader.close()


def test_every_issue_of_every_living_project_is_there_and_counted(
    portcfg: Sync, bench: Bench, tracker: Tracker
) -> None:
    done = portcfg()
    assert done.exit_code == EXIT_OK, done.output
    report = json.loads(done.stdout)
    assert tracker.asked == [
        *("projects 1", "projects 1"),
        *("projects/web/issues 1", "projects/web/issues 2", "projects/web/issues 3"),
        *("projects/api/issues 1", "projects/idle/issues 1"),
    ]
    expected = {f"{key}-{n}": issue(n) for key in ("web", "api") for n in range(1, COUNTS[key] + 1) if n % 10}
    found = entities(bench, "tracker_issue")
    assert set(found) == set(expected)
    for name, row in expected.items():
        properties = found[name]["properties"]
        assert (properties["state"], properties["opened_at"]) == (row["state"], row["created_at"])
        assert properties["labels"] == sorted(label["name"] for label in row["labels"])
        assert properties["author"] == (row["author"] and "ann")
        assert properties["days_open"] == (row["number"] % 5 if row["closed_at"] else None)
        assert found[name]["relations"]["project"] == name.split("-")[0]
    projects = entities(bench, "tracker_project")
    opened = {
        key: [row for name, row in expected.items() if name.startswith(key) and row["state"] == "open"]
        for key in projects
    }
    assert {name: project["properties"]["open_issues"] for name, project in projects.items()} == {
        key: len(rows) for key, rows in opened.items()
    }
    assert projects["web"]["properties"]["oldest_open"] == min(row["created_at"] for row in opened["web"])
    assert set(projects) == {"web", "api", "idle"}
    assert [part["created"] for part in report["blueprints"]] == [len(expected), 3]
    assert KEY not in done.output + done.stderr


def test_a_second_sync_writes_what_has_changed(portcfg: Sync, bench: Bench, tracker: Tracker) -> None:
    portcfg()
    assert [(part["created"], part["updated"]) for part in json.loads(portcfg().stdout)["blueprints"]] == [(0, 0)] * 2
    tracker.counts["idle"] = 1
    again = json.loads(portcfg().stdout)
    assert [(part["created"], part["updated"]) for part in again["blueprints"]] == [(1, 0), (0, 1)]
    assert entities(bench, "tracker_project")["idle"]["properties"]["open_issues"] == 1


def test_a_page_that_fails_leaves_everything_that_needs_it_as_it_was(
    portcfg: Sync, bench: Bench, tracker: Tracker
) -> None:
    tracker.broken = "projects/web/issues 3"
    done = portcfg()
    assert done.exit_code == EXIT_INCOMPLETE
    assert "GET /projects/web/issues: 410: gone away" in done.stdout
    assert (entities(bench, "tracker_issue"), entities(bench, "tracker_project")) == ({}, {})
    tracker.broken = ""
    assert portcfg().exit_code == EXIT_OK
    assert len(entities(bench, "tracker_issue")) == 115


def test_a_wrong_key_is_told_by_the_name_of_its_variable(portcfg: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.KEY", "another")
    done = portcfg()
    assert done.exit_code == EXIT_ERROR
    assert "TRACKER_KEY" in done.stdout + done.stderr
