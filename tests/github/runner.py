"""Runs workflows as GitHub's runners do: their very `run:` steps in bash, in order, with GitHub's environment files.

What the workflows don't use isn't imitated: it is an error. Where GitHub gives less than one hopes for (no secrets to a
fork's run, to a job's token only what its permissions say), this gives as little.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.github.actions import KNOWN, ActionError
from tests.github.expressions import as_text, evaluate, fill, truth
from tests.github.stand_in import StandIn
from tests.support import REPOSITORY

# Where a workflow elsewhere finds this project's own, and its action.
PUBLISHED, ACTION = REPOSITORY, "acme/portcfg"
PINNED = re.compile(r"([\w.-]+/[\w./-]+)@[0-9a-f]{40}")
STATUS = re.compile(r"\b(always|success|failure|cancelled)\s*\(")
COMMAND = re.compile(r"^::(error|warning|notice|debug|group|endgroup|add-mask|stop-commands)\b *([^:]*)::(.*)$")
SHELLS = {
    "": ["bash", "-e"],
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
}
SUMMARY_LIMIT = 1024 * 1024
PATIENCE = 120
LEVELS = ("none", "read", "write")
Json = dict[str, Any]


@dataclass(frozen=True)
class Machine:
    """The Python of the session, and what pip is to find where there is no package index."""

    python: Path
    packages: Path
    environ: Mapping[str, str]


@dataclass(frozen=True)
class Environment:
    """One of GitHub's environments: secrets and variables of its own, and whether somebody has to approve."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    reviewers: bool = False


@dataclass(frozen=True)
class Event:
    """What happened: `sha` and `ref` are what GITHUB_SHA and GITHUB_REF become."""

    name: str
    payload: Json
    sha: str
    ref: str
    actor: str = "octocat"
    head_ref: str = ""
    base_ref: str = ""

    @property
    def pull(self) -> Json:
        """The pull request, if there is one."""
        found: Json = self.payload.get("pull_request") or {}
        return found

    @property
    def is_trusted(self) -> bool:
        """Whether secrets, variables and a token that may write are given: not to forks, and not to Dependabot's."""
        if self.name != "pull_request":
            return True
        own = self.pull["head"]["repo"]["full_name"] == self.payload["repository"]["full_name"]
        return own and self.actor != "dependabot[bot]"


@dataclass
class Step:
    """What became of a step: `outcome` is success, failure or skipped."""

    name: str
    outcome: str = "skipped"
    text: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    annotations: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class Done:
    """What became of a job: `result` is success, failure, skipped, cancelled or waiting (for an approval)."""

    name: str
    result: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    summary: str = ""
    environment: str = ""
    concurrency: str = ""
    calls: Run | None = None

    @property
    def text(self) -> str:
        """The whole log."""
        return "\n".join(f"# {step.name}\n{step.text}" for step in self.steps)

    @property
    def annotations(self) -> list[tuple[str, str, str]]:
        """(level, properties, text) of each."""
        return [each for step in self.steps for each in step.annotations]


@dataclass
class Run:
    """What became of a workflow: its jobs by name, which for one of a matrix has the values in brackets."""

    workflow: str
    id: int
    jobs: dict[str, Done] = field(default_factory=dict)

    @property
    def conclusion(self) -> str:
        """success, failure, cancelled, or waiting; of jobs that were skipped, success."""
        results = {job.result for job in self.jobs.values()}
        return next((each for each in ("waiting", "failure", "cancelled") if each in results), "success")

    @property
    def text(self) -> str:
        """The logs of all jobs."""
        return "\n".join(f"## {name}: {job.result}\n{job.text}" for name, job in self.jobs.items())


class Runner:
    """One repository on GitHub, as far as its workflows see it."""

    def __init__(self, github: StandIn, origin: Path, machine: Machine, folder: Path) -> None:
        self.github, self.origin, self.machine, self.folder = github, origin, machine, folder
        self.secrets: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.environments: dict[str, Environment] = {}
        # Environments for which somebody has pressed the button, and the runs that wait for it.
        self.approved: set[str] = set()
        self.waiting: list[tuple[Path, str, Event]] = []
        self.sarif: list[str] = []
        # The step in which somebody cancels, or time is up; what it has begun, it ends.
        self.cancelled_in = ""
        self.numbers = itertools.count(1)
        self._started: dict[int, tuple[Path, str, Event]] = {}
        self._attempts: dict[int, int] = {}

    def run(self, folder: Path, file: str, event: Event) -> Run:
        """Run a workflow file of `folder`, a checkout's `.github/workflows`, for an event that starts it."""
        head = event.pull.get("head", {})
        number = self.github.run(
            head.get("sha", event.sha),
            event.name,
            head.get("repo", {}).get("full_name", ""),
            head.get("ref") or event.ref.removeprefix("refs/heads/"),
        )
        self.github.runs[number]["path"] = f".github/workflows/{file}"
        self._started[number] = (folder, file, event)
        return self.again(number)

    def again(self, number: int) -> Run:
        """The button "Re-run all jobs": the same run once more, which keeps its number and its artifacts."""
        folder, file, event = self._started[number]
        data = read_workflow(folder / file)
        self._attempts[number] = attempt = self._attempts.get(number, 0) + 1
        inputs = dispatched(data, event) if event.name == "workflow_dispatch" else {}
        workflow = Workflow(self, folder, data, event, number, attempt)
        run = workflow.run(Call(inputs, dict(self.secrets) if event.is_trusted else {}))
        self.github.runs[number]["conclusion"] = run.conclusion
        if run.conclusion == "waiting":
            self.waiting.append((folder, file, event))
        return run

    def approve(self, environment: str) -> list[Run]:
        """Press the button; the runs that waited for it."""
        self.approved.add(environment)
        waiting, self.waiting = self.waiting, []
        return [self.run(*each) for each in waiting]


@dataclass(frozen=True)
class Call:
    """What a workflow is given: by hand, by a caller, or by nobody. `most` is what a caller's job may do."""

    inputs: Json
    secrets: Mapping[str, str]
    most: Mapping[str, str] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


class Workflow:
    """One workflow file in one run."""

    def __init__(self, runner: Runner, folder: Path, data: Json, event: Event, number: int, attempt: int) -> None:
        self.runner, self.folder, self.data, self.event, self.id = runner, folder, data, event, number
        self.attempt = attempt
        self.name = str(data["name"])

    def run(self, call: Call) -> Run:
        """Every job, each after those that it needs."""
        run, waiting = Run(self.name, self.id), dict(self.data["jobs"])
        done: dict[str, list[Done]] = {}
        while waiting:
            name = next(each for each, job in waiting.items() if not set(_needs(job)) & set(waiting))
            done[name] = self._of_matrix(name, waiting.pop(name), call, done)
            run.jobs |= {each.name: each for each in done[name]}
        return run

    def _of_matrix(self, name: str, job: Json, call: Call, done: Mapping[str, list[Done]]) -> list[Done]:
        contexts = self.contexts(call) | {"needs": {each: _needed(done[each]) for each in _needs(job)}}
        if not _wanted(job, contexts, done):
            return [Done(name)]
        strategy = job.get("strategy", {})
        found: list[Done] = []
        for row in _rows(fill(strategy.get("matrix", {}), contexts) or {}, contexts):
            title = f"{name} ({', '.join(map(str, row.values()))})" if any(row.values()) else name
            stopped = strategy.get("fail-fast", True) and any(each.result == "failure" for each in found)
            found.append(
                Done(title, "cancelled") if stopped else self._job(title, job, call, contexts | {"matrix": row})
            )
        return found

    def _job(self, name: str, job: Json, call: Call, contexts: Json) -> Done:
        if "uses" in job:
            return self._called(name, job, call, contexts)
        return Job(self, name, job, call, contexts).run()

    def _called(self, name: str, job: Json, call: Call, contexts: Json) -> Done:
        """A reusable workflow, which gets no more than its caller's job may do."""
        file = re.fullmatch(r"(?:\./|[\w.-]+/[\w.-]+/)\.github/workflows/([\w-]+\.yml)(?:@[0-9a-f]{40})?", job["uses"])
        assert file, f"{job['uses']} is no workflow at a commit"
        folder = self.folder if job["uses"].startswith("./") else PUBLISHED / ".github" / "workflows"
        data = read_workflow(folder / file[1])
        declared = data["on"]["workflow_call"] or {}
        given = {key: fill(value, contexts) for key, value in job.get("with", {}).items()}
        secrets = job.get("secrets", {})
        passed = (
            call.secrets if secrets == "inherit" else {key: fill(value, contexts) for key, value in secrets.items()}
        )
        known = set(declared.get("secrets", {}))
        assert secrets == "inherit" or set(passed) <= known, f"{file[1]} has no secrets {set(passed) - known}"
        most = self.permissions(job, call)
        inner = Call(
            checked_inputs(declared.get("inputs", {}), given, file[1]), {k: v for k, v in passed.items() if v}, most
        )
        workflow = Workflow(self.runner, folder, data, self.event, self.id, self.attempt)
        for each in data["jobs"].values():
            workflow.permissions(each, inner)
        ran = workflow.run(inner)
        return Done(name, ran.conclusion, calls=ran, steps=[step for each in ran.jobs.values() for step in each.steps])

    def permissions(self, job: Json, call: Call) -> dict[str, str]:
        """What a job's token may do."""
        asked = job.get("permissions", self.data.get("permissions"))
        assert isinstance(asked, dict), f"{self.name}: a job without permissions of its own has those of the repository"
        if call.most is not None:
            for name, level in asked.items():
                allowed = call.most.get(name, "none")
                assert LEVELS.index(level) <= LEVELS.index(allowed), (
                    f"{self.name}: {name}: {level}, its caller: {allowed}"
                )
        return dict(asked)

    def contexts(self, call: Call) -> Json:
        """What expressions may look into, of the whole workflow."""
        event, repository = self.event, self.runner.github.repository
        github = {
            "event": event.payload,
            "event_name": event.name,
            "sha": event.sha,
            "ref": event.ref,
            "ref_name": event.ref.removeprefix("refs/heads/").removeprefix("refs/pull/"),
            "head_ref": event.head_ref,
            "base_ref": event.base_ref,
            "actor": event.actor,
            "repository": repository,
            "repository_owner": repository.partition("/")[0],
            "run_id": str(self.id),
            "run_attempt": str(self.attempt),
            "workflow": self.name,
        }
        contexts: Json = {
            "github": github,
            "inputs": call.inputs,
            "vars": dict(self.runner.variables) if event.is_trusted else {},
            "secrets": dict(call.secrets),
            "env": {},
        }
        return contexts | {
            "env": {key: as_text(fill(value, contexts)) for key, value in self.data.get("env", {}).items()}
        }


class Job:
    """One job on a machine of its own: a workspace, a token, environment files."""

    def __init__(self, workflow: Workflow, name: str, data: Json, call: Call, contexts: Json) -> None:
        self.runner, self.event, self.id, self._call = workflow.runner, workflow.event, workflow.id, call
        self._workflow, self._data = workflow, data
        self.permissions = workflow.permissions(data, call)
        self.folder = self.runner.folder / f"job-{next(self.runner.numbers)}"
        self.workspace, self.temp = self.folder / "work" / "portal", self.folder / "_temp"
        self.paths: list[str] = []
        self._environ: dict[str, str] = {}
        self._masks: set[str] = set()
        self._secrets: set[str] = set()
        self._files = itertools.count(1)
        self._summary = ""
        self._contexts = contexts
        self.done = Done(name)

    def run(self) -> Done:
        """Every step, and what came of it."""
        if self._enter() == "waiting":
            self.done.result = "waiting"
            return self.done
        assert self._data.get("timeout-minutes"), f"{self.done.name}: without timeout-minutes it may hang for six hours"
        for folder in (self.workspace, self.temp):
            folder.mkdir(parents=True)
        self.done.result = "success"
        for step in self._data["steps"]:
            done = self._step(step, self._contexts, self.done.steps)
            if done.name == self.runner.cancelled_in:
                self.done.result = "cancelled"
        self.done.outputs = {
            key: as_text(fill(value, self._contexts)) for key, value in self._data.get("outputs", {}).items()
        }
        self.done.summary = self._summary
        return self.done

    def _enter(self) -> str:
        """The environment with its secrets, the concurrency group, and the token."""
        contexts, secrets = self._contexts, dict(self._call.secrets)
        named = self._data.get("environment", "")
        name = as_text(fill(named["name"] if isinstance(named, dict) else named, contexts))
        environment = self.runner.environments.get(name, Environment()) if name else Environment()
        self.done.environment = name
        if environment.reviewers and name not in self.runner.approved:
            return "waiting"
        variables: dict[str, str] = {}
        if self.event.is_trusted:
            secrets |= environment.secrets
            variables = {**self.runner.variables, **environment.variables}
        # Who it was may be told, and GitHub puts *** there.
        self._masks = {value for name, value in secrets.items() if value and name.endswith("_ID")}
        self._secrets = {value for value in secrets.values() if value} - self._masks
        token = self.runner.github.token(**{key.replace("-", "_"): value for key, value in self._may().items()})
        self._contexts = contexts | {
            "secrets": {**secrets, "GITHUB_TOKEN": token},
            "vars": variables,
            "github": contexts["github"] | {"token": token, "workspace": str(self.workspace)},
            "runner": {"temp": str(self.temp), "os": "Linux", "debug": ""},
            "steps": {},
            "job": {"status": "success"},
        }
        self._secrets.add(token)
        own = self._data.get("env", {})
        env = {key: as_text(fill(value, self._contexts)) for key, value in own.items()}
        self._contexts |= {"env": contexts["env"] | env}
        group = self._data.get("concurrency", self._workflow.data.get("concurrency", {}))
        self.done.concurrency = as_text(fill(group.get("group", ""), self._contexts))
        return "entered"

    def _may(self) -> Mapping[str, str]:
        if self.event.is_trusted:
            return self.permissions
        return {name: "read" if level == "write" else level for name, level in self.permissions.items()}

    def _step(self, step: Json, contexts: Json, kept: list[Step]) -> Step:
        functions = self._status()
        done = Step(step.get("name") or step.get("id") or str(step.get("uses") or step["run"].splitlines()[0]))
        kept.append(done)
        condition = as_text(step.get("if", ""))
        condition = condition if STATUS.search(condition) else f"success() && ({_bare(condition) or 'true'})"
        if truth(evaluate(_bare(condition), contexts, functions)):
            env = {key: as_text(fill(value, contexts, functions)) for key, value in step.get("env", {}).items()}
            inner = contexts | {"env": {**contexts["env"], **env}}
            try:
                self._do(step, inner, done, functions)
                done.outcome = done.outcome if done.outcome == "failure" else "success"
            except ActionError as error:
                done.outcome, done.text = "failure", str(error)
        if done.outcome == "failure" and self.done.result == "success" and not step.get("continue-on-error"):
            self.done.result = "failure"
        if "id" in step:
            contexts["steps"][step["id"]] = {
                "outputs": done.outputs,
                "outcome": done.outcome,
                "conclusion": done.outcome,
            }
        return done

    def _status(self) -> dict[str, Callable[[], bool]]:
        result = self.done.result
        return {
            "always": lambda: True,
            "cancelled": lambda: result == "cancelled",
            "success": lambda: result == "success",
            "failure": lambda: result == "failure",
        }

    def _do(self, step: Json, contexts: Json, done: Step, functions: Any) -> None:
        if "run" in step:
            self._script(step, contexts, done)
            return
        inputs = {key: fill(value, contexts, functions) for key, value in step.get("with", {}).items()}
        inputs = {key: as_text(value) for key, value in inputs.items()}
        pinned = PINNED.fullmatch(step["uses"])
        assert pinned, f"{step['uses']} isn't pinned by a commit"
        if pinned[1] == ACTION:
            done.outputs = self._composite(PUBLISHED, inputs, contexts, done)
        else:
            done.outputs = KNOWN[pinned[1]](self, inputs)

    def _composite(self, folder: Path, inputs: Mapping[str, str], contexts: Json, done: Step) -> dict[str, str]:
        """A composite action: its steps with its inputs, without secrets."""
        data = yaml.safe_load((folder / "action.yml").read_text(encoding="utf-8"))
        missing = [name for name, each in data["inputs"].items() if each["required"] and name not in inputs]
        assert not missing, f"inputs {missing} are required"
        assert data["runs"]["using"] == "composite"
        assert set(inputs) <= set(data["inputs"]), f"unknown inputs {set(inputs) - set(data['inputs'])}"
        given = {key: inputs.get(key, as_text(each.get("default", ""))) for key, each in data["inputs"].items()}
        inner = {key: value for key, value in contexts.items() if key not in ("secrets", "vars", "needs", "matrix")}
        inner |= {"inputs": given, "steps": {}, "env": {**contexts["env"], "GITHUB_ACTION_PATH": str(folder)}}
        steps: list[Step] = []
        for step in data["runs"]["steps"]:
            assert "uses" in step or step.get("shell") == "bash", f"{step}: a step of an action needs a shell"
            self._step(step, inner, steps)
        done.text = "\n".join(each.text for each in steps)
        done.annotations = [each for step in steps for each in step.annotations]
        done.outcome = "failure" if any(each.outcome == "failure" for each in steps) else "success"
        return {key: as_text(fill(each["value"], inner)) for key, each in data.get("outputs", {}).items()}

    def _script(self, step: Json, contexts: Json, done: Step) -> None:
        assert "${{" not in step["run"], f"{done.name}: an expression in a script is put into it as code"
        number = next(self._files)
        script = self.temp / f"step-{number}.sh"
        script.write_text(step["run"], encoding="utf-8")
        files = {name: self.temp / f"{name}-{number}" for name in ("output", "env", "path", "step_summary", "state")}
        for file in files.values():
            file.touch()
        defaults = self._workflow.data.get("defaults", {}) | self._data.get("defaults", {})
        run = {**defaults.get("run", {}), **{key: step[key] for key in ("shell", "working-directory") if key in step}}
        folder = self.workspace / as_text(fill(run.get("working-directory", "."), contexts))
        environ = self._variables(contexts) | {f"GITHUB_{name.upper()}": str(file) for name, file in files.items()}
        ended = subprocess.run(
            [*SHELLS[run.get("shell", "")], str(script)],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        self._heard(self._unspilt(ended.stdout.decode("utf-8", "replace"), f"the log of {done.name}"), done)
        outputs = _assignments(files["output"]).items()
        done.outputs = {key: self._unspilt(value, f"the output {key}") for key, value in outputs}
        self._environ |= _assignments(files["env"])
        self.paths[:0] = reversed(files["path"].read_text(encoding="utf-8").splitlines())
        summary = files["step_summary"].read_bytes()
        assert len(summary) <= SUMMARY_LIMIT, f"{done.name}: GitHub drops a summary of {len(summary):,} bytes"
        self._summary += self._masked(self._unspilt(summary.decode("utf-8"), f"the summary of {done.name}"))
        done.outcome = "failure" if ended.returncode else "success"
        done.text += f"\n(exit code {ended.returncode})"

    def _heard(self, text: str, done: Step) -> None:
        """Commands in the log, and what hides secrets in it."""
        for line in text.splitlines():
            if (found := COMMAND.match(line)) and found[1] == "add-mask":
                self._masks.add(found[3])
            elif found and found[1] in ("error", "warning", "notice"):
                done.annotations.append((found[1], self._masked(found[2]), self._masked(found[3])))
        done.text = self._masked(text)

    def _unspilt(self, text: str, where: str) -> str:
        """GitHub would put *** in the place of a secret; that it has to is a fault."""
        assert not [secret for secret in self._secrets if secret in text], f"a secret is in {where}"
        return text

    def _masked(self, text: str) -> str:
        for secret in sorted(self._masks, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _variables(self, contexts: Json) -> dict[str, str]:
        """What a step finds in its environment."""
        github, event = contexts["github"], self.event
        payload = self.temp / "event.json"
        payload.write_text(json.dumps(event.payload), encoding="utf-8")
        own = self.runner.github.environ()
        # The token is in no variable unless a step puts it there.
        del own["GITHUB_TOKEN"]
        return {
            "PATH": os.pathsep.join([*self.paths, "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "CI": "true",
            **self.runner.machine.environ,
            **own,
            "GITHUB_EVENT_NAME": event.name,
            "GITHUB_EVENT_PATH": str(payload),
            "GITHUB_SHA": event.sha,
            "GITHUB_REF": event.ref,
            "GITHUB_REF_NAME": github["ref_name"],
            "GITHUB_HEAD_REF": event.head_ref,
            "GITHUB_BASE_REF": event.base_ref,
            "GITHUB_ACTOR": event.actor,
            "GITHUB_RUN_ID": str(self.id),
            "GITHUB_RUN_NUMBER": "1",
            "GITHUB_RUN_ATTEMPT": github["run_attempt"],
            "GITHUB_WORKFLOW": self._workflow.name,
            # Of a called workflow, its caller's.
            "GITHUB_WORKFLOW_REF": f"{github['repository']}/{self.runner.github.runs[self.id]['path']}@{event.ref}",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_OS": "Linux",
            **self._environ,
            **contexts["env"],
        }


def read_workflow(file: Path) -> Json:
    """A workflow file; its `on` is a word to GitHub, and true to YAML 1.1."""
    return _parsed(file.read_text(encoding="utf-8"))


@cache
def _parsed(text: str) -> Json:
    data: Json = yaml.safe_load(text)
    return {("on" if key is True else key): value for key, value in data.items()}


def dispatched(data: Json, event: Event) -> Json:
    """The inputs of a run by hand: those that the workflow knows, of their types, with defaults."""
    declared = (data["on"]["workflow_dispatch"] or {}).get("inputs", {})
    return checked_inputs(declared, event.payload.get("inputs") or {}, data["name"])


def checked_inputs(declared: Json, given: Json, where: str) -> Json:
    """Every declared input, given or by default; raises AssertionError for one that isn't declared or is missing."""
    assert set(given) <= set(declared), f"{where} has no inputs {set(given) - set(declared)}"
    found = {}
    for name, each in declared.items():
        assert name in given or not each.get("required"), f"{where}: the input {name} is required"
        value = given.get(name, each.get("default", False if each.get("type") == "boolean" else ""))
        found[name] = value in (True, "true") if each.get("type") == "boolean" else as_text(value)
    return found


def _needs(job: Json) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _needed(done: list[Done]) -> Json:
    results = [each.result for each in done]
    worst = next((each for each in ("waiting", "failure", "cancelled", "success") if each in results), "skipped")
    return {"result": worst, "outputs": {key: value for each in done for key, value in each.outputs.items() if value}}


def _wanted(job: Json, contexts: Json, done: Mapping[str, list[Done]]) -> bool:
    """Whether a job runs: without a word on the state of others, only after success of those that it needs."""
    results = [_needed(done[name])["result"] for name in _needs(job)]
    functions: dict[str, Callable[[], bool]] = {
        "always": lambda: True,
        "cancelled": lambda: False,
        "success": lambda: all(result == "success" for result in results),
        "failure": lambda: any(result == "failure" for result in results),
    }
    text = _bare(as_text(job.get("if", "")))
    whole = text if STATUS.search(text) else f"success() && ({text or 'true'})"
    return "waiting" not in results and truth(evaluate(whole, contexts, functions))


def _bare(condition: str) -> str:
    """An `if:` without the `${{ }}` that may stand around it."""
    found = re.fullmatch(r"\$\{\{(.*)\}\}", condition.strip(), re.DOTALL)
    return found[1].strip() if found else condition.strip()


def _rows(matrix: Json, contexts: Json) -> list[Json]:
    """Every combination of a matrix's values; one empty row without a matrix."""
    assert not {"include", "exclude"} & set(matrix)
    values = {name: fill(value, contexts) for name, value in matrix.items()}
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]


def _assignments(file: Path) -> dict[str, str]:
    """`name=value` lines, and `name<<END` with lines up to END."""
    found, lines = {}, iter(file.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if opened := re.fullmatch(r"([^=<]+)<<(.+)", line):
            found[opened[1]] = "\n".join(itertools.takewhile(lambda each, end=opened[2]: each != end, lines))
        elif line:
            name, sign, value = line.partition("=")
            assert sign, f"{line!r} is no assignment"
            found[name] = value
    return found
