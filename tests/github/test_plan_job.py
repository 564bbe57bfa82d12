"""github plan: the review folder, outputs, annotations and summary, in every case."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from portcfg.github.folder import write_folder
from portcfg.kinds.base import load_schema
from portcfg.retry import RetryPolicy
from tests.github.stand_in import StandIn
from tests.github.support import BASE, FORK, HEAD, THING, Job, pull_request, write
from tests.support import Bench

PLAN = ("github", "plan", "--out", "review")


@pytest.fixture
def live(job: Job, bench: Bench) -> Job:
    """A job with the secrets of a Port."""
    return replace(job, port={"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"})


def said() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Path("review/review.json").read_text())
    jsonschema.validate(body, load_schema("review"))
    return body


def files() -> set[str]:
    return {path.name for path in Path("review").iterdir()}


def test_a_plan_is_told_in_the_folder_the_outputs_and_the_summary(live: Job) -> None:
    write(THING)
    done = live.run("pull_request", pull_request(3), *PLAN)
    assert done.exit_code == 0, done.output
    assert files() == {"review.json", "comment.md", "summary.md", "plan.json", "plan.bound.json", "problems.sarif"}
    body = said()
    assert body["pull_request"] == 3
    assert (body["head"], body["base"], body["compared_with"]) == (HEAD, BASE, "live")
    assert body["counts"] == {"create": 1, "update": 0, "delete": 0, "noop": 0, "rename": 0}
    assert body["labels"] == ["port/changes"]
    assert body["run_link"] == "https://github.example/acme/portal/actions/runs/4711"
    assert live.outputs == {
        "has-changes": "true",
        "adds": "1",
        "updates": "0",
        "deletes": "0",
        "renames": "0",
        "risk": "safe",
        "plan-digest": body["digest"],
        "compared-with": "live",
        "artifact": f"portcfg-plan-default-{HEAD}",
        "errors": "0",
        "warnings": live.outputs["warnings"],
        "infos": live.outputs["infos"],
        "exit-code": "0",
    }
    comment = Path("review/comment.md").read_text()
    assert comment.splitlines()[:2] == ["<!-- portcfg: -->", f"<!-- portcfg review {body['digest']} {HEAD} -->"]
    assert "blueprint/thing" in comment
    assert "blueprint/thing" in live.summary
    jsonschema.validate(json.loads(Path("review/plan.json").read_text()), load_schema("plan"))
    assert live.github.log == [], "planning has no business with GitHub"


def test_the_bound_plan_is_one_for_apply(live: Job) -> None:
    write(THING)
    live.run("pull_request", pull_request(3), *PLAN)
    done = live.run("push", {}, "apply", "review/plan.bound.json")
    assert done.exit_code == 0, done.output
    assert live.run("pull_request", pull_request(3), *PLAN).exit_code == 0
    assert live.outputs["has-changes"] == "false"
    assert said()["labels"] == []


def test_files_are_the_owners_alone_and_old_ones_go(live: Job) -> None:
    write(THING)
    live.run("pull_request", pull_request(3), *PLAN)
    assert {path.stat().st_mode & 0o777 for path in Path("review").iterdir()} == {0o600}
    write({**THING, "schema": {"properties": {"a": {"type": "nonsense"}}}})
    live.run("pull_request", pull_request(3), *PLAN)
    assert files() == {"review.json", "comment.md", "summary.md", "problems.sarif"}


def test_a_link_in_the_folder_is_not_written_through(live: Job) -> None:
    write(THING)
    Path("review").mkdir()
    Path("precious").write_text("precious")
    for name in ("review.json", "plan.json"):
        Path("review", name).symlink_to("../precious")
    assert live.run("pull_request", pull_request(3), *PLAN).exit_code == 0
    assert Path("precious").read_text() == "precious"
    assert said()["head"] == HEAD


def test_a_link_that_is_put_there_meanwhile_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    precious, unlink = tmp_path / "precious", Path.unlink
    precious.write_text("precious")

    def put_back(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        path.symlink_to(precious)

    monkeypatch.setattr(Path, "unlink", put_back)
    with pytest.raises(FileExistsError):
        write_folder(tmp_path / "review", {}, {})
    assert precious.read_text() == "precious"


def test_known_errors_that_stop_a_plan_are_counted(live: Job) -> None:
    write({**THING, "schema": {"properties": {"a": {"type": "nonsense"}}}})
    assert live.run("push", {}, "validate", "--write-baseline").exit_code == 0
    done = live.run("pull_request", pull_request(3), *PLAN)
    assert done.exit_code == 1
    errors = [each for each in said()["problems"] if each["severity"] == "error"]
    assert errors
    assert live.outputs["errors"] == str(len(errors))


def test_invalid_specs_are_annotated_and_reviewed(live: Job) -> None:
    write({**THING, "schema": {"properties": {"a": {"type": "nonsense"}}}})
    done = live.run("pull_request", pull_request(3), *PLAN)
    assert done.exit_code == 1
    assert "::error file=specs/blueprints/thing.yaml,line=" in done.stdout
    assert said()["labels"] == ["port/invalid"]
    assert said()["problems"]
    assert live.outputs["errors"] != "0"
    assert live.outputs["exit-code"] == "1"
    assert live.outputs["plan-digest"] == ""
    assert "specs/blueprints/thing.yaml" in Path("review/comment.md").read_text()


def test_a_refused_plan_is_reviewed_but_not_bound(live: Job, bench: Bench) -> None:
    write(THING, {**THING, "identifier": "other"})
    live.run("pull_request", pull_request(3), *PLAN)
    live.run("push", {}, "apply", "review/plan.bound.json")
    bench.send("POST", "/blueprints/thing/entities", {"identifier": "one", "properties": {"a": "x"}})
    Path("specs/blueprints/thing.yaml").unlink()
    done = live.run("pull_request", pull_request(3), *PLAN, "--prune")
    assert done.exit_code == 1
    assert "::error title=portcfg%3A the plan is refused::" in done.stdout
    assert "plan.bound.json" not in files()
    assert "port/destroy" in said()["labels"]
    assert live.outputs["deletes"] == "1"
    assert live.outputs["risk"] == "destructive"
    assert "refuses this plan" in Path("review/comment.md").read_text()


@pytest.mark.parametrize(
    ("secret", "url"), [("wrong", ""), ("local", "http://127.0.0.1:9")], ids=["refused credentials", "nobody there"]
)
def test_a_port_that_cannot_be_read_is_told(live: Job, monkeypatch: pytest.MonkeyPatch, secret: str, url: str) -> None:
    monkeypatch.setattr("portcfg.client.RetryPolicy", lambda: RetryPolicy(attempts=2, sleep=lambda _: None))
    write(THING)
    port = {**live.port, "PORT_CLIENT_SECRET": secret, **({"PORT_BASE_URL": url} if url else {})}
    done = replace(live, port=port).run("pull_request", pull_request(3), *PLAN)
    assert done.exit_code == 1
    assert "::error title=portcfg%3A no plan::" in done.stdout
    assert said()["failure"]
    assert files() == {"review.json", "comment.md", "summary.md", "problems.sarif"}


def test_without_secrets_the_base_branch_is_compared_with(job: Job) -> None:
    write(THING, root="base/specs")
    write({**THING, "title": "New"})
    done = job.run("pull_request", pull_request(3, repository=FORK), *PLAN, "--base", "base/specs")
    assert done.exit_code == 0, done.output
    assert said()["compared_with"] == "base"
    assert job.outputs["updates"] == "1"
    assert "plan.bound.json" not in files()


def test_without_secrets_a_snapshot_goes_before_the_base(live: Job) -> None:
    write({**THING, "title": "In Port"})
    live.run("pull_request", pull_request(3), *PLAN)
    live.run("push", {}, "apply", "review/plan.bound.json")
    assert live.run("push", {}, "snapshot", "--out", "snapshot.json").exit_code == 0
    write({**THING, "title": "New"})
    job, compare = replace(live, port={}), ("--against", "snapshot.json", "--base", "specs")
    done = job.run("pull_request", pull_request(3, repository=FORK), *PLAN, *compare)
    assert done.exit_code == 0, done.output
    assert said()["compared_with"] == "snapshot"
    assert '"In Port" -> "New"' in Path("review/comment.md").read_text()
    assert "plan.bound.json" not in files()


@pytest.mark.parametrize("found", [None, "{}"], ids=["not there", "damaged"])
def test_without_a_snapshot_that_can_be_read_it_is_the_base(job: Job, found: str | None) -> None:
    write(THING)
    if found is not None:
        Path("snapshot.json").write_text(found)
    done = job.run("pull_request", pull_request(3), *PLAN, "--against", "snapshot.json", "--base", "specs")
    assert done.exit_code == 0, done.output
    assert said()["compared_with"] == "base"
    assert ("the snapshot can't be compared with" in job.summary) is (found is not None)


def test_a_snapshot_alone_that_cannot_be_read_is_told(job: Job) -> None:
    write(THING)
    Path("snapshot.json").write_text("{}")
    assert job.run("pull_request", pull_request(3), *PLAN, "--against", "snapshot.json").exit_code == 1
    assert said()["failure"]


def test_with_secrets_port_goes_before_the_base(live: Job) -> None:
    write(THING, root="base/specs")
    write(THING)
    live.run("pull_request", pull_request(3), *PLAN, "--base", "base/specs")
    assert said()["compared_with"] == "live"
    assert live.outputs["adds"] == "1"


def environments(root: str, **base_urls: str) -> None:
    Path(root).mkdir(parents=True, exist_ok=True)
    known = {name: {"base_url": url} if url else {} for name, url in base_urls.items()}
    Path(root, "portcfg.yaml").write_text(json.dumps({"version": 1, "environments": known}))


@pytest.mark.parametrize("base", [{"production": ""}, {"production": "https://port.example"}, {"other": ""}, None])
def test_a_branch_cannot_choose_who_is_told_the_credentials(
    live: Job, bench: Bench, base: dict[str, str] | None
) -> None:
    write(THING)
    environments("specs", production=bench.url)
    if base is not None:
        environments("base/specs", **base)
    job = replace(live, port={name: value for name, value in live.port.items() if name != "PORT_BASE_URL"})
    done = job.run("pull_request", pull_request(3), *PLAN, "--base", "base/specs", "--env", "production")
    assert bench.log == []
    assert said()["compared_with"] == ("nothing" if base is None else "base")
    assert done.exit_code == (1 if base is None else 0), done.output
    assert "::warning title=portcfg%3A Port is not asked::specs/portcfg.yaml has the base_url" in done.stdout
    assert "no credentials were sent there" in " ".join(Path("review/comment.md").read_text().split())
    environments("base/specs", production=f"{bench.url}/")
    done = job.run("pull_request", pull_request(3), *PLAN, "--base", "base/specs", "--env", "production")
    assert (done.exit_code, said()["compared_with"]) == (0, "live"), done.output


def test_without_anything_to_compare_with_the_specs_are_checked_all_the_same(job: Job) -> None:
    write(THING)
    done = job.run("pull_request", pull_request(3, repository=FORK), *PLAN)
    assert done.exit_code == 1
    assert said()["compared_with"] == "nothing"
    assert "no credentials" in said()["failure"]
    assert "problems.sarif" in files()


def test_the_digest_stays_where_only_files_and_comments_change(live: Job) -> None:
    write(THING)
    live.run("pull_request", pull_request(3), *PLAN)
    first = said()["digest"]
    spec = Path("specs/blueprints/thing.yaml")
    spec.with_name("other.yaml").write_text(f"# the same\n{spec.read_text()}")
    spec.unlink()
    live.run("pull_request", pull_request(3), *PLAN)
    assert said()["digest"] == first
    assert len(first) == 64
    live.run("pull_request", pull_request(3), *PLAN, PORTCFG_PLAN_KEY="key")
    assert said()["digest"] != first


@pytest.mark.parametrize(
    ("event", "payload", "head"),
    [
        ("merge_group", {"merge_group": {"head_sha": HEAD, "base_sha": BASE}}, HEAD),
        ("push", {"after": HEAD, "before": "0" * 40}, HEAD),
        ("workflow_dispatch", {}, "d" * 40),
    ],
)
def test_other_events_plan_their_own_commit(live: Job, event: str, payload: dict[str, Any], head: str) -> None:
    write(THING)
    assert live.run(event, payload, *PLAN).exit_code == 0
    assert said()["head"] == head
    assert said()["pull_request"] == 0


@pytest.mark.parametrize("out", ["specs", "specs/review", "./specs/../specs", "link"])
def test_nothing_is_written_among_the_specs(live: Job, out: str) -> None:
    write(THING)
    Path("link").symlink_to("specs")
    before = sorted(Path("specs").rglob("*"))
    done = live.run("pull_request", pull_request(3), "github", "plan", "--out", out)
    assert done.exit_code == 64
    assert "is in the folder of the specs" in done.stderr
    assert sorted(Path("specs").rglob("*")) == before
    assert live.run("pull_request", pull_request(3), "github", "plan", "--out", "specs-review").exit_code == 0


def test_environments_have_artifacts_of_their_own(live: Job) -> None:
    write(THING)
    Path("specs/portcfg.yaml").write_text("version: 1\nenvironments: {staging: {}}\n")
    done = live.run("pull_request", pull_request(3), *PLAN, "--env", "staging")
    assert done.exit_code == 0, done.output
    assert live.outputs["artifact"] == f"portcfg-plan-staging-{HEAD}"
    assert said()["environment"] == "staging"


def test_a_summary_that_is_full_is_cut(live: Job) -> None:
    write(THING)
    live.summary_file.write_text("")
    live.run("pull_request", pull_request(3), *PLAN)
    assert len(live.summary.encode()) <= 1024 * 1024


def test_outside_of_github_the_folder_is_made_all_the_same(job: Job, github: StandIn) -> None:
    write(THING)
    gone = {"GITHUB_EVENT_NAME": "", "GITHUB_SHA": ""}
    done = job.run("", {}, *PLAN, "--env", "local", **gone)
    assert done.exit_code == 0, done.output
    assert said()["head"] == ""
    assert job.outputs["artifact"] == ""
