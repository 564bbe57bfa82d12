"""github sync: the mappings are run, and an issue a mapping says what keeps a run from ending well."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import click

from portcfg.cli.common import checked_specs, say, specs_options
from portcfg.cli.github_job import connected, failure_told, posted, run_line
from portcfg.cli.quarantine import quarantine_option
from portcfg.cli.sync import Asked, asked_of, run_all, run_options
from portcfg.cli.writes import parallelism_option
from portcfg.errors import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, PortcfgError
from portcfg.github.api import GitHub
from portcfg.github.event import Event, is_private, read_event
from portcfg.github.issues import Matter, close_issue, keep_issue
from portcfg.github.outputs import told, write_outputs, write_summary
from portcfg.render.applied import hidden
from portcfg.render.problems_github import logged
from portcfg.render.safe import code, plain, shortened
from portcfg.render.sync import sync_markdown, sync_text, sync_trouble
from portcfg.settings import Settings
from portcfg.sync.flight import PARALLELISM
from portcfg.sync.report import SyncReport
from portcfg.sync.unnamed import masked, unnamed

MAX_TOLD = 2_000


@click.command("sync", short_help="Run the mappings as `sync` does; an issue a mapping says what is wrong.")
@specs_options
@run_options
@partial(parallelism_option, default=PARALLELISM)
@quarantine_option
def sync_command(settings: Settings, **said: Any) -> int:
    """Run the mappings as `portcfg sync` does, with its exit code, and tell how it went in the job's summary.

    While a mapping's runs don't end well, an issue says why; the next whole run that does closes it. A whole run is one
    of all streams and of the days that are due; a dry run touches no issue. Summary and issue name no row; neither does
    the log, where the repository isn't private.

    \b
    Examples:
      portcfg github sync
      portcfg github sync cursor --env production --since 2026-01-01
    """
    event = read_event(settings.environ)
    begun: list[str] = []
    reports: list[SyncReport] = []
    failure: PortcfgError | None = None
    with connected(settings) as github, failure_told(settings, "sync"):
        private = is_private(event, github)
        # First: who keeps what the run leaves behind has to know, however it ends.
        write_outputs(settings.environ, {"private": str(private).lower()})
        specs = checked_specs(settings)
        asked = asked_of(specs, settings, **said)
        try:
            ended = run_all(settings, specs, asked, "text", reports, begun.append)
        except PortcfgError as error:
            failure, ended = error, error.exit_code
        finally:
            _tell(settings, reports, private)
        write_outputs(settings.environ, {"exit-code": str(ended), **_counts(reports)})
        if not asked.options.dry_run and ended != EXIT_INTERRUPTED:
            _follow(settings, github, reports, _is_whole(asked), begun[-1] if failure else "")
            if failure and _has_issue(event, failure):
                text = code(shortened(masked(told(failure)), MAX_TOLD))
                _keep(settings, github, begun[-1], f"The run failed: {text}")
        if failure:
            raise failure
    return ended


def _tell(settings: Settings, reports: list[SyncReport], private: bool) -> None:
    """The log and the summary; also of what was done before something went wrong that nobody expected."""
    if reports:
        click.echo(logged("\n\n".join(sync_text(each if private else unnamed(each)) for each in reports)))
        write_summary(settings.environ, "\n\n".join(sync_markdown(unnamed(each)) for each in reports))


def _counts(reports: list[SyncReport]) -> dict[str, str]:
    totals = {
        "created": sum(item.created for each in reports for item in each.blueprints),
        "updated": sum(item.updated for each in reports for item in each.blueprints),
        "deleted": sum(item.deleted for each in reports for item in each.deletions),
        "rejected": sum(group.count for each in reports for group in each.rejected),
        "failed-streams": sum(stream.status == "failed" for each in reports for stream in each.streams),
    }
    return {name: str(count) for name, count in totals.items()}


def _has_issue(event: Event, failure: PortcfgError) -> bool:
    """Whether an issue tells an error. A setting that is missing is seen by whoever has started the run, if anybody."""
    return failure.exit_code == EXIT_ERROR or (failure.exit_code == EXIT_USAGE and event.name == "schedule")


def _follow(settings: Settings, github: GitHub, reports: list[SyncReport], whole: bool, failed: str) -> None:
    """Open, edit or close the issue of each mapping that has a report; `failed` is the one that an error ended."""
    for report in reports:
        if report.exit_code != EXIT_OK:
            _keep(settings, github, report.mapping, sync_trouble(unnamed(replace(report, quarantine=""))))
        elif whole and report.mapping != failed:
            said = "A whole run has ended well." + run_line(settings)
            posted(
                settings, "the end of the issue", partial(close_issue, github, _mark(settings, report.mapping), said)
            )


def _is_whole(asked: Asked) -> bool:
    """Whether a run reads all that is due; one of certain days or streams says nothing of the rest."""
    options = asked.options
    return not (options.asks_for_days or options.streams or options.slice or options.missing_only)


def _keep(settings: Settings, github: GitHub, mapping: str, text: str) -> None:
    name = shortened(plain(mapping), 100)
    place = f" ({shortened(plain(settings.environment), 100)})" if settings.environment else ""
    matter = Matter(_mark(settings, mapping), f"portcfg sync needs attention: {name}{place}", text + run_line(settings))
    posted(settings, "the issue", lambda: say(f"the issue: {keep_issue(github, matter)}"))


def _mark(settings: Settings, mapping: str) -> str:
    return hidden("sync", f"{mapping}\n{settings.environment}")
