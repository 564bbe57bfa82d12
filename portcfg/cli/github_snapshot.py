"""github fetch-snapshot: the newest snapshot that a run on the default branch has published."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click

from portcfg.cli.common import say, specs_options, write_private
from portcfg.cli.github_job import connected
from portcfg.errors import EXIT_OK, ApiError, PortcfgError, UntrustedPlanError
from portcfg.github.api import GitHub
from portcfg.github.artifacts import Artifact, artifact_name, artifacts, unpacked
from portcfg.github.outputs import annotation, told, write_outputs
from portcfg.render.safe import plain
from portcfg.settings import Settings
from portcfg.snapshot import parsed

# Should the newest be damaged, say by a run that was cancelled, the one before is as good.
MOST_TRIED = 3


@click.command("fetch-snapshot")
@specs_options
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file for `github plan --against FILE`.",
)
def fetch_snapshot_command(settings: Settings, out: Path) -> int:
    """Fetch the newest snapshot of Port that a run on the default branch has published as an artifact.

    Needs `actions: read` and none of Port's credentials. The step output `snapshot` is the file; where there is none,
    the command says so, writes no file, and ends well: a plan can be made against the base branch's specs.

    \b
    Examples:
      portcfg github fetch-snapshot --out snapshot.json
      portcfg github fetch-snapshot --out snapshot.json --env staging
    """
    name = artifact_name("snapshot", settings.environment)
    text = ""
    try:
        with connected(settings) as github:
            text = next(_texts(github, name), "")
    except ApiError as error:
        _warn(f"no snapshot could be fetched: {told(error)}")
    if text:
        write_private(out, text)
        say(f"wrote {out}")
    else:
        say(f"there is no artifact {name} of a run on the default branch that can be planned against")
    write_outputs(settings.environ, {"snapshot": str(out) if text else ""})
    return EXIT_OK


def _texts(github: GitHub, name: str) -> Iterator[str]:
    """The snapshots that can be read, the newest first; raises ApiError."""
    branch = str(github.get("").get("default_branch"))
    for artifact in islice((each for each in artifacts(github, name) if _is_ours(each, branch)), MOST_TRIED):
        try:
            yield _text(github, artifact)
        except ApiError:
            raise
        except PortcfgError as error:
            _warn(f"a snapshot isn't used: {told(error)}")


def _is_ours(artifact: Artifact, branch: str) -> bool:
    """Whether what is on the default branch has made it: pull requests may upload under any name."""
    return artifact.own and artifact.branch == branch and not artifact.expired


def _text(github: GitHub, artifact: Artifact) -> str:
    files = unpacked(github, artifact)
    if len(files) != 1:
        raise UntrustedPlanError(f"the artifact {artifact.name} isn't used: it holds {len(files)} files, not one")
    ((name, data),) = files.items()
    parsed(data, f"{name} of the artifact {artifact.name}")
    return data.decode("utf-8")


def _warn(text: str) -> None:
    click.echo(annotation("warning", "portcfg", plain(text)))
