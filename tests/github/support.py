"""Jobs for the tests: an environment as GitHub makes it, event payloads, and portcfg run in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from portcfg.cli.main import main
from portcfg.yamlread import dump
from tests.github.stand_in import StandIn

HEAD, OTHER, BASE = "a" * 40, "c" * 40, "b" * 40
FORK = "stranger/portal"
THING: dict[str, Any] = {"identifier": "thing", "title": "Thing", "schema": {"properties": {"a": {"type": "string"}}}}


def write(*bodies: dict[str, Any], root: str = "specs") -> None:
    """Blueprints as specs."""
    folder = Path(root, "blueprints")
    folder.mkdir(parents=True, exist_ok=True)
    for body in bodies:
        (folder / f"{body['identifier']}.yaml").write_text(dump(body))


def pull_request(number: int, head: str = HEAD, repository: str = "acme/portal") -> dict[str, Any]:
    """The payload of a pull_request event."""
    return {
        "action": "synchronize",
        "number": number,
        "pull_request": {
            "number": number,
            "head": {"sha": head, "ref": "change", "repo": {"full_name": repository}},
            "base": {"sha": BASE, "ref": "main", "repo": {"full_name": "acme/portal"}},
        },
        "repository": {"full_name": "acme/portal", "default_branch": "main"},
    }


def workflow_run(head: str = HEAD, repository: str = FORK) -> dict[str, Any]:
    """The payload of a workflow_run event, after a pull request's run."""
    return {
        "action": "completed",
        "workflow_run": {
            "id": 77,
            "event": "pull_request",
            "head_sha": head,
            "head_branch": "change",
            "head_repository": {"full_name": repository},
            "pull_requests": [],
        },
        "repository": {"full_name": "acme/portal", "default_branch": "main"},
    }


@dataclass
class Job:
    """A job in a folder of its own; `port` is what reaches Port, empty for one without secrets."""

    github: StandIn
    folder: Path
    port: Mapping[str, str] = field(default_factory=dict)
    token: str = "token"

    def run(self, event: str, payload: Mapping[str, Any], *args: str, **environ: str) -> Result:
        """portcfg with these arguments, in a step of a run that this event started."""
        for file in (self.summary_file, self.output_file):
            file.unlink(missing_ok=True)
        path = self.folder / "event.json"
        path.write_text(json.dumps(payload))
        environment = {
            **self.github.environ(self.token),
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_SHA": "d" * 40,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_RUN_ID": "4711",
            "GITHUB_WORKSPACE": str(self.folder),
            "GITHUB_OUTPUT": str(self.output_file),
            "GITHUB_STEP_SUMMARY": str(self.summary_file),
            **self.port,
            **environ,
        }
        return CliRunner().invoke(main, list(args), env=environment)

    @property
    def summary_file(self) -> Path:
        """The summary of the last step."""
        return self.folder / "summary.out"

    @property
    def output_file(self) -> Path:
        """The outputs of the last step."""
        return self.folder / "output.out"

    @property
    def summary(self) -> str:
        """The summary of the last step."""
        return self.summary_file.read_text() if self.summary_file.exists() else ""

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the last step, read as GitHub reads them."""
        return dict(_outputs(self.output_file.read_text()))


def no_command(done: Result) -> bool:
    """Whether nothing in a step's log is taken for a command, in the old form or the new."""
    return "##[" not in done.output and not re.search(r"(?m)^\s*::", done.output)


def _outputs(text: str) -> Iterator[tuple[str, str]]:
    lines = iter(text.splitlines())
    for line in lines:
        found = re.fullmatch("([^=<]+)<<(.+)", line)
        assert found, f"GitHub doesn't read {line!r}"
        value = []
        for part in lines:
            if part == found[2]:
                break
            value.append(part)
        yield found[1], "\n".join(value)
