"""What the workflows promise, run step by step: callers, hands, merge queues, and the action. And that the runner that
runs them gives no more than GitHub."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from portcfg import __version__
from tests.github.expressions import ExpressionError, evaluate, fill
from tests.github.forge import Forge
from tests.github.runner import SHELLS, Machine, Run, read_workflow
from tests.github.stand_in import StandIn
from tests.support import REPOSITORY

WORKFLOWS = REPOSITORY / ".github" / "workflows"
CONTEXTS = {
    "github": {"event": {}, "ref": "Main"},
    "inputs": {"dry-run": False, "mapping": "", "day": "2026-01-31"},
    "vars": {},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.ref == 'main'", True),
        ("inputs.mapping || vars.MAPPING || 'all'", "all"),
        ("inputs.mapping && format('[\"{0}\"]', inputs.mapping) || '[]'", "[]"),
        ("!inputs.dry-run && inputs.day != ''", True),
        ("github.event.pull_request.head.sha || 'none'", "none"),
        ("github.event.pull_request.number == null", True),
        ("fromJSON('[\"it''s\"]')", ["it's"]),
        ("vars.SWITCH == 'true'", False),
    ],
)
def test_expressions_mean_what_they_mean_on_github(text: str, value: Any) -> None:
    assert evaluate(text, CONTEXTS) == value


@pytest.mark.parametrize(
    "text", ["github.reff", "secret.X", "hashFiles('x')", "'a' 'b'", "inputs.day ==", "(true", "a + b"]
)
def test_an_expression_that_github_would_refuse_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, CONTEXTS)


def test_a_text_is_filled_as_github_fills_it() -> None:
    assert fill("day ${{ inputs.day }}: ${{ inputs.dry-run }}${{ vars.NONE }}", CONTEXTS) == "day 2026-01-31: false"
    assert fill("${{ inputs.dry-run }}", CONTEXTS) is False


def workflow(steps: str, permissions: str = "{}", outputs: str = "{}", more: str = "") -> str:
    """A workflow that is run by hand."""
    return f"""\
name: Test
on:
  workflow_dispatch:
permissions: {{}}
defaults: {{run: {{shell: bash}}}}
jobs:
  first:
    runs-on: ubuntu-24.04
    timeout-minutes: 1
    permissions: {permissions}
    outputs: {outputs}
    steps:
{steps}
{more}"""


def by_hand(folder: Path, github: StandIn, machine: Machine, text: str, **secrets: str) -> Run:
    forge = Forge(folder, github, machine, {".github/workflows/test.yml": text})
    forge.runner.secrets |= secrets
    return forge.dispatch("test.yml")


def test_outputs_have_lines_and_a_failure_ends_the_job(tmp_path: Path, github: StandIn, machine: Machine) -> None:
    steps = """\
      - id: one
        run: printf 'text<<END\\na=b\\n\\nc\\nEND\\n' >> "$GITHUB_OUTPUT"
      - {name: fails, run: "false | cat"}
      - {name: not reached, run: echo here}
      - {name: always, if: always(), run: 'echo "::error file=x.yaml,line=3::broken"'}
"""
    later = """\
  second:
    needs: first
    if: ${{ !cancelled() }}
    runs-on: ubuntu-24.04
    timeout-minutes: 1
    permissions: {}
    steps:
      - run: echo "$TEXT"
        env: {TEXT: "${{ needs.first.outputs.text }}"}
  third:
    needs: first
    runs-on: ubuntu-24.04
    timeout-minutes: 1
    permissions: {}
    steps: [{run: "true"}]
"""
    run = by_hand(
        tmp_path, github, machine, workflow(steps, outputs='{text: "${{ steps.one.outputs.text }}"}', more=later)
    )
    assert [step.outcome for step in run.jobs["first"].steps] == ["success", "failure", "skipped", "success"]
    assert run.jobs["first"].annotations == [("error", "file=x.yaml,line=3", "broken")]
    assert {name: job.result for name, job in run.jobs.items()} == {
        "first": "failure",
        "second": "success",
        "third": "skipped",
    }
    assert "a=b\n\nc" in run.jobs["second"].text


ASK = """\
import os, requests
headers = {"authorization": "Bearer " + os.environ["TOKEN"]}
url = os.environ["GITHUB_API_URL"] + "/repos/acme/portal/issues/1/comments"
print("answered", requests.post(url, json={"body": "Hello"}, headers=headers).status_code)
"""


@pytest.mark.parametrize(("level", "status"), [("read", 403), ("write", 201)])
def test_a_token_may_do_what_its_job_may(
    tmp_path: Path, github: StandIn, machine: Machine, level: str, status: int
) -> None:
    github.open_pull("a" * 40)
    steps = f"""\
      - uses: actions/setup-python@{"a" * 40}
      - run: python -c "$ASK"
        env: {{TOKEN: "${{{{ github.token }}}}", ASK: {json.dumps(ASK)}}}
"""
    assert (
        f"answered {status}" in by_hand(tmp_path, github, machine, workflow(steps, f"{{pull-requests: {level}}}")).text
    )


def test_a_secret_in_a_log_is_a_fault(tmp_path: Path, github: StandIn, machine: Machine) -> None:
    steps = '      - run: echo "$KEY"\n        env: {KEY: "${{ secrets.KEY }}"}\n'
    with pytest.raises(AssertionError, match="a secret is in the log"):
        by_hand(tmp_path, github, machine, workflow(steps), KEY="what nobody may know")


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ('      - run: echo "${{ github.ref }}"\n', "put into it as code"),
        ("      - uses: actions/checkout@v6\n", "isn't pinned"),
        (f"      - uses: actions/checkout@{'a' * 40}\n", "persist-credentials"),
    ],
)
def test_what_a_reviewer_would_refuse_is_an_error(
    tmp_path: Path, github: StandIn, machine: Machine, steps: str, why: str
) -> None:
    with pytest.raises(AssertionError, match=why):
        by_hand(tmp_path, github, machine, workflow(steps))


@pytest.mark.parametrize("name", ["validate-plan", "apply", "sync", "drift"])
def test_what_can_be_called_asks_for_nothing_and_runs_a_release(name: str) -> None:
    called = read_workflow(WORKFLOWS / f"{name}.yml")["on"]["workflow_call"]
    assert not [each for each in called["inputs"].values() if each.get("required")]
    assert not [each for each in called["secrets"].values() if each["required"]]
    assert called["inputs"]["package"]["default"] == f"portcfg=={__version__}"


def test_what_writes_is_never_stopped_half_way() -> None:
    for name in ("apply", "sync"):
        for job in read_workflow(WORKFLOWS / f"{name}.yml")["jobs"].values():
            assert job["concurrency"]["cancel-in-progress"] is False
            assert "port" in yaml.safe_dump(job["environment"])


OTHER = "0.0.99"


def test_the_action_runs_any_command_with_its_arguments(tmp_path: Path, github: StandIn, machine: Machine) -> None:
    steps = f"""\
      - uses: actions/checkout@{"a" * 40}
        with: {{persist-credentials: false}}
      - uses: acme/portcfg@{"a" * 40}
        with:
          command: validate
          arguments: |
            --specs
            a folder; exit 1
            --quiet
      - id: one
        uses: acme/portcfg@{"a" * 40}
        with:
          command: github plan
          arguments: |
            --specs=a folder; exit 1
            --base=a folder; exit 1
            --out=review
        env: {{PYTHONPATH: "{machine.packages}"}}
      - name: says
        run: echo "$CHANGES $CODE"
        env:
          CHANGES: ${{{{ steps.one.outputs.has-changes }}}}
          CODE: ${{{{ steps.one.outputs.exit-code }}}}
      - uses: acme/portcfg@{"a" * 40}
        with: {{command: validate, package: "portcfg=={OTHER}"}}
"""
    text = workflow(steps).replace("defaults:", f"env: {{PYTHONPATH: '{machine.packages}'}}\ndefaults:", 1)
    folder = "a folder; exit 1"
    files = {".github/workflows/test.yml": text, f"{folder}/portcfg.yaml": "version: 1\n"}
    *_, says, other = Forge(tmp_path, github, machine, files).dispatch("test.yml").jobs["first"].steps
    assert says.text.startswith("false 0"), says
    # What another step installed isn't taken for it.
    assert f"No matching distribution found for portcfg=={OTHER}" in other.text


CALLER = """\
name: Validate and plan
on: [pull_request]
permissions: {{}}
jobs:
  call:
    permissions: {permissions}
    uses: acme/portcfg/.github/workflows/validate-plan.yml@{commit}
    with: {{specs: elsewhere, package: --requirement=requirements.txt}}
"""


def caller(folder: Path, github: StandIn, machine: Machine, permissions: str) -> Forge:
    """A repository that calls this project's workflow, and says by its hash which portcfg."""
    (wheel,) = Path(machine.environ["PIP_FIND_LINKS"]).glob("*.whl")
    locked = f"portcfg=={__version__} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    text = CALLER.format(permissions=permissions, commit="a" * 40).replace("on: [pull_request]", "on: {pull_request: }")
    files = {".github/workflows/plan.yml": text, "elsewhere/portcfg.yaml": "version: 1\n", "requirements.txt": locked}
    return Forge(folder, github, machine, files)


def test_a_repository_of_specs_calls_a_workflow(tmp_path: Path, github: StandIn, machine: Machine) -> None:
    forge = caller(tmp_path, github, machine, "{actions: read, contents: read, pull-requests: write}")
    number, (run,) = forge.open(
        {"elsewhere/blueprints/service.yaml": "title: Service\nschema: {properties: {}, required: []}\n"}
    )
    assert run.conclusion == "success", run.text
    assert "blueprint/service" in github.texts(number)[0]


def test_a_caller_must_let_a_job_do_what_it_needs(tmp_path: Path, github: StandIn, machine: Machine) -> None:
    with pytest.raises(AssertionError, match="pull-requests: write, its caller: none"):
        caller(tmp_path, github, machine, "{actions: read, contents: read}").open({"elsewhere/x.txt": "x"})


def test_findings_become_alerts_where_somebody_asks_for_them(tmp_path: Path, github: StandIn, machine: Machine) -> None:
    text = (WORKFLOWS / "code-scanning.yml").read_text(encoding="utf-8")
    text = text.replace("PORTCFG_PACKAGE: .\n", "PORTCFG_PACKAGE: portcfg\n")
    forge = Forge(tmp_path, github, machine, {".github/workflows/scan.yml": text, "specs/portcfg.yaml": "version: 1\n"})
    (run,) = forge.push({"specs/blueprints/service.yaml": "title: Service\n"})
    assert run.jobs["scan"].result == "skipped"
    forge.runner.variables["PORT_CODE_SCANNING"] = "true"
    (run,) = forge.push({"specs/blueprints/service.yaml": "title: The service\n"})
    assert run.conclusion == "success", run.text
    (alerts,) = [json.loads(sarif)["runs"][0]["results"] for sarif in forge.runner.sarif]
    assert [each["ruleId"] for each in alerts] == ["PC103"]
    location = alerts[0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "specs/blueprints/service.yaml"


STUB = """\
#!/usr/bin/env python3
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
print("begun", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("name", ["apply", "sync"])
def test_cancelling_reaches_portcfg_itself(tmp_path: Path, name: str) -> None:
    """GitHub tells only the process that it has started, and that is bash."""
    stub, script = tmp_path / "portcfg", tmp_path / "step.sh"
    stub.write_text(STUB, encoding="utf-8")
    stub.chmod(0o755)
    steps = read_workflow(WORKFLOWS / f"{name}.yml")["jobs"][name]["steps"]
    script.write_text(next(step["run"] for step in steps if "portcfg github" in step.get("run", "")), encoding="utf-8")
    environ = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen([*SHELLS["bash"], str(script)], env=environ, stdout=subprocess.PIPE) as step:
        assert step.stdout and step.stdout.readline() == b"begun\n"
        step.send_signal(signal.SIGINT)
        assert step.wait(30) == 130


DOCS = (REPOSITORY / "docs" / "github.md").read_text(encoding="utf-8")
CALLABLE = ("validate-plan", "comment-fork", "apply", "drift", "sync", "code-scanning")


def test_the_action_hands_on_every_output_that_the_documents_list() -> None:
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))["outputs"]
    rows = re.findall(r"^\| (`[\w-]+`.*?) \|", DOCS.partition("| output |")[2].partition("\n\n")[0], re.MULTILINE)
    sentences = re.findall(r"^Outputs: (.*)\.$|\bOutputs: (.*?)\.", DOCS, re.MULTILINE)
    listed = {name for text in [*rows, *map("".join, sentences)] for name in re.findall("`([a-z-]+)`", text)}
    assert len(rows) == 8
    assert len(sentences) == 3
    assert set(action) == (listed | {"snapshot"}) - {"true", "false"}
    assert all(each["value"] == f"${{{{ steps.portcfg.outputs.{name} }}}}" for name, each in action.items())


def test_the_documents_say_what_each_job_may_do() -> None:
    listed = {}
    for file, job, may in re.findall(
        r"^\| `([\w-]+)\.yml`(?:: `(\w+)`)? \|[^|]*\| (read [^|]*?) \|", DOCS, re.MULTILINE
    ):
        parts = dict(part.split(" ", 1) for part in may.split("; "))
        listed[file, job] = {
            name.replace(" ", "-"): level for level, names in parts.items() for name in re.split(", | and ", names)
        }
    for name in CALLABLE:
        jobs = read_workflow(WORKFLOWS / f"{name}.yml")["jobs"]
        for job, data in jobs.items():
            assert listed.pop((name, job if len(jobs) > 1 else "")) == data["permissions"], f"{name}: {job}"
    assert not listed


@pytest.mark.parametrize("kind", ["vars", "secrets"])
def test_the_documents_have_every_variable_and_secret(kind: str) -> None:
    texts = [(WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8") for name in CALLABLE]
    used = {found for text in texts for found in re.findall(rf"\b{kind}\.(\w+)", text)}
    assert [name for name in sorted(used) if f"`{name}`" not in DOCS] == []
    assert used >= (set(re.findall(r"^\| `(PORT_\w+)` \|", DOCS, re.MULTILINE)) if kind == "vars" else set())
