"""From a pull request to Port and back: the very steps of the workflows, on a GitHub and a Port of the tests' own."""

from __future__ import annotations

import re
import shlex
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from portcfg.client import Credentials, PortWriter
from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import synthetic_company
from portcfg.emulator.server import serving
from portcfg.github.labels import LABELS
from portcfg.init.contents import github_files
from tests.github.forge import Forge
from tests.github.runner import Environment, Machine, Run
from tests.github.stand_in import StandIn
from tests.support import PATIENT, REPOSITORY, Bench, Server

SERVICE_FILE = "specs/blueprints/service.yaml"
SERVICE = """\
title: Service
schema:
  properties:
    language: {type: string, title: Language}
  required: []
relations: {}
"""
TIERED = SERVICE.replace("  required", "    tier: {type: string, title: Tier}\n  required")
BROKEN = SERVICE.replace("type: string", "type: strin")
CREDENTIALS = Credentials("client-of-port", "secret-of-port")
SECRETS = {"PORT_CLIENT_ID": CREDENTIALS.client_id, "PORT_CLIENT_SECRET": CREDENTIALS.client_secret}
DIGEST = re.compile(r"<!-- portcfg review ([0-9a-f]{64}) ")


@pytest.fixture
def port(server: Server) -> Bench:
    """A Port that takes only the credentials that the repository has as secrets."""
    return server.bench(client_id=CREDENTIALS.client_id, client_secret=CREDENTIALS.client_secret)


@pytest.fixture
def forge(tmp_path: Path, github: StandIn, machine: Machine, port: Bench) -> Forge:
    """A repository of specs, with the workflows as `portcfg init` copies them, and Port's secrets where they look.

    The labels are there since its first apply.
    """
    github.have_labels(*LABELS)
    files = {"specs/portcfg.yaml": "version: 1\n", SERVICE_FILE: SERVICE}
    made = Forge(tmp_path, github, machine, {**github_files(has_mappings=True), **files})
    made.runner.secrets |= SECRETS
    made.runner.variables |= {"PORT_BASE_URL": port.url}
    return made


def one(runs: list[Run], workflow: str) -> Run:
    """The run of a workflow; the only one."""
    found = [run for run in runs if run.workflow == workflow]
    assert len(found) == 1, [run.workflow for run in runs]
    return found[0]


def ended(run: Run, conclusion: str = "success") -> Run:
    assert run.conclusion == conclusion, run.text
    return run


def send(port: Bench, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """One request to Port, as somebody else's."""
    with closing(PortWriter(port.url, CREDENTIALS, PATIENT)) as writer:
        return writer.send(method, path, body).body


def properties(port: Bench) -> list[str]:
    """What the service's blueprint has in Port; nothing where there is none."""
    found = [each for each in send(port, "GET", "/blueprints")["blueprints"] if each["identifier"] == "service"]
    return sorted(name for each in found for name in each["schema"]["properties"])


def issues(github: StandIn, state: str) -> list[str]:
    """The titles of the issues in this state."""
    return [issue["title"] for issue in github.issues.values() if issue["state"] == state]


def artifacts(github: StandIn, kind: str) -> list[str]:
    """The names of the artifacts of a kind."""
    return [each["name"] for each in github.artifacts.values() if each["name"].startswith(f"portcfg-{kind}-")]


def checked_out(run: Run, job: str) -> list[str]:
    """The commits that a job had on its machine."""
    return [step.outputs["commit"] for step in run.jobs[job].steps if "commit" in step.outputs]


def test_a_change_from_its_pull_request_to_port_and_the_drift_after(forge: Forge, github: StandIn, port: Bench) -> None:
    forge.runner.environments["port"] = Environment(reviewers=True)
    # A pull request is opened; its mistake is told on its line, and in a comment.
    number, runs = forge.open({SERVICE_FILE: BROKEN})
    run = ended(one(runs, "Validate and plan"), "failure")
    told = [properties for level, properties, _ in run.jobs["plan"].annotations if level == "error"]
    assert any(f"file={SERVICE_FILE},line=4" in each for each in told)
    # What may write to GitHub runs what is reviewed already.
    assert run.jobs["comment"].result == "success"
    assert checked_out(run, "comment") == [forge.main]
    (first,) = github.texts(number)
    assert "strin" in first
    assert github.labels_of(number) == ["port/invalid"]
    # A push changes the same comment.
    ended(one(forge.update(number, {SERVICE_FILE: TIERED}), "Validate and plan"))
    (second,) = github.texts(number)
    assert "1 to create" in second
    assert "language, tier" in second
    assert github.labels_of(number) == ["port/changes"]
    (comment,) = github.comments.values()
    assert comment["updated_at"] > comment["created_at"]
    # A run that finds the same doesn't touch it.
    before = dict(comment)
    ended(one(forge.again(number), "Validate and plan"))
    assert [before] == list(github.comments.values())
    # Merged, it waits for somebody; approved, Port is what the comment said.
    assert one(forge.merge(number), "Apply").conclusion == "waiting"
    assert not properties(port)
    run = ended(one(forge.runner.approve("port"), "Apply"))
    assert properties(port) == ["language", "tier"]
    assert f"it was reviewed in #{number}" in run.jobs["apply"].summary
    assert run.jobs["apply"].concurrency == "portcfg-apply-"
    assert artifacts(github, "journal") == ["portcfg-journal-default-1"]
    # Nothing has drifted.
    ended(one(forge.tick("drift.yml"), "Drift"))
    assert not github.issues
    # Somebody edits in Port: an issue, which says what, and stays as it is while that stays.
    live = send(port, "GET", "/blueprints/service")["blueprint"]
    send(port, "PATCH", "/blueprints/service", {"title": "Servus"})
    ended(one(forge.tick("drift.yml"), "Drift"))
    (issue,) = github.issues.values()
    assert "Servus" in issue["body"]
    before = dict(issue)
    ended(one(forge.tick("drift.yml"), "Drift"))
    assert [before] == list(github.issues.values())
    # Reverted: closed.
    send(port, "PATCH", "/blueprints/service", {"title": live["title"]})
    ended(one(forge.tick("drift.yml"), "Drift"))
    assert len(issues(github, "closed")) == 1


def test_a_merge_queue_has_a_plan_and_no_comment(forge: Forge, github: StandIn) -> None:
    forge.runner.secrets.clear()
    number, _ = forge.open({SERVICE_FILE: TIERED}, by="")
    run = ended(one(forge.queue(number), "Validate and plan"))
    assert run.jobs["comment"].result == "skipped"
    assert "1 to update" in run.jobs["plan"].summary
    assert not github.comments


def test_a_pause_stops_what_runs_by_itself(forge: Forge, github: StandIn, port: Bench) -> None:
    forge.runner.variables["PORT_PAUSED"] = "true"
    runs = [
        *forge.push({SERVICE_FILE: TIERED}),
        *forge.tick("drift.yml"),
        *forge.tick("sync.yml"),
        forge.dispatch("apply.yml"),
    ]
    assert {job.result for run in runs for job in run.jobs.values()} == {"skipped"}
    assert {run.workflow for run in runs} == {"Apply", "Code scanning", "Drift", "Sync"}
    assert not port.log


@pytest.mark.parametrize("by", [{"fork": True}, {"by": "dependabot[bot]"}], ids=["fork", "dependabot"])
def test_who_gets_no_secrets_is_planned_without_and_commented_by_a_run_of_the_default_branch(
    forge: Forge, github: StandIn, port: Bench, by: dict[str, Any]
) -> None:
    number, runs = forge.open({SERVICE_FILE: TIERED}, **by)
    run = ended(one(runs, "Validate and plan"))
    assert run.jobs["comment"].result == "skipped"
    assert not port.log
    assert checked_out(ended(one(runs, "Comment for forks")), "comment") == [forge.main]
    (text,) = github.texts(number)
    assert "tier" in text
    assert "1 to update" in text
    assert {each["user"]["login"] for each in github.comments.values()} == {"github-actions[bot]"}


def test_a_fork_is_planned_against_the_snapshot_where_one_is_published(
    forge: Forge, github: StandIn, port: Bench
) -> None:
    forge.runner.variables["PORT_PUBLISH_SNAPSHOT"] = "true"
    ended(one(forge.tick("drift.yml"), "Drift"))
    assert [each["name"] for each in github.artifacts.values()] == ["portcfg-snapshot-default"]
    port.clear()
    number, runs = forge.open({SERVICE_FILE: TIERED}, fork=True)
    ended(one(runs, "Validate and plan"))
    assert not port.log
    (text,) = github.texts(number)
    # The base branch's specs, which have it, aren't applied yet.
    assert "1 to create" in text
    assert "snapshot" in text


def test_port_that_moved_after_the_review_stops_the_apply_until_somebody_says_so(
    forge: Forge, github: StandIn, port: Bench
) -> None:
    number, _ = forge.open({SERVICE_FILE: TIERED})
    send(port, "POST", "/blueprints", {"identifier": "service", "title": "Servus", "schema": {"properties": {}}})
    ended(one(forge.merge(number, squash=True), "Apply"), "failure")
    assert properties(port) == []
    (text,) = [each["body"] for each in github.commit_comments.values() if each["commit_id"] == forge.main]
    assert "Servus" in text
    (body,) = [issue["body"] for issue in github.issues.values() if issue["state"] == "open"]
    assert len(issues(github, "open")) == 1
    digest = re.findall("[0-9a-f]{64}", body)[-1]
    ended(forge.dispatch("apply.yml", digest=digest))
    assert properties(port) == ["language", "tier"]
    assert issues(github, "open") == []


def test_every_attempt_of_an_apply_leaves_its_journal_also_a_cancelled_one(
    forge: Forge, github: StandIn, port: Bench
) -> None:
    forge.runner.variables["PORT_UNREVIEWED"] = "apply"
    forge.runner.cancelled_in = "Apply"
    run = ended(one(forge.push({SERVICE_FILE: TIERED}), "Apply"), "cancelled")
    assert properties(port) == ["language", "tier"]
    assert artifacts(github, "journal") == ["portcfg-journal-default-1"]
    # Run again, it has something to do once more.
    send(port, "DELETE", "/blueprints/service")
    forge.runner.cancelled_in = ""
    ended(forge.runner.again(run.id))
    assert artifacts(github, "journal") == ["portcfg-journal-default-1", "portcfg-journal-default-2"]


def test_running_an_old_apply_again_takes_nothing_back_and_another_branch_is_not_applied(
    forge: Forge, port: Bench
) -> None:
    forge.runner.variables["PORT_UNREVIEWED"] = "apply"
    old = ended(one(forge.push({SERVICE_FILE: TIERED}), "Apply"))
    new = ended(one(forge.push({SERVICE_FILE: SERVICE}), "Apply"))
    again = ended(forge.runner.again(old.id), "failure")
    assert "this run was run again, and the branch main has newer commits" in again.jobs["apply"].summary
    assert properties(port) == ["language"]
    forge.runner.variables["PORT_BRANCH"] = "release"
    again = ended(forge.runner.again(new.id), "failure")
    assert "only the branch 'release' is applied" in "".join(step.text for step in again.jobs["apply"].steps)


def test_what_port_held_is_in_no_public_artifact(forge: Forge, github: StandIn, port: Bench) -> None:
    github.private = False
    forge.runner.variables["PORT_UNREVIEWED"] = "apply"
    ended(one(forge.push({SERVICE_FILE: TIERED}), "Apply"))
    assert properties(port) == ["language", "tier"]
    assert artifacts(github, "journal") == []


PEOPLE = """\
source: {base_url: "%s", auth: {type: none}}
streams:
  people: {path: /people}
resources:
  - kind: people
    selector: {stream: people}
    port:
      entity:
        mappings: {identifier: .name, title: .name, blueprint: '"service"', properties: {language: .tongue}}
"""


def test_rejected_rows_are_kept_where_somebody_asks_and_nobody_else_reads_them(
    forge: Forge, github: StandIn, port: Bench
) -> None:
    async def answer(_request: Request) -> JSONResponse:
        return JSONResponse([{"name": "ann", "tongue": ["no", "text"]}])

    with serving(Starlette(routes=[Route("/people", answer)])) as people:
        forge.runner.variables["PORT_UNREVIEWED"] = "apply"
        ended(one(forge.push({"specs/mappings/people.yaml": PEOPLE % people}), "Apply"))
        for private, asked, kept in [(True, "", False), (False, "true", False), (True, "true", True)]:
            github.private = private
            forge.runner.variables["PORT_KEEP_REJECTED"] = asked
            run = ended(one(forge.tick("sync.yml"), "Sync"), "failure")
            assert ("ann" in run.text) is private
            assert artifacts(github, "rejected") == (["portcfg-rejected-default"] if kept else [])


def test_a_repository_that_calls_the_apply_goes_on_after_a_stop_as_the_documents_say(
    tmp_path: Path, github: StandIn, machine: Machine, port: Bench
) -> None:
    (text,) = re.findall(r"```yaml\n(name: Apply\n.*?)```", (REPOSITORY / "docs/github.md").read_text(), re.DOTALL)
    files = {
        ".github/workflows/ours.yml": text.replace("OWNER", "acme").replace("COMMIT", "a" * 40),
        "specs/portcfg.yaml": "version: 1\nenvironments: {production: {}}\n",
    }
    forge = Forge(tmp_path, github, machine, files)
    forge.runner.variables["PORT_BASE_URL"] = port.url
    forge.runner.environments["port-production"] = Environment(SECRETS)
    ended(one(forge.push({SERVICE_FILE: SERVICE}), "Apply"), "failure")
    assert properties(port) == []
    (issue,) = github.issues.values()
    (command,) = re.findall("^gh workflow run (.*)$", issue["body"], re.MULTILINE)
    file, *fields = shlex.split(command)
    assert file == "ours.yml"
    ended(forge.dispatch(file, **dict(each.split("=", 1) for each in fields if "=" in each)))
    assert properties(port) == ["language"]


def test_two_environments_have_a_comment_and_an_apply_each(
    forge: Forge, github: StandIn, port: Bench, server: Server
) -> None:
    project = "version: 1\nenvironments:\n  staging: {}\n  production: {}\n"
    forge.runner.secrets.clear()
    forge.runner.variables["PORT_ENVIRONMENTS"] = '["staging", "production"]'
    for name in ("staging", "production"):
        forge.runner.environments[f"port-{name}"] = Environment(SECRETS, reviewers=name == "production")
        forge.runner.environments[f"port-plan-{name}"] = Environment(SECRETS)
    number, runs = forge.open({"specs/portcfg.yaml": project})
    run = ended(one(runs, "Validate and plan"))
    assert set(run.jobs) == {"plan (staging)", "plan (production)", "comment"}
    texts = github.texts(number)
    assert sorted(re.match("<!-- portcfg:(.*) -->", text)[1] for text in texts) == ["production", "staging"]  # type: ignore[index]
    run = ended(one(forge.merge(number), "Apply"), "waiting")
    assert {name: job.result for name, job in run.jobs.items()} == {
        "apply (staging)": "success",
        "apply (production)": "waiting",
    }
    assert properties(port) == ["language"]


def test_a_sync_that_finds_nothing_new_writes_nothing(forge: Forge, github: StandIn, port: Bench) -> None:
    today = datetime.now(UTC).date()
    company = synthetic_company(users=3, days=8, seed=1, end=today)
    with serving(cursor_app(company, api_key="key-of-cursor", rate_limit=False)) as cursor:
        forge.runner.environments["port-sync"] = Environment({"CURSOR_API_KEY": "key-of-cursor"})
        # Nobody has to review here.
        forge.runner.variables["PORT_UNREVIEWED"] = "apply"
        ended(one(forge.push(cursor_specs(cursor)), "Apply"))
        days = {"since": str(today - timedelta(days=2)), "until": str(today - timedelta(days=1)), "mapping": "cursor"}
        first = ended(forge.dispatch("sync.yml", **days))
        assert re.search(r"[1-9]\d* created", first.text)
        assert "total_cents" in first.jobs["sync"].summary
        port.clear()
        second = ended(forge.dispatch("sync.yml", **days))
    assert re.search(r"0 created, 0 updated, [1-9]\d* unchanged", second.text)
    # The record of the run, and the lock, are portcfg's own.
    assert [path for _, path, _ in port.writes if "cursor_" in path.rpartition("/sync:")[0]] == []


def cursor_specs(url: str) -> dict[str, str | None]:
    """The shipped specs, with the stand-in's address in the place of Cursor's."""
    root = REPOSITORY / "specs"
    kept = [file for folder in ("blueprints", "mappings", "fragments") for file in (root / folder).rglob("*.yaml")]
    files = {
        f"specs/{file.relative_to(root)}": file.read_text(encoding="utf-8") for file in [*kept, root / "portcfg.yaml"]
    }
    return {name: text.replace("https://api.cursor.com", url) for name, text in files.items()}
