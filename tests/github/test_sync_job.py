"""github sync: a summary without people, outputs, and an issue a mapping while its runs don't end well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from portcfg.emulator.server import serving
from portcfg.errors import PortcfgError
from tests.github.repo import Repo
from tests.github.support import THING, no_command, write

ALICE, BOB = "alice@example.com", "bob@example.com"
MAPPING = """\
source: {base_url: %s, auth: {type: none}}
streams:
  people: {path: /people}
  teams: {path: /teams}
resources:
  - kind: people
    selector: {stream: people}
    port: {entity: {mappings: {identifier: .email, title: .email, blueprint: '"thing"', properties: {a: .a}}}}
  - kind: teams
    selector: {stream: teams}
    port: {entity: {mappings: {identifier: .name, title: .name, blueprint: '"team"', properties: {}}}}
"""


@dataclass
class Source:
    """What the mapping reads; `broken` are paths that are answered with an error."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    said: str = f"no such page for {ALICE}"

    def answer(self, request: Request) -> JSONResponse:
        path = request.url.path
        if path in self.broken:
            return JSONResponse({"message": self.said}, 404)
        return JSONResponse(self.rows[path])


@dataclass
class Syncing:
    """A repository with a mapping, and its source."""

    repo: Repo
    source: Source

    def run(self, *args: str, private: bool | None = True, event: str = "schedule", **environ: str) -> Result:
        """A run that was started by its schedule; None for an event that says nothing of the repository."""
        self.repo.github.log.clear()
        payload = {} if private is None else {"repository": {"full_name": "acme/portal", "private": private}}
        return self.repo.job.run(event, payload, "github", "sync", *args, **environ)


@pytest.fixture
def syncing(repo: Repo) -> Iterator[Syncing]:
    """Two people and a team; all is well."""
    source = Source({"/people": [{"email": ALICE, "a": "x"}, {"email": BOB, "a": "y"}], "/teams": [{"name": "core"}]})
    app = Starlette(routes=[Route("/{path:path}", source.answer)])
    with serving(app) as url:
        write(THING, {**THING, "identifier": "team"})
        Path("specs/mappings").mkdir()
        Path("specs/mappings/people.yaml").write_text(MAPPING % url)
        assert repo.apply("--unreviewed", "apply").exit_code == 0
        yield Syncing(repo, source)


def told(syncing: Syncing) -> str:
    """All that was said where anybody may read it."""
    texts = [syncing.repo.job.summary]
    texts += [issue["body"] + issue["title"] for issue in syncing.repo.github.issues.values()]
    return "\n".join([*texts, *(each["body"] for each in syncing.repo.github.comments.values())])


def test_a_sync_tells_its_counts_and_writes_nothing_twice(syncing: Syncing) -> None:
    done = syncing.run()
    assert done.exit_code == 0, done.output
    assert "3 created" in done.stdout
    assert syncing.repo.job.outputs == {
        "private": "true",
        "exit-code": "0",
        "created": "3",
        "updated": "0",
        "deleted": "0",
        "rejected": "0",
        "failed-streams": "0",
    }
    assert "| `people`" in syncing.repo.job.summary
    assert syncing.repo.github.writes == []
    assert syncing.run().exit_code == 0
    assert syncing.repo.job.outputs["created"] == syncing.repo.job.outputs["updated"] == "0"
    assert "@example.com" not in told(syncing)


def test_rejects_are_told_by_cause_and_without_people(syncing: Syncing) -> None:
    syncing.source.rows["/people"] += [{"email": "carol@example.com", "a": 7}, {"email": "dan@example.com", "a": 8}]
    done = syncing.run()
    assert done.exit_code == 6, done.output
    assert "carol@example.com" in done.stdout, "the log of a private repository is for its people"
    assert syncing.repo.job.outputs["rejected"] == "2"
    (issue,) = syncing.repo.issues()
    assert issue["title"] == "portcfg sync needs attention: people"
    assert "rejected 2 of thing" in issue["body"]
    assert "rejected 2 of thing" in syncing.repo.job.summary
    assert "portcfg sync people" in issue["body"]
    assert "/actions/runs/4711" in issue["body"]
    assert "@example.com" not in told(syncing)

    public = syncing.run(private=False, GITHUB_RUN_ID="4712")
    assert public.exit_code == 6
    assert "@example.com" not in public.output
    assert syncing.repo.github.writes == [], "the same trouble, told once"

    syncing.source.rows["/people"] = syncing.source.rows["/people"][:2]
    assert syncing.run().exit_code == 0
    assert syncing.repo.issues() == []
    assert "ended well" in syncing.repo.github.texts(issue["number"])[0]


@pytest.mark.parametrize("private", [True, False])
def test_where_the_event_does_not_say_who_may_read_github_is_asked(syncing: Syncing, private: bool) -> None:
    syncing.repo.github.private = private
    syncing.source.rows["/people"].append({"email": "carol@example.com", "a": 7})
    done = syncing.run(private=None)
    assert done.exit_code == 6, done.output
    assert ("carol@example.com" in done.stdout) is private
    assert syncing.repo.job.outputs["private"] == str(private).lower()


@pytest.mark.parametrize("answer", [{"status": 502}, {"status": 200, "body": []}], ids=["an error", "no answer"])
def test_what_nobody_can_tell_is_not_private(
    syncing: Syncing, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portcfg.github.api.ATTEMPTS", 1)
    syncing.repo.github.fail("GET", "/portal$", **answer)
    syncing.source.rows["/people"].append({"email": "carol@example.com", "a": 7})
    done = syncing.run(private=None)
    assert done.exit_code == 6, done.output
    assert "carol@example.com" not in done.output
    assert syncing.repo.job.outputs["private"] == "false"


def test_who_may_read_is_said_before_anything_can_go_wrong(syncing: Syncing) -> None:
    syncing.repo.bench.send("DELETE", "/blueprints/team")
    assert syncing.run(private=False).exit_code == 1
    assert syncing.repo.job.outputs["private"] == "false"


def test_what_a_source_says_is_no_command_of_the_log(syncing: Syncing) -> None:
    syncing.source.broken.add("/people")
    syncing.source.said = "##[error]gone\n::error::away"
    done = syncing.run()
    assert done.exit_code == 3, done.output
    assert "[error]gone" in done.stdout
    assert no_command(done)


def test_a_stream_that_fails_is_told(syncing: Syncing) -> None:
    syncing.source.broken.add("/people")
    done = syncing.run()
    assert done.exit_code == 3, done.output
    assert syncing.repo.job.outputs["failed-streams"] == "1"
    (issue,) = syncing.repo.issues()
    assert "FAILED people" in issue["body"]
    assert "404" in issue["body"]
    assert ALICE not in told(syncing)


def test_only_a_whole_run_closes_the_issue(syncing: Syncing) -> None:
    syncing.source.broken.add("/people")
    syncing.run()
    syncing.source.broken.clear()
    for options in (("--stream", "teams"), ("--dry-run",)):
        assert syncing.run(*options).exit_code == 0
        assert len(syncing.repo.issues()) == 1
    assert syncing.run().exit_code == 0
    assert syncing.repo.issues() == []


def test_a_dry_run_opens_no_issue(syncing: Syncing) -> None:
    syncing.source.broken.add("/people")
    assert syncing.run("--dry-run").exit_code == 3
    assert syncing.repo.issues() == []
    assert "FAILED" in syncing.repo.job.summary


def test_what_can_t_be_run_at_all_is_told(syncing: Syncing) -> None:
    syncing.repo.bench.send("DELETE", "/blueprints/team")
    done = syncing.run()
    assert done.exit_code == 1, done.output
    (issue,) = syncing.repo.issues()
    assert "team" in issue["body"]
    assert "failed" in syncing.repo.job.summary
    assert syncing.repo.job.outputs["exit-code"] == "1"


def test_what_goes_wrong_after_a_mapping_has_ended_is_its_own_trouble(
    syncing: Syncing, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def failing(port: object) -> Iterator[None]:
        yield
        raise PortcfgError("the lock could not be given back")

    monkeypatch.setattr("portcfg.cli.sync._ending_well", failing)
    for _ in range(2):
        done = syncing.run()
        assert done.exit_code == 1, done.output
        assert "3 created" in done.stdout or "3 unchanged" in done.stdout
        (issue,) = syncing.repo.github.issues.values()
        assert issue["title"] == "portcfg sync needs attention: people"
        assert issue["state"] == "open"
        assert "the lock could not be given back" in issue["body"]


def test_mappings_have_issues_of_their_own(syncing: Syncing) -> None:
    text = Path("specs/mappings/people.yaml").read_text()
    Path("specs/mappings/others.yaml").write_text(text.replace("/people", "/others"))
    syncing.source.broken.add("/others")
    assert syncing.run().exit_code == 3
    assert [issue["title"] for issue in syncing.repo.issues()] == ["portcfg sync needs attention: others"]
    assert syncing.run("people").exit_code == 0
    assert len(syncing.repo.issues()) == 1


@pytest.mark.parametrize("event", ["schedule", "workflow_dispatch"])
def test_a_key_that_is_missing_is_told_where_nobody_looks_on(syncing: Syncing, event: str) -> None:
    """Who starts a run by hand sees how it ends."""
    path = Path("specs/mappings/people.yaml")
    path.write_text(path.read_text().replace("{type: none}", "{type: bearer, token_env: KEY_OF_IT}"))
    done = syncing.run(event=event)
    assert done.exit_code == 64
    assert "KEY_OF_IT" in syncing.repo.job.summary
    assert ["KEY_OF_IT" in issue["body"] for issue in syncing.repo.issues()] == [True] * (event == "schedule")
    assert syncing.run(event=event, KEY_OF_IT="key").exit_code == 0
    assert syncing.repo.issues() == []


def test_github_down_changes_nothing_about_the_sync(syncing: Syncing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portcfg.github.api.ATTEMPTS", 1)
    syncing.repo.github.fail("GET", "/issues$", 502, times=99)
    assert syncing.run().exit_code == 0
    assert "Not posted" in syncing.repo.job.summary
    assert syncing.repo.job.outputs["created"] == "3"
    syncing.source.broken.add("/people")
    assert syncing.run().exit_code == 3


def test_an_unknown_mapping_is_wrong_usage(syncing: Syncing) -> None:
    assert syncing.run("nothing").exit_code == 64
    assert syncing.repo.issues() == []
