"""The `github` group: what the jobs of the workflows run."""

from __future__ import annotations

import click

from portcfg.cli.late import LateGroup, Table

COMMANDS: Table = {
    "plan": ("github_plan", "Validate and plan, and write the folder that a review is made of; posts nothing."),
    "comment": ("github_comment", "Post what a review folder says on its pull request: one comment, and labels."),
    "apply": ("github_apply", "Apply what was reviewed in the pull request of this commit, or nothing."),
    "drift": ("github_drift", "Look for what was changed in Port behind the specs' back; an issue says what."),
    "sync": ("github_sync", "Run the mappings as `sync` does; an issue a mapping says what is wrong."),
    "fetch-snapshot": ("github_snapshot", "Fetch the snapshot of Port that plans without credentials compare with."),
}


@click.group("github", cls=LateGroup, table=COMMANDS)
def github_command() -> None:
    """The steps of the workflows in .github/workflows, which run nothing else. docs/github.md says how they fit.

    \b
    Examples:
      portcfg github plan --out review
      portcfg github comment review
    """
