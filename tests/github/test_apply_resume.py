"""github apply that ended half-way, and what the next run may take for reviewed."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portcfg.cli import writes
from portcfg.ledger import ENTITIES
from tests.github.repo import MERGE, Repo
from tests.github.support import HEAD, THING, Job, no_command, write
from tests.support import Server

NAMES = ("thing", "thing_two", "thing_three")


def things(**more: Any) -> list[dict[str, Any]]:
    return [{**THING, "identifier": name, **more} for name in NAMES]


def there(repo: Repo, **wanted: Any) -> set[str]:
    """The blueprints that Port has, of ours, with these values."""
    found = repo.bench.send("GET", "/blueprints")["blueprints"]
    return {each["identifier"] for each in found if each["identifier"] in NAMES and wanted.items() <= each.items()}


@dataclass
class Refusing:
    """A Port that refuses to make some blueprints, or to change some."""

    app: ASGIApp
    make: frozenset[str] = frozenset()
    change: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        message = await receive()
        path, data = scope["path"], message.get("body", b"")
        made = scope["method"] == "POST" and path == "/v1/blueprints" and json.loads(data)["identifier"] in self.make
        if made or (scope["method"] == "PUT" and path.removeprefix("/v1/blueprints/") in self.change):
            await JSONResponse({"ok": False, "error": "invalid", "message": "##[error]not today"}, 422)(
                scope, receive, send
            )
            return

        async def again() -> Message:
            return message

        await self.app(scope, again, send)


@pytest.fixture
def refusing(server: Server, job: Job) -> tuple[Repo, Refusing]:
    """A repository, and its Port, which may refuse."""
    bench = server.bench()
    port = Refusing(bench.app)
    bench = server.serve(bench.app, port)
    secrets = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    return Repo(replace(job, port=secrets), bench), port


def interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first step, what GitHub sends to a job that is cancelled."""

    def interrupting(outcome: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        monkeypatch.setattr(writes, "show_outcome", lambda _: None)

    monkeypatch.setattr(writes, "show_outcome", interrupting)


def test_an_interrupted_apply_goes_on_when_it_is_run_again(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    write(*things())
    number = repo.reviewed()
    interrupt(monkeypatch)
    done = repo.apply("--parallelism", "1")
    assert done.exit_code == 130, done.output
    assert len(there(repo)) == 1
    (issue,) = repo.issues()
    assert "interrupted, 1 of 3 change(s) applied" in issue["body"]
    assert "gh run rerun 4711" in issue["body"]
    assert "portcfg rollback" in issue["body"]
    assert repo.commit_comments() == []
    done = repo.apply()
    assert done.exit_code == 0, done.output
    assert there(repo) == set(NAMES)
    assert f"reviewed in #{number}" in repo.job.summary
    assert repo.issues() == []


def test_where_no_journal_is_kept_none_is_named(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can read the artifacts of a public repository."""
    repo.github.private = False
    write(*things())
    repo.reviewed()
    interrupt(monkeypatch)
    done = repo.apply("--parallelism", "1")
    assert done.exit_code == 130
    assert "to undo: portcfg rollback" in done.stdout
    assert "portcfg rollback" not in repo.job.summary + repo.issues()[0]["body"]


def test_a_partly_failed_apply_goes_on_when_it_is_run_again(refusing: tuple[Repo, Refusing]) -> None:
    repo, port = refusing
    write(*things())
    repo.reviewed()
    port.make = frozenset({"thing_two"})
    done = repo.apply()
    assert done.exit_code == 6, done.output
    assert no_command(done)
    assert there(repo) == {"thing", "thing_three"}
    (issue,) = repo.issues()
    assert "2 of 3 change(s) applied" in issue["body"]
    assert "not today" in issue["body"]
    assert repo.job.outputs["exit-code"] == "6"
    port.make = frozenset()
    done = repo.apply()
    assert done.exit_code == 0, done.output
    assert there(repo) == set(NAMES)
    assert repo.issues() == []


def test_what_was_begun_by_a_digest_goes_on_by_that_of_the_rest(refusing: tuple[Repo, Refusing]) -> None:
    repo, port = refusing
    write(*things())
    repo.apply()
    port.make = frozenset({"thing_two"})
    assert repo.apply("--digest", repo.job.outputs["plan-digest"]).exit_code == 6
    digest = repo.job.outputs["plan-digest"]
    assert f"gh workflow run apply.yml -f digest={digest}" in repo.issues()[0]["body"]
    port.make = frozenset()
    assert repo.apply("--digest", digest).exit_code == 0
    assert there(repo) == set(NAMES)
    assert repo.issues() == []


def test_what_was_interrupted_after_a_digest_shows_that_of_the_rest(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(*things())
    repo.apply()
    interrupt(monkeypatch)
    given = repo.job.outputs["plan-digest"]
    assert repo.apply("--parallelism", "1", "--digest", given).exit_code == 130
    assert given not in repo.issues()[0]["body"]
    assert "gh run rerun 4711" in repo.issues()[0]["body"]
    assert repo.apply("--digest", given).exit_code == 4
    assert repo.apply("--digest", repo.job.outputs["plan-digest"]).exit_code == 0


def test_what_is_left_may_not_have_moved(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.applied_before(*things())
    write(*things(title="New"))
    repo.reviewed(HEAD)
    interrupt(monkeypatch)
    assert repo.apply("--parallelism", "1").exit_code == 130
    (done,) = there(repo, title="New")
    left = next(name for name in NAMES if name != done)
    body = {**THING, "identifier": left, "relations": {}, "title": "By hand"}
    repo.bench.send("PUT", f"/blueprints/{left}", body)
    again = repo.apply()
    assert again.exit_code == 4, again.output
    assert there(repo, title="New") == {done}
    told = repo.issues()[0]["body"]
    assert f"Port has moved since the plan: blueprint/{left} in title" in told
    assert f"blueprint/{done} in title" not in told


@pytest.fixture
def half_done(refusing: tuple[Repo, Refusing]) -> Repo:
    """Two blueprints that refer to each other were to be made, and one of them has no relation yet."""
    repo, port = refusing
    for name, other in (("thing", "thing_two"), ("thing_two", "thing")):
        write({**THING, "identifier": name, "relations": {"to": {"title": "To", "target": other}}})
    repo.reviewed()
    port.change = frozenset(NAMES)
    assert repo.apply().exit_code == 1
    assert there(repo) == {"thing", "thing_two"}
    assert there(repo, relations={})
    port.change = frozenset()
    return repo


def test_a_step_that_was_half_done_is_finished(half_done: Repo) -> None:
    done = half_done.apply()
    assert done.exit_code == 0, done.output
    assert there(half_done, relations={}) == set()


def test_of_what_was_half_done_nothing_is_written_over(half_done: Repo) -> None:
    for name in there(half_done, relations={}):
        body = {**THING, "identifier": name, "title": "By hand", "relations": {}}
        half_done.bench.send("PUT", f"/blueprints/{name}", body)
    done = half_done.apply()
    assert done.exit_code == 4, done.output
    assert there(half_done, title="By hand")


def test_a_change_that_was_done_in_part_by_hand_is_still_the_reviewed_one(repo: Repo) -> None:
    repo.applied_before(THING)
    write({**THING, "title": "New", "description": "New"})
    repo.reviewed(HEAD)
    repo.bench.send("PUT", "/blueprints/thing", {**THING, "relations": {}, "title": "New"})
    done = repo.apply()
    assert done.exit_code == 0, done.output


def test_what_is_gone_is_not_made_anew(repo: Repo) -> None:
    """The plan was to change it; to create it is another thing."""
    repo.applied_before(THING)
    write({**THING, "title": "New"})
    repo.reviewed(HEAD)
    repo.bench.send("DELETE", "/blueprints/thing")
    done = repo.apply()
    assert done.exit_code == 4
    assert "blueprint/thing is gone" in repo.issues()[0]["body"]


def test_what_somebody_else_made_meanwhile_is_not_taken_over(repo: Repo) -> None:
    write(THING)
    repo.reviewed()
    repo.bench.send("POST", "/blueprints", {**THING, "title": "Theirs"})
    done = repo.apply()
    assert done.exit_code == 4, done.output
    assert repo.title == "Theirs"
    assert "blueprint/thing appeared" in repo.issues()[0]["body"]


def test_what_a_killed_run_has_made_is_done(repo: Repo) -> None:
    """It could not keep the ledger, so that nothing says whose they are."""
    write(*({**each, "relations": {}} for each in things()))
    number = repo.reviewed()
    repo.bench.send("POST", "/blueprints", {**THING, "relations": {}})
    done = repo.apply()
    assert done.exit_code == 0, done.output
    assert there(repo) == set(NAMES)
    assert f"reviewed in #{number}" in repo.job.summary


def test_what_a_killed_run_has_begun_to_make_is_finished(repo: Repo) -> None:
    relations = {"to": {"title": "To", "target": "thing"}}
    write({**THING, "relations": relations})
    repo.reviewed()
    repo.bench.send("POST", "/blueprints", {**THING, "relations": {}})
    done = repo.apply()
    assert done.exit_code == 0, done.output
    assert there(repo, relations={}) == set()


def test_what_was_to_be_changed_is_not_adopted_instead(repo: Repo) -> None:
    """Somebody has taken it out of the ledger, and made it what the plan was to make of it."""
    repo.applied_before(THING)
    write({**THING, "title": "New"})
    repo.reviewed(HEAD)
    repo.bench.send("PUT", "/blueprints/thing", {**THING, "relations": {}, "title": "New"})
    repo.bench.send("DELETE", f"{ENTITIES}/blueprint%2Fthing")
    assert repo.apply().exit_code == 4


def test_a_delete_that_was_done_is_done(repo: Repo) -> None:
    repo.applied_before(*things())
    for name in NAMES[1:]:
        Path(f"specs/blueprints/{name}.yaml").unlink()
    write({**THING, "title": "New"})
    number = repo.github.open_pull(HEAD)
    flags = ("--prune", "--allow-destructive", "blueprint/thing_two", "--allow-destructive", "blueprint/thing_three")
    repo.upload(repo.plan(HEAD, "acme/portal", *flags))
    repo.github.merge(number, MERGE)
    repo.bench.send("DELETE", "/blueprints/thing_two")
    done = repo.apply(*flags)
    assert done.exit_code == 0, done.output
    assert there(repo) == {"thing"}


@pytest.mark.parametrize("by_hand", [{"title": "Thing"}, {"title": "Mine"}, {"description": None}])
def test_what_somebody_mends_after_an_apply_is_not_undone_by_running_it_again(
    repo: Repo, by_hand: dict[str, Any]
) -> None:
    """Back to what it was before, too: then the plan of now is the one that was reviewed."""
    repo.applied_before(THING)
    changed = {**THING, "title": "New", "description": "New", "relations": {}}
    write(changed)
    repo.reviewed(HEAD)
    assert repo.apply().exit_code == 0
    mended = {key: value for key, value in {**changed, **by_hand}.items() if value is not None}
    repo.bench.send("PUT", "/blueprints/thing", mended)
    done = repo.apply()
    assert done.exit_code == 4, done.output
    assert repo.bench.writes == []
    assert repo.apply("--digest", repo.job.outputs["plan-digest"]).exit_code == 0
    assert there(repo, title="New", description="New") == {"thing"}


def test_what_somebody_deletes_after_an_apply_is_not_made_again_by_running_it_again(repo: Repo) -> None:
    write(THING)
    repo.reviewed()
    assert repo.apply().exit_code == 0
    repo.bench.send("DELETE", "/blueprints/thing")
    done = repo.apply()
    assert done.exit_code == 4, done.output
    assert "blueprint/thing changed in Port after this commit was applied" in repo.issues()[0]["body"]
    assert repo.title is None
