"""A repository on GitHub: people push, open and merge pull requests, time passes, and its workflows run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tests.github.processes import git
from tests.github.runner import Event, Json, Machine, Run, Runner, read_workflow
from tests.github.stand_in import StandIn

EVENTS = Path(__file__).parent / "events"
FORK = "stranger/portal"
PULL_REQUEST_TYPES = ("opened", "synchronize", "reopened")


class Forge:
    """A bare repository, a clone to work in, and the runner of its workflows."""

    def __init__(self, folder: Path, github: StandIn, machine: Machine, files: Mapping[str, str]) -> None:
        self.github, self._folder = github, folder
        self.origin, self._clone = folder / "origin.git", folder / "clone"
        self._trees = 0
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        git(folder, "init", "--quiet", "--initial-branch=main", str(self._clone))
        git(self._clone, "remote", "add", "origin", str(self.origin))
        self.runner = Runner(github, self.origin, machine, folder)
        self.heads: dict[int, str] = {}
        self._write("main", files, "The first commit")

    @property
    def main(self) -> str:
        """The commit that main is at."""
        return git(self.origin, "rev-parse", "main")

    def push(self, files: Mapping[str, str | None]) -> list[Run]:
        """A commit on main that nobody reviewed; the runs of the workflows that it starts."""
        before = self.main
        return self._pushed(before, self._write("main", files, "A direct push"))

    def open(
        self, files: Mapping[str, str | None], branch: str = "change", fork: bool = False, by: str = "octocat"
    ) -> tuple[int, list[Run]]:
        """A pull request; its number, and the runs, of which there are none if it is `by` nobody."""
        base = self.main
        git(self._clone, "checkout", "--quiet", "-B", branch, base)
        head = self._write(branch, files, "A change")
        number = self.github.open_pull(head, base, FORK if fork else "", branch)
        self.heads[number] = branch
        return number, self._pull_request(number, "opened", by) if by else []

    def update(self, number: int, files: Mapping[str, str | None]) -> list[Run]:
        """One more commit on a pull request."""
        branch = self.heads[number]
        git(self._clone, "checkout", "--quiet", branch)
        self.github.push(number, self._write(branch, files, "Another change"))
        return self._pull_request(number, "synchronize")

    def again(self, number: int) -> list[Run]:
        """The same commit once more, as after "reopen"."""
        return self._pull_request(number, "reopened")

    def merge(self, number: int, squash: bool = False) -> list[Run]:
        """The button "Merge pull request", or "Squash and merge"."""
        before = self.main
        git(self._clone, "checkout", "--quiet", "-B", "main", before)
        head = self.github.pulls[number]["head"]["sha"]
        if squash:
            git(self._clone, "merge", "--quiet", "--squash", head)
            git(self._clone, "commit", "--quiet", "--message", f"A change (#{number})")
        else:
            git(self._clone, "merge", "--quiet", "--no-ff", "--message", f"Merge pull request #{number}", head)
        git(self._clone, "push", "--quiet", "origin", "main")
        self.github.merge(number, self.main)
        return self._pushed(before, self.main)

    def tick(self, workflow: str) -> list[Run]:
        """The time of a workflow's schedule has come."""
        folder = self._workflows(self.main)
        cron = read_workflow(folder / workflow)["on"]["schedule"][0]["cron"]
        return self.fire(
            Event("schedule", self._payload("schedule", schedule=cron), self.main, "refs/heads/main"), folder
        )

    def dispatch(self, workflow: str, **inputs: str) -> Run:
        """Somebody runs a workflow by hand; underscores stand for hyphens."""
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        payload = self._payload("workflow_dispatch", inputs=given, workflow=f".github/workflows/{workflow}")
        event = Event("workflow_dispatch", payload, self.main, "refs/heads/main")
        return self.runner.run(self._workflows(self.main), workflow, event)

    def queue(self, number: int) -> list[Run]:
        """A pull request enters the merge queue."""
        merged = self._merged(number)
        group = {"head_sha": merged, "base_sha": self.main}
        event = Event(
            "merge_group",
            self._payload("merge_group", merge_group=group),
            merged,
            "refs/heads/gh-readonly-queue/main/pr-1",
        )
        return self.fire(event, self._workflows(merged))

    def fire(self, event: Event, folder: Path) -> list[Run]:
        """Every workflow that `event` starts, and those that wait for their ends."""
        runs = []
        for file in sorted(folder.glob("*.yml")):
            if starts(read_workflow(file)["on"], event):
                run = self.runner.run(folder, file.name, event)
                runs += [run, *self._followed(run, event, file.name)]
        return runs

    def _followed(self, run: Run, event: Event, file: str) -> Iterator[Run]:
        """Workflows of the default branch that wait for the end of `run`."""
        ran = self.github.runs[run.id]
        told = {key: ran[key] for key in ("id", "event", "head_sha", "head_branch", "head_repository", "conclusion")}
        told |= {"name": run.workflow, "path": f".github/workflows/{file}", "actor": {"login": event.actor}}
        payload = self._payload("workflow_run", workflow_run=told, workflow={"name": run.workflow})
        after = Event("workflow_run", payload, self.main, "refs/heads/main")
        if event.name != "workflow_run":
            yield from self.fire(after, self._workflows(self.main))

    def _pull_request(self, number: int, action: str, by: str = "octocat") -> list[Run]:
        pull = self.github.pulls[number]
        merged = self._merged(number)
        payload = self._payload("pull_request", action=action, number=number)
        asked = payload["pull_request"]
        asked["number"] = number
        asked["head"] |= {
            **pull["head"],
            "repo": {**pull["head"]["repo"], "fork": pull["head"]["repo"]["full_name"] == FORK},
        }
        asked["base"] |= {"sha": self.main}
        payload["sender"] |= {"login": by}
        event = Event("pull_request", payload, merged, f"refs/pull/{number}/merge", by, pull["head"]["ref"], "main")
        return self.fire(event, self._workflows(merged))

    def _merged(self, number: int) -> str:
        """The commit that GitHub keeps as refs/pull/N/merge, and the workflows of a pull request are taken from."""
        head = self.github.pulls[number]["head"]["sha"]
        git(self._clone, "checkout", "--quiet", "--detach", self.main)
        git(self._clone, "merge", "--quiet", "--no-ff", "--message", f"Merge {head} into {self.main}", head)
        commit = git(self._clone, "rev-parse", "HEAD")
        git(
            self._clone,
            "push",
            "--quiet",
            "--force",
            "origin",
            f"{commit}:refs/pull/{number}/merge",
            f"{head}:refs/pull/{number}/head",
        )
        git(self._clone, "checkout", "--quiet", self.heads[number])
        return commit

    def _pushed(self, before: str, after: str) -> list[Run]:
        lines = git(self.origin, "rev-list", "--parents", "--all").splitlines()
        self.github.parents = {commit: tuple(parents) for commit, *parents in map(str.split, lines)}
        self.github.tip = (after,)
        payload = self._payload("push", before=before, after=after, head_commit={"id": after})
        return self.fire(Event("push", payload, after, "refs/heads/main"), self._workflows(after))

    def _write(self, branch: str, files: Mapping[str, str | None], message: str) -> str:
        """A commit of files, None for one that goes away; pushed, except that a fork's branch is only in its pull."""
        if branch == "main" and self.heads:
            git(self._clone, "checkout", "--quiet", "-B", "main", self.main)
        for name, text in files.items():
            path = self._clone / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        git(self._clone, "add", "--all")
        git(self._clone, "commit", "--quiet", "--message", message)
        if branch == "main":
            git(self._clone, "push", "--quiet", "origin", "main")
        return git(self._clone, "rev-parse", "HEAD")

    def _workflows(self, commit: str) -> Path:
        """The workflows as they are at a commit."""
        self._trees += 1
        tree = self._folder / f"tree-{self._trees}"
        git(self._clone, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        return tree / ".github" / "workflows"

    def _payload(self, name: str, **more: Any) -> Json:
        payload: Json = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
        # A schedule's event has been seen without it.
        if name != "schedule":
            repository = json.loads((EVENTS / "repository.json").read_text(encoding="utf-8"))
            payload["repository"] = repository | {
                "private": self.github.private,
                "visibility": "private" if self.github.private else "public",
            }
        for key, value in more.items():
            payload[key] = {**payload[key], **value} if isinstance(value, dict) and key in payload else value
        return payload


def starts(on: Json, event: Event) -> bool:
    """Whether a workflow with this `on:` runs for an event."""
    if event.name not in on or event.name == "workflow_dispatch":
        return False
    asked = on[event.name] or {}
    if event.name == "schedule":
        return any(each["cron"] == event.payload["schedule"] for each in asked)
    if unknown := set(asked) - {"types", "branches", "workflows"}:
        raise AssertionError(f"{event.name}: {unknown} isn't imitated")
    types = asked.get("types") or (PULL_REQUEST_TYPES if event.name == "pull_request" else ())
    if types and event.payload["action"] not in types:
        return False
    if event.name == "workflow_run" and event.payload["workflow_run"]["name"] not in asked["workflows"]:
        return False
    branch = (
        event.payload.get("workflow_run", {}).get("head_branch")
        or event.base_ref
        or event.ref.removeprefix("refs/heads/")
    )
    return any(fnmatch(branch, pattern) for pattern in asked.get("branches", ["*"]))
