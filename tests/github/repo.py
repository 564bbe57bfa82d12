"""A repository for the tests of what goes from a pull request to Port: planned, merged, applied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import Result

from portcfg.errors import ApiError
from tests.github.stand_in import StandIn
from tests.github.support import HEAD, OTHER, THING, Job, pull_request, write
from tests.support import Bench

MERGE = "e" * 40
BLUEPRINT = "/blueprints/thing"
PORTCFG = "<!-- portcfg apply: -->"


def title(text: str) -> dict[str, Any]:
    """The thing under another title."""
    return {**THING, "title": text}


@dataclass
class Repo:
    """A repository with a pull request or several, and the Port that it is for."""

    job: Job
    bench: Bench

    @property
    def github(self) -> StandIn:
        return self.job.github

    def plan(self, head: str = HEAD, repository: str = "acme/portal", *flags: str, **environ: str) -> dict[str, bytes]:
        """What `github plan` makes of the specs, for a pull request's head."""
        event = pull_request(1, head, repository)
        done = self.job.run("pull_request", event, "github", "plan", "--out", "review", *flags, **environ)
        assert done.exit_code == 0, done.output
        return {path.name: path.read_bytes() for path in Path("review").iterdir()}

    def upload(self, files: Mapping[str, bytes], head: str = HEAD, repository: str = "acme/portal") -> int:
        """The artifact of that plan's run."""
        return self.github.upload(self.github.run(head, repository=repository), f"portcfg-plan-default-{head}", files)

    def comment(self, number: int, head: str = HEAD) -> None:
        """What `github comment` says of the last plan."""
        done = self.job.run("pull_request", pull_request(number, head), "github", "comment", "review", "--required")
        assert done.exit_code == 0, done.output

    def reviewed(self, head: str = HEAD, merge: str = MERGE, **environ: str) -> int:
        """A pull request with the specs as they are: planned, and merged; its number."""
        number = self.github.open_pull(head)
        self.upload(self.plan(head, **environ), head)
        self.github.merge(number, merge)
        return number

    def apply(self, *args: str, event: str = "push", sha: str = MERGE, **environ: str) -> Result:
        """`github apply` for a commit of the main branch; what was asked of Port is forgotten before."""
        self.bench.clear()
        payload = {"after": sha, "repository": {"full_name": "acme/portal", "default_branch": "main"}}
        self.github.log.clear()
        ref = "acme/portal/.github/workflows/apply.yml@refs/heads/main"
        more = {"GITHUB_SHA": sha, "GITHUB_WORKFLOW_REF": ref, **environ}
        return self.job.run(event, payload, "github", "apply", *args, **more)

    def applied_before(self, *bodies: dict[str, Any]) -> None:
        """Blueprints that an earlier pull request brought, and that Port has from its apply."""
        write(*bodies)
        self.reviewed(OTHER, merge="5" * 40)
        assert self.apply(sha="5" * 40).exit_code == 0

    def while_compared(self, happens: Callable[[], Any]) -> None:
        """Something happens once, when the reviewed plan is fetched: after the plan of now was made."""
        left = [happens]

        def meanwhile(method: str, path: str) -> None:
            if path.endswith("/zip") and left:
                left.pop()()

        self.github.meanwhile = meanwhile

    @property
    def title(self) -> str | None:
        """What Port calls the thing; None where it has none."""
        with closing(self.bench.reader()) as port:
            try:
                return str(port.get(BLUEPRINT)["blueprint"]["title"])
            except ApiError:
                return None

    def issues(self, state: str = "open") -> list[dict[str, Any]]:
        """The issues in this state."""
        return [issue for issue in self.github.issues.values() if issue["state"] == state]

    def commit_comments(self) -> list[str]:
        """The comments on commits."""
        return [each["body"] for each in self.github.commit_comments.values()]
